//! FHIR codings as DICOM code sequences, stations and modalities.

use crate::worklist::element::Attributes;
use serde_json::Value;

/// DICOM's own codes, where FHIR names a modality.
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// Coding scheme designators (PS3.16 Table 8-1) of systems that orders use.
const SCHEMES: [(&str, &str); 7] = [
    (DCM, "DCM"),
    ("http://snomed.info/sct", "SCT"),
    ("http://loinc.org", "LN"),
    ("http://hl7.org/fhir/sid/icd-10", "I10"),
    ("http://hl7.org/fhir/sid/icd-9-cm", "I9C"),
    ("http://radlex.org", "RADLEX"),
    ("http://unitsofmeasure.org", "UCUM"),
];

/// The defined terms of Modality (0008,0060) that a step can be scheduled for (PS3.3 C.7.3.1.1.1).
const MODALITIES: [&str; 36] = [
    "CR", "CT", "DX", "ECG", "EPS", "ES", "GM", "HD", "IO", "IVOCT", "IVUS", "LEN", "MG", "MR", "NM", "OAM", "OCT",
    "OP", "OPT", "OT", "PT", "PX", "RF", "RG", "RTIMAGE", "SM", "TG", "US", "VA", "XA", "XC", "BMD", "BI", "DMS",
    "BDUS", "OPM",
];

/// One coding.
#[derive(Clone, Copy)]
pub struct Coding<'a>(pub &'a Value);

impl<'a> Coding<'a> {
    fn text(self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().trim()
    }

    /// The modality that it names.
    pub fn modality(self) -> Option<&'a str> {
        let code = self.text("code");
        (self.text("system") == DCM && MODALITIES.contains(&code)).then_some(code)
    }

    /// The station that it names: title, and name if there is one beside it.
    pub fn station(self) -> Option<(&'a str, &'a str)> {
        if !is_station(self.text("system")) {
            return None;
        }
        match (self.text("code"), self.text("display")) {
            ("", "") => None,
            ("", title) => Some((title, "")),
            (title, name) => Some((title, name)),
        }
    }

    /// An item of a code sequence (PS3.3 8.8).
    pub fn item(self) -> Option<Attributes> {
        let (code, system) = (self.text("code"), self.text("system"));
        if code.is_empty() {
            return None;
        }
        let scheme = SCHEMES.iter().find(|(url, _)| *url == system);
        let mut item = Attributes::default();
        // A code longer than SH goes where long codes go (PS3.3 8.1).
        if code.chars().count() > 16 {
            item.text("00080119", "UC", code)
        } else {
            item.text("00080100", "SH", code)
        }
        // PS3.16 8.2: designators that begin with 99 are for private schemes.
        item.text("00080102", "SH", scheme.map_or("99LOCAL", |(_, designator)| designator));
        let meaning = self.text("display");
        item.text("00080104", "LO", if meaning.is_empty() { code } else { meaning });
        Some(item)
    }
}

/// Whether a system numbers AE titles.
pub fn is_station(system: &str) -> bool {
    system.trim_end_matches('/').rsplit(['/', ':', '#']).next() == Some("ae-title")
}

/// The codings of a CodeableConcept or a list of them.
pub fn codings<'a>(concept: Option<&'a Value>) -> Vec<Coding<'a>> {
    match concept {
        Some(Value::Array(list)) => list.iter().flat_map(|concept| codings(Some(concept))).collect(),
        Some(concept) => concept.get("coding").and_then(Value::as_array).into_iter().flatten().map(Coding).collect(),
        None => Vec::new(),
    }
}

/// The words of a CodeableConcept, or of the first of a list: its text, a display, or a code.
pub fn words(concept: Option<&Value>) -> String {
    let concept = match concept {
        Some(Value::Array(list)) => list.first(),
        concept => concept,
    };
    let text = concept.and_then(|concept| concept.get("text")).and_then(Value::as_str).map(str::to_owned);
    let of = |name: &str| codings(concept).into_iter().map(|coding| coding.text(name)).find(|text| !text.is_empty());
    text.or_else(|| of("display").or_else(|| of("code")).map(str::to_owned)).unwrap_or_default()
}

/// Whether one of the codings is this.
pub fn has(concept: Option<&Value>, system: &str, code: &str) -> bool {
    codings(concept).into_iter().any(|coding| coding.text("system") == system && coding.text("code") == code)
}

/// Whether one of the codings has this code, of whatever system.
pub fn has_code(concept: Option<&Value>, code: &str) -> bool {
    codings(concept).into_iter().any(|coding| coding.text("code") == code)
}
