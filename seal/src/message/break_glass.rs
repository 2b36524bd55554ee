//! Emergencies in which nothing else gives the right to look: declared with a reason, told at once, reviewed afterwards.

use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros, Pseudonym};

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GlassAsk {
    /// Declares an emergency for one patient. Answers [`GlassAnswer::Broken`].
    #[n(0)]
    Break {
        /// The patient's number: NIK, JKN card, IHS number or passport, or a medical record number together with `facility`.
        #[n(0)]
        number: String,
        /// The facility whose medical record number it is.
        #[n(1)]
        facility: Option<FacilityCode>,
        /// Why, for whoever reviews it.
        #[n(2)]
        reason: String,
    },
    /// What the asker has opened so, and is still open. Answers [`GlassAnswer::Broken`].
    #[n(1)]
    Open,
    /// What waits for a review. Answers [`GlassAnswer::Queue`].
    #[n(2)]
    Queue,
    /// Reviews. Answers [`GlassAnswer::Queue`].
    #[n(3)]
    Review {
        /// Which.
        #[n(0)]
        id: u64,
        /// Whether it was an emergency.
        #[n(1)]
        is_justified: bool,
        /// What was found.
        #[n(2)]
        note: String,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GlassAnswer {
    /// Whose records are open to the asker, and until when at most.
    #[n(0)]
    Broken {
        /// Every pseudonym of the persons.
        #[n(0)]
        patients: Vec<Pseudonym>,
        /// When the last of them closes; `None` if none is open.
        #[n(1)]
        until: Option<Micros>,
    },
    /// What waits for a review, or was reviewed within a day.
    #[n(1)]
    Queue(#[n(0)] Vec<GlassEntry>),
}

/// One emergency that somebody declared.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GlassEntry {
    /// Its number.
    #[n(0)]
    pub id: u64,
    /// Who: an id of the register.
    #[n(1)]
    pub actor: String,
    /// Who: the name, if still registered.
    #[n(2)]
    pub name: Option<String>,
    /// Of which facility.
    #[n(3)]
    pub facility: FacilityCode,
    /// Whose record; `None` if nobody has the number.
    #[n(4)]
    pub patient: Option<Pseudonym>,
    /// Why.
    #[n(5)]
    pub reason: String,
    /// When.
    #[n(6)]
    pub at: Micros,
    /// When its review is overdue.
    #[n(7)]
    pub due: Micros,
    /// Whether it was overdue already.
    #[n(8)]
    pub is_escalated: bool,
    /// How it was reviewed.
    #[n(9)]
    pub review: Option<GlassReview>,
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GlassReview {
    /// By whom: an id of the register.
    #[n(0)]
    pub by: String,
    /// When.
    #[n(1)]
    pub at: Micros,
    /// Whether it was an emergency.
    #[n(2)]
    pub is_justified: bool,
    /// What was found.
    #[n(3)]
    pub note: String,
}
