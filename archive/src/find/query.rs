//! What may be asked (PS3.4 C.2.2, PS3.18 8.3.4) and what is answered.

use crate::error::{Error, Result};
use crate::index::rows::Place;
use record::{FacilityCode, Pseudonym};
use serde_json::{Map, Value};

/// An attribute's tag: group in the upper, element in the lower 16 bits.
pub type Tag = u32;

/// Query/Retrieve levels (PS3.4 C.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// One row per patient.
    Patient,
    /// One row per study.
    Study,
    /// One row per series.
    Series,
    /// One row per composite object instance (`IMAGE` in DIMSE).
    Instance,
}

/// How one key matches (PS3.4 C.2.2.2).
#[derive(Clone, PartialEq, Eq)]
pub enum Matching {
    /// C.2.2.2.3: everything; the attribute is only asked for in the answer.
    Universal,
    /// C.2.2.2.1: this value. A name, case apart.
    Single(String),
    /// C.2.2.2.4: `*` stands for any run of characters, `?` for one.
    Wildcard(String),
    /// C.2.2.2.5: dates or times from one to another, both included; an absent end is open.
    Range {
        /// The first.
        from: Option<String>,
        /// The last.
        to: Option<String>,
    },
    /// C.2.2.2.2: one of these UIDs.
    UidList(Vec<String>),
    /// C.2.2.2.6: an item of the sequence that matches all of these keys.
    Sequence(Vec<(Tag, Matching)>),
    /// C.2.2.2.7: no value at all.
    Empty,
    /// C.2.2.2.8: each of these values among those of the attribute.
    All(Vec<Matching>),
}

/// The forms of matching that are only done where both sides have agreed to them (PS3.4 C.5.1.1, PS3.18 8.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Keys of any level, without the unique keys above.
    pub relational: bool,
    /// Ranges of a date and its time are one range of moments (C.2.2.2.5.4).
    pub combined_date_time: bool,
    /// Names by sound (C.2.2.2.1.1).
    pub fuzzy_names: bool,
    /// `""` asks for what is empty (C.2.2.2.7).
    pub empty_values: bool,
    /// Several values ask for all of them (C.2.2.2.8).
    pub multiple_values: bool,
}

impl Matching {
    /// Reads the text of a key as a C-FIND identifier or a QIDO parameter has it, by the attribute's VR: a backslash or
    /// comma lists UIDs, a hyphen makes a range of DA, TM and DT, `*` and `?` are wildcards where the VR allows them.
    #[must_use]
    pub fn parse(vr: &str, text: &str) -> Self {
        let text = text.trim_matches([' ', '\0']);
        match vr {
            // `*` alone is universal matching for every VR that knows wildcards, and common practice for the others.
            _ if text.is_empty() || text.bytes().all(|byte| byte == b'*') => Self::Universal,
            "UI" => Self::UidList(
                text.split(['\\', ','])
                    .map(|uid| uid.trim_matches([' ', '\0']).to_owned())
                    .filter(|uid| !uid.is_empty())
                    .collect(),
            ),
            "DT" => super::moment::range(text),
            "DA" | "TM" => match text.split_once('-') {
                Some((from, to)) => {
                    let end = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
                    Self::Range { from: end(from), to: end(to) }
                }
                None => Self::Single(text.to_owned()),
            },
            "SL" | "SS" | "US" | "UL" | "FL" | "FD" | "OB" | "OW" | "UN" | "AT" | "DS" | "IS" | "AS" => {
                Self::Single(text.to_owned())
            }
            _ if text.contains(['*', '?']) => Self::Wildcard(text.to_owned()),
            _ => Self::Single(text.to_owned()),
        }
    }
}

impl Matching {
    /// As [`Matching::parse`], with the forms of matching that were agreed.
    #[must_use]
    pub fn parse_agreed(vr: &str, text: &str, agreed: Agreed) -> Self {
        let trimmed = text.trim_matches([' ', '\0']);
        if agreed.empty_values && trimmed == "\"\"" {
            return Self::Empty;
        }
        let has_values = matches!(vr, "AE" | "AS" | "AT" | "CS" | "LO" | "PN" | "SH" | "UC") && trimmed.contains('\\');
        if agreed.multiple_values && has_values {
            let values = trimmed.split('\\').map(str::trim).filter(|value| !value.is_empty());
            return Self::All(values.map(|value| Self::Single(value.to_owned())).collect());
        }
        Self::parse(vr, text)
    }
}

impl std::fmt::Debug for Matching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Universal => "Universal",
            Self::Single(_) => "Single(#)",
            Self::Wildcard(_) => "Wildcard(#)",
            Self::Range { .. } => "Range(#)",
            Self::UidList(_) => "UidList(#)",
            Self::Sequence(_) => "Sequence(#)",
            Self::Empty => "Empty",
            Self::All(_) => "All(#)",
        })
    }
}

/// A search over images.
#[derive(Clone, Debug)]
pub struct Query {
    /// What a row stands for.
    pub level: Level,
    /// The keys, joined by *and*. A key above or at the level narrows; one below it matches a row any of whose
    /// instances match. Unknown tags only appear in the answer if the summary holds them.
    pub keys: Vec<(Tag, Matching)>,
    /// `fuzzymatching` (PS3.18 8.3.4.2): names that sound alike match word by word.
    pub fuzzy: bool,
    /// Ranges of a date and its time are one range of moments.
    pub combined_date_time: bool,
    /// TimezoneOffsetFromUTC (0008,0201) of the asker in minutes, if it names one; moments of studies that name theirs
    /// are compared with it.
    pub timezone_minutes: Option<i64>,
    /// Attributes that cost a look-up of their own and are computed only for whoever asks.
    pub asked: Vec<Tag>,
    /// Rows to skip.
    pub offset: usize,
    /// Rows to answer; `None` for all, as long as they do not exceed `limits::SEARCH_OPENED_MAX`.
    pub limit: Option<usize>,
    /// Only what comes after an earlier page, as it was when that search began.
    pub after: Option<Position>,
}

impl Query {
    /// Everything at a level.
    #[must_use]
    pub fn at(level: Level) -> Self {
        Self {
            level,
            keys: Vec::new(),
            fuzzy: false,
            combined_date_time: false,
            timezone_minutes: None,
            asked: Vec::new(),
            offset: 0,
            limit: None,
            after: None,
        }
    }

    /// With one more key.
    #[must_use]
    pub fn with(mut self, tag: Tag, matching: Matching) -> Self {
        self.keys.push((tag, matching));
        self
    }
}

/// Where a search goes on: the last row looked at, and how much there was when the search began. What is stored meanwhile
/// neither moves the rows that were there nor appears among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub(super) place: Place,
    pub(super) until: i64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { day, study, series, instance } = self.place;
        write!(f, "{day}.{study}.{series}.{instance}.{}", self.until)
    }
}

impl std::str::FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Invalid("this is no position that a search gave".to_owned());
        let numbers: Vec<i64> = text
            .split('.')
            .map(|number| number.parse::<u32>().map(i64::from))
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| wrong())?;
        let [day, study, series, instance, until] = numbers.as_slice() else { return Err(wrong()) };
        let place = Place { day: *day, study: *study, series: *series, instance: *instance };
        Ok(Self { place, until: *until })
    }
}

/// A page of answers.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The rows, in the order of the index.
    pub rows: Vec<Row>,
    /// Where to go on, if there may be more.
    pub next: Option<Position>,
    /// How many rows there are in all; only if every one of them was looked at.
    pub total: Option<usize>,
}

/// One answer.
#[derive(Clone)]
pub struct Row {
    /// DICOM JSON (PS3.18 F) of the attributes at the query's level and above, counts included. RetrieveURL is the door's.
    pub attributes: Map<String, Value>,
    /// Whose.
    pub patient: Pseudonym,
    /// Who sent the newest object behind the row.
    pub facility: FacilityCode,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({:?}, #)", self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written_and_nothing_else_is_one() {
        let position = Position { place: Place { day: 20_260_105, study: 7, series: 8, instance: 9 }, until: 12 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for wrong in ["", "1.2.3.4", "1.2.3.4.5.6", "-1.2.3.4.5", "1.2.3.4.x", "1.2.3.4.99999999999"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn forms_of_matching_that_were_not_agreed_are_plain_values() {
        let all = Agreed { empty_values: true, multiple_values: true, ..Agreed::default() };
        let single = |text: &str| Matching::Single(text.to_owned());
        for (vr, text, agreed, expected) in [
            ("LO", "\"\"", all, Matching::Empty),
            ("LO", "\"\"", Agreed::default(), single("\"\"")),
            ("CS", "CT\\PT ", all, Matching::All(vec![single("CT"), single("PT")])),
            ("CS", "CT\\PT", Agreed::default(), single("CT\\PT")),
            ("UI", "1.2\\1.3", all, Matching::UidList(vec!["1.2".to_owned(), "1.3".to_owned()])),
            ("DA", "20260101-", all, Matching::Range { from: Some("20260101".to_owned()), to: None }),
        ] {
            assert!(Matching::parse_agreed(vr, text, agreed) == expected, "{vr} {text}");
        }
    }
}
