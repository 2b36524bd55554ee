//! Finding by every kind of key.

use super::world::{Image, World};
use archive::find::{Level, Matching, Query, Row};
use serde_json::json;

const PATIENT_NAME: u32 = 0x0010_0010;
const PATIENT_ID: u32 = 0x0010_0020;
const BIRTH_DATE: u32 = 0x0010_0030;
const STUDY_DATE: u32 = 0x0008_0020;
const STUDY_TIME: u32 = 0x0008_0030;
const ACCESSION_NUMBER: u32 = 0x0008_0050;
const MODALITY: u32 = 0x0008_0060;
const MODALITIES_IN_STUDY: u32 = 0x0008_0061;
const STUDY_DESCRIPTION: u32 = 0x0008_1030;
const STUDY_INSTANCE_UID: u32 = 0x0020_000D;

async fn three_patients() -> World {
    let world = World::new().await;
    let images = [
        Image { accession: "ACC-1", ..Image::new("00-12-34", "AMINAH^SITI^^^", "1.1", 1) },
        Image { accession: "ACC-1", ..Image::new("00-12-34", "AMINAH^SITI^^^", "1.1", 2) },
        Image { date: "20220301", modality: "MR", ..Image::new("00-12-35", "Soeharto^Bambang", "1.2", 1) },
        Image {
            date: "20211224",
            birth_date: "19550817",
            ..Image::new("00-12-36", "Hj. Siti Nurhaliza, S.Kep.", "1.3", 1)
        },
    ];
    for image in &images {
        world.store(&world.a, &image.bytes()).await.unwrap();
    }
    world
}

fn studies(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.attributes["0020000D"]["Value"][0].as_str().unwrap()).collect()
}

#[tokio::test]
async fn studies_are_found_by_each_key() {
    let world = three_patients().await;
    for (tag, vr, text, expected) in [
        (PATIENT_NAME, "PN", "", vec!["1.2", "1.1", "1.3"]),
        (PATIENT_ID, "LO", "00-12-34", vec!["1.1"]),
        (PATIENT_ID, "LO", "00-12-3*", vec!["1.2", "1.1", "1.3"]),
        (PATIENT_ID, "LO", "00-12", vec![]),
        (PATIENT_NAME, "PN", "aminah^siti", vec!["1.1"]),
        (PATIENT_NAME, "PN", "aminah*", vec!["1.1"]),
        (PATIENT_NAME, "PN", "*siti*", vec!["1.1", "1.3"]),
        (PATIENT_NAME, "PN", "hj. s*", vec!["1.3"]),
        (PATIENT_NAME, "PN", "siti", vec![]),
        (PATIENT_NAME, "PN", "s?eharto^*", vec!["1.2"]),
        (BIRTH_DATE, "DA", "19550817", vec!["1.3"]),
        (BIRTH_DATE, "DA", "-19600101", vec!["1.3"]),
        (STUDY_DATE, "DA", "20220105", vec!["1.1"]),
        (STUDY_DATE, "DA", "20220101-", vec!["1.2", "1.1"]),
        (STUDY_DATE, "DA", "20211201-20220105", vec!["1.1", "1.3"]),
        (STUDY_TIME, "TM", "1000-1100", vec!["1.2", "1.1", "1.3"]),
        (STUDY_TIME, "TM", "1100-", vec![]),
        (ACCESSION_NUMBER, "SH", "ACC-1", vec!["1.1"]),
        (MODALITIES_IN_STUDY, "CS", "MR", vec!["1.2"]),
        (MODALITIES_IN_STUDY, "CS", "mr\\ct", vec!["1.2", "1.1", "1.3"]),
        (MODALITY, "CS", "MR", vec!["1.2"]),
        (STUDY_DESCRIPTION, "LO", "THORAX*", vec!["1.2", "1.1", "1.3"]),
        (STUDY_DESCRIPTION, "LO", "thorax*", vec![]),
        (STUDY_INSTANCE_UID, "UI", "1.1\\1.3", vec!["1.1", "1.3"]),
        (STUDY_INSTANCE_UID, "UI", "1.9", vec![]),
    ] {
        let query = Query::at(Level::Study).with(tag, Matching::parse(vr, text));
        let rows = world.archive.find(&world.a, &query).await.unwrap();
        assert_eq!(studies(&rows), expected, "{tag:08X} {text}");
    }
}

#[tokio::test]
async fn keys_join_and_fuzzy_names_sound_alike() {
    let world = three_patients().await;
    let both = Query::at(Level::Study)
        .with(PATIENT_NAME, Matching::parse("PN", "*siti*"))
        .with(STUDY_DATE, Matching::parse("DA", "20220101-"));
    assert_eq!(studies(&world.archive.find(&world.a, &both).await.unwrap()), ["1.1"]);
    for (asked, expected) in [("Suharto", vec!["1.2"]), ("*sity*", vec!["1.1", "1.3"]), ("siti nurhalisa", vec!["1.3"])]
    {
        let fuzzy = Query { fuzzy: true, ..Query::at(Level::Study).with(PATIENT_NAME, Matching::parse("PN", asked)) };
        assert_eq!(studies(&world.archive.find(&world.a, &fuzzy).await.unwrap()), expected, "{asked}");
    }
}

#[tokio::test]
async fn a_row_carries_its_level_and_counts_and_nothing_below() {
    let world = three_patients().await;
    let at = |level| Query::at(level).with(STUDY_INSTANCE_UID, Matching::UidList(vec!["1.1".to_owned()]));
    let study = world.archive.find(&world.a, &at(Level::Study)).await.unwrap().pop().unwrap().attributes;
    assert_eq!(study["00100010"]["Value"][0]["Alphabetic"], "AMINAH^SITI^^^");
    assert_eq!(study["00080061"], json!({"vr": "CS", "Value": ["CT"]}));
    assert_eq!((&study["00201206"]["Value"][0], &study["00201208"]["Value"][0]), (&json!(1), &json!(2)));
    assert!(!study.contains_key("0020000E") && !study.contains_key("00080018"));
    let tags: Vec<_> = study.keys().collect();
    assert!(tags.is_sorted(), "{tags:?}");

    let series = world.archive.find(&world.a, &at(Level::Series)).await.unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].attributes["00201209"]["Value"][0], 2);
    assert_eq!(series[0].attributes["00080060"]["Value"][0], "CT");
    let instances = world.archive.find(&world.a, &at(Level::Instance)).await.unwrap();
    assert_eq!(instances.len(), 2);
    assert_eq!(instances[0].attributes["00280010"]["Value"][0], 8);
    let patients = world.archive.find(&world.a, &Query::at(Level::Patient)).await.unwrap();
    assert_eq!(patients.len(), 3);
    assert!(
        patients
            .iter()
            .all(|row| row.attributes["00201200"]["Value"][0] == 1 && !row.attributes.contains_key("00080020"))
    );
}

#[tokio::test]
async fn pages_follow_each_other_whoever_decides() {
    let world = three_patients().await;
    let plain = Query::at(Level::Study);
    let sealed = Query::at(Level::Study).with(PATIENT_NAME, Matching::parse("PN", "*a*"));
    for query in [plain, sealed] {
        let mut pages = Vec::new();
        for offset in 0..4 {
            let rows = world.archive.find(&world.a, &Query { offset, limit: Some(1), ..query.clone() }).await.unwrap();
            pages.extend(studies(&rows).into_iter().map(str::to_owned));
        }
        assert_eq!(pages, ["1.2", "1.1", "1.3"]);
    }
}

#[tokio::test]
async fn a_study_of_two_facilities_is_one_row_to_who_may_see_both() {
    let world = World::new().await;
    let nik = "3174015205900001";
    world.store(&world.a, &Image { nik, ..Image::new("1", "A^B", "1.1", 1) }.bytes()).await.unwrap();
    world.store(&world.b, &Image { nik, modality: "SR", ..Image::new("2", "A^B", "1.1", 2) }.bytes()).await.unwrap();
    let rows = world.archive.find(&world.a, &Query::at(Level::Study)).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].attributes["00080061"]["Value"], json!(["CT", "SR"]));
    assert_eq!(rows[0].attributes["00201208"]["Value"][0], 2);
}
