//! Canaries: records of nobody, under real keys, that no honest work opens. Who they are only the key service knows.

use minicbor::{Decode, Encode};
use record::FacilityCode;
use std::fmt;

/// Somebody who does not exist.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Identity {
    /// PatientName (0010,0010).
    #[n(0)]
    pub name: String,
    /// The facility's medical record number.
    #[n(1)]
    pub number: String,
    /// A NIK that belongs to nobody.
    #[n(2)]
    pub nik: String,
    /// PatientBirthDate (0010,0030), `YYYYMMDD`.
    #[n(3)]
    pub born: String,
    /// PatientSex (0010,0040).
    #[n(4)]
    pub sex: String,
    /// The number of a health insurance card that was issued to nobody.
    #[n(5)]
    pub card: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(#)")
    }
}

/// One that is to be planted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CanaryPlan {
    /// Among whose patients.
    #[n(0)]
    pub facility: FacilityCode,
    /// The one recipient whose exports it goes along with; none for those that only wait.
    #[n(1)]
    pub recipient: Option<String>,
    /// Whether it is never delivered to anybody: finding one outside means that the leak was behind the doors.
    #[n(2)]
    pub is_sleeping: bool,
    /// Who it is.
    #[n(3)]
    pub identity: Identity,
}

/// What an administrator asks about canaries.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum CanaryRequest {
    /// Has them planted. Answers [`CanaryAnswer::Planned`].
    #[n(0)]
    Plan {
        /// At most `limits::MESSAGE_ITEMS_MAX`.
        #[n(0)]
        plans: Vec<CanaryPlan>,
        /// Without waiting for real patients to arrive between them.
        #[n(1)]
        at_once: bool,
    },
    /// How many there are. Who they are is told to nobody. Answers [`CanaryAnswer::Counts`].
    #[n(1)]
    Count,
}

/// What an administrator hears about canaries.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum CanaryAnswer {
    /// So many wait to be planted now.
    #[n(0)]
    Planned(#[n(0)] u64),
    /// To `Count`.
    #[n(1)]
    Counts(#[n(0)] Vec<CanaryCount>),
}

/// How many canaries of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CanaryCount {
    /// Among whose patients.
    #[n(0)]
    pub facility: FacilityCode,
    /// For which recipient.
    #[n(1)]
    pub recipient: Option<String>,
    /// Whether they are never delivered.
    #[n(2)]
    pub is_sleeping: bool,
    /// Not planted yet.
    #[n(3)]
    pub waiting: u64,
    /// Planted.
    #[n(4)]
    pub planted: u64,
}

/// One that is due to be planted now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Planting {
    /// Its number, for `Proof::Planting`.
    #[n(0)]
    pub number: u64,
    /// Among whose patients.
    #[n(1)]
    pub facility: FacilityCode,
    /// Who it is.
    #[n(2)]
    pub identity: Identity,
}
