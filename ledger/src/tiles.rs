//! A log's folder, read while somebody else may be writing to it: roots and proofs of a published tree.

#[cfg(test)]
mod tests;

use crate::disk::Disk;
use crate::edge::{full_tiles, partial_width};
use crate::log::{LEVELS, read_checkpoint, read_tile};
use crate::merkle::complete_root;
use crate::note::NOTE_BYTES_MAX;
use crate::path::{self, TILE_WIDTH};
use crate::proof::{self, Nodes};
use crate::{Checkpoint, Error, Hash, Note, SignedCheckpoint, TlogProof, VerifierKey, WitnessKey, cosignature};
use std::fmt;
use std::path::Path;

/// The tiles of one published tree.
pub struct Tiles {
    disk: Disk,
    size: u64,
}

impl Tiles {
    /// The tree of `size` entries in a log's folder. A checkpoint of that size must have been published there.
    #[must_use]
    pub fn of(dir: &Path, size: u64) -> Self {
        Self { disk: Disk::new(dir), size }
    }

    /// The root that the tree had when it had `size` entries.
    ///
    /// # Errors
    /// Invalid for a larger size; Damaged if a tile is not there.
    pub fn root(&self, size: u64) -> Result<Hash, Error> {
        self.check(size)?;
        proof::root(self, size)
    }

    /// The proof that an entry is in the tree.
    ///
    /// # Errors
    /// Invalid if it has no such entry; Damaged if a tile is not there.
    pub fn inclusion_proof(&self, index: u64) -> Result<Vec<Hash>, Error> {
        proof::inclusion(self, index, self.size)
    }

    /// The proof that the tree extends the one of `old` entries.
    ///
    /// # Errors
    /// Invalid for a larger size; Damaged if a tile is not there.
    pub fn consistency_proof(&self, old: u64) -> Result<Vec<Hash>, Error> {
        self.check(old)?;
        proof::consistency(self, old, self.size)
    }

    fn check(&self, size: u64) -> Result<(), Error> {
        if size > self.size { Err(Error::Invalid("the log has fewer entries")) } else { Ok(()) }
    }
}

impl Nodes for Tiles {
    fn node(&self, height: u32, index: u64) -> Result<Hash, Error> {
        let (level, rows) = (usize::try_from(height / 8).unwrap_or(LEVELS), height % 8);
        let first = index << rows;
        let number = first / TILE_WIDTH as u64;
        let width = if number < full_tiles(self.size, level) { TILE_WIDTH } else { partial_width(self.size, level) };
        let tile = read_tile(&self.disk, level, number, width)?;
        let at = usize::from((first & 0xff) as u8);
        tile.get(at..at + (1 << rows)).and_then(complete_root).ok_or(Error::Invalid("the log has no such subtree"))
    }
}

impl fmt::Debug for Tiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tiles({} entries)", self.size)
    }
}

/// The checkpoint in a log's folder; `None` if nothing was published.
///
/// # Errors
/// Damaged if it is not this key's.
pub fn published(dir: &Path, key: &VerifierKey) -> Result<Option<SignedCheckpoint>, Error> {
    read_checkpoint(&Disk::new(dir), key)
}

/// The newest cosigned checkpoint in a log's folder, and how many of these witnesses cosigned it; `None` if there is none.
///
/// # Errors
/// Damaged if it is not this key's, a line in it is false, or its root is not that of the tiles.
pub fn cosigned(
    dir: &Path,
    key: &VerifierKey,
    witnesses: &[WitnessKey],
) -> Result<Option<(SignedCheckpoint, usize)>, Error> {
    const FILE: &str = path::CHECKPOINT_COSIGNED;
    let Some(bytes) = Disk::new(dir).read(FILE, NOTE_BYTES_MAX)? else { return Ok(None) };
    let note = String::from_utf8(bytes).map_err(|_| Error::damaged(FILE, "it is not text"))?;
    let open = || -> Result<(SignedCheckpoint, usize), Error> {
        let signed = SignedCheckpoint::open(&note, key)?;
        let count = cosignature::count(&Note::parse(&note)?, witnesses)?;
        Ok((signed, count))
    };
    let (signed, count) = open().map_err(|error| match error {
        Error::Invalid(why) => Error::damaged(FILE, why),
        other => other,
    })?;
    let Checkpoint { size, root, .. } = &signed.checkpoint;
    if Tiles::of(dir, *size).root(*size)? != *root {
        return Err(Error::damaged(FILE, "its root is not that of the entries"));
    }
    Ok(Some((signed, count)))
}

/// An entry's proof under a published checkpoint of the log in a folder, cosigned or not.
///
/// # Errors
/// Invalid if the checkpoint does not cover the entry; Damaged if a tile is not there.
pub fn prove(dir: &Path, index: u64, signed: &SignedCheckpoint) -> Result<TlogProof, Error> {
    let path = Tiles::of(dir, signed.checkpoint.size).inclusion_proof(index)?;
    Ok(TlogProof { index, extra: Vec::new(), path, checkpoint: signed.note.clone() })
}
