//! The pages of a database file (sqlite.org/fileformat2.html 1.3), each looked at once.

use super::record::Encoding;
use crate::sample::remark::Fault;
use crate::sample::walk::Random;
use std::io::{Result, SeekFrom};

pub(super) struct Pages<'f> {
    file: &'f mut dyn Random,
    size: usize,
    usable: usize,
    count: usize,
    // One bit a page: a page belongs to one tree, at one place. A second look is a loop, or a file made to look like one.
    seen: Vec<u64>,
    pub encoding: Encoding,
    /// Whether changes may lie in a file beside it.
    pub has_log: bool,
}

impl<'f> Pages<'f> {
    pub fn open(file: &'f mut dyn Random) -> Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut head = [0; 100];
        file.read_exact(&mut head)?;
        let size = match short(&head, 16) {
            Some(1) => 65_536,
            Some(size) if size.is_power_of_two() && size >= 512 => usize::from(size),
            _ => return Err(Fault::Damaged.into()),
        };
        let reserved = head.get(20).map_or(0, |byte| usize::from(*byte));
        let usable = size - reserved;
        if usable < 480 {
            return Err(Fault::Damaged.into());
        }
        let size_long = u64::try_from(size).unwrap_or(u64::MAX);
        let count = usize::try_from(length.div_ceil(size_long)).unwrap_or(usize::MAX).min(1 << 32);
        Ok(Self {
            file,
            size,
            usable,
            count,
            seen: vec![0; count / 64 + 1],
            encoding: super::encoding(long(&head, 56).unwrap_or(1)),
            has_log: head.get(18..20) == Some(&[2, 2]),
        })
    }

    /// Bytes of a page that hold content.
    pub fn usable(&self) -> usize {
        self.usable
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// A page that was not looked at before.
    pub fn page(&mut self, number: u32) -> Result<Vec<u8>> {
        let index =
            usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).filter(|index| *index < self.count);
        let index = index.ok_or(Fault::Damaged)?;
        let word = self.seen.get_mut(index / 64).ok_or(Fault::Damaged)?;
        let bit = 1 << (index % 64);
        if *word & bit != 0 {
            return Err(Fault::Damaged.into());
        }
        *word |= bit;
        let at = u64::try_from(index).unwrap_or(u64::MAX).saturating_mul(u64::try_from(self.size).unwrap_or(u64::MAX));
        self.file.seek(SeekFrom::Start(at))?;
        let mut page = vec![0; self.size];
        self.file.read_exact(&mut page)?;
        Ok(page)
    }
}

/// Two bytes of a page, the higher first.
pub(super) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

/// Four bytes of a page, the highest first.
pub(super) fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}
