//! FHIR identifiers of a patient as the archive knows them.

use record::{FacilityCode, Identifier};
use serde_json::Value;

const NIK: &str = "https://fhir.kemkes.go.id/id/nik";
/// The mother's number, given for a newborn: it does not name the child, and twins share it.
const NIK_OF_MOTHER: &str = "https://fhir.kemkes.go.id/id/nik-ibu";
const IHS: [&str; 2] = ["https://fhir.kemkes.go.id/id/patient-ihs-number", "https://fhir.kemkes.go.id/id/ihs-number"];
const JKN: [&str; 3] =
    ["https://fhir.kemkes.go.id/id/jkn", "https://fhir.kemkes.go.id/id/bpjs", "http://sys-ids.kemkes.go.id/jkn-card"];
const PASSPORT: [&str; 2] = ["https://fhir.kemkes.go.id/id/passport", "https://fhir.kemkes.go.id/id/paspor"];
const RECORD_NUMBER: &str = "http://sys-ids.kemkes.go.id/mrn/";

/// What a system and value mean. A number without system is the sending facility's own.
///
/// A number that does not have the form of its national scheme is kept as a local one of that system: it must not join the
/// patients of two facilities, and a mistyped one would.
pub fn identifier(system: &str, value: &str, facility: &FacilityCode) -> Option<Identifier> {
    let value = value.trim();
    let digits = |count: usize| value.len() == count && value.bytes().all(|b| b.is_ascii_digit());
    let same_digit = || value.bytes().all(|b| value.bytes().next() == Some(b));
    let text = || value.to_owned();
    if value.is_empty() || system == NIK_OF_MOTHER {
        return None;
    }
    Some(match system {
        "" => Identifier::Local { issuer: facility.to_string(), value: text() },
        // `9999999999999999` and the like stand for "not known" in the field.
        NIK if digits(16) && !same_digit() => Identifier::Nik(text()),
        system if JKN.contains(&system) && digits(13) && !same_digit() => Identifier::JknCard(text()),
        system if IHS.contains(&system) && is_ihs(value) => Identifier::Ihs(text()),
        system if PASSPORT.contains(&system) && is_passport(value) => Identifier::Passport(text()),
        system => {
            let organisation =
                system.strip_prefix(RECORD_NUMBER).or(system.strip_prefix("https://sys-ids.kemkes.go.id/mrn/"));
            let issuer = organisation.filter(|organisation| !organisation.is_empty()).unwrap_or(system);
            Identifier::Local { issuer: issuer.to_owned(), value: text() }
        }
    })
}

fn is_ihs(value: &str) -> bool {
    let number = value.strip_prefix(['P', 'p']);
    number.is_some_and(|number| number.len() == 11 && number.bytes().all(|b| b.is_ascii_digit()))
}

fn is_passport(value: &str) -> bool {
    (6..=12).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The identifiers of a Patient resource that name the patient.
pub fn of_patient(patient: &Value, facility: &FacilityCode) -> Vec<Identifier> {
    let list = patient.get("identifier").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // An old number may since have been given to somebody else.
    let in_use = list.iter().filter(|identifier| identifier.get("use").is_none_or(|used| used != "old"));
    in_use.filter_map(|element| of_element(element, facility)).collect()
}

/// One Identifier element.
pub fn of_element(element: &Value, facility: &FacilityCode) -> Option<Identifier> {
    let text = |name: &str| element.get(name).and_then(Value::as_str).unwrap_or_default();
    identifier(text("system").trim(), text("value"), facility)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_become_schemes_and_what_breaks_a_scheme_stays_local() {
        let facility = FacilityCode::new("RSUD-A").unwrap();
        let local = |issuer: &str, value: &str| Identifier::Local { issuer: issuer.into(), value: value.into() };
        for (system, value, expected) in [
            (NIK, "3174014510900001", Some(Identifier::Nik("3174014510900001".into()))),
            (NIK, " 3174014510900001 ", Some(Identifier::Nik("3174014510900001".into()))),
            (NIK, "31740145109", Some(local(NIK, "31740145109"))),
            (NIK, "9999999999999999", Some(local(NIK, "9999999999999999"))),
            (NIK_OF_MOTHER, "3174014510900001", None),
            (IHS[0], "P02478375538", Some(Identifier::Ihs("P02478375538".into()))),
            (JKN[0], "0001234567890", Some(Identifier::JknCard("0001234567890".into()))),
            (PASSPORT[0], "A1234567", Some(Identifier::Passport("A1234567".into()))),
            ("http://sys-ids.kemkes.go.id/mrn/RSUD-B", "00-12-34", Some(local("RSUD-B", "00-12-34"))),
            ("https://example.org/ids", "7", Some(local("https://example.org/ids", "7"))),
            ("", "7", Some(local("RSUD-A", "7"))),
            (NIK, "", None),
        ] {
            assert!(identifier(system, value, &facility) == expected, "{system} {value}");
        }
    }
}
