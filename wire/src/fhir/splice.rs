//! Giving a resource back with what the server adds, by splicing into the bytes as they came.

use super::Document;
use crate::Error;
use std::collections::BTreeMap;
use std::ops::Range;

/// A range of bytes and what comes in its place.
pub type Replacement = (Range<usize>, Vec<u8>);

/// What the server says of a resource it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `id`
    pub id: &'a str,
    /// `meta.versionId`
    pub version_id: &'a str,
    /// `meta.lastUpdated`, as a FHIR instant.
    pub last_updated: &'a str,
}

/// Replaces ranges of bytes. They may come in any order and must not overlap.
///
/// # Errors
/// A range outside the bytes, or two that overlap.
pub fn splice(bytes: &[u8], mut replacements: Vec<Replacement>) -> Result<Vec<u8>, Error> {
    replacements.sort_by_key(|(range, _)| (range.start, range.end));
    let added: usize = replacements.iter().map(|(_, with)| with.len()).fold(0, usize::saturating_add);
    let mut out = Vec::with_capacity(bytes.len().saturating_add(added));
    let mut at = 0;
    for (range, with) in replacements {
        let kept = bytes.get(at..range.start).ok_or_else(|| Error::invalid("replacements overlap or lie outside"))?;
        out.extend_from_slice(kept);
        out.extend_from_slice(&with);
        at = range.end.max(range.start);
    }
    out.extend_from_slice(bytes.get(at..).ok_or_else(|| Error::invalid("a replacement lies outside"))?);
    Ok(out)
}

/// Sets top-level members to JSON texts: replaced where they stand, or else put in front. Every other byte stays.
///
/// # Errors
/// The bytes are not a JSON object.
pub fn set_members(bytes: &[u8], members: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, Error> {
    let document = Document::parse(bytes)?;
    splice(bytes, replacements(&document, bytes, members)?)
}

/// A kept resource as it is served: with its id, version and time, and with references replaced (`urn:uuid:...` to what
/// it became). Other members of `meta` stay as they were sent.
///
/// # Errors
/// The bytes are not a resource.
pub fn with_identity(
    bytes: &[u8],
    identity: &Identity<'_>,
    references: &BTreeMap<String, String>,
) -> Result<Vec<u8>, Error> {
    let document = Document::parse(bytes)?;
    let stated = [("versionId", quoted(identity.version_id)), ("lastUpdated", quoted(identity.last_updated))];
    let meta_span =
        document.member("meta").filter(|_| document.value().get("meta").is_some_and(serde_json::Value::is_object));
    let meta = meta_span.clone().and_then(|span| bytes.get(span)).unwrap_or(b"{}");
    let meta = set_members(meta, &stated)?;
    let mut all = replacements(&document, bytes, &[("id", quoted(identity.id)), ("meta", meta)])?;
    for found in document.references() {
        // Inside `meta` the bytes were replaced as a whole already.
        let in_meta = meta_span.as_ref().is_some_and(|meta| meta.contains(&found.span.start));
        if let Some(target) = references.get(&found.text).filter(|_| !in_meta) {
            all.push((found.span.clone(), quoted(target)));
        }
    }
    splice(bytes, all)
}

fn replacements(document: &Document, bytes: &[u8], members: &[(&str, Vec<u8>)]) -> Result<Vec<Replacement>, Error> {
    let mut all = Vec::new();
    let mut in_front = Vec::new();
    let mut empty = document.value().as_object().is_none_or(serde_json::Map::is_empty);
    for (key, json) in members.iter().rev() {
        if let Some(span) = document.member(key) {
            all.push((span, json.clone()));
            continue;
        }
        let separator: &[u8] = if std::mem::take(&mut empty) { b"" } else { b"," };
        in_front = [&quoted(key), &b":"[..], json, separator, &in_front].concat();
    }
    if !in_front.is_empty() {
        let brace = memchr::memchr(b'{', bytes).ok_or_else(|| Error::invalid("a resource is a JSON object"))?;
        let after = brace.saturating_add(1);
        all.push((after..after, in_front));
    }
    Ok(all)
}

/// Text as a JSON string.
fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVED: Identity<'static> = Identity { id: "a1", version_id: "1", last_updated: "2026-01-02T03:04:05.000Z" };

    fn served(text: &str, references: &[(&str, &str)]) -> String {
        let references = references.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        String::from_utf8(with_identity(text.as_bytes(), &SERVED, &references).unwrap()).unwrap()
    }

    #[test]
    fn what_was_sent_stays_byte_for_byte() {
        let sent = "{ \"resourceType\" : \"Observation\",\n\t\"valueQuantity\":{\"value\":1.50, \"x\":1e-7},\"note\":\"\\u00e9/\" }";
        let meta = r#""meta":{"versionId":"1","lastUpdated":"2026-01-02T03:04:05.000Z"}"#;
        let expected = sent.replacen('{', &format!("{{\"id\":\"a1\",{meta},"), 1);
        assert_eq!(served(sent, &[]), expected);
    }

    #[test]
    fn a_sent_id_and_version_are_replaced_and_the_rest_of_meta_stays() {
        let sent = r#"{"id":"mine","meta":{"profile":["http://p"],"versionId":"9","n":1.0},"resourceType":"Patient"}"#;
        assert_eq!(
            served(sent, &[]),
            r#"{"id":"a1","meta":{"lastUpdated":"2026-01-02T03:04:05.000Z","profile":["http://p"],"versionId":"1","n":1.0},"resourceType":"Patient"}"#
        );
    }

    #[test]
    fn references_are_replaced_wherever_they_stand() {
        let sent = r#"{"id":"x","subject":{"reference":"urn:uuid:1"},"focus":[{"reference":"urn:\u0075uid:1"}],"uri":"urn:uuid:2","text":"see urn:uuid:1","other":{"reference":"Patient/7"}}"#;
        let out = served(sent, &[("urn:uuid:1", "Patient/p"), ("urn:uuid:2", "Binary/\"b")]);
        assert!(out.contains(r#""subject":{"reference":"Patient/p"},"focus":[{"reference":"Patient/p"}],"uri":"Binary/\"b","text":"see urn:uuid:1","other":{"reference":"Patient/7"}"#), "{out}");
        assert!(Document::parse(out.as_bytes()).is_ok());
    }

    #[test]
    fn an_empty_object_and_a_meta_that_is_no_object_stay_json() {
        for sent in ["{}", " { } ", r#"{"meta":null}"#, r#"{"meta":"urn:uuid:1"}"#, r#"{"meta":{}}"#] {
            let out = served(sent, &[]);
            let read = Document::parse(out.as_bytes()).unwrap();
            assert_eq!(read.value()["id"], "a1", "{out}");
            assert_eq!(read.value()["meta"]["versionId"], "1", "{out}");
        }
    }

    #[test]
    fn overlapping_or_outside_replacements_are_errors() {
        assert_eq!(splice(b"abc", vec![(2..3, vec![b'z']), (0..1, vec![])]).unwrap(), b"bz");
        assert!(splice(b"abc", vec![(0..2, vec![]), (1..3, vec![])]).is_err());
        assert!(splice(b"abc", vec![(2..4, vec![])]).is_err());
        assert!(splice(b"abc", vec![(4..4, vec![])]).is_err());
    }
}
