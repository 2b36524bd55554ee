use super::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const BASE: &str = "http://h:80/dicom-web/studies/1.2/series/1.3/instances/1.4/bulkdata";
const SYNTAX: &str = "1.2.840.10008.1.2.4.80";

/// The same by values: parsed, changed, written.
fn slowly(kept: &[u8]) -> Vec<u8> {
    let mut metadata: Value = wire::dataset::read_json(kept).unwrap();
    link(&mut metadata, BASE);
    let root = metadata.as_object_mut().unwrap();
    root.insert("00083002".to_owned(), json!({"vr": "UI", "Value": [SYNTAX]}));
    root.sort_keys();
    serde_json::to_vec(&metadata).unwrap()
}

fn link(data_set: &mut Value, path: &str) {
    for (tag, element) in data_set.as_object_mut().unwrap() {
        if tag == "00080005" {
            *element = json!({"vr": "CS", "Value": ["ISO_IR 192"]});
        }
        let element = element.as_object_mut().unwrap();
        if element.remove("Bulk").is_some() || element.remove("Fragments").is_some() {
            element.insert("BulkDataURI".to_owned(), json!(format!("{path}/{tag}")));
        }
        if element["vr"] == "SQ"
            && let Some(items) = element.get_mut("Value").and_then(Value::as_array_mut)
        {
            items.iter_mut().enumerate().for_each(|(number, item)| link(item, &format!("{path}/{tag}/{number}")));
        }
    }
}

fn quickly(kept: &[u8]) -> Result<Vec<u8>, Broken> {
    let mut out = b"before".to_vec();
    splice(kept, BASE, SYNTAX, &mut out)?;
    assert!(out.starts_with(b"before"));
    out.drain(..6);
    Ok(out)
}

/// Text that looks like the places, ends and escapes around it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just(r#"","Bulk":[0,1],"x":""#.to_owned()),
        Just(r#"{"vr":"OW","Bulk":[10,20]}"#.to_owned()),
        Just("\\\"}]\\".to_owned()),
        Just("00083002".to_owned()),
        "[\\\\\"{}\\[\\],:]{0,12}",
    ]
}

fn attribute(items: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    let place = || (any::<u32>(), any::<u32>());
    prop_oneof![
        Just(json!({"vr": "SH"})),
        vec(text(), 1..4).prop_map(|values| json!({"vr": "LO", "Value": values})),
        text().prop_map(|text| json!({"vr": "PN", "Value": [{"Alphabetic": text, "Phonetic": "a"}, null]})),
        vec(any::<f64>().prop_filter("finite", |n| n.is_finite()), 1..4).prop_map(|n| json!({"vr": "FD", "Value": n})),
        vec(any::<i64>(), 1..4).prop_map(|n| json!({"vr": "IS", "Value": n})),
        place().prop_map(|place| json!({"vr": "OW", "Bulk": place})),
        vec(place(), 0..3).prop_map(|places| json!({"vr": "OB", "Fragments": places})),
        Just(json!({"vr": "OB", "InlineBinary": "AAEC"})),
        Just(json!({"vr": "SQ"})),
        vec(items, 1..3).prop_map(|items| json!({"vr": "SQ", "Value": items})),
    ]
}

fn tag() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9A-F]{8}",
        Just("00080005".to_owned()),
        Just("00083002".to_owned()),
        Just("00083001".to_owned()),
        Just("00083003".to_owned()),
        Just("7FE00010".to_owned()),
    ]
}

fn object(elements: std::collections::BTreeMap<String, Value>) -> Value {
    Value::Object(elements.into_iter().collect::<Map<_, _>>())
}

fn data_set() -> impl Strategy<Value = Value> {
    let leaf = btree_map(tag(), attribute(Just(json!({}))), 0..4).prop_map(object);
    leaf.prop_recursive(4, 40, 6, |inner| btree_map(tag(), attribute(inner), 0..6).prop_map(object))
}

proptest! {
    #[test]
    fn the_text_becomes_what_values_would_have_become(metadata in data_set()) {
        let kept = serde_json::to_vec(&metadata).unwrap();
        prop_assert_eq!(String::from_utf8(quickly(&kept).unwrap()), String::from_utf8(slowly(&kept)));
    }

    #[test]
    fn a_text_that_was_cut_is_broken_and_never_half(metadata in data_set(), cut in any::<prop::sample::Index>()) {
        let kept = serde_json::to_vec(&metadata).unwrap();
        let end = cut.index(kept.len());
        prop_assert_eq!(quickly(&kept[..end]), Err(Broken));
    }

    #[test]
    fn any_bytes_end_in_an_answer(bytes in vec(any::<u8>(), 0..200)) {
        let _any = quickly(&bytes);
    }
}

#[test]
fn an_attribute_out_of_order_is_replaced_and_not_repeated() {
    let kept = br#"{"00100010":{"vr":"PN"},"00083002":{"vr":"UI","Value":["1.2"]},"00200013":{"vr":"IS"}}"#;
    let text = String::from_utf8(quickly(kept).unwrap()).unwrap();
    assert_eq!(text.matches("00083002").count(), 1, "{text}");
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["00083002"]["Value"][0], SYNTAX);
    assert_eq!(read.as_object().unwrap().len(), 3);
}

#[test]
fn sequences_reach_their_depth_and_do_not_pass_it() {
    let nested = |depth: usize| {
        let mut text = r#"{"7FE00010":{"vr":"OW","Bulk":[1,2]}}"#.to_owned();
        for _ in 0..depth {
            text = format!(r#"{{"00081140":{{"vr":"SQ","Value":[{text}]}}}}"#);
        }
        text.into_bytes()
    };
    let deepest = String::from_utf8(quickly(&nested(DATASET_DEPTH_MAX)).unwrap()).unwrap();
    assert!(deepest.contains(&format!("{BASE}{}/7FE00010\"", "/00081140/0".repeat(DATASET_DEPTH_MAX))));
    assert_eq!(quickly(&nested(DATASET_DEPTH_MAX + 1)), Err(Broken));
}

#[test]
fn a_base_with_quotes_stays_one_string() {
    let mut out = Vec::new();
    splice(br#"{"7FE00010":{"vr":"OW","Bulk":[1,2]}}"#, "http://h/\"x", SYNTAX, &mut out).unwrap();
    let read: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(read["7FE00010"]["BulkDataURI"], "http://h/\"x/7FE00010");
}
