//! What can go wrong in the key service.

use record::Outcome;
use seal::message::Failure;
use std::fmt;

/// Why the key service, or one of its requests, failed. The text names no patient and no person.
#[derive(Debug)]
pub struct Error {
    outcome: Outcome,
    text: String,
    retry_after_seconds: Option<u32>,
}

/// What most functions here answer.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a sentence for people.
    pub(crate) fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        Self { outcome, text: text.into(), retry_after_seconds: None }
    }

    /// The caller must change what it sent.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, text)
    }

    /// Not allowed or not there; the sentence is the same for both.
    pub(crate) fn refused() -> Self {
        Self::new(Outcome::Refused, "refused")
    }

    /// The asker's own budget is spent.
    pub(crate) fn exhausted(text: impl Into<String>, retry_after_seconds: Option<u32>) -> Self {
        Self { retry_after_seconds, ..Self::new(Outcome::Exhausted, text) }
    }

    /// What is kept is not what was written.
    pub(crate) fn damaged(text: impl Into<String>) -> Self {
        Self::new(Outcome::Damaged, text)
    }

    /// An operation on a named file or address failed.
    pub(crate) fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        let outcome = match error.kind() {
            std::io::ErrorKind::WouldBlock => Outcome::Busy,
            _ if is_full(error) => Outcome::Busy,
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::AddrInUse => {
                Outcome::Invalid
            }
            _ => Outcome::Damaged,
        };
        Self::new(outcome, format!("{what}: {error}"))
    }

    /// What the caller must do.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

/// Whether there is no room, which passes, and the disk is not broken, which does not.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull};
        // The shared memory of the log is a file too, and has its own word for a full disk.
        let is_full = error.sqlite_error().is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        // SQLite's own words name tables and columns, never their contents.
        let outcome = match error.sqlite_error_code() {
            Some(DiskFull | DatabaseBusy | DatabaseLocked) => Outcome::Busy,
            _ if is_full => Outcome::Busy,
            _ => Outcome::Damaged,
        };
        Self::new(outcome, format!("the state: {error}"))
    }
}

impl From<seal::Error> for Error {
    fn from(error: seal::Error) -> Self {
        Self::new(error.outcome(), error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { outcome: error.outcome, text: error.text, retry_after_seconds: error.retry_after_seconds }
    }
}
