//! The checkpoint with its cosignatures, as readers fetch it.
//!
//! It is a file beside `checkpoint`, because that one is the ledger's point of commit and waits for nobody. Tiles of a
//! published size stay readable, so a checkpoint that lags behind still leads to every entry that it covers.

use super::settings::Witness;
use crate::error::{Error, Result};
use ledger::{Note, SignedCheckpoint, VerifierKey, WitnessKey, cosignature};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A checkpoint that a quorum of witnesses has cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The checkpoint, with the log's signature and the witnesses'.
    pub signed: SignedCheckpoint,
    /// How many witnesses.
    pub witnesses: usize,
}

impl Cosigned {
    /// Reads a note.
    ///
    /// # Errors
    /// Invalid if it is not this ledger's, or fewer than `needed` of the witnesses cosigned it.
    pub fn open(note: &str, own: &VerifierKey, witnesses: &[Witness], needed: usize) -> Result<Self> {
        let signed = SignedCheckpoint::open(note, own)?;
        let keys: Vec<WitnessKey> = witnesses.iter().map(|witness| witness.key.clone()).collect();
        let count = cosignature::count(&Note::parse(note)?, &keys)?;
        if count < needed {
            return Err(Error::invalid("too few witnesses cosigned it"));
        }
        Ok(Self { signed, witnesses: count })
    }
}

/// The published cosigned checkpoint; `None` if there is none that these witnesses vouch for, as after a change of them.
#[must_use]
pub fn read(folder: &Path, own: &VerifierKey, witnesses: &[Witness], needed: usize) -> Option<Cosigned> {
    let note = fs::read_to_string(folder.join(ledger::path::CHECKPOINT_COSIGNED)).ok()?;
    Cosigned::open(&note, own, witnesses, needed).ok()
}

/// Publishes a note. A crash leaves the earlier one or this one; either can be had again from the witnesses.
///
/// # Errors
/// Busy or Damaged if the disk does not take it.
pub fn write(folder: &Path, note: &str) -> Result<()> {
    let path = folder.join(ledger::path::CHECKPOINT_COSIGNED);
    let beside = folder.join(format!(".{}.tmp", ledger::path::CHECKPOINT_COSIGNED));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&beside)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| Error::io(path.display(), &e))
}
