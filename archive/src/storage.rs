//! The storage half of the archive: frames in, parts out.
//!
//! `DATA/archive/segments` holds everything; `staging` holds what has not arrived whole; `index.sqlite` is a projection.

use crate::commit::{Committer, Pending};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::index::apply::Writer;
use crate::index::catchup::{self, Catchup};
use crate::index::rows::Kept;
use crate::object::{Extent, ObjectRecord, Order};
use crate::recover;
use crate::scrub;
use crate::segment::draft::{Draft, Staging};
use crate::segment::folder;
use crate::segment::handles::Handles;
use crate::settings::Settings;
use record::limits;
use std::fs::{File, OpenOptions, TryLockError};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The archive's files, owned by this process alone. Clones share them; when the last one goes, what is queued is
/// committed and the files are closed.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    staging: Arc<Staging>,
    handles: Handles,
    index: Index,
    counters: Arc<Counters>,
    /// `None` once closing: the committer ends when the last sender is gone.
    queue: Mutex<Option<SyncSender<Pending>>>,
    /// The committer, and the indexer that it feeds.
    threads: Mutex<Option<[JoinHandle<()>; 2]>>,
    catchup: Arc<Catchup>,
    /// Held, not read: a second process must not open the folder. The kernel frees it even after a kill.
    _lock: File,
}

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

/// What the committer has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Metrics {
    /// Groups committed.
    pub groups: u64,
    /// Frames committed.
    pub frames: u64,
    /// Durable flushes of segment files.
    pub flushes: u64,
    /// Bytes committed.
    pub bytes: u64,
}

/// [`Metrics`] while they are counted.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) groups: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) flushes: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Storage {
    /// Opens the folder, brings the index up to what the segments hold, and starts the committer. Blocks; `progress`
    /// hears of a long rebuild.
    pub fn open(settings: &Settings, progress: &mut dyn FnMut(Progress)) -> Result<Self> {
        for dir in [settings.archive_dir(), settings.segments_dir(), settings.staging_dir()] {
            folder::create_private_dir(&dir)
                .map_err(|error| Error::from_io("creating the archive's folder", &error))?;
        }
        let lock = lock(settings)?;
        // The folders' own names must survive a power cut before anything in them is acknowledged.
        for dir in [settings.archive_dir(), settings.data_dir.clone()] {
            folder::sync_dir(&dir).map_err(|error| Error::from_io("flushing the archive's folder", &error))?;
        }
        let mut writer = Writer::open(&settings.index_path(), &settings.segments_dir())?;
        let resume = recover::recover(settings, &mut writer, progress)?;
        let counters = Arc::new(Counters::default());
        let applied = resume.next_sequence.saturating_sub(1);
        let (catchup, indexer) = catchup::start(writer, applied)?;
        let committer = Committer::new(settings, Arc::clone(&catchup), resume, Arc::clone(&counters))?;
        let (queue, waiting) = sync_channel(settings.queue_frames_max);
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || committer.run(&waiting))
            .map_err(|error| Error::from_io("starting the committer", &error))?;
        Ok(Self {
            inner: Arc::new(Inner {
                settings: settings.clone(),
                staging: Arc::new(Staging::new(settings)),
                handles: Handles::new(settings.segments_dir()),
                index: Index::new(settings.index_path(), Arc::clone(&catchup)),
                counters,
                queue: Mutex::new(Some(queue)),
                threads: Mutex::new(Some([thread, indexer])),
                catchup,
                _lock: lock,
            }),
        })
    }

    /// A place for the sealed parts of one frame.
    #[must_use]
    pub fn draft(&self) -> Draft {
        Draft::new(Arc::clone(&self.inner.staging))
    }

    /// Commits one frame: all of `records` or none. Returns when a power cut cannot take it away any more. If the caller
    /// goes away while it waits, the frame may be committed all the same.
    pub async fn commit(&self, draft: Draft, records: Vec<ObjectRecord>) -> Result<Vec<Kept>> {
        let frame = if draft.is_in_file() {
            tokio::task::spawn_blocking(move || draft.finish(records)).await.map_err(|_| Error::Closed)??
        } else {
            draft.finish(records)?
        };
        let (reply, committed) = oneshot::channel();
        self.queue(Pending { frame, reply })?;
        committed.await.map_err(|_| Error::Closed)?
    }

    /// Commits an order. Returns when a power cut cannot take it away any more.
    ///
    /// # Errors
    /// Busy if the disk takes nothing.
    pub async fn order(&self, order: Order) -> Result<()> {
        let (reply, committed) = oneshot::channel();
        self.queue(Pending { frame: self.draft().order(order)?, reply })?;
        committed.await.map_err(|_| Error::Closed)?.map(|_| ())
    }

    fn queue(&self, pending: Pending) -> Result<()> {
        let queue = self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return Err(Error::Closed) };
        match queue.try_send(pending) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Error::busy("more is arriving than the disk can take")),
            Err(TrySendError::Disconnected(_)) => Err(Error::Closed),
        }
    }

    /// Reads `range` of a sealed part, at most `limits::PART_READ_BYTES_MAX` bytes. Blocks.
    pub fn read_part(&self, kept: &Kept, extent: Extent, range: Range<u64>) -> Result<Vec<u8>> {
        let bytes = range.end.checked_sub(range.start).filter(|_| range.end <= extent.sealed_bytes);
        let bytes = bytes.ok_or_else(|| Error::Invalid("a range outside the part".to_owned()))?;
        if bytes > limits::PART_READ_BYTES_MAX {
            return Err(Error::Invalid(format!("more than {} bytes in one read", limits::PART_READ_BYTES_MAX)));
        }
        let damaged = |error: &std::io::Error| {
            Error::Damaged(format!("segment {} at {}: {error}", kept.segment, kept.frame_offset))
        };
        let mut part = vec![0; usize::try_from(bytes).map_err(|_| Error::Invalid("a range too long".to_owned()))?];
        let at = kept.frame_offset.saturating_add(extent.offset).saturating_add(range.start);
        let file = self.inner.handles.get(kept.segment).map_err(|error| damaged(&error))?;
        file.read_exact_at(&mut part, at).map_err(|error| damaged(&error))?;
        Ok(part)
    }

    /// The index's readers.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.inner.index
    }

    /// What the committer has done since it started.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let counters = &self.inner.counters;
        Metrics {
            groups: counters.groups.load(Ordering::Relaxed),
            frames: counters.frames.load(Ordering::Relaxed),
            flushes: counters.flushes.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
        }
    }

    /// Checks everything that was committed before now, while the archive goes on working. Blocks for as long as the
    /// disk needs to read it all.
    pub fn scrub(&self, progress: &mut dyn FnMut(scrub::Progress)) -> Result<scrub::Report> {
        self.inner.catchup.wait();
        scrub::scrub_live(&self.inner.settings, progress)
    }

    /// Ends the committer after it has committed what is queued. Later commits are `Closed`.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some([committer, indexer]) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        if committer.join().is_err() {
            tracing::error!("the committer ended by a panic");
        }
        // Nothing more comes; the indexer takes what is there and ends.
        self.catchup.close();
        if indexer.join().is_err() {
            tracing::error!("the indexer ended by a panic");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes the folder for this process.
pub(crate) fn lock(settings: &Settings) -> Result<File> {
    let path = settings.lock_path();
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| Error::from_io("the archive's lock", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::busy(format!("another process has {} open", settings.archive_dir().display())))
        }
        Err(TryLockError::Error(error)) => Err(Error::from_io("the archive's lock", &error)),
    }
}
