//! The right edge of the tree: all that must be in memory to append. At most 255 hashes a level and 255 entries.

use crate::merkle::{Hash, complete_root, empty_root, leaf_hash, node_hash};
use crate::path::{self, TILE_WIDTH};
use crate::{ENTRY_BYTES_MAX, Error};

/// A file's relative path and its bytes.
pub(crate) type Filed = (String, Vec<u8>);

/// The rightmost, still partial tiles of a tree, and the rightmost entry bundle.
#[derive(Clone, Default)]
pub(crate) struct Edge {
    /// Entries in the tree.
    pub(crate) size: u64,
    /// The entries that fill no bundle yet, each after its length.
    pub(crate) bundle: Vec<u8>,
    /// INVARIANT: level `l` holds `size / 256^l % 256` hashes, those right of the last full tile.
    pub(crate) levels: Vec<Vec<Hash>>,
}

/// Full tiles at `level` in a tree of `size` entries.
pub(crate) fn full_tiles(size: u64, level: usize) -> u64 {
    hashes_at(size, level) / TILE_WIDTH as u64
}

/// Hashes at `level` in a tree of `size` entries: complete subtrees of 256^level.
pub(crate) fn hashes_at(size: u64, level: usize) -> u64 {
    u32::try_from(level * 8).ok().and_then(|bits| size.checked_shr(bits)).unwrap_or(0)
}

/// Hashes in the partial tile at `level`; 0 if there is none.
pub(crate) fn partial_width(size: u64, level: usize) -> usize {
    usize::from((hashes_at(size, level) & 0xff) as u8)
}

impl Edge {
    /// Appends an entry. What it fills, a bundle and tiles, is added to `full`.
    pub(crate) fn push(&mut self, entry: &[u8], full: &mut Vec<Filed>) -> Result<(), Error> {
        let len = u16::try_from(entry.len()).map_err(|_| Error::Invalid("an entry is longer than 65,535 bytes"))?;
        debug_assert!(entry.len() <= ENTRY_BYTES_MAX, "the length fits two bytes");
        let index = self.size;
        self.size = index.checked_add(1).ok_or(Error::Invalid("the log is full"))?;
        self.bundle.extend_from_slice(&len.to_be_bytes());
        self.bundle.extend_from_slice(entry);
        let mut carry = Some(leaf_hash(entry));
        let mut level = 0;
        while let Some(hash) = carry.take() {
            if self.levels.len() <= level {
                self.levels.resize_with(level + 1, Vec::new);
            }
            let Some(tile) = self.levels.get_mut(level) else { break };
            tile.push(hash);
            if tile.len() == TILE_WIDTH {
                let number = full_tiles(self.size, level) - 1;
                if level == 0 {
                    full.push((path::entries(number, TILE_WIDTH), std::mem::take(&mut self.bundle)));
                }
                full.push((path::tile(level, number, TILE_WIDTH), bytes_of(tile)));
                carry = complete_root(tile);
                tile.clear();
            }
            level += 1;
        }
        Ok(())
    }

    /// The partial tiles and the partial bundle, as files.
    pub(crate) fn partial(&self) -> Vec<Filed> {
        let mut files = Vec::new();
        if !self.bundle.is_empty() {
            let path = path::entries(full_tiles(self.size, 0), partial_width(self.size, 0));
            files.push((path, self.bundle.clone()));
        }
        for (level, tile) in self.levels.iter().enumerate().filter(|(_, tile)| !tile.is_empty()) {
            files.push((path::tile(level, full_tiles(self.size, level), tile.len()), bytes_of(tile)));
        }
        files
    }

    /// The root: the complete subtrees, largest first, folded from the right (RFC 6962 section 2.1).
    pub(crate) fn root(&self) -> Hash {
        let mut peaks = Vec::new();
        for tile in self.levels.iter().rev() {
            let mut rest = tile.as_slice();
            for bit in (0..8).rev() {
                if tile.len() & (1 << bit) != 0 {
                    let (subtree, after) = rest.split_at(rest.len().min(1 << bit));
                    peaks.extend(complete_root(subtree));
                    rest = after;
                }
            }
        }
        peaks.into_iter().rev().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }
}

/// A tile's bytes: its hashes side by side.
pub(crate) fn bytes_of(tile: &[Hash]) -> Vec<u8> {
    tile.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes in a tile's bytes; `None` if they are not whole hashes.
pub(crate) fn hashes_of(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks();
    rest.is_empty().then(|| hashes.iter().map(|hash| Hash(*hash)).collect())
}

/// The entries of a bundle; `None` if they do not fill it exactly.
pub(crate) fn entries_of(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (len, rest) = bundle.split_first_chunk()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        entries.push(entry);
        bundle = rest;
    }
    Some(entries)
}
