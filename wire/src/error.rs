//! What was wrong with the bytes.

use record::Outcome;

/// Why bytes were not taken. The text names places (tags, offsets, limits) and never a value of the data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    outcome: Outcome,
    text: String,
}

impl Error {
    /// The sender must change what it sent.
    #[must_use]
    pub fn invalid(text: impl Into<String>) -> Self {
        Self { outcome: Outcome::Invalid, text: text.into() }
    }

    /// What was sent is well formed, and this reader does not take it.
    #[must_use]
    pub fn refused(text: impl Into<String>) -> Self {
        Self { outcome: Outcome::Refused, text: text.into() }
    }

    /// What the caller must do about it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}
