//! Where the archive lies and how much it may hold at once.

use record::limits;
use std::path::{Path, PathBuf};

/// Settings of the archive's storage.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder; the archive's own files lie in `archive` under it.
    pub data_dir: PathBuf,
    /// A segment that has reached this size takes no further group.
    pub segment_bytes_max: u64,
    /// Sealed bytes of one frame that wait in memory; a larger frame gets its own file.
    pub draft_memory_bytes_max: usize,
    /// Sealed bytes of all frames that wait in memory; beyond, every further frame gets its own file.
    pub drafts_memory_bytes_max: usize,
    /// Sealed bytes of one frame.
    pub frame_bytes_max: u64,
    /// Frames that wait for the committer; beyond, senders are told to come back.
    pub queue_frames_max: usize,
    /// Bytes that must stay free on the disk when a group is taken, so that the index can follow.
    pub free_bytes_min: u64,
}

impl Settings {
    /// The defaults for a data folder.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            segment_bytes_max: limits::SEGMENT_BYTES_MAX,
            draft_memory_bytes_max: limits::DRAFT_MEMORY_BYTES_MAX,
            drafts_memory_bytes_max: limits::DRAFTS_MEMORY_BYTES_MAX,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            queue_frames_max: limits::COMMIT_QUEUE_FRAMES_MAX,
            free_bytes_min: limits::FREE_BYTES_MIN,
        }
    }

    pub(crate) fn archive_dir(&self) -> PathBuf {
        self.data_dir.join("archive")
    }

    pub(crate) fn segments_dir(&self) -> PathBuf {
        self.archive_dir().join("segments")
    }

    pub(crate) fn staging_dir(&self) -> PathBuf {
        self.archive_dir().join("staging")
    }

    pub(crate) fn index_path(&self) -> PathBuf {
        self.archive_dir().join("index.sqlite")
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.archive_dir().join("lock")
    }
}

/// The name of a segment's file: numbers alone, so no text of a peer can ever be a path.
#[must_use]
pub(crate) fn segment_path(segments: &Path, number: u64) -> PathBuf {
    segments.join(format!("{number:010}.seg"))
}
