//! From bytes of a client to a draft for the archive.

use super::definition::Definition;
use super::extract;
use super::failure::Failure;
use crate::http::Problem;
use archive::ingest::{ResourceDraft, Subject};
use seal::message::relate::Says;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A resource that has been read and checked.
pub struct Parsed {
    /// Its definition.
    pub definition: &'static Definition,
    /// Its value.
    pub value: Value,
    /// Its bytes as they came.
    pub bytes: Vec<u8>,
    /// The media type of bytes that are no JSON: a Binary as it is.
    pub raw: Option<String>,
    /// Everything in it that may refer to another resource.
    pub refers: Vec<String>,
}

/// A new logical id: a random UUID (RFC 9562 5.4).
pub fn id() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Problem::busy("No random numbers."))?;
    let number = u128::from_be_bytes(bytes);
    let number = (number & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{number:032x}");
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}

/// Reads and checks one resource; `expected` is the type that the path names.
pub fn parse(bytes: Vec<u8>, expected: Option<&'static Definition>) -> Result<Parsed, Failure> {
    let document =
        wire::fhir::Document::parse(&bytes).map_err(|error| Failure::bad_request("structure", error.to_string()))?;
    let Some(resource_type) = document.resource_type() else {
        return Err(Failure::bad_request("structure", "resourceType is missing."));
    };
    let Some(definition) = Definition::of(resource_type) else {
        return Err(Failure::unprocessable(
            "not-supported",
            "Resource",
            "This resource type is not kept here; see metadata.",
        ));
    };
    if expected.is_some_and(|expected| expected.name != definition.name) {
        return Err(Failure::bad_request("invalid", "resourceType is not the type that the address names."));
    }
    let refers = document.references().iter().map(|reference| reference.text.clone()).collect();
    let value = document.into_value();
    extract::check(definition, &value)?;
    Ok(Parsed { definition, value, bytes, raw: None, refers })
}

/// Makes the draft. `references` are the full URLs of a transaction and what they became.
pub fn make(
    parsed: Parsed,
    id: String,
    subject: Subject,
    says: Says,
    references: &BTreeMap<String, String>,
) -> ResourceDraft {
    let Parsed { definition, value, bytes, raw, refers } = parsed;
    let references: BTreeMap<_, _> = references.iter().filter(|(from, _)| refers.contains(from)).collect();
    let extract::Extract { terms, date, mut summary } = extract::extract(definition, &value);
    if let (Some(media_type), Some(summary)) = (&raw, summary.as_object_mut()) {
        summary.insert("contentType".to_owned(), json!(media_type));
    }
    ResourceDraft {
        resource_type: definition.name.to_owned(),
        id,
        version: 1,
        subject,
        terms,
        date,
        summary,
        metadata: json!({"references": references, "raw": raw}),
        content: bytes,
        says,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_random_uuid() {
        let (one, other) = (id().unwrap(), id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]));
    }

    #[test]
    fn a_resource_of_another_type_or_of_none_is_refused() {
        let code = |text: &str, expected: &str| {
            parse(text.as_bytes().to_vec(), Definition::of(expected))
                .err()
                .map(|f| f.resource()["issue"][0]["code"].clone())
        };
        assert_eq!(code(r#"{"resourceType":"Patient","identifier":[{"value":"1"}]}"#, "Patient"), None);
        assert_eq!(
            code(r#"{"resourceType":"Patient","identifier":[{"value":"1"}]}"#, "Observation").unwrap(),
            "invalid"
        );
        assert_eq!(code(r#"{"resourceType":"Practitioner"}"#, "Patient").unwrap(), "not-supported");
        assert_eq!(code(r#"{"a":1}"#, "Patient").unwrap(), "structure");
        assert_eq!(code("{", "Patient").unwrap(), "structure");
    }
}
