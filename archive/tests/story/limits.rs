//! A search that would open too much is refused with advice, and one at the limit is not.

use super::world::{Image, World};
use archive::find::{Level, Matching, Query, ResourceQuery};
use archive::object::{InstanceFacts, Kind, ObjectRecord, ResourceFacts};
use archive::retrieve::Target;
use record::{FacilityCode, ObjectId, Outcome, Pseudonym, limits};
use seal::message::WrappedKey;
use std::sync::Arc;
use wire::dataset::{Draft, Tag, VR};
use wire::syntax::Encoding;

/// A record that the index shows and that no key opens.
fn record(number: usize, kind: Kind) -> ObjectRecord {
    let mut object = [0; 16];
    object[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let key = WrappedKey { epoch: 1, sealed: vec![0; 60] };
    ObjectRecord {
        object: ObjectId(object),
        version: 1,
        patient: Pseudonym(object),
        linked: Vec::new(),
        facility: FacilityCode::new("RSUD-A").unwrap(),
        sender: "pacs".to_owned(),
        arrived: 0,
        tokens: Vec::new(),
        summary_key: key.clone(),
        content_key: key,
        commitment: [0; 32],
        summary: Default::default(),
        metadata: Default::default(),
        content: Default::default(),
        kind,
        given: Vec::new(),
    }
}

fn instance(study: usize, number: usize) -> Kind {
    Kind::Instance(InstanceFacts {
        study_instance_uid: format!("1.{study}"),
        series_instance_uid: format!("1.{study}.1"),
        sop_instance_uid: format!("1.{study}.1.{number}"),
        ..InstanceFacts::default()
    })
}

async fn commit(world: &World, records: Vec<ObjectRecord>) {
    for frame in records.chunks(limits::FRAME_OBJECTS_MAX) {
        let mut frame = frame.to_vec();
        let mut draft = world.archive.storage().draft();
        for record in &mut frame {
            record.summary = draft.append_part(&[0; 72]).unwrap();
            record.metadata = draft.append_part(&[1; 72]).unwrap();
            record.content = draft.append_part(&[2; 72]).unwrap();
        }
        world.archive.storage().commit(draft, frame).await.unwrap();
    }
}

#[tokio::test]
async fn a_search_opens_up_to_its_limit() {
    let world = World::new().await;
    let studies = (0..limits::SEARCH_OPENED_MAX).map(|n| record(n, instance(n, 1))).collect();
    commit(&world, studies).await;
    let queries = [
        Query::at(Level::Study),
        Query::at(Level::Study).with(0x0010_0010, Matching::Wildcard("*a*".to_owned())),
        Query {
            limit: Some(1),
            ..Query::at(Level::Patient).with(0x0010_0030, Matching::Single("19900101".to_owned()))
        },
    ];
    for query in &queries {
        assert!(
            world.archive.find(&world.a, query).await.unwrap().is_empty(),
            "what the key service refuses is left out"
        );
    }
    commit(&world, vec![record(limits::SEARCH_OPENED_MAX, instance(limits::SEARCH_OPENED_MAX, 1))]).await;
    for query in &queries {
        if query.limit.is_some() {
            // A page ends at the limit and tells where to go on; the next one reaches the end.
            let page = world.archive.find_page(&world.a, query).await.unwrap();
            let next = Query { after: page.next, ..query.clone() };
            assert!(next.after.is_some() && page.total.is_none());
            assert!(world.archive.find_page(&world.a, &next).await.unwrap().next.is_none());
            // An offset that cannot be counted to within the limit is too far.
            let far = Query { offset: 1, ..query.clone() };
            assert!(matches!(world.archive.find(&world.a, &far).await, Err(archive::Error::TooBroad(_))));
            continue;
        }
        let error = world.archive.find(&world.a, query).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Invalid);
        assert!(error.to_string().contains("narrow the search"), "{error}");
    }
    // A page that the index alone turns opens no more than the page.
    let page = Query { limit: Some(100), ..Query::at(Level::Study) };
    assert!(world.archive.find(&world.a, &page).await.is_ok());
}

#[tokio::test]
async fn a_search_of_resources_opens_up_to_its_limit() {
    let world = World::new().await;
    let kind = |n: usize| {
        Kind::Resource(ResourceFacts {
            resource_type: "Observation".to_owned(),
            id: format!("n{n}"),
            date: String::new(),
        })
    };
    commit(&world, (0..limits::SEARCH_OPENED_MAX).map(|n| record(n, kind(n))).collect()).await;
    let query = ResourceQuery {
        resource_type: "Observation".to_owned(),
        accept: Some(Arc::new(|_| true)),
        ..ResourceQuery::default()
    };
    assert!(world.archive.find_resources(&world.a, &query).await.unwrap().is_empty());
    commit(&world, vec![record(limits::SEARCH_OPENED_MAX, kind(limits::SEARCH_OPENED_MAX))]).await;
    assert_eq!(world.archive.find_resources(&world.a, &query).await.unwrap_err().outcome(), Outcome::Invalid);
}

#[tokio::test]
async fn a_retrieve_names_up_to_its_limit() {
    let world = World::new().await;
    commit(&world, (0..limits::LOCATED_MAX).map(|n| record(n, instance(1, n))).collect()).await;
    let study = Target::study("1.1");
    assert_eq!(world.archive.locate(&world.a, &study).await.unwrap().len(), limits::LOCATED_MAX);
    commit(&world, vec![record(limits::LOCATED_MAX, instance(1, limits::LOCATED_MAX))]).await;
    assert_eq!(world.archive.locate(&world.a, &study).await.unwrap_err().outcome(), Outcome::Invalid);
    assert_eq!(world.archive.locate(&world.a, &Target::default()).await.unwrap_err().outcome(), Outcome::Invalid);
}

#[tokio::test]
async fn a_patient_has_up_to_so_many_numbers_and_terms() {
    let world = World::new().await;
    // PatientID is one more.
    for (others, warned) in [(limits::IDENTIFIERS_MAX - 1, false), (limits::IDENTIFIERS_MAX, true)] {
        let numbers = (0..others).map(|n| Draft::new().text(Tag(0x0010, 0x0020), VR::LO, format!("N{n}"))).collect();
        let image = Image::new("7", "A^B", "1.2.3", u32::try_from(others).unwrap());
        let bytes = image.draft().items(Tag(0x0010, 0x1002), numbers).encode(Encoding::ExplicitLittle).unwrap();
        let stored = world.store(&world.a, &bytes).await.unwrap();
        assert_eq!(
            stored.warnings.iter().any(|warning| warning.contains("identifiers")),
            warned,
            "{:?}",
            stored.warnings
        );
    }
    // Each of these words is a term, and so are its beginnings and its sound.
    for (letters, warned) in [(70, false), (600, true)] {
        let names: Vec<String> = (0..letters).map(|n| format!("{n}x")).collect();
        let image = Image::new("8", "A^B", "1.2.4", letters);
        let bytes =
            image.draft().text(Tag(0x0010, 0x1001), VR::PN, names.join("\\")).encode(Encoding::ExplicitLittle).unwrap();
        let stored = world.store(&world.a, &bytes).await.unwrap();
        assert_eq!(
            stored.warnings.iter().any(|warning| warning.contains("search terms")),
            warned,
            "{:?}",
            stored.warnings
        );
        let opened = world.open(&world.a, &image.target()).await.unwrap().pop().unwrap();
        assert_eq!(opened.read(0..u64::MAX).await.unwrap(), bytes, "what cannot be searched is kept all the same");
    }
}

#[tokio::test]
async fn a_search_names_up_to_so_many_terms() {
    let world = World::new().await;
    for (words, fits) in [(limits::TERMS_MAX, true), (limits::TERMS_MAX + 1, false)] {
        let query = Query::at(Level::Study).with(0x0010_0010, Matching::Single(vec!["A"; words].join("^")));
        let found = world.archive.find(&world.a, &query).await;
        assert_eq!(found.err().map(|error| error.outcome()), (!fits).then_some(Outcome::Invalid));
    }
}
