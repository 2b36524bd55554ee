//! From keys to what the index can narrow by: clear columns, and terms that become tokens.

use super::moment::{self, Combined};
use super::query::{Level, Matching, Query, Tag};
use crate::index::rows::{DateRange, Filter};
use crate::ingest::summary;
use crate::terms;
use record::{Term, name};

pub(super) const STUDY_DATE: Tag = 0x0008_0020;
const MODALITY: Tag = 0x0008_0060;
pub(super) const MODALITIES_IN_STUDY: Tag = 0x0008_0061;
pub(super) const SOP_CLASSES_IN_STUDY: Tag = 0x0008_0062;
const SOP_CLASS_UID: Tag = 0x0008_0016;
const SOP_INSTANCE_UID: Tag = 0x0008_0018;
const ACCESSION_NUMBER: Tag = 0x0008_0050;
const PATIENT_NAME: Tag = 0x0010_0010;
const PATIENT_ID: Tag = 0x0010_0020;
const ISSUER_OF_PATIENT_ID: Tag = 0x0010_0021;
const STUDY_INSTANCE_UID: Tag = 0x0020_000D;
const SERIES_INSTANCE_UID: Tag = 0x0020_000E;
/// The retired attribute of a patient's other numbers: asks for any number of the patient, a NIK for example.
pub(super) const OTHER_PATIENT_IDS: Tag = 0x0010_1000;
const OTHER_PATIENT_IDS_SEQUENCE: Tag = 0x0010_1002;

/// Keys beside those of the summary.
const COMPUTED: [Tag; 2] = [MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY];

/// What a query became.
pub(super) struct Narrowed {
    pub(super) filter: Filter,
    /// Groups of terms: each must be met by one of its own.
    pub(super) terms: Vec<Vec<Term>>,
    /// Keys that are decided on the opened summary.
    pub(super) sealed: Vec<(Tag, Matching)>,
    /// Dates and times that are decided on it together.
    pub(super) combined: Vec<Combined>,
    /// The level at which those keys stand, or that of the query if that is lower.
    pub(super) depth: Level,
    /// No row can match.
    pub(super) is_empty: bool,
}

/// The keys that are matched, and the level at which each stands.
pub fn keys() -> impl Iterator<Item = (Tag, Level)> {
    summary::ATTRIBUTES.into_iter().chain(COMPUTED.map(|tag| (tag, Level::Study)))
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
pub(super) fn narrow(query: &Query, filter: Filter) -> Narrowed {
    let mut narrowed = Narrowed {
        filter,
        terms: Vec::new(),
        sealed: Vec::new(),
        combined: moment::combined(query),
        depth: query.level,
        is_empty: false,
    };
    for pair in &narrowed.combined {
        narrowed.depth = narrowed.depth.max(summary::level_of(pair.date).unwrap_or(query.level));
    }
    let is_combined = |tag: Tag, pairs: &[Combined]| pairs.iter().any(|pair| pair.date == tag || pair.time == tag);
    for (tag, matching) in &query.keys {
        if *matching == Matching::Universal || !is_supported(*tag) {
            continue;
        }
        let decided = narrowed.in_clear(*tag, matching);
        if decided || is_combined(*tag, &narrowed.combined) {
            continue;
        }
        // What the index computes of a study is a study's.
        narrowed.depth = narrowed.depth.max(summary::level_of(*tag).unwrap_or(Level::Study));
        narrowed.terms.extend(terms_of(*tag, matching, query.fuzzy));
        narrowed.sealed.push((*tag, matching.clone()));
    }
    narrowed
}

impl Narrowed {
    /// Does not decide by any number of the patient.
    pub(super) fn forget_numbers(&mut self) {
        const NUMBERS: [Tag; 4] = [PATIENT_ID, ISSUER_OF_PATIENT_ID, OTHER_PATIENT_IDS, OTHER_PATIENT_IDS_SEQUENCE];
        self.sealed.retain(|(tag, _)| !NUMBERS.contains(tag));
    }

    /// Whether the index alone decides on a key.
    fn in_clear(&mut self, tag: Tag, matching: &Matching) -> bool {
        let values = || match matching {
            Matching::Single(text) => {
                text.split('\\').map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
            }
            Matching::UidList(uids) => uids.clone(),
            // The first narrows; that the others are there as well is decided on the row.
            Matching::All(all) => match all.first() {
                Some(Matching::Single(text)) => vec![text.trim().to_owned()],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let wanted: Vec<String> = values();
        let column = match tag {
            STUDY_INSTANCE_UID => &mut self.filter.study_instance_uids,
            SERIES_INSTANCE_UID => &mut self.filter.series_instance_uids,
            SOP_INSTANCE_UID => &mut self.filter.sop_instance_uids,
            SOP_CLASS_UID | SOP_CLASSES_IN_STUDY => &mut self.filter.sop_class_uids,
            MODALITY => &mut self.filter.modalities,
            MODALITIES_IN_STUDY => &mut self.filter.study_modalities,
            STUDY_DATE => return self.study_date(matching),
            _ => return false,
        };
        let wanted: Vec<String> = if matches!(tag, MODALITY | MODALITIES_IN_STUDY) {
            wanted.iter().map(|modality| modality.to_uppercase()).collect()
        } else {
            wanted
        };
        // Wildcards in codes are decided on the row.
        if wanted.is_empty() {
            self.is_empty |= matches!(matching, Matching::UidList(_));
            return false;
        }
        let is_decided = !matches!(matching, Matching::All(_));
        if COMPUTED.contains(&tag) && !column.is_empty() {
            // An attribute of many values may match two keys by two of them.
            return false;
        }
        if column.is_empty() {
            *column = wanted;
        } else {
            column.retain(|value| wanted.contains(value));
            self.is_empty |= column.is_empty();
        }
        is_decided
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
        (OTHER_PATIENT_IDS_SEQUENCE, Matching::Sequence(keys)) => {
            let number = |(tag, matching): &(Tag, Matching)| match matching {
                Matching::Single(number) if *tag == PATIENT_ID => Some(vec![terms::number(number)]),
                _ => None,
            };
            keys.iter().filter_map(number).collect()
        }
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

/// What a name pattern says for sure: words that stand whole between separators, and the letters before a wildcard, which
/// are the name's first if nothing stands before them. Letters behind a wildcard may be the middle of any word and say
/// nothing that is indexed.
fn name_terms(pattern: &str) -> Vec<Vec<Term>> {
    let separates = |letter: char| !letter.is_alphanumeric() && letter != '*' && letter != '?';
    let folded = name::fold(pattern.trim());
    let certain = |(at, word): (usize, &str)| match word.find(['*', '?']) {
        None => Some(terms::name_word(word)),
        Some(0) => None,
        Some(end) => {
            let letters = word.get(..end)?;
            terms::name_start(letters).filter(|_| at == 0).or_else(|| Some(terms::name_prefix(letters)))
        }
    };
    let words = folded.split(separates).enumerate().filter(|(_, word)| !word.is_empty());
    words.filter_map(certain).map(|term| vec![term]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::Level;
    use record::{FacilityCode, Field};

    fn narrowed(query: &Query) -> Narrowed {
        narrow(query, Filter::new(FacilityCode::new("A").unwrap(), 10))
    }

    #[test]
    fn a_name_pattern_narrows_by_what_it_says_for_sure() {
        for (pattern, expected) in [
            ("siti*", vec![(Field::NamePrefix, "^SITI")]),
            (" siti*", vec![(Field::NamePrefix, "^SITI")]),
            ("^siti*", vec![(Field::NamePrefix, "SITI")]),
            ("*siti*", vec![]),
            ("AMINAH^SITI", vec![(Field::NameWord, "AMINAH"), (Field::NameWord, "SITI")]),
            ("AMINAH^*", vec![(Field::NameWord, "AMINAH")]),
            ("nurhalizawati*", vec![(Field::NamePrefix, "^NURHALIZ")]),
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
                assert!(stored.iter().any(|stored| term.asks_for(stored)), "{pattern}: {:?} {}", term.field, term.text);
            }
        }
        let stored = terms::of_name("Yamada^Tarou=\u{5c71}\u{7530}^\u{592a}\u{90ce}=^\u{305f}\u{308d}\u{3046}");
        for pattern in ["yamada*", "yamada^ta*", "\u{5c71}\u{7530}*", "^\u{305f}\u{308d}*"] {
            for term in name_terms(pattern).concat() {
                assert!(stored.iter().any(|stored| term.asks_for(stored)), "{pattern}: {:?} {}", term.field, term.text);
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
        let narrowed = narrowed(&query);
        assert_eq!(narrowed.filter.study_date.from.as_deref(), Some("20220101"));
        assert_eq!(narrowed.filter.study_modalities, ["CT", "MR"]);
        assert_eq!(narrowed.terms, [[terms::number("7")]]);
        assert_eq!(narrowed.sealed.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), [PATIENT_ID, 0x0010_0030]);
        assert_eq!(query.unsupported(), [0x0099_0001]);
    }

    #[test]
    fn a_key_below_the_level_is_looked_for_where_it_stands() {
        let deep = |tag: Tag| narrowed(&Query::at(Level::Study).with(tag, Matching::Single("x".to_owned()))).depth;
        assert_eq!([0x0010_0030, 0x0008_1030].map(deep), [Level::Study; 2]);
        assert_eq!([0x0008_103E, 0x0020_0013].map(deep), [Level::Series, Level::Instance]);
        // The index knows the modality at every level.
        assert_eq!(deep(MODALITY), Level::Study);
        let none = Query::at(Level::Study).with(STUDY_INSTANCE_UID, Matching::UidList(Vec::new()));
        assert!(narrowed(&none).is_empty);
    }

    #[test]
    fn several_modalities_are_any_or_all_of_them() {
        let all = Matching::All(vec![Matching::Single("CT".to_owned()), Matching::Single("PT".to_owned())]);
        let both = narrowed(&Query::at(Level::Study).with(MODALITIES_IN_STUDY, all));
        assert_eq!((both.filter.study_modalities, both.sealed.len()), (vec!["CT".to_owned()], 1));
        let any = Matching::Single("CT\\PT".to_owned());
        let any = narrowed(&Query::at(Level::Study).with(MODALITIES_IN_STUDY, any));
        assert_eq!((any.filter.study_modalities.len(), any.sealed.len()), (2, 0));
    }

    #[test]
    fn a_patients_other_number_narrows_from_inside_its_sequence() {
        let keys =
            vec![(PATIENT_ID, Matching::Single("77".to_owned())), (0x0010_0021, Matching::Single("NIK".to_owned()))];
        let found = narrowed(&Query::at(Level::Study).with(OTHER_PATIENT_IDS_SEQUENCE, Matching::Sequence(keys)));
        assert_eq!(found.terms, [[terms::number("77")]]);
        assert_eq!(found.sealed.len(), 1);
    }
}
