//! Why an association or an operation failed, by what the caller can do about it.

use record::Outcome;
use std::fmt;
use wire::pdu::{Abort, AssociateRj};

/// What most functions here answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Why it failed. The text names no patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    outcome: Outcome,
    text: String,
}

impl Error {
    /// An error of this kind.
    pub(super) fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        Self { outcome, text: text.into() }
    }

    /// Another attempt, later, may succeed.
    pub(super) fn busy(text: impl Into<String>) -> Self {
        Self::new(Outcome::Busy, text)
    }

    /// The peer does not do what was asked.
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::new(Outcome::Refused, text)
    }

    /// The peer, or the caller, does what the protocol does not have.
    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, text)
    }

    /// The peer said no (PS3.8 9.3.4): for now, or for good.
    pub(super) fn rejected(rejection: AssociateRj) -> Self {
        const TRANSIENT: u8 = 2;
        let outcome = if rejection.result == TRANSIENT { Outcome::Busy } else { Outcome::Refused };
        let reason = match rejection.named() {
            Some(reason) => format!("{reason:?}"),
            None => format!("result {}, source {}, reason {}", rejection.result, rejection.source, rejection.reason),
        };
        Self::new(outcome, format!("the peer rejects the association: {reason}"))
    }

    /// The peer broke the association off (PS3.8 9.3.8).
    pub(super) fn aborted(abort: Option<Abort>) -> Self {
        let who = match abort {
            Some(Abort { source: 0, .. }) => "the peer".to_owned(),
            Some(Abort { source, reason }) => format!("the peer's upper layer (source {source}, reason {reason})"),
            None => "the peer".to_owned(),
        };
        Self::busy(format!("{who} aborted the association"))
    }

    /// There is no association any more.
    #[must_use]
    pub fn gone() -> Self {
        Self::busy("the association has ended")
    }

    /// What the caller can do.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether another attempt, later, may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.outcome(), Outcome::Busy | Outcome::Closed)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<wire::Error> for Error {
    fn from(error: wire::Error) -> Self {
        Self::new(error.outcome(), format!("the peer's bytes cannot be read: {error}"))
    }
}
