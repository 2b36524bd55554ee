//! How far the reading has come, to be looked at from another thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counts that only grow.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    pieces: AtomicU64,
    rows: AtomicU64,
    stop: AtomicBool,
}

/// The counts at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Bytes of the sample as it lies there, packed.
    pub bytes: u64,
    /// All its bytes, once they have been counted; files may grow after it.
    pub bytes_total: u64,
    /// Files and tables, those inside archives included.
    pub pieces: u64,
    /// Rows.
    pub rows: u64,
}

impl Progress {
    /// The counts now.
    #[must_use]
    pub fn done(&self) -> Done {
        Done {
            bytes: self.bytes.load(Relaxed),
            bytes_total: self.bytes_total.load(Relaxed),
            pieces: self.pieces.load(Relaxed),
            rows: self.rows.load(Relaxed),
        }
    }

    /// Asks the reading to end after the piece of data that it is at.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    pub(crate) fn expect(&self, bytes: u64) {
        self.bytes_total.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn read(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn piece(&self) {
        self.pieces.fetch_add(1, Relaxed);
    }

    pub(crate) fn rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Relaxed);
    }
}
