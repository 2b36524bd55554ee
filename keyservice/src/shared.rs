//! What every connection reads and the writer publishes.

use crate::alarm::Frozen;
use crate::issuer::Issuer;
use crate::keys::Keys;
use crate::names::Names;
use crate::register::Register;
use crate::witness::Standing;
use policy::Engine;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use tokio::sync::watch;

/// The service's shared values.
#[derive(Debug)]
pub struct Shared {
    /// The service's folder.
    pub folder: PathBuf,
    /// The keys.
    pub keys: Keys,
    /// The ledger's origin, and the issuer of tokens.
    pub origin: String,
    /// The ledger's public key (C2SP vkey).
    pub vkey: String,
    /// Keys and sessions of those who sign in.
    pub sign_in: Issuer,
    /// The words of names. The writer alone changes them; what it has not committed yet is asked for in vain.
    pub names: RwLock<Names>,
    /// Counted since the start.
    pub counters: Counters,
    register: RwLock<Arc<Register>>,
    engine: Arc<Engine>,
    frozen: RwLock<Arc<Frozen>>,
    checkpoint: watch::Sender<Arc<str>>,
    /// How the ledger stands with its witnesses.
    pub witnessed: watch::Sender<Standing>,
    size: AtomicU64,
    closings: AtomicU64,
}

/// What is counted and not logged one by one.
#[derive(Debug, Default)]
pub struct Counters {
    /// Search terms turned into tokens.
    pub terms: AtomicU64,
    /// Requests answered.
    pub requests: AtomicU64,
    /// Requests that heard Busy.
    pub busy: AtomicU64,
}

impl Counters {
    /// Counts.
    pub fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// All three, for the log.
    #[must_use]
    pub fn values(&self) -> [u64; 3] {
        [&self.requests, &self.terms, &self.busy].map(|counter| counter.load(Ordering::Relaxed))
    }
}

impl Shared {
    /// Values as they are at a start.
    #[must_use]
    pub fn new(
        folder: PathBuf,
        keys: Keys,
        origin: String,
        vkey: String,
        register: Register,
        sign_in: Issuer,
        engine: Engine,
    ) -> Self {
        Self {
            folder,
            keys,
            origin,
            vkey,
            sign_in,
            names: RwLock::default(),
            counters: Counters::default(),
            register: RwLock::new(Arc::new(register)),
            engine: Arc::new(engine),
            frozen: RwLock::default(),
            checkpoint: watch::Sender::new("".into()),
            witnessed: watch::Sender::new(Standing::default()),
            size: AtomicU64::new(0),
            // Microseconds of the start: more than any service counted before it.
            closings: AtomicU64::new(record::time::now().unsigned_abs()),
        }
    }

    /// The words of names, to be changed.
    pub fn names(&self) -> RwLockWriteGuard<'_, Names> {
        self.names.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The register as last committed.
    #[must_use]
    pub fn register(&self) -> Arc<Register> {
        // Nothing is done under these locks but copying a pointer, so a poisoned one still holds a whole value.
        Arc::clone(&self.register.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes a committed register.
    pub fn publish(&self, register: Register) {
        *self.register.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(register);
    }

    /// Who is frozen, as last committed.
    #[must_use]
    pub fn frozen(&self) -> Arc<Frozen> {
        Arc::clone(&self.frozen.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes who is frozen.
    pub fn freeze(&self, frozen: Frozen) {
        *self.frozen.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(frozen);
    }

    /// The rules in force.
    #[must_use]
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.engine)
    }

    /// The newest signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<str> {
        Arc::clone(&self.checkpoint.borrow())
    }

    /// Publishes a signed checkpoint.
    pub fn set_checkpoint(&self, note: &str) {
        self.checkpoint.send_replace(note.into());
    }

    /// Tells of each newly signed checkpoint.
    #[must_use]
    pub fn checkpoints(&self) -> watch::Receiver<Arc<str>> {
        self.checkpoint.subscribe()
    }

    /// Committed entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// How often something was closed that may be at hand in a node.
    #[must_use]
    pub fn closings(&self) -> u64 {
        self.closings.load(Ordering::Acquire)
    }

    /// Tells nodes that something was closed.
    pub fn close(&self) {
        self.closings.fetch_add(1, Ordering::AcqRel);
    }

    /// Publishes how many entries are committed.
    pub fn set_size(&self, size: u64) {
        self.size.store(size, Ordering::Release);
    }
}
