//! What a witness keeps: its key, and for each log the last checkpoint that it cosigned.
//!
//! One file for a log, replaced whole and durable before the cosignature leaves. A crash at any moment leaves the old
//! checkpoint or the new one; a cosignature that nobody has seen yet is lost, and one that somebody has seen never is.

use crate::durable;
use anyhow::{Context as _, Result, bail};
use aws_lc_rs::rand;
use ledger::cosignature::origin_hash;
use ledger::witness::{AddCheckpoint, Refusal};
use ledger::{Checkpoint, Cosigner, Note, VerifierKey};
use record::limits::WITNESS_EVIDENCE_MAX;
use record::time;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// The key: name and seed, each on its line.
const KEY: &str = "witness.key";
/// The public part, for people.
const VKEY: &str = "vkey";
/// A file for each log.
const LOGS: &str = "logs";
/// Checkpoints that a log has signed and that do not follow what it signed before.
const EVIDENCE: &str = "evidence";

/// The witness's book.
pub struct Book {
    folder: PathBuf,
    cosigner: Cosigner,
    logs: HashMap<String, Watched>,
    /// Why nothing may be cosigned any more.
    failure: OnceLock<String>,
    has_failed: Notify,
    /// Held, not read: no second process cosigns with this key.
    _lock: File,
}

/// One log.
struct Watched {
    keys: Vec<VerifierKey>,
    latest: Mutex<Option<Seen>>,
}

/// What was cosigned last.
#[derive(Clone, Debug)]
struct Seen {
    checkpoint: Checkpoint,
    at_seconds: u64,
    /// The log's signatures and ours.
    note: String,
}

/// Why there is no cosignature.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// The log must not have it.
    Refused(Refusal),
    /// Not now.
    Unable(&'static str),
}

impl Book {
    /// Opens a witness's folder, or begins one.
    pub fn open(folder: &Path, name: Option<&str>, keys: &[VerifierKey]) -> Result<Self> {
        durable::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let lock = File::create(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another witness runs in {}", folder.display()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let cosigner = open_key(folder, name)?;
        let vkey = format!("{}\n", cosigner.key());
        if fs::read_to_string(folder.join(VKEY)).is_ok_and(|there| there == vkey) {
            tracing::debug!("the public key is where it was");
        } else {
            durable::write(&folder.join(VKEY), vkey.as_bytes(), 0o644)?;
        }
        let mut logs: HashMap<String, Watched> = HashMap::new();
        for key in keys {
            let origin = key.name().to_owned();
            if !logs.contains_key(&origin) {
                let latest = Mutex::new(Seen::read(&folder.join(LOGS), &origin, &cosigner)?);
                logs.insert(origin.clone(), Watched { keys: Vec::new(), latest });
            }
            if let Some(watched) = logs.get_mut(&origin)
                && !watched.keys.contains(key)
            {
                watched.keys.push(key.clone());
            }
        }
        let (failure, has_failed) = (OnceLock::new(), Notify::new());
        Ok(Self { folder: folder.to_owned(), cosigner, logs, failure, has_failed, _lock: lock })
    }

    /// The witness's public key.
    pub fn vkey(&self) -> String {
        self.cosigner.key().to_string()
    }

    /// Judges a request, and answers the cosignature line once it is durable that it was given.
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<String, Unsigned> {
        let request = AddCheckpoint::parse(body).map_err(Unsigned::Refused)?;
        let origin = request.origin().map_err(Unsigned::Refused)?;
        let watched = self.logs.get(origin).ok_or(Unsigned::Refused(Refusal::UnknownOrigin))?;
        // Held to the end: comparing with the last checkpoint and replacing it are one step for all requests of the log.
        let mut latest = watched.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failure.get().is_some() {
            return Err(Unsigned::Unable("this witness's disk has failed"));
        }
        let accepted =
            request.judge(&watched.keys, latest.as_ref().map(|seen| &seen.checkpoint)).map_err(|refusal| {
                tracing::info!(origin, status = refusal.status(), "not cosigned");
                if refusal.is_evidence() {
                    tracing::warn!(origin, "the log has signed what does not follow its earlier checkpoint: {refusal}");
                    self.keep_evidence(origin, body);
                }
                Unsigned::Refused(refusal)
            })?;
        let at_seconds = u64::try_from(time::now() / 1_000_000).unwrap_or(0);
        if latest.as_ref().is_some_and(|seen| at_seconds < seen.at_seconds) {
            // Cosigning a larger tree at an earlier time would say something false.
            return Err(Unsigned::Unable("this witness's clock stands before its last cosignature"));
        }
        let text = Note::parse(&accepted.note).map_err(|_| Unsigned::Unable("the note does not come apart"))?.text();
        let line = self.cosigner.cosign(text, at_seconds).map_err(|_| Unsigned::Unable("this cannot be cosigned"))?;
        let seen = Seen { checkpoint: accepted.checkpoint, at_seconds, note: format!("{}{line}", accepted.note) };
        // A crash before the rename in here leaves the earlier checkpoint, and the line that was made reaches nobody. A
        // crash after it leaves this one, and the log asks again.
        self.keep(origin, &seen)?;
        tracing::info!(origin, size = seen.checkpoint.size, "cosigned");
        *latest = Some(seen);
        Ok(line)
    }

    /// The last cosigned checkpoint of the log with this origin hash.
    pub fn checkpoint(&self, hash: &str) -> Option<String> {
        let watched = self.logs.iter().find(|(origin, _)| origin_hash(origin) == hash)?.1;
        let latest = watched.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().map(|seen| seen.note.clone())
    }

    /// Waits until nothing may be cosigned any more.
    pub async fn failed(&self) {
        while self.failure.get().is_none() {
            self.has_failed.notified().await;
        }
    }

    /// Says why nothing may be cosigned any more, if that is so.
    pub fn check(&self) -> Result<()> {
        self.failure.get().map_or(Ok(()), |why| bail!("{why}"))
    }

    fn keep(&self, origin: &str, seen: &Seen) -> Result<(), Unsigned> {
        let path = self.folder.join(LOGS).join(origin_hash(origin));
        let Err(error) = durable::write(&path, seen.note.as_bytes(), 0o644) else { return Ok(()) };
        let is_new = fs::read(&path).is_ok_and(|there| there == seen.note.as_bytes());
        if error.kind() == io::ErrorKind::StorageFull && !is_new {
            tracing::warn!("there is no room to cosign: {error}");
            return Err(Unsigned::Unable("this witness has no room"));
        }
        // What a failed flush left on the disk only a new start tells.
        let _told_before = self.failure.set(format!("{}: {error}", path.display()));
        self.has_failed.notify_one();
        Err(Unsigned::Unable("this witness's disk has failed"))
    }

    /// Keeps a request that speaks against its log. What cannot be kept is in the log file at least.
    fn keep_evidence(&self, origin: &str, body: &[u8]) {
        let folder = self.folder.join(EVIDENCE);
        let name = format!("{}-{}.txt", origin_hash(origin), hex::encode(ledger::leaf_hash(body).0));
        let kept = || -> io::Result<()> {
            durable::make_folder(&folder)?;
            if fs::read_dir(&folder)?.count() >= WITNESS_EVIDENCE_MAX || folder.join(&name).exists() {
                return Ok(());
            }
            durable::write(&folder.join(&name), body, 0o644)
        };
        if let Err(error) = kept() {
            tracing::warn!("the evidence against {origin} could not be kept: {error}");
        }
    }
}

impl Seen {
    /// Reads a log's file; `None` if the log was never cosigned.
    fn read(folder: &Path, origin: &str, cosigner: &Cosigner) -> Result<Option<Self>> {
        let path = folder.join(origin_hash(origin));
        let note = match fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let read = || -> Result<Self, ledger::Error> {
            let parsed = Note::parse(&note)?;
            let at_seconds = cosigner.key().cosigned_at(&parsed)?;
            let checkpoint = Checkpoint::of_note(&parsed)?;
            if checkpoint.origin != origin {
                return Err(ledger::Error::Invalid("it is of another log"));
            }
            Ok(Self { checkpoint, at_seconds, note: note.clone() })
        };
        read().map(Some).with_context(|| format!("{} is not what this witness wrote", path.display()))
    }
}

/// The witness's key; at the first start a new one, after the folder of logs: a key without that folder has lost what it
/// cosigned.
fn open_key(folder: &Path, name: Option<&str>) -> Result<Cosigner> {
    let (path, logs) = (folder.join(KEY), folder.join(LOGS));
    match fs::read_to_string(&path) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            let mut lines = text.lines();
            let kept = lines.next().context("the key file is empty")?;
            let mut seed = Zeroizing::new([0; 32]);
            hex::decode_to_slice(lines.next().unwrap_or_default(), &mut *seed)
                .with_context(|| format!("{} is not a witness's key", path.display()))?;
            if name.is_some_and(|name| name != kept) {
                bail!("this witness is {kept}: another name is another witness, in a folder of its own");
            }
            if !logs.is_dir() {
                bail!(
                    "{} is gone: this key has forgotten what it cosigned and must not go on; begin a new witness",
                    logs.display()
                );
            }
            Ok(Cosigner::from_seed(kept, &seed)?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut seed = Zeroizing::new([0; 32]);
            rand::fill(&mut *seed).ok().context("no randomness to be had")?;
            let name = match name {
                Some(name) => name.to_owned(),
                None => random_name()?,
            };
            let cosigner = Cosigner::from_seed(&name, &seed)?;
            durable::make_folder(&logs)?;
            let text = Zeroizing::new(format!("{name}\n{}\n", hex::encode(*seed)));
            durable::write(&path, text.as_bytes(), 0o600)?;
            Ok(cosigner)
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn random_name() -> Result<String> {
    let mut id = [0; 8];
    rand::fill(&mut id).ok().context("no randomness to be had")?;
    Ok(format!("segel.local/witness-{}", hex::encode(id)))
}
