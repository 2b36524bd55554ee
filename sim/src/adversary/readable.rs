//! How many people can be read from bytes: their numbers, in every encoding that a thief would try.

use crate::Result;
use crate::kept::{self, Needle};
use crate::sample::Person;
use aho_corasick::AhoCorasick;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// What tells of a person: the hospital's number and the national one, which nobody else has. Each needle with its owner.
fn needles(people: &[Person]) -> (Vec<Needle>, Vec<usize>) {
    let (mut needles, mut owners) = (Vec::new(), Vec::new());
    for (n, person) in people.iter().enumerate() {
        for text in [&person.number, &person.nik] {
            for needle in kept::encodings(text) {
                needles.push(needle);
                owners.push(n);
            }
        }
    }
    (needles, owners)
}

/// A search for people.
pub struct Readers {
    searcher: AhoCorasick,
    owners: Vec<usize>,
    longest: usize,
}

impl Readers {
    /// A search for these people.
    ///
    /// # Errors
    /// If there are too many.
    pub fn new(people: &[Person]) -> Result<Self> {
        let (needles, owners) = needles(people);
        let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(0);
        Ok(Self { searcher: AhoCorasick::new(needles.iter().map(|needle| &needle.bytes))?, owners, longest })
    }

    fn read(&self, bytes: &[u8], found: &mut BTreeSet<usize>) {
        let hits = self.searcher.find_overlapping_iter(bytes);
        found.extend(hits.filter_map(|hit| self.owners.get(hit.pattern().as_usize())));
    }

    /// Who can be read in any file of a folder.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn in_folder(&self, folder: &Path) -> Result<BTreeSet<usize>> {
        let mut found = BTreeSet::new();
        for file in kept::files(folder)? {
            match std::fs::read(&file) {
                Ok(bytes) => self.read(&bytes, &mut found),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    /// Who can be read in the memory of a running process: every page that it could write.
    ///
    /// # Errors
    /// If its memory is not to be read, which takes root.
    pub fn in_memory(&self, process_id: u32) -> Result<BTreeSet<usize>> {
        const PIECE: usize = 4 << 20;
        let memory = File::open(format!("/proc/{process_id}/mem"))?;
        let mut found = BTreeSet::new();
        let mut buffer = vec![0; PIECE + self.longest];
        for line in BufReader::new(File::open(format!("/proc/{process_id}/maps"))?).lines() {
            let line = line?;
            let Some((range, rest)) = line.split_once(' ') else { continue };
            let Some((from, to)) = range.split_once('-').filter(|_| rest.starts_with("rw")) else { continue };
            let (mut at, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
            while at < to {
                let wanted = usize::try_from(to - at).unwrap_or(usize::MAX).min(buffer.len());
                let piece = buffer.get_mut(..wanted).ok_or("a piece is within the buffer")?;
                // A mapping may be gone meanwhile, or be one that nobody reads.
                let Ok(read) = memory.read_at(piece, at) else { break };
                self.read(piece.get(..read).unwrap_or_default(), &mut found);
                if read < wanted || wanted <= self.longest {
                    break;
                }
                at += u64::try_from(wanted - self.longest)?;
            }
        }
        Ok(found)
    }
}
