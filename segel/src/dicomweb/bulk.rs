//! Where an element's value lies.

use super::attributes::Attributes;
use base64::Engine;
use serde_json::Value;

/// PixelData (7FE0,0010).
pub const PIXEL_DATA: &str = "7FE00010";

/// Where an element's value lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// In the metadata itself (PS3.18 F.2.7 `InlineBinary`).
    Inline(Vec<u8>),
    /// A range of the data set.
    Range {
        /// From the start of the data set; of the inflated one if it is kept deflated.
        offset: u64,
        /// Bytes.
        length: u64,
    },
    /// Encapsulated pixel data: the basic offset table, then the fragments (PS3.5 A.4); offset and length of each.
    Fragments(Vec<(u64, u64)>),
}

impl Bulk {
    /// Reads the element's place; `None` if it holds plain values, or nothing.
    pub fn of(element: &Value) -> Option<Self> {
        let pair = |v: &Value| Some((v.get(0)?.as_u64()?, v.get(1)?.as_u64()?));
        if let Some(range) = element.get("Bulk") {
            let (offset, length) = pair(range)?;
            return Some(Self::Range { offset, length });
        }
        if let Some(fragments) = element.get("Fragments").and_then(Value::as_array) {
            return Some(Self::Fragments(fragments.iter().filter_map(pair).collect()));
        }
        let text = element.get("InlineBinary")?.as_str()?;
        base64::engine::general_purpose::STANDARD.decode(text).ok().map(Self::Inline)
    }

    /// The element that a bulk data path names: tags, with the item's number (from 0) between a sequence and what is in it.
    pub fn at<'a>(metadata: &'a Value, path: &str) -> Option<&'a Value> {
        let mut data_set = Attributes(metadata);
        let mut steps = path.split('/');
        loop {
            let tag = steps.next().filter(|t| t.len() == 8 && t.bytes().all(|b| b.is_ascii_hexdigit()))?;
            let tag = tag.to_ascii_uppercase();
            match steps.next() {
                None => return data_set.element(&tag),
                Some(item) => data_set = data_set.item(&tag, item.parse().ok()?)?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_found_by_its_path_and_place() {
        let metadata = json!({
            "7FE00010": {"vr": "OW", "Bulk": [1000, 524288]},
            "00420011": {"vr": "OB", "InlineBinary": "JVBERg=="},
            "54000100": {"vr": "SQ", "Value": [{"54001010": {"vr": "OW", "Bulk": [10, 20]}}]},
            "00080060": {"vr": "CS", "Value": ["CT"]},
        });
        let at = |path| Bulk::at(&metadata, path).and_then(Bulk::of);
        assert_eq!(at(PIXEL_DATA), Some(Bulk::Range { offset: 1000, length: 524_288 }));
        assert_eq!(at("7fe00010"), Some(Bulk::Range { offset: 1000, length: 524_288 }));
        assert_eq!(at("00420011"), Some(Bulk::Inline(b"%PDF".to_vec())));
        assert_eq!(at("54000100/0/54001010"), Some(Bulk::Range { offset: 10, length: 20 }));
        for missing in ["54000100/1/54001010", "54000100/0", "00080060", "", "PixelData", "7FE00010/0/7FE00010"] {
            assert_eq!(at(missing), None, "{missing}");
        }
    }
}
