//! The crate's one error: by what the caller must do about it.

use record::Outcome;
use std::io;

/// Why the archive did not do what was asked. The texts are for people and name no patient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller must change what it sent.
    #[error("{0}")]
    Invalid(String),
    /// What came is not what the sender declared; the caller must change one of them.
    #[error("{0}")]
    Mismatch(String),
    /// What is asked for cannot be answered in bounded work; the text says how to narrow it.
    #[error("{0}")]
    TooBroad(String),
    /// Not allowed, or not there.
    #[error("{0}")]
    Refused(String),
    /// Try again later.
    #[error("{text}")]
    Busy {
        /// What is short.
        text: String,
        /// When it is worth asking again.
        retry_after_ms: u32,
    },
    /// The asker's own budget of patients is spent: wait, or ask a colleague.
    #[error("{text}")]
    Exhausted {
        /// Which budget.
        text: String,
        /// When there is room again, where waiting helps.
        retry_after_seconds: Option<u32>,
    },
    /// Another version of the same object was committed in between: look it up again, then send the next version.
    #[error("another version of the object was committed at the same time")]
    Conflict,
    /// What is kept is not what was written: stop and restore.
    #[error("{0}")]
    Damaged(String),
    /// Shutting down.
    #[error("the archive is shutting down")]
    Closed,
}

impl Error {
    /// The kind that doors translate into their protocol's words.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Invalid(_) | Self::Mismatch(_) | Self::TooBroad(_) => Outcome::Invalid,
            Self::Refused(_) => Outcome::Refused,
            Self::Busy { .. } | Self::Conflict => Outcome::Busy,
            Self::Damaged(_) => Outcome::Damaged,
            Self::Closed => Outcome::Closed,
            Self::Exhausted { .. } => Outcome::Exhausted,
        }
    }

    /// Something is short for a moment.
    #[must_use]
    pub fn busy(text: impl Into<String>) -> Self {
        Self::Busy { text: text.into(), retry_after_ms: 1_000 }
    }

    /// The disk is full: it stays so until someone makes room, so a sender should wait longer than for a full queue.
    #[must_use]
    pub fn out_of_space() -> Self {
        Self::Busy { text: "out of space".to_owned(), retry_after_ms: 30_000 }
    }

    /// Whether it is [`Error::out_of_space`], for doors whose protocol has a word for that.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        *self == Self::out_of_space()
    }

    /// What a failed read or write of the archive's own files means to the caller.
    #[must_use]
    pub fn from_io(what: &str, error: &io::Error) -> Self {
        if is_out_of_space(error) { Self::out_of_space() } else { Self::Damaged(format!("{what}: {error}")) }
    }
}

/// Whether a write failed because there is no room, which passes, and not because the disk is broken, which does not.
#[must_use]
pub fn is_out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{ErrorCode, ffi};
        // The shared memory of a WAL is a file too, and has its own word for a full disk.
        if error.sqlite_error().is_some_and(|failure| failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::out_of_space();
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::out_of_space(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::busy("the index is busy"),
            _ => Self::Damaged(format!("index: {error}")),
        }
    }
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;
