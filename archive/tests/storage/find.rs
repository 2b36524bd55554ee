//! What the index answers.

use crate::support::{Folder, facility, facts, instance, patient, put, put_all, resource, token};
use archive::index::rows::{DateRange, Filter, ResourceFilter};
use archive::storage::Storage;
use record::{Outcome, Token, limits};

async fn world(storage: &Storage) {
    for n in 0..30 {
        let mut record = instance(n, "RS-A", n / 3);
        record.tokens.push(Token(vec![4, u8::try_from(n % 2).unwrap(), 0]));
        put(storage, record).await.unwrap();
    }
    let mut mr = instance(40, "RS-A", 2);
    facts(&mut mr).series_instance_uid = "1.2.2.2".to_owned();
    facts(&mut mr).modality = "MR".to_owned();
    facts(&mut mr).sop_class_uid = "1.2.840.10008.5.1.4.1.1.4".to_owned();
    put(storage, mr).await.unwrap();
    // Patient 5 is also treated by RS-B, whose study has the same UID; patient 900 is the same person as patient 5.
    let mut shared = instance(50, "RS-B", 5);
    shared.linked = vec![patient(900)];
    put(storage, shared).await.unwrap();
    put(storage, instance(60, "RS-C", 900)).await.unwrap();
}

fn uids(storage: &Storage, filter: &Filter) -> Vec<String> {
    storage.index().studies(filter).unwrap().into_iter().map(|row| row.study_instance_uid).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn studies_by_day_modality_token_and_uid() {
    let folder = Folder::new();
    let storage = folder.open();
    world(&storage).await;
    let all = Filter::new(facility("RS-A"), 100);
    // Patient 0 is of 1 January, and so on: newest first.
    let newest_first =
        ["1.2.9", "1.2.8", "1.2.7", "1.2.6", "1.2.5", "1.2.5", "1.2.4", "1.2.3", "1.2.2", "1.2.1", "1.2.0"];
    assert_eq!(uids(&storage, &all), newest_first);
    let paged = Filter { limit: 2, offset: 3, ..all.clone() };
    assert_eq!(uids(&storage, &paged), newest_first[3..5]);
    let days =
        |from: Option<&str>, to: Option<&str>| DateRange { from: from.map(str::to_owned), to: to.map(str::to_owned) };
    let table: Vec<(&str, Filter, &[&str])> = vec![
        ("a day", Filter { study_date: days(Some("20260104"), Some("20260104")), ..all.clone() }, &["1.2.3"]),
        ("from", Filter { study_date: days(Some("20260109"), None), ..all.clone() }, &["1.2.9", "1.2.8"]),
        ("to", Filter { study_date: days(None, Some("20260102")), ..all.clone() }, &["1.2.1", "1.2.0"]),
        ("modality", Filter { modalities: vec!["MR".into()], ..all.clone() }, &["1.2.2"]),
        ("modalities", Filter { modalities: vec!["MR".into(), "US".into()], ..all.clone() }, &["1.2.2"]),
        (
            "modality and day",
            Filter { modalities: vec!["MR".into()], study_date: days(Some("20260104"), None), ..all.clone() },
            &[],
        ),
        ("token", Filter { tokens: vec![vec![token("patient7")]], ..all.clone() }, &["1.2.7"]),
        (
            "either token",
            Filter { tokens: vec![vec![token("patient7"), token("patient1")]], ..all.clone() },
            &["1.2.7", "1.2.1"],
        ),
        ("both tokens", Filter { tokens: vec![vec![token("patient7")], vec![token("patient1")]], ..all.clone() }, &[]),
        (
            "token in a range",
            Filter { tokens: vec![vec![token("everyone")]], study_date: days(None, Some("20260101")), ..all.clone() },
            &["1.2.0"],
        ),
        ("no token of a group", Filter { tokens: vec![vec![]], ..all.clone() }, &[]),
        ("study", Filter { study_instance_uids: vec!["1.2.4".into()], ..all.clone() }, &["1.2.4"]),
        ("series", Filter { series_instance_uids: vec!["1.2.2.2".into()], ..all.clone() }, &["1.2.2"]),
        ("instance", Filter { sop_instance_uids: vec!["1.2.0.1.1".into()], ..all.clone() }, &["1.2.0"]),
        (
            "instance in another study",
            Filter {
                study_instance_uids: vec!["1.2.4".into()],
                sop_instance_uids: vec!["1.2.0.1.1".into()],
                ..all.clone()
            },
            &[],
        ),
        ("class", Filter { sop_class_uids: vec!["1.2.840.10008.5.1.4.1.1.4".into()], ..all.clone() }, &["1.2.2"]),
        ("patient", Filter { patients: vec![patient(3), patient(12345)], ..all.clone() }, &["1.2.3"]),
    ];
    for (name, filter, expected) in table {
        assert_eq!(uids(&storage, &filter), expected, "{name}");
    }
    let row = storage.index().studies(&Filter { study_instance_uids: vec!["1.2.2".into()], ..all }).unwrap().remove(0);
    assert_eq!((row.series, row.instances, row.modalities), (2, 4, vec!["CT".to_owned(), "MR".to_owned()]));
    assert_eq!(
        (row.study_date.as_str(), row.patient, row.representative.record.patient),
        ("20260103", patient(2), patient(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facility_finds_whom_it_has_treated_and_nobody_else() {
    let folder = Folder::new();
    let storage = folder.open();
    world(&storage).await;
    let b = Filter::new(facility("RS-B"), 100);
    // By the days, by a token, by UID: always patient 5, as RS-A and RS-B have it, and patient 900, who is the same person.
    assert_eq!(uids(&storage, &b), ["1.2.900", "1.2.5", "1.2.5"]);
    assert_eq!(
        uids(&storage, &Filter { tokens: vec![vec![token("everyone")]], ..b.clone() }),
        ["1.2.900", "1.2.5", "1.2.5"]
    );
    assert_eq!(uids(&storage, &Filter { tokens: vec![vec![token("patient7")]], ..b.clone() }), [""; 0]);
    assert_eq!(uids(&storage, &Filter { study_instance_uids: vec!["1.2.7".into()], ..b.clone() }), [""; 0]);
    assert_eq!(uids(&storage, &Filter { sop_instance_uids: vec!["1.2.7.1.22".into()], ..b.clone() }), [""; 0]);
    assert_eq!(uids(&storage, &Filter { patients: vec![patient(7)], ..b }), [""; 0]);
    assert_eq!(uids(&storage, &Filter::new(facility("RS-Z"), 100)), [""; 0]);
    assert!(storage.index().treated(patient(5), &facility("RS-B")).unwrap());
    assert!(storage.index().treated(patient(900), &facility("RS-B")).unwrap());
    assert!(!storage.index().treated(patient(7), &facility("RS-B")).unwrap());
    assert!(!storage.index().treated(patient(5), &facility("RS-C")).unwrap());
    let both = storage
        .index()
        .studies(&Filter { study_instance_uids: vec!["1.2.5".into()], ..Filter::new(facility("RS-A"), 9) })
        .unwrap();
    assert_eq!(both.iter().map(|row| row.facility.as_str()).collect::<Vec<_>>(), ["RS-B", "RS-A"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn series_instances_and_patients() {
    let folder = Folder::new();
    let storage = folder.open();
    world(&storage).await;
    let study = Filter { study_instance_uids: vec!["1.2.2".into()], ..Filter::new(facility("RS-A"), 100) };
    let series = storage.index().series(&study).unwrap();
    assert_eq!(
        series.iter().map(|s| (s.series_instance_uid.as_str(), s.modality.as_str(), s.instances)).collect::<Vec<_>>(),
        [("1.2.2.1", "CT", 3), ("1.2.2.2", "MR", 1)]
    );
    assert_eq!(
        series[1].study.representative.instance().unwrap().modality,
        "MR",
        "a series is represented by one of its own"
    );
    let uids = |filter: &Filter| -> Vec<String> {
        let rows = storage.index().instances(filter).unwrap();
        rows.iter().map(|row| row.kept().instance().unwrap().sop_instance_uid.clone()).collect()
    };
    assert_eq!(uids(&study), ["1.2.2.1.6", "1.2.2.1.7", "1.2.2.1.8", "1.2.2.1.40"]);
    assert_eq!(uids(&Filter { modalities: vec!["MR".into()], ..study.clone() }), ["1.2.2.1.40"]);
    assert_eq!(uids(&Filter { sop_instance_uids: vec!["1.2.2.1.7".into()], ..study.clone() }), ["1.2.2.1.7"]);
    assert_eq!(
        uids(&Filter { series_instance_uids: vec!["1.2.2.2".into()], ..Filter::new(facility("RS-A"), 9) }),
        ["1.2.2.1.40"]
    );
    assert_eq!(
        uids(&Filter { sop_class_uids: vec!["1.2.840.10008.5.1.4.1.1.4".into()], ..study.clone() }),
        ["1.2.2.1.40"]
    );
    assert_eq!(
        uids(&Filter { sop_instance_uids: vec!["1.2.2.1.7".into()], ..Filter::new(facility("RS-B"), 9) }),
        [""; 0]
    );
    let sop = Filter { sop_instance_uids: vec!["1.2.2.1.40".into()], ..study };
    assert_eq!(storage.index().series(&sop).unwrap().len(), 1);

    let all = Filter { twins: true, ..Filter::new(facility("RS-B"), 9) };
    let rows = storage.index().patients(&all).unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.patient, row.has_twins)).collect();
    assert_eq!(rows, [(patient(900), false), (patient(5), true), (patient(5), true)]);
    let counts = storage.index().patient_counts(patient(5)).unwrap();
    assert_eq!((counts.studies, counts.series, counts.instances), (1, 2, 4), "one study of two facilities");
    let classes = storage.index().sop_classes(patient(2), "1.2.2").unwrap();
    assert_eq!(classes, ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_instance_moves_with_its_counts() {
    let folder = Folder::new();
    let storage = folder.open();
    put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    let mut moved = instance(1, "RS-A", 1);
    moved.version = 2;
    moved.patient = patient(2);
    facts(&mut moved).study_instance_uid = "1.2.2".to_owned();
    facts(&mut moved).modality = "CR".to_owned();
    facts(&mut moved).study_date = "20260505".to_owned();
    put(&storage, moved).await.unwrap();
    let rows = storage.index().studies(&Filter::new(facility("RS-A"), 9)).unwrap();
    assert_eq!(rows.len(), 1, "the old study is empty and not found");
    assert_eq!((rows[0].patient, rows[0].instances, rows[0].study_date.as_str()), (patient(2), 1, "20260505"));
    assert_eq!(uids(&storage, &Filter { modalities: vec!["CT".into()], ..Filter::new(facility("RS-A"), 9) }), [""; 0]);
    assert_eq!(uids(&storage, &Filter { patients: vec![patient(1)], ..Filter::new(facility("RS-A"), 9) }), [""; 0]);
    // And back again: the study that was empty is listed once more.
    let mut back = instance(1, "RS-A", 1);
    back.version = 3;
    put(&storage, back).await.unwrap();
    assert_eq!(uids(&storage, &Filter::new(facility("RS-A"), 9)), ["1.2.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_by_type_day_token_and_patient() {
    let folder = Folder::new();
    let storage = folder.open();
    let mut first = resource(1, "RS-A", 1, "Observation");
    first.tokens.push(Token(vec![6, 0x11]));
    put_all(
        &storage,
        vec![first, resource(2, "RS-A", 2, "Observation"), resource(3, "RS-A", 1, "DiagnosticReport")],
        9,
    )
    .await
    .unwrap();
    put(&storage, resource(4, "RS-B", 3, "Observation")).await.unwrap();
    let all = ResourceFilter::new(facility("RS-A"), 9);
    let march = DateRange { from: Some("20260301".into()), to: Some("20260331".into()) };
    let april = DateRange { from: Some("20260401".into()), to: None };
    let table: Vec<(&str, ResourceFilter, &[&str])> = vec![
        ("all", all.clone(), &["r3", "r2", "r1"]),
        ("type", ResourceFilter { resource_types: vec!["Observation".into()], ..all.clone() }, &["r2", "r1"]),
        (
            "types",
            ResourceFilter { resource_types: vec!["Observation".into(), "DiagnosticReport".into()], ..all.clone() },
            &["r3", "r2", "r1"],
        ),
        ("march", ResourceFilter { date: march.clone(), ..all.clone() }, &["r3", "r2", "r1"]),
        ("april", ResourceFilter { date: april, ..all.clone() }, &[]),
        ("patient", ResourceFilter { patients: vec![patient(1)], ..all.clone() }, &["r3", "r1"]),
        ("token", ResourceFilter { tokens: vec![vec![token("patient2")]], ..all.clone() }, &["r2"]),
        ("code", ResourceFilter { tokens: vec![vec![Token(vec![6, 0x11])]], ..all.clone() }, &["r1"]),
        (
            "code in march",
            ResourceFilter { tokens: vec![vec![Token(vec![6, 0x11])]], date: march, ..all.clone() },
            &["r1"],
        ),
        ("id", ResourceFilter { ids: vec!["r2".into(), "r4".into()], ..all.clone() }, &["r2"]),
        ("page", ResourceFilter { limit: 1, offset: 1, ..all }, &["r2"]),
    ];
    for (name, filter, expected) in table {
        let rows = storage.index().resources(&filter).unwrap();
        let ids: Vec<_> = rows.iter().map(|kept| kept.resource().unwrap().id.as_str()).collect();
        assert_eq!(ids, expected, "{name}");
    }
    assert_eq!(
        storage.index().newest_resource("Observation", "r4").unwrap().unwrap().record.facility,
        facility("RS-B")
    );
    assert_eq!(storage.index().newest_resource("Patient", "r4").unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_has_a_limit() {
    let folder = Folder::new();
    let storage = folder.open();
    let filter = |count: usize| Filter {
        study_instance_uids: (0..count).map(|n| format!("1.{n}")).collect(),
        ..Filter::new(facility("RS-A"), 9)
    };
    assert_eq!(storage.index().studies(&filter(limits::FILTER_VALUES_MAX)).unwrap(), []);
    let error = storage.index().studies(&filter(limits::FILTER_VALUES_MAX + 1)).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Invalid);
    // More readers at once than connections: the others wait.
    std::thread::scope(|scope| {
        for _ in 0..limits::INDEX_READERS_MAX * 4 {
            scope.spawn(|| assert_eq!(storage.index().counts().unwrap().versions, 0));
        }
    });
}
