//! What a power cut may leave on a disk, worked out from what was written and what was flushed.
//!
//! Held to be on the disk is only what a flush that ended before the cut covers: a file's bytes and length by a flush of
//! the file, a name by a flush of its folder. Of everything else any part may be there: the sectors of a write one by one,
//! names in the order of a journal, or in no order at all.

use crate::Result;
use crate::disk::Record;
use crate::random::Random;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// How kind the file system is to what was not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Nothing of it is there.
    Nothing,
    /// All of it is there.
    All,
    /// A journal in order, as ext4 writes it: names up to some moment; of each file a prefix of its changes, the last torn.
    Journal,
    /// What POSIX allows: each sector, length and name by itself. A name moved to another folder may be in both or neither.
    Posix,
}

impl Manner {
    /// One by chance; the two extremes are rarer, because there is only one state of each.
    pub fn random(random: &mut Random) -> Self {
        match random.below(10) {
            0 => Self::Nothing,
            1 => Self::All,
            2..=5 => Self::Journal,
            _ => Self::Posix,
        }
    }
}

/// A change of a file that no flush has covered, by its place in the log.
#[derive(Clone, Copy)]
enum Change<'a> {
    Write(u64, &'a [u8]),
    Length(u64),
}

#[derive(Default)]
struct Inode<'a> {
    is_folder: bool,
    durable: Vec<u8>,
    pending: Vec<(usize, Change<'a>)>,
}

/// A name that came to mean another file, or none. Both halves of a rename have one place in the log.
struct Naming {
    at: usize,
    path: PathBuf,
    inode: Option<usize>,
}

/// The disk at one moment.
#[derive(Default)]
pub struct Model<'a> {
    inodes: Vec<Inode<'a>>,
    live: HashMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    pending: Vec<Naming>,
    handles: HashMap<u64, (usize, PathBuf)>,
    begun: HashMap<u64, usize>,
    /// Everything named before this is in the journal: a flush of anything writes the journal.
    journalled: usize,
    end: usize,
}

impl<'a> Model<'a> {
    /// The disk after the first `cut` records.
    #[must_use]
    pub fn at(records: &'a [Record], cut: usize) -> Self {
        let mut model = Self::default();
        for (at, record) in records.iter().take(cut).enumerate() {
            model.apply(at, record);
        }
        model.end = cut;
        model
    }

    fn apply(&mut self, at: usize, record: &'a Record) {
        match record {
            Record::Open { handle, path, created, truncated, is_folder } => {
                let inode = match self.live.get(path) {
                    Some(inode) if !created => *inode,
                    // Only the watched folder itself was there before the recording.
                    None if *is_folder => self.found(path),
                    _ => self.make(at, path, false),
                };
                if *truncated {
                    self.change(at, inode, Change::Length(0));
                }
                self.handles.insert(*handle, (inode, path.clone()));
            }
            Record::Write { handle, offset, data } => self.change_handle(at, *handle, Change::Write(*offset, data)),
            Record::Truncate { handle, bytes } => self.change_handle(at, *handle, Change::Length(*bytes)),
            Record::Rename(from, to) => {
                if let Some(inode) = self.live.remove(from) {
                    self.name(at, to.clone(), Some(inode));
                    self.name(at, from.clone(), None);
                }
            }
            Record::Link(from, to) => {
                if let Some(inode) = self.live.get(from).copied() {
                    self.name(at, to.clone(), Some(inode));
                }
            }
            Record::Unlink(path) | Record::RemoveFolder(path) => self.name(at, path.clone(), None),
            Record::MakeFolder(path) => {
                self.make(at, path, true);
            }
            Record::SyncBegun { number, .. } => {
                self.begun.insert(*number, at);
            }
            Record::SyncEnded { handle, number } => self.sync(*handle, *number),
            Record::SyncFailed { handle } => self.lose(*handle),
            Record::Mark(_) => {}
        }
    }

    fn make(&mut self, at: usize, path: &Path, is_folder: bool) -> usize {
        let inode = self.inodes.len();
        self.inodes.push(Inode { is_folder, ..Inode::default() });
        self.name(at, path.to_path_buf(), Some(inode));
        inode
    }

    fn found(&mut self, path: &Path) -> usize {
        let inode = self.inodes.len();
        self.inodes.push(Inode { is_folder: true, ..Inode::default() });
        self.live.insert(path.to_path_buf(), inode);
        inode
    }

    fn name(&mut self, at: usize, path: PathBuf, inode: Option<usize>) {
        match inode {
            Some(inode) => self.live.insert(path.clone(), inode),
            None => self.live.remove(&path),
        };
        self.pending.push(Naming { at, path, inode });
    }

    fn change_handle(&mut self, at: usize, handle: u64, change: Change<'a>) {
        if let Some((inode, _)) = self.handles.get(&handle) {
            self.change(at, *inode, change);
        }
    }

    fn change(&mut self, at: usize, inode: usize, change: Change<'a>) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            inode.pending.push((at, change));
        }
    }

    /// What stood before the flush began is durable once it has ended; what came while it ran may have been missed.
    fn sync(&mut self, handle: u64, number: u64) {
        let Some(begun) = self.begun.remove(&number) else { return };
        let Some((inode, path)) = self.handles.get(&handle).cloned() else { return };
        self.journalled = self.journalled.max(begun);
        let is_folder = self.inodes.get(inode).is_some_and(|inode| inode.is_folder);
        if is_folder {
            let (durable, pending) = (&mut self.durable, &mut self.pending);
            pending.retain(|naming| {
                let covered = naming.at < begun && naming.path.parent() == Some(&path);
                if covered {
                    match naming.inode {
                        Some(inode) => durable.insert(naming.path.clone(), inode),
                        None => durable.remove(&naming.path),
                    };
                }
                !covered
            });
        } else if let Some(inode) = self.inodes.get_mut(inode) {
            let covered = inode.pending.iter().take_while(|(at, _)| *at < begun).count();
            for (_, change) in inode.pending.drain(..covered) {
                apply_change(&mut inode.durable, change);
            }
        }
    }

    /// After a failed flush the kernel holds the pages for clean: no later flush brings them to the disk, unless they are
    /// written again.
    fn lose(&mut self, handle: u64) {
        if let Some((inode, _)) = self.handles.get(&handle)
            && let Some(inode) = self.inodes.get_mut(*inode)
        {
            inode.pending.retain(|(_, change)| matches!(change, Change::Length(_)));
        }
    }

    /// Writes one of the states that a cut at this moment may leave below `root` into the folder `into`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn leave(&self, manner: Manner, random: &mut Random, root: &Path, into: &Path) -> Result<()> {
        std::fs::create_dir_all(into)?;
        let names = self.names(manner, random);
        // A folder's path is shorter than that of what lies in it, and comes first in this order.
        for (path, inode) in &names {
            let (Ok(relative), Some(inode)) = (path.strip_prefix(root), self.inodes.get(*inode)) else { continue };
            let target = into.join(relative);
            if !target.parent().is_some_and(Path::is_dir) {
                // The folder's own name was lost, and all that lies in it.
                continue;
            }
            if inode.is_folder {
                std::fs::create_dir(&target)?;
            } else {
                std::fs::write(&target, inode.bytes(manner, random))?;
            }
        }
        Ok(())
    }

    fn names(&self, manner: Manner, random: &mut Random) -> BTreeMap<PathBuf, usize> {
        let mut names = self.durable.clone();
        let mut set = |naming: &Naming| {
            match naming.inode {
                Some(inode) => names.insert(naming.path.clone(), inode),
                None => names.remove(&naming.path),
            };
        };
        match manner {
            Manner::Nothing => {}
            Manner::All => self.pending.iter().for_each(set),
            Manner::Journal => {
                let until = self.journalled + random.index(self.end + 1 - self.journalled.min(self.end));
                self.pending.iter().take_while(|naming| naming.at < until).for_each(set);
            }
            Manner::Posix => {
                let mut by_path: BTreeMap<&Path, Vec<&Naming>> = BTreeMap::new();
                for naming in &self.pending {
                    by_path.entry(&naming.path).or_default().push(naming);
                }
                // Most of the time nearly all or nearly nothing is there, so that single odd ones show.
                let share = [1, 5, 9].get(random.index(3)).copied().unwrap_or(5);
                for versions in by_path.values() {
                    if random.chance(share, 10)
                        && let Some(naming) = versions.get(random.index(versions.len()))
                    {
                        set(naming);
                    }
                }
            }
        }
        names
    }
}

impl Inode<'_> {
    fn bytes(&self, manner: Manner, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let all = self.pending.iter().map(|(_, change)| *change);
        match manner {
            Manner::Nothing => {}
            Manner::All => all.for_each(|change| apply_change(&mut bytes, change)),
            Manner::Journal => {
                let whole = random.index(self.pending.len() + 1);
                for change in all.clone().take(whole) {
                    apply_change(&mut bytes, change);
                }
                if let Some(Change::Write(offset, data)) = all.clone().nth(whole) {
                    // Data comes before the length that shows it: what is torn off is missing, not empty.
                    let kept = random.index(data.len() + 1);
                    apply_change(&mut bytes, Change::Write(offset, data.get(..kept).unwrap_or_default()));
                }
            }
            Manner::Posix => self.scatter(&mut bytes, random),
        }
        bytes
    }

    /// Sector by sector, and any of the lengths that the file has had since it was flushed.
    fn scatter(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        let mut lengths = vec![bytes.len()];
        let share = [0, 1, 5, 9, 10].get(random.index(5)).copied().unwrap_or(5);
        let sector = if random.chance(1, 2) { 512 } else { 4096 };
        let mut length = bytes.len();
        for (_, change) in &self.pending {
            match change {
                Change::Length(to) => {
                    length = usize::try_from(*to).unwrap_or(0);
                    if random.chance(share, 10) {
                        apply_change(bytes, *change);
                    }
                }
                Change::Write(offset, data) => {
                    let mut at = usize::try_from(*offset).unwrap_or(0);
                    length = length.max(at + data.len());
                    let mut rest = *data;
                    while !rest.is_empty() {
                        let (now, later) = rest.split_at((sector - at % sector).min(rest.len()));
                        if random.chance(share, 10) {
                            apply_change(bytes, Change::Write(u64::try_from(at).unwrap_or(0), now));
                        }
                        at += now.len();
                        rest = later;
                    }
                }
            }
            lengths.push(length);
        }
        if let Some(length) = lengths.get(random.index(lengths.len())) {
            bytes.resize(*length, 0);
        }
    }
}

fn apply_change(bytes: &mut Vec<u8>, change: Change<'_>) {
    match change {
        Change::Length(length) => bytes.resize(usize::try_from(length).unwrap_or(0), 0),
        Change::Write(offset, data) => {
            let at = usize::try_from(offset).unwrap_or(0);
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            if let Some(place) = bytes.get_mut(at..at + data.len()) {
                place.copy_from_slice(data);
            }
        }
    }
}

/// Places to cut: half anywhere, half just before, at or just after a flush.
#[must_use]
pub fn cuts(records: &[Record], count: usize, random: &mut Random) -> Vec<usize> {
    let is_flush = |record: &Record| matches!(record, Record::SyncBegun { .. } | Record::SyncEnded { .. });
    let flushes: Vec<usize> =
        records.iter().enumerate().filter(|(_, record)| is_flush(record)).map(|(at, _)| at).collect();
    (0..count)
        .map(|_| {
            let anywhere = random.index(records.len() + 1);
            match flushes.get(random.index(flushes.len().max(1))) {
                Some(flush) if random.chance(1, 2) => (flush + random.index(4)).min(records.len()),
                _ => anywhere,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
