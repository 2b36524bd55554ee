//! The identifier of a C-GET or C-MOVE request: unique keys and nothing else counts (PS3.4 C.4.2.1.4, C.4.3.1.3).

use super::{failure, mismatch};
use crate::dimse::services::store::Failure;
use archive::retrieve::Target;
use wire::dataset::{Outline, Scanner, Tag, Value};
use wire::syntax::TransferSyntax;

const QUERY_RETRIEVE_LEVEL: Tag = Tag(0x0008, 0x0052);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);

/// The levels and the unique key of each (PS3.4 C.6.1.1, C.6.2.1), from the top.
const LEVELS: [(&str, Tag); 4] = [
    ("PATIENT", PATIENT_ID),
    ("STUDY", STUDY_INSTANCE_UID),
    ("SERIES", SERIES_INSTANCE_UID),
    ("IMAGE", SOP_INSTANCE_UID),
];

/// The instances that a request means.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::dimse::services) struct Wanted {
    /// Only this patient's: the key of the patient root model.
    pub(in crate::dimse::services) patient_id: Option<String>,
    /// Each of these; empty at the patient level.
    pub(in crate::dimse::services) targets: Vec<Target>,
}

impl Wanted {
    /// Reads the identifier and holds it against the information model. With relational retrieval the keys of levels above
    /// may be absent; they still narrow where they are given.
    pub(in crate::dimse::services) fn parse(
        transfer_syntax: &str,
        patient_root: bool,
        relational: bool,
        identifier: &[u8],
    ) -> Result<Self, Failure> {
        let outline = scan(&TransferSyntax::of(transfer_syntax), identifier)?;
        let stated = outline.text(QUERY_RETRIEVE_LEVEL).unwrap_or_default();
        let level = LEVELS.iter().position(|(name, _)| *name == stated.trim());
        let level = level.ok_or_else(|| mismatch("QueryRetrieveLevel is not one of the model"))?;
        // The study root model begins at the study. Orthanc retrieves a patient through it all the same, and what it means
        // is plain: a level that is asked for by its own key is answered in either model.
        let top = usize::from(!patient_root && level > 0);
        let mut keys: [Vec<String>; 4] = Default::default();
        for (at, (key, (_, tag))) in keys.iter_mut().zip(LEVELS).enumerate().take(level.saturating_add(1)).skip(top) {
            *key = values(&outline, identifier, tag);
            let fits = match (at == level, key.len()) {
                (true, 1..) | (false, 1) => true,
                (false, 0) => relational,
                _ => false,
            };
            // PatientID is no UID: a list or a wildcard of it is not what a unique key may be.
            if !fits || (tag == PATIENT_ID && key.iter().any(|id| id.contains(['*', '?', '\\']))) {
                return Err(mismatch("the unique keys down to the level must be there, above it with one value each"));
            }
        }
        let [patients, studies, series, instances] = keys;
        let one = |values: &[String]| values.first().cloned();
        let (study, of_series) = (one(&studies), one(&series));
        let targets = match level {
            0 => Vec::new(),
            1 => studies.iter().map(|study| Target::study(study)).collect(),
            2 => series.into_iter().map(|s| Target { study: study.clone(), series: Some(s), instance: None }).collect(),
            _ => instances
                .into_iter()
                .map(|i| Target { study: study.clone(), series: of_series.clone(), instance: Some(i) })
                .collect(),
        };
        Ok(Self { patient_id: one(&patients), targets })
    }
}

/// The values of a key: UIDs may be a list; a patient's number is one value.
fn values(outline: &Outline, identifier: &[u8], tag: Tag) -> Vec<String> {
    let text = match outline.element(tag).map(|element| element.value()) {
        // A list of more than some hundred UIDs is too long to be kept in an outline.
        Some(Value::Bulk(place)) => {
            let end = place.offset.saturating_add(u64::from(place.length));
            let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            let bytes = identifier.get(at(place.offset)..at(end)).unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => outline.text(tag).unwrap_or_default(),
    };
    let trim = |value: &str| value.trim_matches([' ', '\0']).to_owned();
    let split: Vec<String> = if tag == PATIENT_ID { vec![trim(&text)] } else { text.split('\\').map(trim).collect() };
    split.into_iter().filter(|value| !value.is_empty()).collect()
}

fn scan(syntax: &TransferSyntax, identifier: &[u8]) -> Result<Outline, Failure> {
    let total = u64::try_from(identifier.len()).unwrap_or(u64::MAX);
    let mut scanner = Scanner::new(syntax).with_total_bytes(total);
    let read = scanner.feed(identifier).and_then(|()| scanner.finish());
    read.map_err(|error| failure(&archive::Error::Invalid(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dataset::{Draft, VR};
    use wire::syntax::{EXPLICIT_LITTLE, Encoding};

    fn parse(patient_root: bool, relational: bool, level: &str, keys: &[(Tag, &str)]) -> Result<Wanted, u16> {
        let mut draft = Draft::new().text(QUERY_RETRIEVE_LEVEL, VR::CS, level);
        for (tag, value) in keys {
            let vr = if *tag == PATIENT_ID { VR::LO } else { VR::UI };
            draft = draft.text(*tag, vr, *value);
        }
        let bytes = draft.encode(Encoding::ExplicitLittle).unwrap();
        Wanted::parse(EXPLICIT_LITTLE, patient_root, relational, &bytes).map_err(|failure| failure.status)
    }

    fn targets(targets: &[Target]) -> Wanted {
        Wanted { patient_id: None, targets: targets.to_vec() }
    }

    #[test]
    fn the_level_asked_may_be_a_list_and_levels_above_have_one_value() {
        let (patient, study, series, instance) =
            (PATIENT_ID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID);
        let found = parse(false, false, "STUDY", &[(study, "1.2\\1.3")]);
        assert_eq!(found, Ok(targets(&[Target::study("1.2"), Target::study("1.3")])));
        let found = parse(false, false, "SERIES", &[(study, "1.2"), (series, "1.2.1\\1.2.2")]);
        assert_eq!(found, Ok(targets(&[Target::series("1.2", "1.2.1"), Target::series("1.2", "1.2.2")])));
        let found = parse(false, false, "IMAGE", &[(study, "1.2"), (series, "1.2.1"), (instance, "1.2.1.1")]);
        assert_eq!(found, Ok(targets(&[Target::instance("1.2", "1.2.1", "1.2.1.1")])));
        for patient_root in [true, false] {
            let found = parse(patient_root, false, "PATIENT", &[(patient, "P 1 ")]);
            assert_eq!(found, Ok(Wanted { patient_id: Some("P 1".into()), targets: Vec::new() }));
        }
        let found = parse(true, false, "STUDY", &[(patient, "P1"), (study, "1.2")]);
        assert_eq!(found, Ok(Wanted { patient_id: Some("P1".into()), targets: vec![Target::study("1.2")] }));
    }

    #[test]
    fn keys_that_the_model_does_not_allow_are_a_mismatch() {
        let (patient, study, series, instance) =
            (PATIENT_ID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID);
        for (patient_root, level, keys) in [
            (false, "PATIENT", &[(study, "1.2")][..]),
            (false, "", &[(study, "1.2")]),
            (false, "STUDY", &[]),
            (false, "STUDY", &[(study, "")]),
            (false, "SERIES", &[(series, "1.3")]),
            (false, "SERIES", &[(study, "1.2\\1.4"), (series, "1.3")]),
            (false, "IMAGE", &[(study, "1.2"), (instance, "1.4")]),
            (true, "STUDY", &[(study, "1.2")]),
            (true, "PATIENT", &[(patient, "P*")]),
            (true, "PATIENT", &[(patient, "P1\\P2")]),
            (true, "PATIENT", &[]),
        ] {
            assert_eq!(parse(patient_root, false, level, keys), Err(0xA900), "{level} {keys:?}");
        }
    }

    #[test]
    fn relational_retrieval_needs_only_the_key_of_its_level() {
        let alone = Target { study: None, series: None, instance: Some("1.4".into()) };
        assert_eq!(parse(false, true, "IMAGE", &[(SOP_INSTANCE_UID, "1.4")]), Ok(targets(&[alone])));
        let series = Target { study: None, series: Some("1.3".into()), instance: None };
        assert_eq!(parse(true, true, "SERIES", &[(SERIES_INSTANCE_UID, "1.3")]), Ok(targets(&[series])));
        assert_eq!(parse(true, true, "SERIES", &[(STUDY_INSTANCE_UID, "1.2")]), Err(0xA900));
    }

    #[test]
    fn a_list_may_be_as_long_as_its_length_field_allows() {
        let all: Vec<String> = (0..1_000).map(|n| format!("1.2.826.0.1.3680043.10.1561.{n:08}")).collect();
        let found = parse(false, false, "STUDY", &[(STUDY_INSTANCE_UID, &all.join("\\"))]);
        assert_eq!(found, Ok(targets(&all.iter().map(|uid| Target::study(uid)).collect::<Vec<_>>())));
    }

    #[test]
    fn what_is_no_data_set_is_refused() {
        let failure = Wanted::parse(EXPLICIT_LITTLE, false, false, b"\x08\x00\x52\x00CS\xff\xffSTUDY").unwrap_err();
        assert_eq!(failure.status, 0xC000);
    }
}
