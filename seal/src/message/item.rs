//! What is taken in and what is opened, one by one.

use super::{Context, DataKey, WrappedKey, relate};
use minicbor::{Decode, Encode};
use record::{FacilityCode, Identifier, ObjectId, Pseudonym, Term, Token, Version};

/// One object to take in.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AdmitItem {
    /// Chosen at random by the archive node for a new object; the kept one for a new version.
    #[n(0)]
    pub object: ObjectId,
    /// 1 for a new object.
    #[n(1)]
    pub version: Version,
    /// The kind, for the log: `dicom`, `Observation`, ...
    #[n(2)]
    pub kind: String,
    /// Every identifier that names the patient. Empty only together with `patient`.
    #[n(3)]
    pub identifiers: Vec<Identifier>,
    /// The patient, where the object refers to one already known (a FHIR subject). Must have been treated by the asker's facility.
    #[n(4)]
    pub patient: Option<Pseudonym>,
    /// Terms to be found by, besides the identifiers (which the archive lists among the terms as well).
    #[n(5)]
    pub terms: Vec<Term>,
    /// Key of the summary.
    #[n(6)]
    pub summary: DataKey,
    /// Key of metadata and content.
    #[n(7)]
    pub content: DataKey,
    /// What the object says beside itself: its labels, and what it gives to another facility.
    #[n(8)]
    pub says: Option<relate::Says>,
}

/// One object taken in.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Admitted {
    /// The patient.
    #[n(0)]
    pub patient: Pseudonym,
    /// Other pseudonyms of the same person, known by a national identifier.
    #[n(1)]
    pub linked: Vec<Pseudonym>,
    /// One per term, in order.
    #[n(2)]
    pub tokens: Vec<Token>,
    /// The summary's key, wrapped.
    #[n(3)]
    pub summary: WrappedKey,
    /// The content's key, wrapped.
    #[n(4)]
    pub content: WrappedKey,
    /// The sending facility, as the key service knows the asker.
    #[n(5)]
    pub facility: FacilityCode,
    /// Whether something of the patient is labelled: then what joins a study is labelled like it, see `relate::LabelRequest`.
    #[n(6)]
    pub is_labelled: bool,
}

/// One key to open.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ReleaseItem {
    /// What it is bound to.
    #[n(0)]
    pub context: Context,
    /// The wrapped key of the part asked for.
    #[n(1)]
    pub wrapped: WrappedKey,
}

/// One key's fate.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Released {
    /// Opened, logged and charged.
    #[n(0)]
    Key(#[n(0)] DataKey),
    /// Not opened: not allowed, not known, erased or not what it claims to be. One answer for all.
    #[n(1)]
    Refused,
}
