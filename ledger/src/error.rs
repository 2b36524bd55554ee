//! What can go wrong with a log.

use std::io;

/// Why the log refused, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller must change what it asked for.
    #[error("{0}")]
    Invalid(&'static str),
    /// A file is not what was written, or is missing: stop and restore.
    #[error("{file}: {why}")]
    Damaged {
        /// The file, relative to the log's folder.
        file: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Reading or writing failed. After it a [`crate::Log`] is closed: what a failed fsync left on the disk is unknown,
    /// and only opening it again tells.
    #[error("{file}: {source}")]
    Io {
        /// The file, relative to the log's folder.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write failed.
    #[error("the log is closed after a failed write")]
    Closed,
}

impl Error {
    pub(crate) fn damaged(file: impl Into<String>, why: &'static str) -> Self {
        Self::Damaged { file: file.into(), why }
    }

    pub(crate) fn io(file: impl Into<String>, source: io::Error) -> Self {
        Self::Io { file: file.into(), source }
    }
}
