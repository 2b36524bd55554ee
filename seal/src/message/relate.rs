//! Who else may look at a patient, and what is labelled as sensitive.

use super::{Asker, Part};
use minicbor::{Decode, Encode};
use record::{FacilityCode, Label, Micros, ObjectId, Pseudonym};

/// What is to change between a patient and another facility.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum RelationChange {
    /// The patient is referred: the other facility sees everything until then.
    #[n(0)]
    Referral {
        /// The other facility.
        #[n(0)]
        to: FacilityCode,
        /// When it runs out; at most `limits::RELATION_SECONDS_MAX` from now.
        #[n(1)]
        until: Micros,
    },
    /// The patient consents that the other facility looks until then.
    #[n(1)]
    Consent {
        /// The other facility.
        #[n(0)]
        to: FacilityCode,
        /// When it runs out; at most `limits::RELATION_SECONDS_MAX` from now.
        #[n(1)]
        until: Micros,
        /// The summary alone, or everything.
        #[n(2)]
        scope: Part,
    },
    /// Whatever the other facility was given ends now.
    #[n(2)]
    End {
        /// The other facility.
        #[n(0)]
        to: FacilityCode,
    },
}

impl RelationChange {
    /// The other facility.
    #[must_use]
    pub fn to(&self) -> &FacilityCode {
        match self {
            Self::Referral { to, .. } | Self::Consent { to, .. } | Self::End { to } => to,
        }
    }

    /// Until when the other facility may look; `None` for an end.
    #[must_use]
    pub fn until(&self) -> Option<Micros> {
        match self {
            Self::Referral { until, .. } | Self::Consent { until, .. } => Some(*until),
            Self::End { .. } => None,
        }
    }
}

/// Asks for a change of relation.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RelateRequest {
    /// Who asks: a person or system of a facility that itself treats the patient.
    #[n(0)]
    pub asker: Asker,
    /// Whose.
    #[n(1)]
    pub patient: Pseudonym,
    /// What changes.
    #[n(2)]
    pub change: RelationChange,
}

/// Asks for labels to be set or taken away.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct LabelRequest {
    /// Who asks: to set, whoever may put in; to take away, whoever may correct, at the facility that set them.
    #[n(0)]
    pub asker: Asker,
    /// Whose.
    #[n(1)]
    pub patient: Pseudonym,
    /// Which object.
    #[n(2)]
    pub object: ObjectId,
    /// Labels to set.
    #[n(3)]
    pub add: Vec<Label>,
    /// Labels to take away.
    #[n(4)]
    pub remove: Vec<Label>,
    /// An object of the same patient: the labels that the asker's facility has set on it are set as well.
    #[n(5)]
    pub like: Option<ObjectId>,
}

/// What an object that is taken in says beside itself. It comes into force with the object, or neither does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Says {
    /// Its labels.
    #[n(0)]
    pub labels: Vec<Label>,
    /// What it gives to another facility, for as long as this is its newest version.
    #[n(1)]
    pub relation: Option<RelationChange>,
}

impl Says {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.relation.is_none()
    }
}

/// A change of relation or labels is in force.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Noted {
    /// The ledger entry of it.
    #[n(0)]
    pub entry: u64,
    /// Every other pseudonym of the same person.
    #[n(1)]
    pub linked: Vec<Pseudonym>,
    /// The labels that the object then has of the asker's facility; empty for a change of relation.
    #[n(2)]
    pub labels: Vec<Label>,
}
