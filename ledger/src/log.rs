//! The log that is written to.
//!
//! The files are a projection: whoever calls keeps the entries elsewhere, durably, and appends them here again after a
//! crash. The checkpoint is the one commit point. Opening starts from it; what lies beyond it on the disk is overwritten
//! with the same bytes. So a crash at any moment loses nothing and leaves nothing half done.

#[cfg(test)]
mod tests;

use crate::disk::Disk;
use crate::edge::{Edge, entries_of, full_tiles, hashes_of, partial_width};
use crate::merkle::{HASH_BYTES, complete_root, leaf_hash};
use crate::note::NOTE_BYTES_MAX;
use crate::path::{self, CHECKPOINT, TILE_WIDTH};
use crate::proof::{self, Nodes};
use crate::{Checkpoint, ENTRY_BYTES_MAX, Error, Hash, SignedCheckpoint, SigningKey, TlogProof};
use std::fmt;
use std::path::Path;

/// Bytes of a full tile.
pub(crate) const TILE_BYTES: usize = TILE_WIDTH * HASH_BYTES;
/// Bytes of the longest bundle.
pub(crate) const BUNDLE_BYTES_MAX: usize = TILE_WIDTH * (ENTRY_BYTES_MAX + 2);
/// Levels of a tree of 2^64 entries.
pub(crate) const LEVELS: usize = 8;

/// A log, open for appending. There is at most one for a folder.
pub struct Log {
    disk: Disk,
    key: SigningKey,
    edge: Edge,
    published: Option<SignedCheckpoint>,
    /// The partial tiles that this process has written for the last checkpoint.
    partials: Vec<String>,
    is_failed: bool,
}

impl Log {
    /// Opens the log in a folder, or starts one there, and goes on from its checkpoint. The origin is the key's name.
    ///
    /// # Errors
    /// Damaged if the checkpoint is not of this key and origin, or the tiles under it are not what it signs.
    pub fn open(dir: &Path, origin: &str, key: &SigningKey) -> Result<Self, Error> {
        if key.verifier().name() != origin {
            return Err(Error::Invalid("the signing key is not named after the log's origin"));
        }
        let disk = Disk::create(dir)?;
        let published = read_checkpoint(&disk, key.verifier())?;
        let edge = match &published {
            Some(signed) => load_edge(&disk, &signed.checkpoint)?,
            None => Edge::default(),
        };
        Ok(Self { disk, key: key.clone(), edge, published, partials: Vec::new(), is_failed: false })
    }

    /// Entries, those after the checkpoint included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size
    }

    /// Whether a write has failed and the log must be opened again.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.is_failed
    }

    /// The root at `size()`.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The last published checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.published.as_ref()
    }

    /// The log's verifier key, as text.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.key.verifier().to_string()
    }

    /// Appends entries, of which the first is the `start`-th of the log. Entries that it has already are compared with
    /// what it has and passed over, so the same call may be made again after a crash. Answers the new size.
    ///
    /// # Errors
    /// Invalid for a gap or an entry that is too long, and then none is appended; Damaged if an entry that is there
    /// already is another.
    pub fn extend<E: AsRef<[u8]>>(&mut self, start: u64, entries: &[E]) -> Result<u64, Error> {
        if self.is_failed {
            return Err(Error::Closed);
        }
        let known = self.edge.size.checked_sub(start).ok_or(Error::Invalid("entries are missing before these"))?;
        if entries.iter().any(|entry| entry.as_ref().len() > ENTRY_BYTES_MAX) {
            return Err(Error::Invalid("an entry is longer than 65,535 bytes"));
        }
        let (known, new) = entries.split_at(usize::try_from(known).unwrap_or(usize::MAX).min(entries.len()));
        self.compare(start, known)?;
        let mut full = Vec::new();
        for entry in new {
            self.edge.push(entry.as_ref(), &mut full)?;
            for (path, bytes) in full.drain(..) {
                // A crash here leaves full tiles beyond the checkpoint; the next run writes the same bytes over them.
                let written = self.disk.write(&path, &bytes);
                self.closing_on_failure(written)?;
            }
        }
        Ok(self.edge.size)
    }

    /// Compares entries that the log has already with their leaf hashes.
    fn compare<E: AsRef<[u8]>>(&self, start: u64, known: &[E]) -> Result<(), Error> {
        let mut tile: Option<(u64, Vec<Hash>)> = None;
        for (index, entry) in (start..).zip(known) {
            let number = index / TILE_WIDTH as u64;
            if tile.as_ref().is_none_or(|(at, _)| *at != number) {
                tile = Some((number, self.tile(0, number)?));
            }
            let at = usize::from((index & 0xff) as u8);
            let stored = tile.as_ref().and_then(|(_, hashes)| hashes.get(at));
            if stored != Some(&leaf_hash(entry.as_ref())) {
                return Err(Error::damaged(path::tile(0, number, TILE_WIDTH), "it has another entry than the journal"));
            }
        }
        Ok(())
    }

    /// Writes the partial tiles, makes everything durable, signs a checkpoint and publishes it. Without new entries the
    /// last one stands.
    ///
    /// # Errors
    /// Io if a write failed; the log is closed then.
    pub fn sign_checkpoint(&mut self) -> Result<&SignedCheckpoint, Error> {
        if self.is_failed {
            return Err(Error::Closed);
        }
        let before = self.published.as_ref().map(|signed| signed.checkpoint.size);
        if before != Some(self.edge.size) {
            let published = self.publish();
            let signed = self.closing_on_failure(published)?;
            self.published = Some(signed);
            let removed = self.remove_outgrown(before.unwrap_or(0));
            self.closing_on_failure(removed)?;
        }
        self.published.as_ref().ok_or(Error::Closed)
    }

    fn publish(&mut self) -> Result<SignedCheckpoint, Error> {
        for (path, bytes) in self.edge.partial() {
            // A partial tile's name tells its content: one of the last checkpoint is where it was.
            if self.partials.iter().all(|there| *there != path) {
                self.disk.write(&path, &bytes)?;
            }
        }
        // Every tile is on the disk under its name before the checkpoint that needs it is signed.
        self.disk.sync_folders()?;
        let origin = self.key.verifier().name().to_owned();
        let signed = Checkpoint { origin, size: self.edge.size, root: self.edge.root() }.sign(&self.key)?;
        // A crash before the rename leaves the old checkpoint with all its tiles; after it, the new one with all of its.
        self.disk.write(CHECKPOINT, signed.note.as_bytes())?;
        self.disk.sync_folders()?;
        self.partials = self.edge.partial().into_iter().map(|(path, _)| path).collect();
        Ok(signed)
    }

    /// Partial tiles may go once their full tile is there (C2SP tlog-tiles, "Partial Tiles"). A crash before it leaves
    /// them for good, which costs a few kilobytes.
    fn remove_outgrown(&self, before: u64) -> Result<(), Error> {
        for level in 0..LEVELS {
            let number = full_tiles(before, level);
            if partial_width(before, level) == 0 || full_tiles(self.edge.size, level) <= number {
                continue;
            }
            self.disk.remove_folder(&format!("{}.p", path::tile(level, number, TILE_WIDTH)))?;
            if level == 0 {
                self.disk.remove_folder(&format!("{}.p", path::entries(number, TILE_WIDTH)))?;
            }
        }
        Ok(())
    }

    /// The root that the log had at `size` entries.
    ///
    /// # Errors
    /// Invalid if it has fewer.
    pub fn root_at(&self, size: u64) -> Result<Hash, Error> {
        self.check_size(size)?;
        proof::root(self, size)
    }

    /// The proof that an entry is in the tree of `size` entries.
    ///
    /// # Errors
    /// Invalid if there is no such tree or entry.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, Error> {
        self.check_size(size)?;
        proof::inclusion(self, index, size)
    }

    /// The proof that the tree of `new` entries extends the one of `old`.
    ///
    /// # Errors
    /// Invalid if there are no such trees.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, Error> {
        self.check_size(new)?;
        proof::consistency(self, old, new)
    }

    /// An entry's proof under the published checkpoint, to be verified offline.
    ///
    /// # Errors
    /// Invalid if the checkpoint does not cover the entry.
    pub fn tlog_proof(&self, index: u64) -> Result<TlogProof, Error> {
        let signed = self.published.as_ref().ok_or(Error::Invalid("nothing is published yet"))?;
        let path = proof::inclusion(self, index, signed.checkpoint.size)?;
        Ok(TlogProof { index, extra: Vec::new(), path, checkpoint: signed.note.clone() })
    }

    fn check_size(&self, size: u64) -> Result<(), Error> {
        if size > self.edge.size { Err(Error::Invalid("the log has fewer entries")) } else { Ok(()) }
    }

    fn tile(&self, level: usize, number: u64) -> Result<Vec<Hash>, Error> {
        if number < full_tiles(self.edge.size, level) {
            read_tile(&self.disk, level, number, TILE_WIDTH)
        } else {
            Ok(self.edge.levels.get(level).cloned().unwrap_or_default())
        }
    }

    fn closing_on_failure<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.is_failed |= result.is_err();
        result
    }
}

impl Nodes for Log {
    /// A node of height h lies h % 8 rows above the hashes of the tile at level h / 8.
    fn node(&self, height: u32, index: u64) -> Result<Hash, Error> {
        let (level, rows) = (height / 8, height % 8);
        let first = index << rows;
        let tile = self.tile(usize::try_from(level).unwrap_or(LEVELS), first / TILE_WIDTH as u64)?;
        let at = usize::from((first & 0xff) as u8);
        tile.get(at..at + (1 << rows)).and_then(complete_root).ok_or(Error::Invalid("the log has no such subtree"))
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({}, {} entries)", self.key.verifier().name(), self.edge.size)
    }
}

/// The published checkpoint; `None` if nothing was published.
pub(crate) fn read_checkpoint(disk: &Disk, key: &crate::VerifierKey) -> Result<Option<SignedCheckpoint>, Error> {
    let Some(bytes) = disk.read(CHECKPOINT, NOTE_BYTES_MAX)? else { return Ok(None) };
    let note = String::from_utf8(bytes).map_err(|_| Error::damaged(CHECKPOINT, "it is not text"))?;
    match SignedCheckpoint::open(&note, key) {
        Ok(signed) => Ok(Some(signed)),
        Err(Error::Invalid(why)) => Err(Error::damaged(CHECKPOINT, why)),
        Err(other) => Err(other),
    }
}

/// A tile's first `width` hashes: from the partial tile, or from the full one that replaced it.
pub(crate) fn read_tile(disk: &Disk, level: usize, number: u64, width: usize) -> Result<Vec<Hash>, Error> {
    let (path, bytes) = read_either(disk, |width| path::tile(level, number, width), width, TILE_BYTES)?;
    let mut hashes = hashes_of(&bytes).filter(|hashes| hashes.len() >= width).unwrap_or_default();
    if hashes.len() < width || (path.ends_with(&format!(".p/{width}")) && hashes.len() > width) {
        return Err(Error::damaged(path, "it has not the length of its tile"));
    }
    hashes.truncate(width);
    Ok(hashes)
}

/// The partial file, or the full one; with the path it was read from.
pub(crate) fn read_either(
    disk: &Disk,
    path: impl Fn(usize) -> String,
    width: usize,
    bytes_max: usize,
) -> Result<(String, Vec<u8>), Error> {
    for width in [width, TILE_WIDTH] {
        if let Some(bytes) = disk.read(&path(width), bytes_max)? {
            return Ok((path(width), bytes));
        }
    }
    Err(Error::damaged(path(width), "it is missing"))
}

/// The right edge under a checkpoint, checked against its root.
fn load_edge(disk: &Disk, checkpoint: &Checkpoint) -> Result<Edge, Error> {
    let size = checkpoint.size;
    let mut edge = Edge { size, ..Edge::default() };
    for level in 0..LEVELS {
        let width = partial_width(size, level);
        let tile = if width == 0 { Vec::new() } else { read_tile(disk, level, full_tiles(size, level), width)? };
        edge.levels.push(tile);
    }
    if edge.root() != checkpoint.root {
        return Err(Error::damaged(CHECKPOINT, "its root is not that of the tiles"));
    }
    let width = partial_width(size, 0);
    if width > 0 {
        let number = full_tiles(size, 0);
        let (path, bytes) = read_either(disk, |width| path::entries(number, width), width, BUNDLE_BYTES_MAX)?;
        let entries = entries_of(&bytes).ok_or_else(|| Error::damaged(&path, "it is not a bundle of entries"))?;
        let entries = entries.get(..width).ok_or_else(|| Error::damaged(&path, "it has too few entries"))?;
        let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if edge.levels.first() != Some(&hashes) {
            return Err(Error::damaged(path, "its entries are not those of the tile"));
        }
        let len = entries.iter().map(|entry| entry.len() + 2).sum();
        edge.bundle = bytes.get(..len).unwrap_or_default().to_vec();
    }
    Ok(edge)
}
