//! What may be asked (PS3.4 C.2.2, PS3.18 8.3.4) and what is answered.

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
            "DA" | "TM" | "DT" => match text.split_once('-') {
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

impl std::fmt::Debug for Matching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Universal => "Universal",
            Self::Single(_) => "Single(#)",
            Self::Wildcard(_) => "Wildcard(#)",
            Self::Range { .. } => "Range(#)",
            Self::UidList(_) => "UidList(#)",
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
    /// Rows to skip.
    pub offset: usize,
    /// Rows to answer; `None` for all, as long as they do not exceed `limits::SEARCH_OPENED_MAX`.
    pub limit: Option<usize>,
}

impl Query {
    /// Everything at a level.
    #[must_use]
    pub fn at(level: Level) -> Self {
        Self { level, keys: Vec::new(), fuzzy: false, offset: 0, limit: None }
    }

    /// With one more key.
    #[must_use]
    pub fn with(mut self, tag: Tag, matching: Matching) -> Self {
        self.keys.push((tag, matching));
        self
    }
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
