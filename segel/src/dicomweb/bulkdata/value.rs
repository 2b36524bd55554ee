//! One value of an instance that is not in its metadata.

use crate::dicomweb::accept::EXPLICIT_LITTLE;
use crate::dicomweb::attributes::Attributes;
use crate::dicomweb::body::{Piece, VALUE_BYTES_MAX};
use crate::dicomweb::bulk::{Bulk, PIXEL_DATA};
use crate::http::Problem;
use crate::recode::value;
use archive::retrieve::Opened;
use serde_json::Value;
use std::ops::Range;
use wire::syntax::EXPLICIT_BIG;

/// A bulk value and what is around it.
pub struct Found<'a> {
    /// The data set or item that holds it.
    pub data_set: &'a Value,
    /// Its tag, `GGGGEEEE`.
    pub tag: String,
    /// Its value representation.
    vr: &'a str,
    /// Where it lies.
    pub bulk: Bulk,
}

impl<'a> Found<'a> {
    /// The value that a bulk data path names: tags, with the item's number (from 0) between a sequence and what is in it.
    pub fn at(metadata: &'a Value, path: &str) -> Option<Self> {
        let element = Bulk::at(metadata, path)?;
        let mut data_set = Attributes(metadata);
        let mut steps = path.split('/');
        let mut tag = steps.next()?.to_ascii_uppercase();
        while let (Some(item), Some(inner)) = (steps.next(), steps.next()) {
            data_set = data_set.item(&tag, item.parse().ok()?)?;
            tag = inner.to_ascii_uppercase();
        }
        Self::of(data_set.0, tag, element)
    }

    fn of(data_set: &'a Value, tag: String, element: &'a Value) -> Option<Self> {
        let vr = element.get("vr")?.as_str()?;
        Some(Self { data_set, tag, vr, bulk: Bulk::of(element)? })
    }

    /// Every value of a data set that is a link in its metadata, with its path.
    pub fn all(metadata: &'a Value) -> Vec<(String, Self)> {
        let mut all = Vec::new();
        collect(metadata, "", &mut all);
        all
    }

    /// Whether this is pixel data, which comes in frames.
    pub fn is_pixels(&self) -> bool {
        self.tag == PIXEL_DATA
    }

    /// The pieces of the value, little endian.
    pub fn pieces(&self, opened: &Opened, transfer_syntax_uid: &str) -> Result<Vec<Piece>, Problem> {
        let value = |range: Range<u64>, swap_from| Piece::Value { opened: opened.clone(), range, swap_from };
        let span = |offset: u64, length: u64| offset..offset.saturating_add(length);
        match &self.bulk {
            Bulk::Inline(bytes) => Ok(vec![Piece::Bytes(bytes.clone())]),
            Bulk::Fragments(places) => {
                Ok(places.iter().map(|(offset, length)| value(span(*offset, *length), None)).collect())
            }
            Bulk::Range { offset, length } => match self.word_bytes(transfer_syntax_uid) {
                1 => Ok(vec![value(span(*offset, *length), None)]),
                2 => Ok(vec![value(span(*offset, *length), Some(*offset))]),
                word_bytes if *length <= VALUE_BYTES_MAX => {
                    let (opened, range) = (opened.clone(), span(*offset, *length));
                    let turned = async move {
                        let mut bytes = value::read(&opened, range, None).await?;
                        bytes.chunks_exact_mut(word_bytes).for_each(<[u8]>::reverse);
                        Ok(bytes)
                    };
                    Ok(vec![Piece::Made(Box::pin(turned))])
                }
                _ => Err(Problem::not_acceptable(format!(
                    "This value is kept big endian and too large to be turned round; retrieve the instance, also as {EXPLICIT_LITTLE}."
                ))),
            },
        }
    }

    /// The bytes that turn round together on the way out (PS3.5 7.3).
    fn word_bytes(&self, transfer_syntax_uid: &str) -> usize {
        match self.vr {
            _ if transfer_syntax_uid != EXPLICIT_BIG => 1,
            "OW" | "US" | "SS" | "AT" => 2,
            "OF" | "OL" | "FL" | "UL" | "SL" => 4,
            "OD" | "OV" | "FD" | "UV" | "SV" => 8,
            _ => 1,
        }
    }
}

fn collect<'a>(data_set: &'a Value, path: &str, all: &mut Vec<(String, Found<'a>)>) {
    let Some(elements) = data_set.as_object() else { return };
    for (tag, element) in elements {
        let path = format!("{path}{tag}");
        if element.get("Bulk").is_some() || element.get("Fragments").is_some() {
            all.extend(Found::of(data_set, tag.clone(), element).map(|found| (path.clone(), found)));
        }
        if element.get("vr").is_some_and(|vr| vr == "SQ") {
            for (number, item) in Attributes(data_set).items(tag).enumerate() {
                collect(item.0, &format!("{path}/{number}/"), all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_link_of_the_metadata_leads_to_its_value_and_the_data_set_around_it() {
        let metadata = json!({
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00091002": {"vr": "UN", "Bulk": [10, 2000]},
            "00420011": {"vr": "OB", "InlineBinary": "JVBERg=="},
            "00880200": {"vr": "SQ", "Value": [{}, {
                "00280010": {"vr": "US", "Value": [64]},
                "7FE00010": {"vr": "OB", "Fragments": [[3000, 0], [3008, 100]]},
                "54000100": {"vr": "SQ", "Value": [{"54001010": {"vr": "OW", "Bulk": [4000, 20]}}]},
            }]},
            "7FE00010": {"vr": "OW", "Bulk": [5000, 524288]},
        });
        let all = Found::all(&metadata);
        let paths: Vec<_> = all.iter().map(|(path, _)| path.as_str()).collect();
        let expected = ["00091002", "00880200/1/7FE00010", "00880200/1/54000100/0/54001010", "7FE00010"];
        assert_eq!(paths, expected);
        for (path, found) in &all {
            let again = Found::at(&metadata, path).unwrap();
            assert_eq!((&again.tag, &again.bulk), (&found.tag, &found.bulk));
            assert!(std::ptr::eq(again.data_set, found.data_set));
        }
        let icon = Found::at(&metadata, "00880200/1/7fe00010").unwrap();
        assert!(icon.is_pixels() && icon.data_set["00280010"]["Value"][0] == 64);
        assert!(Found::at(&metadata, "00420011").is_some(), "a value that is in the metadata as well");
        for missing in ["00880200/0/7FE00010", "00880200/2/7FE00010", "00080060", "00880200", "x", ""] {
            assert!(Found::at(&metadata, missing).is_none(), "{missing}");
        }
    }

    #[test]
    fn words_turn_round_by_their_representation_and_only_if_kept_big_endian() {
        let metadata = json!({"7FE00008": {"vr": "OF", "Bulk": [0, 8]}, "7FE00010": {"vr": "OW", "Bulk": [8, 8]}});
        let word = |path, syntax| Found::at(&metadata, path).unwrap().word_bytes(syntax);
        assert_eq!((word("7FE00008", EXPLICIT_BIG), word("7FE00010", EXPLICIT_BIG)), (4, 2));
        assert_eq!((word("7FE00008", EXPLICIT_LITTLE), word("7FE00010", EXPLICIT_LITTLE)), (1, 1));
    }
}
