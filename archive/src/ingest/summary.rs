//! The summary of an instance: the attributes that lists show and searches compare (PS3.18 10.6.3.3, PS3.4 C.6.1.1 and
//! C.6.2.1), as DICOM JSON. It is small, because a list of a thousand studies opens a thousand of them.

use crate::find::{Level, Tag};
use record::limits;
use serde_json::{Map, Value};
use wire::dataset::{Outline, tag_key};

use Level::{Instance, Patient, Series, Study};

/// What a summary holds, and at which level of the information model it stands.
#[rustfmt::skip]
pub(crate) const ATTRIBUTES: [(Tag, Level); 85] = [
    (0x0010_0010, Patient), (0x0010_0020, Patient), (0x0010_0021, Patient), (0x0010_0022, Patient), (0x0010_0024, Patient),
    (0x0010_0030, Patient), (0x0010_0032, Patient), (0x0010_0040, Patient), (0x0010_1000, Patient), (0x0010_1001, Patient),
    (0x0010_1002, Patient), (0x0010_2160, Patient), (0x0010_4000, Patient), (0x0010_0050, Patient), (0x0010_2297, Patient),
    (0x0008_0020, Study), (0x0008_0030, Study), (0x0008_0050, Study), (0x0008_0051, Study), (0x0008_0090, Study),
    (0x0008_0096, Study), (0x0008_1030, Study), (0x0008_1032, Study), (0x0008_1048, Study), (0x0008_1060, Study),
    (0x0008_1080, Study), (0x0008_1110, Study), (0x0008_1111, Study), (0x0008_0201, Study), (0x0010_1010, Study),
    (0x0010_1020, Study), (0x0010_1030, Study), (0x0010_2180, Study), (0x0010_21B0, Study), (0x0020_000D, Study),
    (0x0020_0010, Study), (0x0032_1060, Study), (0x0038_0010, Study),
    (0x0008_0021, Series), (0x0008_0031, Series), (0x0008_0060, Series), (0x0008_0070, Series), (0x0008_0080, Series),
    (0x0008_1010, Series), (0x0008_1040, Series), (0x0008_103E, Series), (0x0008_103F, Series), (0x0008_1050, Series),
    (0x0008_1070, Series), (0x0008_1090, Series), (0x0018_0015, Series), (0x0018_1030, Series), (0x0018_5100, Series),
    (0x0020_000E, Series), (0x0020_0011, Series), (0x0020_0052, Series), (0x0020_0060, Series), (0x0040_0244, Series),
    (0x0040_0245, Series), (0x0040_0253, Series), (0x0040_0254, Series), (0x0040_0275, Series),
    (0x0008_0008, Instance), (0x0008_0012, Instance), (0x0008_0013, Instance), (0x0008_0016, Instance), (0x0008_0018, Instance),
    (0x0008_0022, Instance), (0x0008_0023, Instance), (0x0008_002A, Instance), (0x0008_0032, Instance), (0x0008_0033, Instance),
    (0x0020_0012, Instance), (0x0020_0013, Instance), (0x0020_1041, Instance), (0x0028_0008, Instance), (0x0028_0010, Instance),
    (0x0028_0011, Instance), (0x0028_0100, Instance), (0x0040_A043, Instance), (0x0040_A491, Instance), (0x0040_A493, Instance),
    (0x0042_0010, Instance), (0x0042_0012, Instance), (0x0070_0080, Instance),
];

/// An attribute up to this size is always part of the summary.
const SHORT_BYTES: usize = 256;

/// The level at which an attribute of the summary stands; `None` if the summary does not hold it.
pub(crate) fn level_of(tag: Tag) -> Option<Level> {
    ATTRIBUTES.iter().find(|(held, _)| *held == tag).map(|(_, level)| *level)
}

/// The key of a tag in DICOM JSON.
pub(crate) fn key(tag: Tag) -> String {
    format!("{tag:08X}")
}

/// The summary of a whole data set.
pub(super) fn of(outline: &Outline) -> Value {
    let mut summary = Map::new();
    let mut bytes = 0;
    let held = |element: &wire::dataset::Element<'_>| {
        let tag = element.tag();
        level_of(u32::from(tag.group()) << 16 | u32::from(tag.element())).is_some()
    };
    for element in outline.root().elements().filter(held) {
        let json = element.json();
        // What lies in the content is no part of a list.
        if json.get("Bulk").is_some() || json.get("Fragments").is_some() {
            continue;
        }
        let size = json.to_string().len();
        // UIDs, dates and names always have their place; only long text and sequences must share what room there is.
        if size > SHORT_BYTES {
            if bytes + size > limits::SUMMARY_BYTES_MAX {
                continue;
            }
            bytes += size;
        }
        summary.insert(tag_key(element.tag()), json);
    }
    Value::Object(summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dataset::{Scanner, Tag as WireTag};
    use wire::syntax::{EXPLICIT_LITTLE, TransferSyntax};

    fn long_text(study: &str, comments: usize) -> Value {
        let mut bytes = Vec::new();
        for (tag, vr, text) in
            [(WireTag(0x0010, 0x4000), b"LT", "x".repeat(comments)), (WireTag(0x0020, 0x000D), b"UI", study.to_owned())]
        {
            bytes.extend_from_slice(&tag.group().to_le_bytes());
            bytes.extend_from_slice(&tag.element().to_le_bytes());
            bytes.extend_from_slice(vr);
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        let mut scanner = Scanner::new(&TransferSyntax::of(EXPLICIT_LITTLE));
        scanner.feed(&bytes).unwrap();
        of(&scanner.finish().unwrap())
    }

    #[test]
    fn a_summary_keeps_to_its_size_and_never_loses_the_study() {
        let short = long_text("1.2", 100);
        assert_eq!(short["00104000"]["Value"][0].as_str().unwrap().len(), 100);
        let long = long_text("1.2", 60_000);
        assert!(long.get("00104000").is_none());
        assert_eq!(long["0020000D"]["Value"][0], "1.2");
        assert!(long.to_string().len() < limits::SUMMARY_BYTES_MAX);
    }

    #[test]
    fn the_table_names_each_attribute_once() {
        let mut tags: Vec<Tag> = ATTRIBUTES.iter().map(|(tag, _)| *tag).collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), ATTRIBUTES.len());
    }
}
