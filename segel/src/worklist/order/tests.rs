//! The mapping table, attribute by attribute.

use super::*;
use serde_json::json;

const ID: &str = "0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0001";

fn order() -> Value {
    json!({
        "resourceType": "ServiceRequest", "status": "active", "intent": "original-order", "priority": "stat",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005", "display": "Imaging"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"}], "text": "CT Thorax"},
        "identifier": [
            {"system": "http://sys-ids.kemkes.go.id/acsn/1000004", "value": "ACC-0042"},
            {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC"}]}, "value": "P-9"},
        ],
        "orderDetail": [
            {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}]},
            {"coding": [{"system": "http://sys-ids.kemkes.go.id/ae-title", "display": "CT_IGD"}]},
        ],
        "occurrenceDateTime": "2026-11-22T09:30:27+07:00",
        "requester": {"display": "dr. Bambang"},
        "performer": [{"display": "dr. Radiolog"}],
        "reasonCode": [{"text": "Batuk darah"}],
        "locationCode": [{"text": "IGD"}],
        "subject": {"reference": "Patient/1"},
        "encounter": {"identifier": {"value": "ADM-1"}},
        "contained": [
            {"resourceType": "AllergyIntolerance", "code": {"text": "Kontras iodium"}},
            {"resourceType": "Observation", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
             "valueQuantity": {"value": 61.5, "code": "kg"}},
            {"resourceType": "Observation", "code": {"coding": [{"system": "http://loinc.org", "code": "82810-3"}]},
             "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "60001007"}]}},
        ],
    })
}

fn of(order: &Value) -> Result<Value, Unfit> {
    let facility = FacilityCode::new("RSUD-A").unwrap();
    let person =
        json!({"resourceType": "Patient", "name": [{"text": "Siti Rahayu"}], "identifier": [{"value": "RM-7"}]});
    item(Order { resource: order, id: ID, facility: &facility, person: Some(&person) })
        .map(|item| Value::Object(item.0))
}

#[test]
fn every_row_of_the_table() {
    let item = of(&order()).unwrap();
    let step = &item[STEP]["Value"][0];
    for (at, tag, expected) in [
        (&item, "00080050", json!("ACC-0042")),
        (&item, "00080090", json!({"Alphabetic": "dr. Bambang"})),
        (&item, "00321032", json!({"Alphabetic": "dr. Bambang"})),
        (&item, "00100010", json!({"Alphabetic": "Siti Rahayu"})),
        (&item, "00100020", json!("RM-7")),
        (&item, "00100021", json!("RSUD-A")),
        (&item, "00101030", json!(61.5)),
        (&item, "001021C0", json!(1)),
        (&item, "00102110", json!("Kontras iodium")),
        (&item, "0020000D", json!(format!("2.25.{}", 0x0f4f_8f5a_3c57_4d6e_9a52_6f1d_5a7b_0001_u128))),
        (&item, "00321060", json!("CT Thorax")),
        (&item, "00380010", json!("ADM-1")),
        (&item, "00401001", json!("ACC-0042")),
        (&item, "00401002", json!("Batuk darah")),
        (&item, "00401003", json!("STAT")),
        (&item, "00402016", json!("P-9")),
        (step, "00080060", json!("CT")),
        (step, "00400001", json!("CT_IGD")),
        (step, "00400002", json!("20261122")),
        (step, "00400003", json!("093027")),
        (step, "00400006", json!({"Alphabetic": "dr. Radiolog"})),
        (step, "00400007", json!("CT Thorax")),
        (step, "00400009", json!("ACC-0042-1")),
        (step, "00400011", json!("IGD")),
    ] {
        assert_eq!(at[tag]["Value"][0], expected, "{tag}");
    }
    let code = &item["00321064"]["Value"][0];
    assert_eq!((&code["00080100"]["Value"][0], &code["00080102"]["Value"][0]), (&json!("24627-2"), &json!("LN")));
    assert_eq!(step["00400008"]["Value"][0]["00080100"]["Value"][0], "24627-2");
}

#[test]
fn an_order_is_on_the_list_only_while_it_asks_for_imaging_at_a_time() {
    let with = |name: &str, value: Value| {
        let mut order = order();
        order[name] = value;
        is_scheduled(&order)
    };
    assert!(is_scheduled(&order()));
    for status in ["draft", "on-hold", "revoked", "completed", "entered-in-error", "unknown"] {
        assert!(!with("status", json!(status)), "{status}");
    }
    assert!(!with("intent", json!("proposal")));
    assert!(!with("occurrenceDateTime", Value::Null));
    assert!(!with("occurrenceDateTime", json!("2026-11")));
    assert!(with("category", json!([])), "the modality says that it is imaging");
    let mut blood = order();
    blood["orderDetail"] = json!([]);
    blood["category"] = json!([{"coding": [{"code": "LAB"}]}]);
    assert!(!is_scheduled(&blood));
}

#[test]
fn a_period_and_a_bare_day_begin_somewhere() {
    let begins = |order: Value| start(&order);
    let is = |day: &str, time: &str| Some((day.to_owned(), time.to_owned()));
    assert_eq!(begins(json!({"occurrenceDateTime": "2026-11-22"})), is("20261122", "000000"));
    assert_eq!(begins(json!({"occurrencePeriod": {"start": "2026-11-22T08:05:00.250Z"}})), is("20261122", "080500"));
    assert_eq!(begins(json!({"occurrenceTiming": {}})), None);
}

#[test]
fn an_accession_number_is_never_cut() {
    let mut long = order();
    long["identifier"] = json!([{"system": "urn:accession", "value": "12345678901234567"}]);
    assert_eq!(of(&long).unwrap_err().0, "ServiceRequest.identifier");
    long["identifier"] = json!([{"system": "urn:accession", "value": "1234567890123456"}]);
    let item = of(&long).unwrap();
    assert_eq!(item["00080050"]["Value"][0], "1234567890123456");
    assert_eq!(item[STEP]["Value"][0]["00400009"]["Value"][0], "0F4F8F5A3C574D-1", "a step's number fits as well");
}

#[test]
fn a_study_uid_that_the_order_brings_is_used() {
    let mut given = order();
    given["identifier"] = json!([{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]);
    assert_eq!(of(&given).unwrap()["0020000D"]["Value"][0], "1.2.3");
    given["identifier"] = json!([{"system": "urn:dicom:uid", "value": "not one"}]);
    assert!(of(&given).unwrap()["0020000D"]["Value"][0].as_str().unwrap().starts_with("2.25."));
}

#[test]
fn stations_come_from_each_of_their_places_once() {
    let order = json!({
        "orderDetail": [{"coding": [{"system": "http://sys-ids.kemkes.go.id/ae-title", "code": "CT1", "display": "CT lantai 1"}]}],
        "performer": [{"identifier": {"system": "urn:x:ae-title", "value": "CT2"}}, {"display": "dr. R"},
                      {"identifier": {"system": "urn:x:ae-title", "value": "CT1"}}],
        "locationCode": [{"coding": [{"system": "urn:x:ae-title", "code": "A TITLE THAT IS TOO LONG"}]}],
    });
    let expected = [("CT1", "CT lantai 1"), ("CT2", "")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(stations(&order), expected);
}
