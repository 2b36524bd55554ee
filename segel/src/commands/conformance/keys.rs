//! Keys of queries.

use super::table::Table;
use crate::dimse::described;
use archive::find::Level;
use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_dictionary_std::StandardDataDictionary;

/// Keys that a query must support (PS3.4 Tables C.6-1 to C.6-5).
const REQUIRED: [u32; 8] =
    [0x0010_0010, 0x0008_0020, 0x0008_0030, 0x0008_0050, 0x0020_0010, 0x0008_0060, 0x0020_0011, 0x0020_0013];

/// Keyword, tag and VR.
fn attribute(tag: u32) -> [String; 3] {
    let [a, b, c, d] = tag.to_be_bytes();
    let tag = Tag(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let shown = format!("({:04X},{:04X})", tag.group(), tag.element());
    match StandardDataDictionary.by_tag(tag) {
        Some(entry) => [entry.alias().to_owned(), shown, entry.vr().relaxed().to_string().to_owned()],
        None => ["-".to_owned(), shown, "-".to_owned()],
    }
}

/// How a key of a VR may match (PS3.4 C.2.2.2).
fn matching(vr: &str) -> &'static str {
    match vr {
        "UI" => "single value, list of UIDs",
        "DA" | "TM" | "DT" => "single value, range",
        "SQ" => "sequence",
        "SL" | "SS" | "US" | "UL" | "FL" | "FD" | "DS" | "IS" | "AS" => "single value",
        _ => "single value, wildcard",
    }
}

/// The keys of the Query/Retrieve models.
pub fn query() -> String {
    let mut table = Table::new(&["Level", "Attribute", "Tag", "VR", "Type", "Matching"]);
    let mut all: Vec<(u32, Level)> = archive::find::keys().collect();
    all.sort_by_key(|(tag, level)| (*level, *tag));
    for (tag, level) in all {
        let [name, shown, vr] = attribute(tag);
        let number = format!("{tag:08X}");
        let (mut level_name, mut is_unique) = ("", false);
        for (known, name, unique) in described::levels() {
            if known == level {
                (level_name, is_unique) = (name, unique == number);
            }
        }
        let kind = if is_unique {
            "unique"
        } else if REQUIRED.contains(&tag) {
            "required"
        } else {
            "optional"
        };
        table.row([level_name, &name, &shown, &vr, kind, matching(&vr)]);
    }
    table.end()
}

/// The keys of the worklist.
pub fn worklist() -> String {
    let mut table = Table::new(&["Attribute", "Tag", "VR", "Matching"]);
    let (outside, inside, single) = described::worklist_keys();
    let mut add = |before: &str, tag: &str| {
        let [name, shown, vr] = attribute(u32::from_str_radix(tag, 16).unwrap_or_default());
        let how = if single.contains(&tag) { "single value" } else { matching(&vr) };
        table.row([&format!("{before}{name}"), &shown, &vr, how]);
    };
    for tag in outside {
        add("", tag);
        if *tag == "00400100" {
            inside.iter().for_each(|tag| add("> ", tag));
        }
    }
    table.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_an_attribute_of_the_dictionary() {
        assert!(!query().contains("| - |") && !worklist().contains("| - |"));
        for required in REQUIRED {
            assert!(archive::find::keys().any(|(tag, _)| tag == required), "{required:08X}");
        }
    }
}
