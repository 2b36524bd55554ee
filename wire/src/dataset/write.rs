//! Making the few data sets that are Segel's own: answers to queries, objects of the demonstration.

use super::json::parse_tag;
use super::outline::SPECIFIC_CHARACTER_SET;
use super::vr::{has_long_length, padding, word_bytes};
use crate::error::Error;
use crate::syntax::Encoding;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::{Tag, VR};
use record::limits::DATASET_DEPTH_MAX;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A data set that is being made. Tags come out sorted, values even.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Draft {
    elements: BTreeMap<Tag, (VR, Content)>,
}

#[derive(Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    /// Octets, numbers in little endian order.
    Bytes(Vec<u8>),
    Items(Vec<Draft>),
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Draft({} elements)", self.elements.len())
    }
}

/// Turns DICOM JSON (PS3.18 F.2, without bulk values) into bytes.
///
/// # Errors
/// Invalid if the JSON is not the model, or a value does not fit its VR.
pub fn write(json: &Json, encoding: Encoding) -> Result<Vec<u8>, Error> {
    Draft::from_json(json)?.encode(encoding)
}

impl Draft {
    /// An empty data set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text; values are parted by backslashes.
    #[must_use]
    pub fn text(mut self, tag: Tag, vr: VR, text: impl Into<String>) -> Self {
        self.elements.insert(tag, (vr, Content::Text(text.into())));
        self
    }

    /// Adds octets, or numbers in little endian order.
    #[must_use]
    pub fn bytes(mut self, tag: Tag, vr: VR, bytes: impl Into<Vec<u8>>) -> Self {
        self.elements.insert(tag, (vr, Content::Bytes(bytes.into())));
        self
    }

    /// Adds US values.
    #[must_use]
    pub fn shorts(self, tag: Tag, values: &[u16]) -> Self {
        self.bytes(tag, VR::US, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Adds a sequence.
    #[must_use]
    pub fn items(mut self, tag: Tag, items: Vec<Draft>) -> Self {
        self.elements.insert(tag, (VR::SQ, Content::Items(items)));
        self
    }

    /// Reads the DICOM JSON model.
    ///
    /// # Errors
    /// As [`write`].
    pub fn from_json(json: &Json) -> Result<Self, Error> {
        Self::from_json_at(json, 0)
    }

    fn from_json_at(json: &Json, depth: usize) -> Result<Self, Error> {
        if depth > DATASET_DEPTH_MAX {
            return Err(Error::invalid(format!("sequences nested deeper than {DATASET_DEPTH_MAX}")));
        }
        let map = json.as_object().ok_or_else(|| Error::invalid("a data set in JSON is an object"))?;
        let mut elements = BTreeMap::new();
        for (key, attribute) in map {
            let tag = parse_tag(key).ok_or_else(|| Error::invalid("a key is not a tag of eight digits"))?;
            let bad = |what: &str| Error::invalid(format!("{tag}: {what}"));
            let letters = attribute.get("vr").and_then(Json::as_str).unwrap_or_default();
            let vr = <[u8; 2]>::try_from(letters.as_bytes()).ok().and_then(VR::from_binary);
            let vr = vr.ok_or_else(|| bad("no value representation"))?;
            if ["Bulk", "Fragments", "BulkDataURI"].iter().any(|key| attribute.get(key).is_some()) {
                return Err(bad("its value is elsewhere"));
            }
            let content = match (attribute.get("InlineBinary"), attribute.get("Value")) {
                (Some(octets), None) => {
                    let octets = octets.as_str().and_then(|text| STANDARD.decode(text).ok());
                    Content::Bytes(octets.ok_or_else(|| bad("not base64"))?)
                }
                (None, values) => {
                    let values = match values {
                        None => &[],
                        Some(values) => values.as_array().ok_or_else(|| bad("its values are no list"))?.as_slice(),
                    };
                    content(vr, values, depth).map_err(|error| bad(&error.to_string()))?
                }
                (Some(_), Some(_)) => return Err(bad("two values")),
            };
            elements.insert(tag, (vr, content));
        }
        Ok(Self { elements })
    }

    /// The bytes of the data set. Text is in UTF-8, and declared so (ISO_IR 192) if it needs to be or anything was declared.
    ///
    /// # Errors
    /// Invalid if the encoding is big endian, which is not written, or a value is too long for its header.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, Error> {
        if encoding == Encoding::ExplicitBig {
            return Err(Error::invalid("big endian data sets are read and not written"));
        }
        if self.is_ascii() && !self.elements.contains_key(&SPECIFIC_CHARACTER_SET) {
            return self.encode_elements(encoding, true);
        }
        let declared = self.clone().text(SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        declared.encode_elements(encoding, true)
    }

    fn is_ascii(&self) -> bool {
        self.elements.values().all(|(_, content)| match content {
            Content::Text(text) => text.is_ascii(),
            Content::Bytes(_) => true,
            Content::Items(items) => items.iter().all(Self::is_ascii),
        })
    }

    fn encode_elements(&self, encoding: Encoding, outermost: bool) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        for (tag, (vr, content)) in &self.elements {
            // One declaration, at the top, holds for the items too (PS3.5 6.1.2.4).
            if *tag == SPECIFIC_CHARACTER_SET && !outermost {
                continue;
            }
            let mut value = match content {
                Content::Text(text) => text.as_bytes().to_vec(),
                Content::Bytes(bytes) => bytes.clone(),
                Content::Items(items) => encode_items(items, encoding)?,
            };
            if value.len() % 2 == 1 {
                value.push(padding(*vr));
            }
            put_header(&mut out, *tag, *vr, value.len(), encoding)?;
            out.append(&mut value);
        }
        Ok(out)
    }
}

fn encode_items(items: &[Draft], encoding: Encoding) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for item in items {
        let mut bytes = item.encode_elements(encoding, false)?;
        let length = u32::try_from(bytes.len()).map_err(|_| Error::invalid("an item is too long"))?;
        out.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
        out.extend_from_slice(&length.to_le_bytes());
        out.append(&mut bytes);
    }
    Ok(out)
}

fn put_header(out: &mut Vec<u8>, tag: Tag, vr: VR, length: usize, encoding: Encoding) -> Result<(), Error> {
    let too_long = || Error::invalid(format!("{tag}: the value is too long"));
    out.extend_from_slice(&tag.group().to_le_bytes());
    out.extend_from_slice(&tag.element().to_le_bytes());
    if encoding != Encoding::ImplicitLittle {
        out.extend_from_slice(vr.to_string().as_bytes());
        if !has_long_length(vr) {
            let length = u16::try_from(length).map_err(|_| too_long())?;
            out.extend_from_slice(&length.to_le_bytes());
            return Ok(());
        }
        out.extend_from_slice(&[0, 0]);
    }
    // All ones would mean an undefined length.
    let length = u32::try_from(length).ok().filter(|length| *length != u32::MAX).ok_or_else(too_long)?;
    out.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

fn content(vr: VR, values: &[Json], depth: usize) -> Result<Content, Error> {
    if vr == VR::SQ {
        let deeper = depth.saturating_add(1);
        let items: Result<Vec<_>, _> = values.iter().map(|item| Draft::from_json_at(item, deeper)).collect();
        return Ok(Content::Items(items?));
    }
    if vr == VR::AT || word_bytes(vr) > 1 {
        let words: Result<Vec<_>, _> = values.iter().map(|value| word(vr, value)).collect();
        return Ok(Content::Bytes(words?.concat()));
    }
    let texts: Result<Vec<_>, _> = values.iter().map(|value| text(vr, value)).collect();
    Ok(Content::Text(texts?.join("\\")))
}

fn text(vr: VR, value: &Json) -> Result<String, Error> {
    match (vr, value) {
        (_, Json::Null) => Ok(String::new()),
        (VR::PN, Json::Object(parts)) => {
            let part = |key| parts.get(key).and_then(Json::as_str).unwrap_or_default();
            let whole = [part("Alphabetic"), part("Ideographic"), part("Phonetic")].join("=");
            Ok(whole.trim_end_matches('=').to_owned())
        }
        (_, Json::String(text)) => Ok(text.clone()),
        (VR::DS, Json::Number(number)) => Ok(decimal(number)),
        (VR::IS, Json::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        _ => Err(Error::invalid("a value does not fit its value representation")),
    }
}

/// A number in the 16 characters of DS (PS3.5 Table 6.2-1), as exact as they allow.
fn decimal(number: &serde_json::Number) -> String {
    let plain = number.to_string();
    let fits = |text: &String| text.len() <= 16;
    let value = number.as_f64().unwrap_or_default();
    let shorter = (0..=14).rev().map(|digits| format!("{value:.digits$e}"));
    std::iter::once(plain.clone()).chain(shorter).find(fits).unwrap_or(plain)
}

/// One number in little endian order.
fn word(vr: VR, value: &Json) -> Result<Vec<u8>, Error> {
    let signed = value.as_i64();
    let unsigned = value.as_u64();
    let real = value.as_f64().or(match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => None,
    });
    let bytes = match vr {
        VR::US => unsigned.and_then(|n| u16::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        VR::SS => signed.and_then(|n| i16::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        VR::UL => unsigned.and_then(|n| u32::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        VR::SL => signed.and_then(|n| i32::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        VR::UV => unsigned.map(|n| n.to_le_bytes().to_vec()),
        VR::SV => signed.map(|n| n.to_le_bytes().to_vec()),
        VR::FD => real.map(|n| n.to_le_bytes().to_vec()),
        VR::FL => real.map(|n| single(n).to_le_bytes().to_vec()),
        VR::AT => value
            .as_str()
            .and_then(parse_tag)
            .map(|tag| [tag.group().to_le_bytes(), tag.element().to_le_bytes()].concat()),
        _ => None,
    };
    bytes.ok_or_else(|| Error::invalid("a value does not fit its value representation"))
}

#[expect(clippy::cast_possible_truncation, reason = "FL is single precision; the nearest one is what is meant")]
fn single(value: f64) -> f32 {
    value as f32
}
