//! The storage half of the archive: frames in, parts out.

use crate::error::Result;
use crate::index::Index;
use crate::index::rows::Kept;
use crate::object::{Extent, ObjectRecord};
use crate::segment::draft::Draft;
use crate::settings::Settings;
use std::ops::Range;

/// The archive's files, owned by this process alone. Clones share them.
#[derive(Clone)]
pub struct Storage {}

/// How far a rebuild of the index has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of segments done.
    pub bytes_done: u64,
    /// Bytes of segments in all.
    pub bytes_total: u64,
    /// Frames done.
    pub frames_done: u64,
}

impl Storage {
    /// Opens the folder, brings the index up to what the segments hold, and starts the committer. Blocks.
    pub fn open(_settings: &Settings, _progress: &mut dyn FnMut(Progress)) -> Result<Self> {
        todo!()
    }
    /// A place for the sealed parts of one frame.
    #[must_use]
    pub fn draft(&self) -> Draft {
        todo!()
    }
    /// Commits one frame: all of `records` or none. Returns when a power cut cannot take it away any more.
    pub async fn commit(&self, _draft: Draft, _records: Vec<ObjectRecord>) -> Result<Vec<Kept>> {
        todo!()
    }
    /// Reads `range` of a sealed part, at most `limits::PART_READ_BYTES_MAX` bytes. Blocks.
    pub fn read_part(&self, _kept: &Kept, _extent: Extent, _range: Range<u64>) -> Result<Vec<u8>> {
        todo!()
    }
    /// The index's readers.
    #[must_use]
    pub fn index(&self) -> &Index {
        todo!()
    }
}
