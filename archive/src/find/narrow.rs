//! From keys to what the index can narrow by: clear columns, and terms that become tokens.

use super::query::{Matching, Query, Tag};
use crate::error::{Error, Result};
use crate::index::rows::{DateRange, Filter};
use crate::ingest::summary;
use crate::terms;
use record::{Term, name};

pub(super) const STUDY_DATE: Tag = 0x0008_0020;
const MODALITY: Tag = 0x0008_0060;
const MODALITIES_IN_STUDY: Tag = 0x0008_0061;
const SOP_CLASSES_IN_STUDY: Tag = 0x0008_0062;
const SOP_CLASS_UID: Tag = 0x0008_0016;
const SOP_INSTANCE_UID: Tag = 0x0008_0018;
const ACCESSION_NUMBER: Tag = 0x0008_0050;
const PATIENT_NAME: Tag = 0x0010_0010;
const PATIENT_ID: Tag = 0x0010_0020;
const STUDY_INSTANCE_UID: Tag = 0x0020_000D;
const SERIES_INSTANCE_UID: Tag = 0x0020_000E;
/// The retired attribute of a patient's other numbers: asks for any number of the patient, a NIK for example.
pub(super) const OTHER_PATIENT_IDS: Tag = 0x0010_1000;

/// Keys beside those of the summary.
const COMPUTED: [Tag; 2] = [MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY];

/// What a query became.
pub(super) struct Narrowed {
    pub(super) filter: Filter,
    /// Groups of terms: each must be met by one of its own.
    pub(super) terms: Vec<Vec<Term>>,
    /// Keys that are decided on the opened summary.
    pub(super) sealed: Vec<(Tag, Matching)>,
    /// No row can match.
    pub(super) is_empty: bool,
}

impl Query {
    /// Keys with a value that this archive does not match on; they narrow nothing (PS3.18 8.3.4.1, PS3.4 C.4.1.1.3.2:
    /// optional keys that are not supported).
    #[must_use]
    pub fn unsupported(&self) -> Vec<Tag> {
        let narrows = |(_, matching): &&(Tag, Matching)| *matching != Matching::Universal;
        self.keys.iter().filter(narrows).map(|(tag, _)| *tag).filter(|tag| !is_supported(*tag)).collect()
    }
}

fn is_supported(tag: Tag) -> bool {
    COMPUTED.contains(&tag) || summary::level_of(tag).is_some()
}

/// Sorts the keys by who decides on them.
pub(super) fn narrow(query: &Query, filter: Filter) -> Result<Narrowed> {
    let mut narrowed = Narrowed { filter, terms: Vec::new(), sealed: Vec::new(), is_empty: false };
    for (tag, matching) in &query.keys {
        if *matching == Matching::Universal || !is_supported(*tag) {
            continue;
        }
        if narrowed.in_clear(*tag, matching) {
            continue;
        }
        if let Some(level) = summary::level_of(*tag).filter(|level| *level > query.level) {
            return Err(Error::Invalid(format!(
                "{} stands at the level of {level:?}, below that of the search",
                summary::key(*tag)
            )));
        }
        narrowed.terms.extend(terms_of(*tag, matching, query.fuzzy));
        narrowed.sealed.push((*tag, matching.clone()));
    }
    Ok(narrowed)
}

impl Narrowed {
    /// Whether the index alone decides on a key.
    fn in_clear(&mut self, tag: Tag, matching: &Matching) -> bool {
        let values = || match matching {
            Matching::Single(text) => {
                text.split('\\').map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
            }
            Matching::UidList(uids) => uids.clone(),
            _ => Vec::new(),
        };
        let wanted: Vec<String> = values();
        let column = match tag {
            STUDY_INSTANCE_UID => &mut self.filter.study_instance_uids,
            SERIES_INSTANCE_UID => &mut self.filter.series_instance_uids,
            SOP_INSTANCE_UID => &mut self.filter.sop_instance_uids,
            SOP_CLASS_UID | SOP_CLASSES_IN_STUDY => &mut self.filter.sop_class_uids,
            MODALITY | MODALITIES_IN_STUDY => &mut self.filter.modalities,
            STUDY_DATE => return self.study_date(matching),
            _ => return false,
        };
        let wanted: Vec<String> = if matches!(tag, MODALITY | MODALITIES_IN_STUDY) {
            wanted.iter().map(|modality| modality.to_uppercase()).collect()
        } else {
            wanted
        };
        // Wildcards in codes are decided on the summary where it holds the attribute, and narrow nothing elsewhere.
        if wanted.is_empty() {
            self.is_empty |= matches!(matching, Matching::UidList(_));
            return COMPUTED.contains(&tag);
        }
        if column.is_empty() {
            *column = wanted;
        } else {
            column.retain(|value| wanted.contains(value));
            self.is_empty |= column.is_empty();
        }
        true
    }

    fn study_date(&mut self, matching: &Matching) -> bool {
        let day = |text: &String| text.chars().filter(char::is_ascii_digit).take(8).collect::<String>();
        let range = match matching {
            Matching::Single(text) => DateRange { from: Some(day(text)), to: Some(day(text)) },
            Matching::Range { from, to } => DateRange { from: from.as_ref().map(day), to: to.as_ref().map(day) },
            _ => return false,
        };
        // A date that the index holds is of this form; any other is left to the summary.
        let whole = |end: &Option<String>| end.as_ref().is_none_or(|day| day.len() == 8);
        if !whole(&range.from) || !whole(&range.to) || !self.filter.study_date.is_open() {
            return false;
        }
        self.filter.study_date = range;
        true
    }
}

/// The groups of terms that every match must have. None is always right; each narrows.
fn terms_of(tag: Tag, matching: &Matching, fuzzy: bool) -> Vec<Vec<Term>> {
    match (tag, matching) {
        (PATIENT_ID | OTHER_PATIENT_IDS, Matching::Single(number)) => vec![vec![terms::number(number)]],
        (ACCESSION_NUMBER, Matching::Single(number)) => vec![vec![terms::accession_number(number)]],
        (PATIENT_NAME, Matching::Single(text) | Matching::Wildcard(text)) if fuzzy => {
            name::words(&text.replace(['*', '?'], " "))
                .iter()
                .map(|word| vec![terms::name_sound(word), terms::name_prefix(word)])
                .collect()
        }
        (PATIENT_NAME, Matching::Single(text) | Matching::Wildcard(text)) => name_terms(text),
        _ => Vec::new(),
    }
}

/// What a name pattern says for sure: words that stand whole between separators, and the letters before a wildcard.
/// Letters behind a wildcard may be the middle of any word and say nothing that is indexed.
fn name_terms(pattern: &str) -> Vec<Vec<Term>> {
    let separates = |letter: char| !letter.is_alphanumeric() && letter != '*' && letter != '?';
    let folded = name::fold(pattern);
    let certain = |word: &str| match word.find(['*', '?']) {
        None => Some(terms::name_word(word)),
        Some(0) => None,
        Some(at) => word.get(..at).map(terms::name_prefix),
    };
    folded.split(separates).filter(|word| !word.is_empty()).filter_map(certain).map(|term| vec![term]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::Level;
    use record::{FacilityCode, Field};

    fn narrowed(query: &Query) -> Result<Narrowed> {
        narrow(query, Filter::new(FacilityCode::new("A").unwrap(), 10))
    }

    #[test]
    fn a_name_pattern_narrows_by_what_it_says_for_sure() {
        for (pattern, expected) in [
            ("siti*", vec![(Field::NamePrefix, "SITI")]),
            ("*siti*", vec![]),
            ("AMINAH^SITI", vec![(Field::NameWord, "AMINAH"), (Field::NameWord, "SITI")]),
            ("AMINAH^*", vec![(Field::NameWord, "AMINAH")]),
            ("nurhalizawati*", vec![(Field::NamePrefix, "NURHALIZ")]),
            ("s?ti am*", vec![(Field::NamePrefix, "S"), (Field::NamePrefix, "AM")]),
            ("nu'man*", vec![(Field::NameWord, "NU"), (Field::NamePrefix, "MAN")]),
        ] {
            let found: Vec<_> = name_terms(pattern).into_iter().flatten().map(|term| (term.field, term.text)).collect();
            let found: Vec<_> = found.iter().map(|(field, text)| (*field, text.as_str())).collect();
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[test]
    fn every_term_of_a_matching_pattern_was_stored_with_the_name() {
        let stored = terms::of_name("Hj. Siti Nurhalizawati^Nu'man, S.Kep.");
        for pattern in ["hj*", "HJ. SITI*", "*nurhal*", "* siti *", "hj? siti nurhalizawa*", "*man, s.kep."] {
            for term in name_terms(pattern).concat() {
                assert!(stored.contains(&term), "{pattern}: {:?} {}", term.field, term.text);
            }
        }
    }

    #[test]
    fn keys_go_to_the_index_or_to_the_summary() {
        let query = Query::at(Level::Study)
            .with(STUDY_DATE, Matching::parse("DA", "20220101-"))
            .with(MODALITIES_IN_STUDY, Matching::Single("ct\\MR".to_owned()))
            .with(PATIENT_ID, Matching::Single("7".to_owned()))
            .with(0x0010_0030, Matching::Single("19900101".to_owned()))
            .with(0x0099_0001, Matching::Single("x".to_owned()));
        let narrowed = narrowed(&query).unwrap();
        assert_eq!(narrowed.filter.study_date.from.as_deref(), Some("20220101"));
        assert_eq!(narrowed.filter.modalities, ["CT", "MR"]);
        assert_eq!(narrowed.terms, [[terms::number("7")]]);
        assert_eq!(narrowed.sealed.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), [PATIENT_ID, 0x0010_0030]);
        assert_eq!(query.unsupported(), [0x0099_0001]);
    }

    #[test]
    fn a_key_below_the_level_is_invalid_unless_the_index_knows_it() {
        let deep = Query::at(Level::Study).with(0x0008_103E, Matching::Single("x".to_owned()));
        assert_eq!(narrowed(&deep).err().unwrap().outcome(), record::Outcome::Invalid);
        assert!(narrowed(&Query::at(Level::Study).with(MODALITY, Matching::Single("CT".to_owned()))).is_ok());
        let none = Query::at(Level::Study).with(STUDY_INSTANCE_UID, Matching::UidList(Vec::new()));
        assert!(narrowed(&none).unwrap().is_empty);
    }
}
