//! The ledger's files: a projection of the committed events, extended by the same code after a commit and after a crash.

use crate::audit;
use crate::error::{Error, Result, is_full};
use crate::shared::Shared;
use crate::store::{self, events};
use ledger::{Hash, Log, SigningKey};
use record::Outcome;
use record::limits::CHECKPOINT_MILLIS;
use rusqlite::Connection;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Events read at once.
const BATCH: usize = 4_096;
/// Entries before the checkpoint that are held against the state at a start.
const COMPARED: u64 = 256;

/// How long the ledger's files wait for room before the next attempt.
const FULL_PAUSE: Duration = Duration::from_millis(500);

/// The ledger's folder inside the service's.
pub const FOLDER_NAME: &str = "ledger";

/// Brings the ledger's files up to the committed events and keeps them there.
#[derive(Debug)]
pub struct Projection {
    db: Connection,
    folder: PathBuf,
    key: SigningKey,
    log: Log,
    shared: Arc<Shared>,
}

impl Projection {
    /// Opens the ledger and catches up with whatever a crash left behind. Nothing is signed yet: an older state that was put
    /// in place of the newest must not sign a second history before the witnesses were asked.
    ///
    /// # Errors
    /// Damaged if the ledger's files hold what the state does not: one of the two was set back or changed.
    pub fn open(folder: &Path, key: &SigningKey, shared: Arc<Shared>) -> Result<Self> {
        let path = folder.join(FOLDER_NAME);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|e| Error::io(path.display(), &e))?;
        let db = store::open_for_reading(folder)?;
        let log = Log::open(&path, &shared.origin, key)?;
        let size = events::size(&db)?;
        if log.size() > size {
            let text = format!("the ledger has {} entries and the state {size}: the state was set back", log.size());
            return Err(Error::damaged(text));
        }
        shared.set_size(size);
        let mut projection = Self { db, folder: path, key: key.clone(), log, shared };
        let from = projection.log.size().saturating_sub(COMPARED);
        projection.extend_from(from)?;
        Ok(projection)
    }

    /// Entries.
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// The root that the ledger had at `size` entries.
    ///
    /// # Errors
    /// Invalid if it has fewer, Damaged for a file that is not what was written.
    pub fn root_at(&self, size: u64) -> std::result::Result<Hash, ledger::Error> {
        self.log.root_at(size)
    }

    /// Takes what was committed since the opening, and signs.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn begin(&mut self) -> Result<()> {
        self.shared.set_size(events::size(&self.db)?);
        self.catch_up()
    }

    /// Follows the writer until it ends, then signs a last checkpoint.
    ///
    /// # Errors
    /// Damaged if the disk fails.
    pub fn run(mut self, grown: &Receiver<()>) -> Result<()> {
        let interval = Duration::from_millis(CHECKPOINT_MILLIS);
        let mut is_open = true;
        let mut signed_at: Option<Instant> = None;
        while is_open {
            is_open = grown.recv().is_ok();
            // The first entry after a silence is signed at once; what comes soon after it shares the next checkpoint.
            while is_open && let Some(rest) = signed_at.and_then(|at| interval.checked_sub(at.elapsed())) {
                match grown.recv_timeout(rest) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => is_open = false,
                }
            }
            signed_at = Some(Instant::now());
            while let Err(error) = self.catch_up() {
                if error.outcome() != Outcome::Busy {
                    return Err(error);
                }
                // The state is the truth and the tiles follow it when there is room again; until then the last checkpoint
                // stands. Whoever waits for the end of the service must not wait for an administrator.
                tracing::warn!("the ledger's files wait: {error}");
                match grown.recv_timeout(FULL_PAUSE) {
                    Err(RecvTimeoutError::Disconnected) => return Err(error),
                    Ok(()) | Err(RecvTimeoutError::Timeout) => std::thread::sleep(FULL_PAUSE),
                }
            }
        }
        Ok(())
    }

    /// Extends the files and signs. A log that failed is closed, and only opening it again tells where it stands.
    fn catch_up(&mut self) -> Result<()> {
        if self.log.is_failed() {
            self.log = Log::open(&self.folder, &self.shared.origin, &self.key)?;
        }
        self.extend_from(self.log.size())?;
        self.sign()
    }

    fn extend_from(&mut self, from: u64) -> Result<()> {
        let mut from = from;
        loop {
            let leaves: Vec<[u8; 32]> =
                events::read(&self.db, from, BATCH)?.iter().map(|sealed| audit::leaf(sealed)).collect();
            if leaves.is_empty() {
                return Ok(());
            }
            self.log.extend(from, &leaves)?;
            from += leaves.len() as u64;
        }
    }

    fn sign(&mut self) -> Result<()> {
        let signed = self.log.sign_checkpoint()?;
        self.shared.set_checkpoint(&signed.note);
        Ok(())
    }
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        let outcome = match &error {
            ledger::Error::Invalid(_) => Outcome::Invalid,
            ledger::Error::Io { source, .. } if is_full(source) => Outcome::Busy,
            ledger::Error::Damaged { .. } | ledger::Error::Io { .. } => Outcome::Damaged,
            ledger::Error::Closed => Outcome::Closed,
        };
        Self::new(outcome, format!("the ledger: {error}"))
    }
}
