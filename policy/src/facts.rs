//! What is decided on: who, whose, and in which situation. Every fact has a few values only.

use record::{FacilityCode, Labels, Purpose, Role};

/// Somebody whose proof of identity has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What it is there to do.
    pub role: Role,
    /// Where, according to the register and never according to the proof.
    pub facility: FacilityCode,
    /// The purpose that its proof grants.
    pub granted: Purpose,
    /// Whether it is on duty, according to the register.
    pub duty_valid: bool,
    /// Whether its training has not lapsed, according to the register.
    pub training_valid: bool,
}

/// What binds the actor's facility to the patient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Relation {
    /// The facility has treated the patient.
    pub treated: bool,
    /// It has treated the same person under another pseudonym.
    pub linked: bool,
    /// It was sent a referral that has neither ended nor run out.
    pub referred: bool,
    /// The patient has consented that it sees who and what there is.
    pub consented: bool,
    /// The patient has consented that it sees everything.
    pub consented_content: bool,
}

impl Relation {
    /// Nothing.
    pub const NONE: Self =
        Self { treated: false, linked: false, referred: false, consented: false, consented_content: false };
    /// The facility has treated the patient, and that is all.
    pub const TREATED: Self = Self { treated: true, ..Self::NONE };
}

/// A patient's record, or one object of it, as the actor's facility stands to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// What binds the facility to the patient.
    pub relation: Relation,
    /// The object's labels; none where the record as a whole is meant.
    pub labels: Labels,
    /// Whether the actor's own facility has set all of them.
    pub labelled_here: bool,
}

impl From<Relation> for Record {
    fn from(relation: Relation) -> Self {
        Self { relation, ..Self::default() }
    }
}

/// The rest of what a decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Situation {
    /// What it is asked for.
    pub purpose: Purpose,
    /// Whether the actor has declared an emergency for this patient, and it has not run out.
    pub emergency: bool,
    /// The hour of the day, 0 to 23, in UTC.
    pub hour: u8,
}
