//! Results and documents: kept byte-exact, all of a transaction or none.

use super::world::World;
use archive::find::ResourceQuery;
use archive::ingest::{ResourceDraft, Subject};
use archive::terms;
use record::{Identifier, Outcome, limits};
use serde_json::json;
use std::sync::Arc;

fn result(id: &str, code: &str, date: &str) -> ResourceDraft {
    ResourceDraft {
        resource_type: "Observation".to_owned(),
        id: id.to_owned(),
        version: 1,
        subject: Subject::Identifiers(vec![Identifier::Nik("3174015205900001".to_owned())]),
        terms: terms::code("http://loinc.org", code).to_vec(),
        date: date.to_owned(),
        summary: json!({"code": code}),
        metadata: json!({"splice": [1, 2]}),
        content: format!("{{\"id\":\"{id}\", \"spaces\" :  true}}").into_bytes(),
        says: seal::message::relate::Says::default(),
    }
}

fn by_code(code: &'static str) -> ResourceQuery {
    ResourceQuery {
        resource_type: "Observation".to_owned(),
        terms: vec![vec![terms::bare_code(code)]],
        accept: Some(Arc::new(move |summary| summary["code"] == code)),
        ..ResourceQuery::default()
    }
}

#[tokio::test]
async fn results_are_found_and_given_back_byte_exact() {
    let world = World::new().await;
    let drafts = vec![result("one", "94500-6", "20220105"), result("two", "94558-4", "20220106")];
    let stored = world.archive.store_resources(&world.a, drafts.clone()).await.unwrap();
    assert_eq!(
        stored.iter().map(|stored| (stored.id.as_str(), stored.version)).collect::<Vec<_>>(),
        [("one", 1), ("two", 1)]
    );
    assert_eq!(stored[0].patient, stored[1].patient);

    let found = world.archive.find_resources(&world.a, &by_code("94558-4")).await.unwrap();
    assert_eq!(found.iter().map(|row| row.facts.id.as_str()).collect::<Vec<_>>(), ["two"]);
    let dated = ResourceQuery {
        resource_type: "Observation".to_owned(),
        to: Some("20220105".to_owned()),
        ..ResourceQuery::default()
    };
    assert_eq!(world.archive.find_resources(&world.a, &dated).await.unwrap().len(), 1);
    let nik = terms::identifier(&Identifier::Nik("3174015205900001".to_owned()));
    let of_patient =
        ResourceQuery { resource_type: "Observation".to_owned(), terms: vec![vec![nik]], ..ResourceQuery::default() };
    assert_eq!(world.archive.find_resources(&world.a, &of_patient).await.unwrap().len(), 2);
    assert!(world.archive.find_resources(&world.b, &of_patient).await.unwrap().is_empty());

    let opened = world.archive.read_resource(&world.a, "Observation", "one", None).await.unwrap();
    assert_eq!(opened.read(0..u64::MAX).await.unwrap(), drafts[0].content);
    assert_eq!(opened.metadata().await.unwrap(), drafts[0].metadata);
}

#[tokio::test]
async fn versions_follow_each_other_and_belong_to_their_facility() {
    let world = World::new().await;
    world.archive.store_resources(&world.a, vec![result("one", "94500-6", "20220105")]).await.unwrap();
    let second = ResourceDraft { version: 2, content: b"second".to_vec(), ..result("one", "94500-6", "20220105") };
    let error = world.archive.store_resources(&world.b, vec![second.clone()]).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Refused);
    assert_eq!(world.archive.store_resources(&world.a, vec![second]).await.unwrap()[0].version, 2);
    let third = ResourceDraft { version: 2, ..result("one", "94500-6", "20220105") };
    assert_eq!(world.archive.store_resources(&world.a, vec![third]).await.unwrap_err(), archive::Error::Conflict);
    for (version, content) in [
        (None, "second".to_owned()),
        (Some(2), "second".to_owned()),
        (Some(1), String::from_utf8(result("one", "", "").content).unwrap()),
    ] {
        let opened = world.archive.read_resource(&world.a, "Observation", "one", version).await.unwrap();
        assert_eq!(opened.read(0..u64::MAX).await.unwrap(), content.as_bytes());
    }
    let absent = world.archive.read_resource(&world.a, "Observation", "one", Some(9)).await.unwrap_err();
    let strange = world.archive.read_resource(&world.b, "Observation", "one", None).await.unwrap_err();
    assert_eq!(absent, strange, "what is not there and what is not allowed look alike");
}

#[tokio::test]
async fn a_transaction_is_all_or_none() {
    let world = World::new().await;
    let unknown = Subject::Patient(record::Pseudonym([7; 16]));
    let drafts = vec![
        result("one", "94500-6", "20220105"),
        ResourceDraft { subject: unknown, ..result("two", "94500-6", "20220105") },
    ];
    assert_eq!(world.archive.store_resources(&world.a, drafts).await.unwrap_err().outcome(), Outcome::Refused);
    assert!(world.archive.read_resource(&world.a, "Observation", "one", None).await.is_err());
    let twice = vec![result("one", "94500-6", "20220105"), result("one", "94500-6", "20220105")];
    assert_eq!(world.archive.store_resources(&world.a, twice).await.unwrap_err().outcome(), Outcome::Invalid);

    let many: Vec<_> =
        (0..limits::BUNDLE_ENTRIES_MAX).map(|n| result(&format!("n{n}"), "94500-6", "20220105")).collect();
    assert_eq!(world.archive.store_resources(&world.a, many.clone()).await.unwrap().len(), limits::BUNDLE_ENTRIES_MAX);
    let beyond: Vec<_> = many.into_iter().chain([result("last", "94500-6", "20220105")]).collect();
    assert_eq!(world.archive.store_resources(&world.a, beyond).await.unwrap_err().outcome(), Outcome::Invalid);
}
