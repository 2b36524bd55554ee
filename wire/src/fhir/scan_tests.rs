//! JSON that passes, JSON that does not, and the limits.

use super::*;
use crate::fhir::Document;
use proptest::prelude::*;

fn at(text: &str, span: std::ops::Range<usize>) -> &str {
    text.get(span).unwrap()
}

fn passes(text: &str) -> bool {
    Document::parse(text.as_bytes()).is_ok()
}

#[test]
fn the_places_of_members_entries_and_references_are_exact() {
    let text = r#" {"resourceType":"Bundle","entry" : [ {"fullUrl":"urn:uuid:1","resource" : {"a":[1,{}]} }, {"request":{}}, {"resource":{"reference":"X/\u0031"}} ],"id":"b"} "#;
    let read = Document::parse(text.as_bytes()).unwrap();
    assert_eq!(read.resource_type(), Some("Bundle"));
    assert_eq!(at(text, read.member("id").unwrap()), "\"b\"");
    let resources: Vec<Option<&str>> = read.entry_resources().iter().map(|r| r.clone().map(|r| at(text, r))).collect();
    assert_eq!(resources, [Some(r#"{"a":[1,{}]}"#), None, Some(r#"{"reference":"X/\u0031"}"#)]);
    let references: Vec<(&str, &str)> =
        read.references().iter().map(|r| (at(text, r.span.clone()), r.text.as_str())).collect();
    assert_eq!(references, [("\"urn:uuid:1\"", "urn:uuid:1"), ("\"X/\\u0031\"", "X/1")]);
}

#[test]
fn entries_elsewhere_are_not_the_bundles() {
    let read =
        Document::parse(br#"{"entry":{"resource":1},"a":{"entry":[{"resource":{}}]},"b":[[{"resource":2}]]}"#).unwrap();
    assert_eq!(read.entry_resources(), []);
}

#[test]
fn broken_json_is_refused() {
    for text in [
        "",
        " ",
        "[]",
        "1",
        "{",
        "}",
        "{]",
        "[}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1e999}",
        "{\"a\":tru}",
        "{\"a\":NaN}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1}{}",
        "{\"a\":1} x",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"",
        "{\"a\":1 \"b\":2}",
        "{\"a\":[1 2]}",
        "\u{feff}{}",
        "{\"a\":/*c*/1}",
    ] {
        assert!(!passes(text), "{text:?}");
    }
    assert!(Document::parse(b"{\"a\":\"\xff\"}").is_err());
}

#[test]
fn repeated_keys_are_refused_however_they_are_spelt() {
    assert!(!passes(r#"{"a":1,"a":2}"#));
    assert!(!passes(r#"{"id":1,"\u0069d":2}"#));
    assert!(!passes(r#"{"x":[{"b":1,"b":1}]}"#));
    assert!(passes(r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#));
    let many: String = (0..100).map(|n| format!("\"k{n}\":{n},")).collect();
    assert!(passes(&format!("{{{many}\"z\":0}}")));
    assert!(!passes(&format!("{{{many}\"k99\":0}}")));
    assert!(!passes(&format!("{{{many}\"k0\":0}}")));
}

#[test]
fn surrogates_come_in_pairs() {
    assert!(passes(r#"{"a":"\ud83d\ude00"}"#));
    for text in
        [r#"{"a":"\ud83d"}"#, r#"{"a":"\ud83dx"}"#, r#"{"a":"\ude00"}"#, r#"{"a":"\ud83d\ud83d"}"#, r#"{"\ud83d":1}"#]
    {
        assert!(!passes(text), "{text}");
    }
}

#[test]
fn depth_is_reached_and_passed_by_one_and_by_far() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(passes(&nested(JSON_DEPTH_MAX)));
    assert!(!passes(&nested(JSON_DEPTH_MAX + 1)));
    assert!(!passes(&nested(1_000_000)));
    assert!(!passes(&"[".repeat(1_000_000)));
}

#[test]
fn values_are_reached_and_passed_by_one() {
    // The object and the array are values as well.
    let wide = |count: usize| format!("{{\"a\":[0{}]}}", ",0".repeat(count - 3));
    assert!(passes(&wide(JSON_VALUES_MAX)));
    assert!(!passes(&wide(JSON_VALUES_MAX + 1)));
}

#[test]
fn size_is_reached_and_passed_by_one() {
    let long = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    assert!(passes(&long(RESOURCE_BYTES_MAX)));
    assert!(!passes(&long(RESOURCE_BYTES_MAX + 1)));
}

#[test]
fn entries_are_reached_and_passed_by_one() {
    let bundle = |count: usize| format!("{{\"entry\":[{{}}{}]}}", ",{}".repeat(count - 1));
    assert_eq!(
        Document::parse(bundle(BUNDLE_ENTRIES_MAX).as_bytes()).unwrap().entry_resources().len(),
        BUNDLE_ENTRIES_MAX
    );
    assert!(!passes(&bundle(BUNDLE_ENTRIES_MAX + 1)));
}

#[test]
fn an_error_names_a_place_and_no_value() {
    let error = Document::parse(br#"{"name":"Siti" "x":1}"#).unwrap_err().to_string();
    assert!(!error.contains("Siti") && error.contains("byte"), "{error}");
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(".{0,6}", inner, 0..6).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_writes_passes_and_every_member_is_found(members in proptest::collection::btree_map(".{0,6}", json(), 0..6), pretty in any::<bool>()) {
        let value: serde_json::Value = members.into_iter().collect();
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let read = Document::parse(text.as_bytes()).unwrap();
        for key in value.as_object().unwrap().keys() {
            let span = read.member(key).unwrap();
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(at(&text, span)).unwrap(), &read.value()[key]);
        }
    }

    #[test]
    fn what_passes_here_is_json_to_serde_and_what_serde_refuses_does_not_pass(text in "[\\[\\]{}\",:0-9a-e.\\\\u+ -]{0,40}") {
        let here = scan(text.as_bytes()).is_ok();
        let there = serde_json::from_str::<serde_json::Value>(&text);
        // Ours also refuses repeated keys; a number beyond f64 is for serde to refuse.
        prop_assert!(!here || there.is_ok() || text.contains('e'), "{text}");
    }
}
