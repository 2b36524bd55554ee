//! Checking a log's folder with nothing but the public key: every hash is computed again, from the entries up.

#[cfg(test)]
mod tests;

use crate::disk::Disk;
use crate::edge::{Edge, entries_of, full_tiles, hashes_at, hashes_of, partial_width};
use crate::log::{BUNDLE_BYTES_MAX, LEVELS, TILE_BYTES, read_checkpoint, read_either, read_tile};
use crate::merkle::{complete_root, leaf_hash};
use crate::path::{self, CHECKPOINT, TILE_WIDTH};
use crate::{Checkpoint, Error, Hash, VerifierKey};
use std::path::Path;

/// What a log is that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Entries under the checkpoint.
    pub size: u64,
    /// The root that the checkpoint signs and the entries give.
    pub root: Hash,
    /// Files read and found right, the checkpoint included.
    pub files: u64,
}

/// Verifies the log in a folder against a verifier key (C2SP vkey).
///
/// # Errors
/// Invalid if the vkey is none; Damaged with the first file that is wrong or missing.
pub fn verify(dir: &Path, vkey: &str) -> Result<Report, Error> {
    let key: VerifierKey = vkey.parse()?;
    let disk = Disk::new(dir);
    let signed = read_checkpoint(&disk, &key)?.ok_or_else(|| Error::damaged(CHECKPOINT, "it is missing"))?;
    let mut audit = Audit { disk, checkpoint: &signed.checkpoint, levels: vec![Vec::new(); LEVELS], files: 1 };
    audit.bundles()?;
    audit.partial_tiles()?;
    let Audit { levels, files, .. } = audit;
    let Checkpoint { origin, size, root } = signed.checkpoint.clone();
    if (Edge { size, bundle: Vec::new(), levels }).root() != root {
        return Err(Error::damaged(CHECKPOINT, "its root is not that of the entries"));
    }
    Ok(Report { origin, size, root, files })
}

struct Audit<'c> {
    disk: Disk,
    checkpoint: &'c Checkpoint,
    /// The hashes of the tile being filled, at each level, as computed from the entries.
    levels: Vec<Vec<Hash>>,
    files: u64,
}

impl Audit<'_> {
    /// Every bundle in order; the tiles that it fills after it.
    fn bundles(&mut self) -> Result<(), Error> {
        let size = self.checkpoint.size;
        let width = TILE_WIDTH as u64;
        for number in 0..size.div_ceil(width) {
            let width = if number < full_tiles(size, 0) { TILE_WIDTH } else { partial_width(size, 0) };
            let (path, hashes) = self.bundle(number, width)?;
            self.compare_leaves(&path, number, &hashes)?;
            self.earlier_bundles(number, &hashes)?;
            if let Some(level) = self.levels.first_mut() {
                *level = hashes;
            }
            if width == TILE_WIDTH {
                self.carry(number)?;
            }
        }
        Ok(())
    }

    fn bundle(&mut self, number: u64, width: usize) -> Result<(String, Vec<Hash>), Error> {
        let (path, bytes) = read_either(&self.disk, |w| path::entries(number, w), width, BUNDLE_BYTES_MAX)?;
        self.files += 1;
        let entries = entries_of(&bytes).ok_or_else(|| Error::damaged(&path, "it is not a bundle of entries"))?;
        let is_exact = path == path::entries(number, width);
        if entries.len() < width || (is_exact && entries.len() > width) {
            return Err(Error::damaged(path, "it has not the number of entries that its name says"));
        }
        Ok((path, entries.iter().take(width).map(|entry| leaf_hash(entry)).collect()))
    }

    /// The level 0 tile must be the leaf hashes of its bundle. If it is not, one of the two is wrong, and what stands
    /// above tells which.
    fn compare_leaves(&mut self, bundle: &str, number: u64, hashes: &[Hash]) -> Result<(), Error> {
        let tile = read_tile(&self.disk, 0, number, hashes.len())?;
        self.files += 1;
        if tile == hashes {
            return Ok(());
        }
        if self.is_vouched(number, &tile)? {
            return Err(Error::damaged(bundle, "its entries are not those of the signed tree"));
        }
        Err(Error::damaged(self.found(0, number, hashes.len()), "its hashes are not those of the entries"))
    }

    /// Whether the tree above agrees with a level 0 tile: the parent tile for a full one, the signed root for the last.
    fn is_vouched(&self, number: u64, tile: &[Hash]) -> Result<bool, Error> {
        let size = self.checkpoint.size;
        if tile.len() == TILE_WIDTH {
            let (above, at) = (number / TILE_WIDTH as u64, usize::from((number & 0xff) as u8));
            let width = if above < full_tiles(size, 1) { TILE_WIDTH } else { partial_width(size, 1) };
            let parent = read_tile(&self.disk, 1, above, width).unwrap_or_default();
            return Ok(parent.get(at).copied() == complete_root(tile));
        }
        let mut edge = Edge { size, ..Edge::default() };
        for level in 0..LEVELS {
            let width = partial_width(size, level);
            let number = full_tiles(size, level);
            let hashes = if width == 0 { Vec::new() } else { read_tile(&self.disk, level, number, width)? };
            edge.levels.push(hashes);
        }
        Ok(edge.root() == self.checkpoint.root)
    }

    /// A bundle is full: its tile is, and perhaps tiles above.
    fn carry(&mut self, number: u64) -> Result<(), Error> {
        let mut number = number;
        for level in 0..LEVELS {
            let Some(tile) = self.levels.get_mut(level) else { break };
            if tile.len() < TILE_WIDTH {
                break;
            }
            let tile = std::mem::take(tile);
            if level > 0 {
                self.compare(level, number, &tile)?;
            }
            self.earlier_tiles(level, number, &tile)?;
            if let Some(above) = self.levels.get_mut(level + 1) {
                above.extend(complete_root(&tile));
            }
            number /= TILE_WIDTH as u64;
        }
        Ok(())
    }

    /// The last tile of each level, where it is partial.
    fn partial_tiles(&mut self) -> Result<(), Error> {
        for level in 0..LEVELS {
            let tile = self.levels.get(level).cloned().unwrap_or_default();
            if tile.is_empty() {
                continue;
            }
            let number = hashes_at(self.checkpoint.size, level) / TILE_WIDTH as u64;
            if level > 0 {
                self.compare(level, number, &tile)?;
            }
            self.earlier_tiles(level, number, &tile)?;
        }
        Ok(())
    }

    fn compare(&mut self, level: usize, number: u64, tile: &[Hash]) -> Result<(), Error> {
        let stored = read_tile(&self.disk, level, number, tile.len())?;
        self.files += 1;
        if stored == tile {
            return Ok(());
        }
        Err(Error::damaged(self.found(level, number, tile.len()), "its hashes are not those of the tiles below"))
    }

    /// The name of the file that a tile was read from.
    fn found(&self, level: usize, number: u64, width: usize) -> String {
        let path = |width| path::tile(level, number, width);
        read_either(&self.disk, path, width, TILE_BYTES).map_or_else(|_| path(width), |(found, _)| found)
    }

    /// Partial tiles of earlier checkpoints must be beginnings of the tile.
    fn earlier_tiles(&mut self, level: usize, number: u64, tile: &[Hash]) -> Result<(), Error> {
        let folder = format!("{}.p", path::tile(level, number, TILE_WIDTH));
        for (name, width) in self.widths(&folder, tile.len())? {
            // A log that is being written to removes them when the full tile stands.
            let Some(bytes) = self.disk.read(&name, TILE_BYTES)? else { continue };
            let stored = hashes_of(&bytes).unwrap_or_default();
            self.files += 1;
            if stored.len() != width || !tile.starts_with(&stored) {
                return Err(Error::damaged(name, "it is not a beginning of its tile"));
            }
        }
        Ok(())
    }

    /// Partial bundles of earlier checkpoints likewise.
    fn earlier_bundles(&mut self, number: u64, hashes: &[Hash]) -> Result<(), Error> {
        let folder = format!("{}.p", path::entries(number, TILE_WIDTH));
        for (name, width) in self.widths(&folder, hashes.len())? {
            let Some(bytes) = self.disk.read(&name, BUNDLE_BYTES_MAX)? else { continue };
            self.files += 1;
            let stored: Vec<Hash> = entries_of(&bytes).unwrap_or_default().into_iter().map(leaf_hash).collect();
            if stored.len() != width || !hashes.starts_with(&stored) {
                return Err(Error::damaged(name, "it is not a beginning of its bundle"));
            }
        }
        Ok(())
    }

    /// The partial files in a folder that are narrower than the tile now is; wider ones lie beyond the checkpoint.
    fn widths(&self, folder: &str, below: usize) -> Result<Vec<(String, usize)>, Error> {
        let names = self.disk.names(folder)?;
        let width = |name: &String| name.parse().ok().filter(|width: &usize| *width < below);
        Ok(names.iter().filter_map(|name| width(name).map(|width| (format!("{folder}/{name}"), width))).collect())
    }
}
