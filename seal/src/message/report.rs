//! The messages of a patient's access report: who opened the record, when, why and through which door.

use minicbor::{Decode, Encode};
use record::{FacilityCode, Identifier, Micros, Purpose, Role};
use std::fmt;

/// Whose report, and from when to when.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ReportAsk {
    /// The patient, as the patient is called.
    #[n(0)]
    pub patient: Identifier,
    /// The facility that a local number belongs to; the asker's own for a request that has an asker.
    #[n(1)]
    pub facility: Option<FacilityCode>,
    /// Nothing before this.
    #[n(2)]
    pub from: Option<Micros>,
    /// Nothing after this.
    #[n(3)]
    pub to: Option<Micros>,
}

/// A patient's access report.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct AccessReport {
    /// The ledger's origin.
    #[n(0)]
    pub origin: String,
    /// When it was made.
    #[n(1)]
    pub made: Micros,
    /// Position of the entry that says so.
    #[n(2)]
    pub position: u64,
    /// What happened, the newest first.
    #[n(3)]
    pub entries: Vec<ReportEntry>,
    /// Older entries that did not fit.
    #[n(4)]
    pub left_out: u64,
}

impl fmt::Debug for AccessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessReport({} entries)", self.entries.len())
    }
}

/// One thing that happened to the record.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct ReportEntry {
    /// Position in the ledger.
    #[n(0)]
    pub position: u64,
    /// When.
    #[n(1)]
    pub at: Micros,
    /// What: the word of the event's action.
    #[n(2)]
    pub action: String,
    /// Whether it was done; else it was tried and refused.
    #[n(3)]
    pub permitted: bool,
    /// The facility that acted.
    #[n(4)]
    pub facility: Option<FacilityCode>,
    /// That facility's name.
    #[n(5)]
    pub facility_name: Option<String>,
    /// In which role.
    #[n(6)]
    pub role: Option<Role>,
    /// The person's name, where the settings allow it.
    #[n(7)]
    pub name: Option<String>,
    /// What for.
    #[n(8)]
    pub purpose: Option<Purpose>,
    /// Through which door.
    #[n(9)]
    pub channel: Option<String>,
    /// Whether the whole content was opened, and not only what lists show.
    #[n(10)]
    pub whole: bool,
    /// How many objects.
    #[n(11)]
    pub objects: u32,
    /// Which kinds of objects.
    #[n(12)]
    pub kinds: Vec<String>,
    /// A reason that was stated: of a broken glass, an erasure, an export.
    #[n(13)]
    pub reason: Option<String>,
}
