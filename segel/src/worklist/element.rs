//! DICOM JSON as it is made here: text that fits its VR, and nothing empty.

use serde_json::{Map, Value, json};

/// A data set or item.
#[derive(Clone, Default, PartialEq)]
pub struct Attributes(pub Map<String, Value>);

impl std::fmt::Debug for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attributes({} elements)", self.0.len())
    }
}

impl Attributes {
    /// Adds one text. What does not fit the VR (PS3.5 Table 6.2-1) is cut; nothing is added for nothing.
    pub fn text(&mut self, tag: &str, vr: &str, text: &str) {
        let text = fitting(vr, text);
        if !text.is_empty() {
            self.0.insert(tag.to_owned(), json!({"vr": vr, "Value": [text]}));
        }
    }

    /// Adds several texts.
    pub fn texts(&mut self, tag: &str, vr: &str, texts: &[String]) {
        let texts: Vec<String> = texts.iter().map(|text| fitting(vr, text)).filter(|text| !text.is_empty()).collect();
        if !texts.is_empty() {
            self.0.insert(tag.to_owned(), json!({"vr": vr, "Value": texts}));
        }
    }

    /// Adds a number.
    pub fn number(&mut self, tag: &str, vr: &str, number: impl Into<Value>) {
        self.0.insert(tag.to_owned(), json!({"vr": vr, "Value": [number.into()]}));
    }

    /// Adds a name whose components are parted by `^`.
    pub fn name(&mut self, tag: &str, name: &str) {
        let name = fitting("PN", name).trim_end_matches(['^', ' ']).to_owned();
        if !name.is_empty() {
            self.0.insert(tag.to_owned(), json!({"vr": "PN", "Value": [{"Alphabetic": name}]}));
        }
    }

    /// Adds a sequence.
    pub fn items(&mut self, tag: &str, items: Vec<Attributes>) {
        if !items.is_empty() {
            let items: Vec<Value> = items.into_iter().map(|item| Value::Object(item.0)).collect();
            self.0.insert(tag.to_owned(), json!({"vr": "SQ", "Value": items}));
        }
    }
}

/// The values of an element as texts.
pub fn texts<'a>(data_set: &'a Map<String, Value>, tag: &str) -> impl Iterator<Item = &'a str> {
    let values = data_set.get(tag).and_then(|element| element.get("Value")).and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_str)
}

/// The first value as text.
pub fn text<'a>(data_set: &'a Map<String, Value>, tag: &str) -> Option<&'a str> {
    texts(data_set, tag).next()
}

/// The items of a sequence.
pub fn items<'a>(data_set: &'a Map<String, Value>, tag: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    let values = data_set.get(tag).and_then(|element| element.get("Value")).and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_object)
}

fn characters_max(vr: &str) -> usize {
    match vr {
        "AE" | "CS" | "SH" => 16,
        "DA" => 8,
        "TM" => 14,
        "ST" => 1_024,
        "LT" => 10_240,
        _ => 64,
    }
}

/// A backslash would part values, and control characters change the character set (PS3.5 6.1.3).
fn fitting(vr: &str, text: &str) -> String {
    let plain: String = text.chars().map(|c| if c == '\\' || c.is_control() { ' ' } else { c }).collect();
    plain.trim().chars().take(characters_max(vr)).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_its_value_representation_and_nothing_is_no_element() {
        let mut attributes = Attributes::default();
        attributes.text("00080050", "SH", " A\\B\u{1b}C ");
        attributes.text("00081030", "LO", &"\u{e9}".repeat(65));
        attributes.text("00100020", "LO", "  ");
        attributes.name("00100010", "Siti^Rahayu^^");
        attributes.items("00400100", Vec::new());
        assert_eq!(text(&attributes.0, "00080050"), Some("A B C"));
        assert_eq!(text(&attributes.0, "00081030").unwrap().chars().count(), 64);
        assert_eq!(attributes.0.len(), 3);
        assert_eq!(attributes.0["00100010"]["Value"][0]["Alphabetic"], "Siti^Rahayu");
    }
}
