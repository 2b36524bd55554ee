//! Time that nobody sets: how long the service has been running, added up over all its lives.
//!
//! A delay is over when the wall clock says so *and* the service has run as long. Who sets the wall clock forward gains
//! nothing; who sets it back delays what waits and lengthens nothing, for a proposal ends by whichever of the two says so first.

use crate::error::Result;
use crate::keys::Keys;
use crate::store::quorum as stored;
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// How often the sum is written down. A crash forgets this much at most, and what waits then waits so much longer.
const SAVED_EVERY: Duration = Duration::from_secs(30);
const FACT: &str = "running";

/// The service's running time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Seconds in earlier lives.
    before: u64,
    /// This life's start. The system's monotonic clock cannot be set.
    since: Instant,
    saved: Option<Instant>,
}

impl Clock {
    /// Goes on from what was written down.
    ///
    /// # Errors
    /// Damaged if that is not what was written.
    pub fn load(db: &Connection, keys: &Keys) -> Result<Self> {
        let before = stored::fact(db, keys, FACT)?.unwrap_or_default();
        Ok(Self { before, since: Instant::now(), saved: None })
    }

    /// Seconds that the service has been running in all.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.before.saturating_add(self.since.elapsed().as_secs())
    }

    /// Writes the sum down if it is time to, within the open transaction.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn keep(&mut self, db: &Connection, keys: &Keys) -> Result<()> {
        if self.saved.is_some_and(|saved| saved.elapsed() < SAVED_EVERY) {
            return Ok(());
        }
        // A transaction that fails afterwards only means that it is written down later.
        self.saved = Some(Instant::now());
        stored::put_fact(db, keys, FACT, &self.seconds())
    }
}
