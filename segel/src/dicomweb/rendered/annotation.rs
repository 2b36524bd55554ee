//! What is burnt into a rendered image when a reader asks for it (PS3.18 8.3.5.1.1).

use crate::dicomweb::attributes::Attributes;
use serde_json::Value;

/// Which texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Who it is.
    pub patient: bool,
    /// How the image was made.
    pub technique: bool,
}

/// The lines of an annotation.
pub fn lines(metadata: &Value, annotation: Annotation) -> Vec<String> {
    let top = Attributes(metadata);
    let mut lines = Vec::new();
    if annotation.patient {
        // A name's first group is the alphabetic one (PS3.18 F.2.2); its components stand apart by a caret.
        let name = top.element("00100010").and_then(|name| name.pointer("/Value/0/Alphabetic")).and_then(Value::as_str);
        let name = name.map(|name| name.split('^').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
        lines.extend(name);
        lines.push(joined(&[("ID", top.text("00100020")), ("BORN", top.text("00100030")), ("", top.text("00100040"))]));
    }
    if annotation.technique {
        let number = |tag: &str| top.number(tag).map(|number| number.to_string());
        let (series, image) = (number("00200011"), number("00200013"));
        let (kvp, thickness) = (number("00180060"), number("00180050"));
        lines.push(joined(&[("", top.text("00080060")), ("", top.text("00080020")), ("", top.text("0008103E"))]));
        lines.push(joined(&[
            ("SERIES", series.as_deref()),
            ("IMAGE", image.as_deref()),
            ("KVP", kvp.as_deref()),
            ("MM", thickness.as_deref()),
        ]));
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn joined(parts: &[(&str, Option<&str>)]) -> String {
    let known = parts.iter().filter_map(|(label, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(if label.is_empty() { value.to_owned() } else { format!("{label} {value}") })
    });
    known.collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patient_and_technique_are_written_when_asked_for() {
        let metadata = json!({
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Sari^Dewi"}]},
            "00100020": {"vr": "LO", "Value": ["77"]},
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00200013": {"vr": "IS", "Value": [12]},
        });
        let of = |patient, technique| lines(&metadata, Annotation { patient, technique });
        assert_eq!(of(true, false), ["Sari Dewi", "ID 77"]);
        assert_eq!(of(false, true), ["CT", "IMAGE 12"]);
        assert_eq!(of(true, true).len(), 4);
        assert!(of(false, false).is_empty());
    }
}
