//! Who an object is about and what it can be found by, from its data set.

use crate::terms;
use record::{FacilityCode, Identifier, Term, limits};
use wire::dataset::{DataSet, Outline, Tag};

const ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0050);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const ISSUER_OF_PATIENT_ID: Tag = Tag(0x0010, 0x0021);
const TYPE_OF_PATIENT_ID: Tag = Tag(0x0010, 0x0022);
const ISSUER_QUALIFIERS: Tag = Tag(0x0010, 0x0024);
const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);
const OTHER_PATIENT_NAMES: Tag = Tag(0x0010, 0x1001);
const OTHER_PATIENT_IDS_SEQUENCE: Tag = Tag(0x0010, 0x1002);
const UNIVERSAL_ENTITY_ID: Tag = Tag(0x0040, 0x0032);

/// A national numbering scheme.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Nik,
    JknCard,
    Passport,
    Ihs,
}

/// How issuers of national numbers are spelt, upper case, without spaces and punctuation but what a URL needs.
const SCHEMES: [(&str, Scheme); 20] = [
    ("NIK", Scheme::Nik),
    ("KTP", Scheme::Nik),
    ("EKTP", Scheme::Nik),
    ("KEMENDAGRI", Scheme::Nik),
    ("DUKCAPIL", Scheme::Nik),
    ("HTTPS://FHIR.KEMKES.GO.ID/ID/NIK", Scheme::Nik),
    ("JKN", Scheme::JknCard),
    ("BPJS", Scheme::JknCard),
    ("BPJSKESEHATAN", Scheme::JknCard),
    ("NOKA", Scheme::JknCard),
    ("HTTPS://FHIR.KEMKES.GO.ID/ID/BPJS", Scheme::JknCard),
    ("HTTPS://FHIR.KEMKES.GO.ID/ID/JKN", Scheme::JknCard),
    ("PASSPORT", Scheme::Passport),
    ("PASPOR", Scheme::Passport),
    ("IMIGRASI", Scheme::Passport),
    ("HTTPS://FHIR.KEMKES.GO.ID/ID/PASPOR", Scheme::Passport),
    ("SATUSEHAT", Scheme::Ihs),
    ("IHS", Scheme::Ihs),
    ("IHSNUMBER", Scheme::Ihs),
    ("HTTPS://FHIR.KEMKES.GO.ID/ID/IHS-NUMBER", Scheme::Ihs),
];

/// The national identifier that an issuer, system or type names, if the number has its form. A number of another form is
/// somebody's local one, whatever it is called: joining strangers by a typing error is worse than not joining.
#[must_use]
pub fn national(issuer: &str, value: &str) -> Option<Identifier> {
    let issuer = issuer.trim().to_uppercase();
    let folded: String = if issuer.starts_with("HTTP") {
        issuer.trim_end_matches('/').replace("HTTP://", "HTTPS://")
    } else {
        issuer.chars().filter(|c| c.is_alphanumeric()).collect()
    };
    let scheme = SCHEMES.iter().find(|(name, _)| *name == folded)?.1;
    let value = value.trim().to_uppercase();
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    match scheme {
        Scheme::Nik => digits(&value, 16).then_some(Identifier::Nik(value)),
        Scheme::JknCard => digits(&value, 13).then_some(Identifier::JknCard(value)),
        Scheme::Passport => {
            let fits = (5..=12).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric());
            fits.then_some(Identifier::Passport(value))
        }
        Scheme::Ihs => value.strip_prefix('P').is_some_and(|rest| digits(rest, 11)).then_some(Identifier::Ihs(value)),
    }
}

/// A number in a local scheme: the issuer as it is spelt, else the sending facility. The key service keeps both inside that
/// facility, so two facilities whose systems are both called `HIS` do not thereby share patients.
pub(super) fn local(facility: &FacilityCode, issuer: &str, value: &str) -> Identifier {
    let issuer = issuer.trim();
    let issuer = if issuer.is_empty() { facility.as_str() } else { issuer };
    Identifier::Local { issuer: issuer.to_owned(), value: value.trim().to_owned() }
}

/// What a door read, with the sending facility where it named none.
pub(super) fn bound(facility: &FacilityCode, identifier: Identifier) -> Identifier {
    match identifier {
        Identifier::Local { issuer, value } => local(facility, &issuer, &value),
        Identifier::Unidentified { study, .. } => Identifier::Unidentified { facility: facility.clone(), study },
        national => national,
    }
}

/// What the data set says of the patient.
#[derive(Default)]
pub(super) struct Identity {
    pub(super) identifiers: Vec<Identifier>,
    pub(super) terms: Vec<Term>,
    pub(super) warnings: Vec<String>,
}

/// Whether any identifier stands in group 0010, so that the study's UID need not be waited for.
pub(super) fn names_patient(outline: &Outline) -> bool {
    let root = outline.root();
    identifier_of(&root).is_some()
        || root.sequence(OTHER_PATIENT_IDS_SEQUENCE).iter().any(|item| identifier_of(item).is_some())
}

/// Reads the patient's identifiers and search terms. `study` holds the objects of an unnamed patient together.
pub(super) fn identity(outline: &Outline, facility: &FacilityCode, study: &str) -> Identity {
    let root = outline.root();
    let mut found = Identity::default();
    let mut sets = vec![root];
    sets.extend(root.sequence(OTHER_PATIENT_IDS_SEQUENCE));
    for (issuers, value) in sets.iter().filter_map(identifier_of) {
        let national = issuers.iter().find_map(|issuer| national(issuer, &value));
        let issuer = issuers.first().map_or("", String::as_str);
        found.identifiers.push(national.unwrap_or_else(|| local(facility, issuer, &value)));
    }
    found.identifiers.sort();
    found.identifiers.dedup();
    if found.identifiers.len() > limits::IDENTIFIERS_MAX {
        found.identifiers.truncate(limits::IDENTIFIERS_MAX);
        found.warnings.push(format!("only {} identifiers of the patient are used", limits::IDENTIFIERS_MAX));
    }
    if text(&root, PATIENT_ID).is_none() {
        found.warnings.push("PatientID is absent or empty".to_owned());
    }
    if found.identifiers.is_empty() {
        found.warnings.push("nothing identifies the patient; the study stands alone".to_owned());
        found.identifiers.push(Identifier::Unidentified { facility: facility.clone(), study: study.to_owned() });
    }
    found.terms = search_terms(&root, &found.identifiers);
    if found.terms.len() > limits::TERMS_MAX {
        found.terms.truncate(limits::TERMS_MAX);
        found.warnings.push(format!("only {} search terms are used", limits::TERMS_MAX));
    }
    found
}

fn search_terms(root: &DataSet<'_>, identifiers: &[Identifier]) -> Vec<Term> {
    let values =
        |tag: Tag| text(root, tag).into_iter().flat_map(|text| text.split('\\').map(str::to_owned).collect::<Vec<_>>());
    let mut all = terms::of_identifiers(identifiers);
    // OtherPatientIDs is retired and names no issuer: good for finding, never for joining.
    all.extend(values(OTHER_PATIENT_IDS).map(|number| terms::number(&number)));
    all.extend(values(ACCESSION_NUMBER).map(|number| terms::accession_number(&number)));
    all.extend(values(PATIENT_NAME).chain(values(OTHER_PATIENT_NAMES)).flat_map(|name| terms::of_name(&name)));
    all.retain(|term| !term.text.is_empty() && term.text.len() <= limits::IDENTIFIER_BYTES_MAX);
    terms::once(all)
}

/// A PatientID with everything that may say whose number it is: issuer first. One longer than the key service looks up is
/// none; it stays in the data set.
fn identifier_of(set: &DataSet<'_>) -> Option<(Vec<String>, String)> {
    let fits = |text: &String| text.len() <= limits::IDENTIFIER_BYTES_MAX;
    let value = text(set, PATIENT_ID).filter(fits)?;
    let qualifier = set.sequence(ISSUER_QUALIFIERS).first().and_then(|item| text(item, UNIVERSAL_ENTITY_ID));
    let issuers =
        [text(set, ISSUER_OF_PATIENT_ID), qualifier, text(set, TYPE_OF_PATIENT_ID).filter(|kind| !is_carrier(kind))];
    Some((issuers.into_iter().flatten().filter(fits).collect(), value))
}

/// TypeOfPatientID speaks of what the number is written on (PS3.3 C.7.1.4); some senders name the scheme there instead.
fn is_carrier(kind: &str) -> bool {
    matches!(kind, "TEXT" | "RFID" | "BARCODE")
}

fn text(set: &DataSet<'_>, tag: Tag) -> Option<String> {
    set.text(tag).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Identifier::{Ihs, JknCard, Nik, Passport};

    #[test]
    fn issuers_of_national_numbers_are_known_in_their_spellings() {
        let nik = "3174014510900001";
        let table = [
            ("NIK", nik, Some(Nik(nik.to_owned()))),
            ("kemendagri", nik, Some(Nik(nik.to_owned()))),
            ("e-KTP", nik, Some(Nik(nik.to_owned()))),
            ("https://fhir.kemkes.go.id/id/nik", nik, Some(Nik(nik.to_owned()))),
            ("http://fhir.kemkes.go.id/id/nik/", nik, Some(Nik(nik.to_owned()))),
            ("BPJS Kesehatan", "0001234567890", Some(JknCard("0001234567890".to_owned()))),
            ("SATUSEHAT", "p02478375538", Some(Ihs("P02478375538".to_owned()))),
            ("Paspor", "a1234567", Some(Passport("A1234567".to_owned()))),
            ("NIK", "317401451090000", None),
            ("NIK", "317401451090000X", None),
            ("JKN", nik, None),
            ("RSUD-A", nik, None),
            ("", nik, None),
        ];
        for (issuer, value, expected) in table {
            assert!(national(issuer, value) == expected, "{issuer}");
        }
    }

    #[test]
    fn a_number_without_issuer_is_its_senders() {
        let [a, b] = ["RSUD-A", "RSUD-B"].map(|code| FacilityCode::new(code).unwrap());
        assert!(local(&a, " ", "1") == local(&a, "RSUD-A", "1 "));
        assert!(local(&a, "", "1") != local(&b, "", "1"));
        assert!(bound(&a, Nik("3174014510900001".to_owned())) == Nik("3174014510900001".to_owned()));
    }
}
