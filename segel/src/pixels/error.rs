//! Why a frame was not decoded or drawn.

use crate::http::Problem;
use record::Outcome;

/// Why a frame was not decoded or drawn. Its text is for people and names no patient data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    outcome: Outcome,
    text: String,
}

impl Error {
    /// What the caller must do about it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// An error of this kind.
    pub fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        Self { outcome, text: text.into() }
    }

    /// The frame, its description or the wish is one that nothing can be made of.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, text)
    }

    /// The frame is not what its transfer syntax or its description say.
    pub fn undecodable() -> Self {
        Self::invalid("The frame cannot be decoded; retrieve it as it is.")
    }

    /// Too many frames are being decoded.
    pub fn busy() -> Self {
        Self::new(Outcome::Busy, "Too many images are being decoded; try again.")
    }
}

impl From<Error> for Problem {
    /// What cannot be drawn is a representation that cannot be made: 406 (PS3.18 8.7.8).
    fn from(error: Error) -> Self {
        match error.outcome {
            Outcome::Invalid => Self::not_acceptable(error.text),
            Outcome::Busy => Self::busy(error.text),
            outcome => Self::of(outcome, false, error.text),
        }
    }
}
