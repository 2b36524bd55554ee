//! What can be wrong with a set of policies.

use record::Outcome;
use std::fmt;

/// Why a set of policies is not taken. The text speaks of the policies alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    text: String,
}

/// What most functions here answer.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// What the caller must do: send other policies.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::Invalid
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
