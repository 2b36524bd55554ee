//! The DICOM JSON model (PS3.18 F.2), in the form that is kept: a long value is `"Bulk":[offset,length]`, encapsulated
//! pixel data `"Fragments":[[offset,length],...]`. Group lengths are left out (PS3.18 F.2.2).

use super::outline::{DataSet, Element, Outline, Span, Value};
use super::vr::word_bytes;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::{Tag, VR};
use record::limits::DATASET_DEPTH_MAX;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;

/// `GGGGEEEE`, the key of an attribute (PS3.18 F.2.2).
#[must_use]
pub fn tag_key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

/// Reads `GGGGEEEE`; `None` for anything else.
#[must_use]
pub fn parse_tag(key: &str) -> Option<Tag> {
    if key.len() != 8 || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let (group, element) = key.split_at_checked(4)?;
    Some(Tag(u16::from_str_radix(group, 16).ok()?, u16::from_str_radix(element, 16).ok()?))
}

// An attribute is three levels deep: its object, the list of items, the item.
const LEVELS_MAX: usize = 3 * DATASET_DEPTH_MAX + 3;

/// Reads the text that [`Outline::json_text`] made, at any depth that a data set may have.
///
/// # Errors
/// Invalid if it is not JSON, or deeper than a data set can be.
pub fn read_json(text: &[u8]) -> Result<Json, Error> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth = depth.saturating_add(1),
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > LEVELS_MAX {
            return Err(Error::invalid("the metadata is deeper than a data set can be"));
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    // The library's own limit is below what a data set may need; the depth has been counted above.
    reader.disable_recursion_limit();
    let bad = |_| Error::invalid("the metadata is not JSON");
    let json = serde::Deserialize::deserialize(&mut reader).map_err(bad)?;
    reader.end().map_err(bad)?;
    Ok(json)
}

impl Outline {
    /// The metadata as a JSON tree.
    #[must_use]
    pub fn json(&self) -> Json {
        self.root().json()
    }

    /// The metadata as JSON text, without a tree in between: the form to keep.
    #[must_use]
    pub fn json_text(&self) -> Vec<u8> {
        // Keys are text and writing to memory cannot fail, so there is always a text.
        serde_json::to_vec(&self.root()).unwrap_or_default()
    }
}

impl DataSet<'_> {
    /// This data set alone as a JSON tree.
    #[must_use]
    pub fn json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Element<'_> {
    /// This attribute as a JSON tree: `{"vr":...,"Value":[...]}`.
    #[must_use]
    pub fn json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Serialize for Outline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root().serialize(serializer)
    }
}

impl Serialize for DataSet<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for element in self.elements().filter(|e| e.tag().element() != 0) {
            map.serialize_entry(&tag_key(element.tag()), &element)?;
        }
        map.end()
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.offset, self.length).serialize(serializer)
    }
}

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let vr = self.vr();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("vr", vr.to_string())?;
        match self.value() {
            Value::Inline([]) => {}
            Value::Inline(bytes) if is_octets(vr) => map.serialize_entry("InlineBinary", &STANDARD.encode(bytes))?,
            Value::Inline(bytes) => {
                let values = scalars(self, vr, bytes);
                if !values.is_empty() {
                    map.serialize_entry("Value", &values)?;
                }
            }
            Value::Bulk(span) => map.serialize_entry("Bulk", &span)?,
            Value::Items(items) if items.is_empty() => {}
            Value::Items(items) => map.serialize_entry("Value", &items)?,
            Value::Fragments(spans) => map.serialize_entry("Fragments", &spans)?,
        }
        map.end()
    }
}

fn is_octets(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN | VR::SQ)
}

/// The values of one element (PS3.18 Table F.2.3-1); empty if there is nothing but padding.
fn scalars(element: &Element<'_>, vr: VR, bytes: &[u8]) -> Vec<Json> {
    if vr == VR::AT {
        let tag = |pair: &[u8]| match pair {
            // Group, then element, each in the byte order of the stream (PS3.5 Table 6.2-1).
            &[a, b, c, d] => Json::from(tag_key(Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))),
            _ => Json::Null,
        };
        return bytes.chunks_exact(4).map(tag).collect();
    }
    if word_bytes(vr) > 1 {
        return bytes.chunks_exact(word_bytes(vr)).map(|word| number(vr, word)).collect();
    }
    let text = element.text().unwrap_or_default();
    if text.is_empty() {
        return Vec::new();
    }
    match vr {
        VR::LT | VR::ST | VR::UT => {
            // Leading spaces are part of these (PS3.5 Table 6.2-1).
            let whole = element.whole_text().unwrap_or(text);
            vec![Json::from(whole.trim_end_matches([' ', '\0']))]
        }
        VR::UR => vec![Json::from(text)],
        VR::PN => text.split('\\').map(person_name).collect(),
        _ => text.split('\\').map(|value| scalar(vr, value.trim_matches([' ', '\0']))).collect(),
    }
}

fn scalar(vr: VR, text: &str) -> Json {
    let plain = || Json::from(text);
    match vr {
        _ if text.is_empty() => Json::Null,
        // What is not a number stays as it came: a report must not lose it.
        VR::IS => text.parse::<i64>().map_or_else(|_| plain(), Json::from),
        VR::DS if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => match text.parse::<i64>() {
            Ok(whole) => Json::from(whole),
            Err(_) => text.parse::<f64>().map_or_else(|_| plain(), float),
        },
        _ => plain(),
    }
}

/// JSON has no word for what is not finite.
fn float(value: f64) -> Json {
    serde_json::Number::from_f64(value).map_or_else(
        || {
            Json::from(if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            })
        },
        Json::Number,
    )
}

/// One number in little endian order.
fn number(vr: VR, word: &[u8]) -> Json {
    match (vr, word) {
        (VR::US, &[a, b]) => Json::from(u16::from_le_bytes([a, b])),
        (VR::SS, &[a, b]) => Json::from(i16::from_le_bytes([a, b])),
        (VR::UL, &[a, b, c, d]) => Json::from(u32::from_le_bytes([a, b, c, d])),
        (VR::SL, &[a, b, c, d]) => Json::from(i32::from_le_bytes([a, b, c, d])),
        (VR::FL, &[a, b, c, d]) => float(f64::from(f32::from_le_bytes([a, b, c, d]))),
        (VR::FD, &[a, b, c, d, e, f, g, h]) => float(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        (VR::UV, &[a, b, c, d, e, f, g, h]) => Json::from(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
        (VR::SV, &[a, b, c, d, e, f, g, h]) => Json::from(i64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => Json::Null,
    }
}

/// PS3.18 F.2.2: a name by its representations, those without text left out.
fn person_name(text: &str) -> Json {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(text.split('='));
    let parts: serde_json::Map<String, Json> = groups
        .map(|(key, part)| (key.to_owned(), part.trim_matches([' ', '\0'])))
        .filter(|(_, part)| !part.is_empty())
        .map(|(key, part)| (key, Json::from(part)))
        .collect();
    if parts.is_empty() { Json::Null } else { Json::Object(parts) }
}
