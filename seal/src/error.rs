//! What can go wrong with sealed things.

use record::Outcome;
use std::fmt;

/// Why something could not be sealed, opened or read. The text names no patient and no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    outcome: Outcome,
    text: &'static str,
}

impl Error {
    pub(crate) const fn new(outcome: Outcome, text: &'static str) -> Self {
        Self { outcome, text }
    }

    /// The caller handed over something that cannot be: a wrong length, a message too big.
    pub(crate) const fn invalid(text: &'static str) -> Self {
        Self::new(Outcome::Invalid, text)
    }

    /// The key, the context or the bytes are not the ones that were sealed. Which of the three is not told.
    pub(crate) const fn refused(text: &'static str) -> Self {
        Self::new(Outcome::Refused, text)
    }

    /// The bytes cannot be what was written.
    pub(crate) const fn damaged(text: &'static str) -> Self {
        Self::new(Outcome::Damaged, text)
    }

    /// What the caller must do.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl std::error::Error for Error {}

/// What every function here answers.
pub type Result<T> = std::result::Result<T, Error>;
