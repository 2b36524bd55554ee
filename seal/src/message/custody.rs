//! What there is to say about keeping and ending records: why one is ended, legal holds, backups.

use minicbor::{Decode, Encode};
use record::{Micros, Pseudonym};

/// Why a record is ended although its time of retention is not over. Stated by whoever orders it; the ledger keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Basis {
    /// A court has ordered it. This basis alone ends a record on legal hold.
    #[n(0)]
    CourtOrder,
    /// An authority has ordered it.
    #[n(1)]
    AuthorityOrder,
    /// The patient has asked for erasure, and the law gives that right.
    #[n(2)]
    PatientRequest,
    /// The record should never have been made: another person's, or taken in by mistake.
    #[n(3)]
    MadeInError,
}

impl Basis {
    /// All of them, with the words of the command line.
    #[must_use]
    pub fn all() -> [(Self, &'static str); 4] {
        [
            (Self::CourtOrder, "court-order"),
            (Self::AuthorityOrder, "authority-order"),
            (Self::PatientRequest, "patient-request"),
            (Self::MadeInError, "made-in-error"),
        ]
    }

    /// The word for one.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::all().into_iter().find(|(basis, _)| *basis == self).map_or("", |(_, word)| word)
    }

    /// The one of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::all().into_iter().find(|(_, known)| *known == word).map(|(basis, _)| basis)
    }
}

/// What an administrator asks about custody.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CustodyRequest {
    /// Puts a patient on legal hold: nothing ends the record but a court's order. Answers `Done`.
    #[n(0)]
    Hold {
        /// Whose record.
        #[n(0)]
        patient: Pseudonym,
        /// Why, for the ledger.
        #[n(1)]
        reason: String,
    },
    /// Ends a hold. Answers `Done`.
    #[n(1)]
    Lift {
        /// Whose record.
        #[n(0)]
        patient: Pseudonym,
        /// Why, for the ledger.
        #[n(1)]
        reason: String,
    },
    /// Lists the holds. Answers [`CustodyAnswer::Holds`].
    #[n(2)]
    Holds,
    /// A backup was made: it goes into the ledger. Answers `Done`.
    #[n(3)]
    BackedUp {
        /// Entries of the ledger in it.
        #[n(0)]
        entries: u64,
        /// SHA-256 of the state in it.
        #[cbor(n(1), with = "minicbor::bytes")]
        sha256: [u8; 32],
    },
    /// Puts a restored state in force; until then it opens nothing, where there are approvers. Answers `Done`.
    #[n(60)]
    PutInForce,
}

/// Answers about custody.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CustodyAnswer {
    /// To `Holds`.
    #[n(0)]
    Holds(#[n(0)] Vec<Held>),
}

/// A record on legal hold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Held {
    /// Whose.
    #[n(0)]
    pub patient: Pseudonym,
    /// Since when.
    #[n(1)]
    pub since: Micros,
    /// Why.
    #[n(2)]
    pub reason: String,
}
