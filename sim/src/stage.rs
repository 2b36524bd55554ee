//! A hospital before an archive on a simulated disk: stores, reads, searches by every door, and what was acknowledged.

use crate::disk::Disk;
use crate::http::{get, request};
use crate::known::{Acknowledged, Numbered, transact};
use crate::process::{Archive, PASSPHRASE, Tokens};
use crate::{Result, dimse};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// AE title of the stage's modality.
pub const MODALITY: &str = "MODALITY";

/// An archive that was set up, and everything it acknowledged.
pub struct Stage {
    /// The disk below it.
    pub disk: Disk,
    /// The tokens of its one facility.
    pub tokens: Tokens,
    known: Mutex<Acknowledged>,
    next: AtomicUsize,
    recording: bool,
}

/// How one attempt of each kind of store ended: statuses, 0 where there was no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// C-STORE of a small instance.
    pub c_store: Option<u16>,
    /// STOW-RS of a small instance.
    pub stow: Option<u16>,
    /// STOW-RS of an instance with a file of its own.
    pub stow_large: Option<u16>,
    /// A FHIR transaction.
    pub transaction: Option<u16>,
}

impl Stored {
    /// Everything was kept.
    pub const ALL: Self = Self { c_store: Some(0), stow: Some(200), stow_large: Some(200), transaction: Some(200) };
}

impl Stage {
    /// A new archive on a disk in this folder; what it writes is recorded if asked.
    ///
    /// # Errors
    /// If it does not start.
    pub fn new(folder: &Path, recording: bool) -> Result<(Self, Archive)> {
        Self::on(Disk::new(&folder.join("disk"), &folder.join("beside"))?, recording)
    }

    /// As [`Stage::new`], on a disk that is there.
    ///
    /// # Errors
    /// If it does not start.
    pub fn on(disk: Disk, recording: bool) -> Result<(Self, Archive)> {
        let mut stage = Self {
            disk,
            tokens: Tokens { clinician: String::new(), system: String::new() },
            known: Mutex::default(),
            next: AtomicUsize::new(0),
            recording,
        };
        let archive = stage.start()?;
        stage.tokens = archive.facility("RSUD-A")?;
        archive.peer(MODALITY, "RSUD-A")?;
        Ok((stage, archive))
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.disk.root.join("data")
    }

    /// The archive's log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.disk.root.with_extension("log")).unwrap_or_default()
    }

    /// Starts the archive, once more.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(&self) -> Result<Archive> {
        let mut environment = if self.recording { self.disk.recording() } else { self.disk.failing() };
        environment.push(("SEGEL_PASSPHRASE".into(), PASSPHRASE.into()));
        Archive::start_logging(&self.data(), &[], &environment, &self.disk.root.with_extension("log"))
    }

    /// A number that was not used, of an instance that is large or is not.
    fn number(&self, large: bool) -> usize {
        loop {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            if (n % 16 == 7) == large {
                return n;
            }
        }
    }

    fn note(&self, note: impl FnOnce(&mut Acknowledged)) {
        note(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// STOW-RS of one new instance: its status.
    #[must_use]
    pub fn stow(&self, archive: &Archive, large: bool) -> Option<u16> {
        let n = self.number(large);
        let status = Numbered::new(n).stow(archive.http, &self.tokens.system);
        if status == Some(200) {
            self.note(|known| known.stored.push(n));
        }
        status
    }

    /// C-STORE of one new instance on an association of its own: its status.
    ///
    /// # Errors
    /// If the association is refused or ends.
    pub fn c_store(&self, archive: &Archive, large: bool) -> Result<u16> {
        let n = self.number(large);
        let instance = Numbered::new(n);
        let mut association = dimse::accepted(archive.dimse, MODALITY)?;
        let status = association.store(&instance.uids, &instance.data_set)?;
        if status == 0 {
            self.note(|known| known.stored.push(n));
        }
        association.release()?;
        Ok(status)
    }

    /// One FHIR transaction: its status.
    #[must_use]
    pub fn transact(&self, archive: &Archive) -> Option<u16> {
        let n = self.number(false);
        let (status, place) = transact(archive.http, &self.tokens.system, n)?;
        if status == 200 {
            self.note(|known| known.transacted.push((n, place)));
        }
        Some(status)
    }

    /// One of each kind.
    #[must_use]
    pub fn store_all(&self, archive: &Archive) -> Stored {
        Stored {
            c_store: self.c_store(archive, false).ok(),
            stow: self.stow(archive, false),
            stow_large: self.stow(archive, true),
            transaction: self.transact(archive),
        }
    }

    /// Tries until every kind of store succeeds again: how long it took.
    ///
    /// # Errors
    /// If that takes longer than a minute.
    pub fn until_all_stored(&self, archive: &Archive) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            let stored = self.store_all(archive);
            if stored == Stored::ALL {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(format!("still not: {stored:?}; the log:\n{}", self.log()).into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Reads the newest acknowledged instance: the status.
    #[must_use]
    pub fn read(&self, archive: &Archive) -> Option<u16> {
        let newest = self.known().stored.last().copied()?;
        Numbered::new(newest).read(archive.http, &self.tokens.system).map(|(status, _)| status)
    }

    /// Searches all studies: the status.
    #[must_use]
    pub fn search(&self, archive: &Archive) -> Option<u16> {
        get(archive.http, &self.tokens.system, "/dicom-web/studies?limit=5").map(|(status, _)| status)
    }

    /// A request that needs nobody: the status.
    #[must_use]
    pub fn page(&self, archive: &Archive) -> Option<u16> {
        request(archive.http, "", "GET /", "text/html", b"").map(|(status, _)| status)
    }

    /// What was acknowledged so far.
    #[must_use]
    pub fn known(&self) -> Acknowledged {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything acknowledged is there and whole, and everything listed can be read.
    ///
    /// # Errors
    /// What is not.
    pub fn check(&self, archive: &Archive) -> Result<()> {
        self.known().check_records(archive, &self.tokens.system, &BTreeSet::new())
    }

    /// Stops the archive, and everything it kept is sound: segments, ledger, entries.
    ///
    /// # Errors
    /// What is not.
    pub fn end(&self, archive: Archive) -> Result<()> {
        archive.stop()?;
        self.known().check_ledger(&self.data())?;
        crate::process::segel(&self.data(), "scrub", &["--json"]).map(|_| ())
    }
}
