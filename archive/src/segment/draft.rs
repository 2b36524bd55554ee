//! Where sealed bytes go while a frame arrives: memory first, then a file of its own that already has a segment's layout.

use super::frame::{
    FrameKind, GROUP_ALIGN_BYTES, HEADER_BYTES, HEADER_LEN, Header, TRAILER_BYTES, TRAILER_LEN, Trailer, check_records,
    frame_hash, record_hash,
};
use super::scan::Contents;
use crate::error::{Error, Result, is_out_of_space};
use crate::object::{Extent, ObjectRecord, Order};
use crate::settings::Settings;
use record::limits;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes gathered before a write to a draft's file.
const FILE_BUFFER_BYTES: usize = 256 * 1024;

/// The folder of drafts, and how much memory all drafts hold together.
pub(crate) struct Staging {
    dir: PathBuf,
    /// Names are numbers: start-up empties the folder, so they need to differ only within one run.
    next_name: AtomicU64,
    memory_bytes: AtomicUsize,
    memory_bytes_max: usize,
    draft_memory_bytes_max: usize,
    frame_bytes_max: u64,
}

impl Staging {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            dir: settings.staging_dir(),
            next_name: AtomicU64::new(1),
            memory_bytes: AtomicUsize::new(0),
            memory_bytes_max: settings.drafts_memory_bytes_max,
            draft_memory_bytes_max: settings.draft_memory_bytes_max,
            frame_bytes_max: settings.frame_bytes_max,
        }
    }

    fn create_file(&self) -> Result<StagedFile> {
        let name = self.next_name.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{name:016}.part"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Error::from_io("staging", &error))?;
        Ok(StagedFile { path, file, written: 0, renamed: false })
    }
}

/// A share of the memory that all drafts may hold; given back when dropped.
struct Reservation {
    staging: Arc<Staging>,
    bytes: usize,
}

impl Reservation {
    fn grow(&mut self, bytes: usize) -> bool {
        let max = self.staging.memory_bytes_max;
        let taken = self.staging.memory_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= max)
        });
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }

    fn release(&mut self) {
        self.staging.memory_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

/// A draft's file. Dropping it removes the file unless it has become a segment.
pub(crate) struct StagedFile {
    path: PathBuf,
    file: File,
    written: u64,
    renamed: bool,
}

impl StagedFile {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, self.written).map_err(|error| Error::from_io("staging", &error))?;
        self.written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.renamed
            && let Err(error) = fs::remove_file(&self.path)
        {
            // Harmless: start-up empties the folder.
            tracing::warn!(%error, "a dropped draft's file could not be removed");
        }
    }
}

/// The sealed parts of one frame to be. Dropping it leaves nothing behind. Writing may block for the disk.
pub struct Draft {
    staging: Arc<Staging>,
    memory: Reservation,
    /// In memory: everything so far, beginning with room for the header. With a file: what is not yet written to it.
    buffer: Vec<u8>,
    file: Option<StagedFile>,
    position: u64,
    /// Has taken every sealed byte, and not the header. Boxed: it is 2 kB, and drafts are passed on.
    hasher: Box<blake3::Hasher>,
}

impl Draft {
    pub(crate) fn new(staging: Arc<Staging>) -> Self {
        Self {
            memory: Reservation { staging: Arc::clone(&staging), bytes: 0 },
            staging,
            buffer: vec![0; HEADER_BYTES],
            file: None,
            position: HEADER_LEN,
            hasher: Box::new(blake3::Hasher::new()),
        }
    }

    /// Where the next byte goes, counted from the start of the frame.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the draft has outgrown memory and lies in a file of its own.
    #[must_use]
    pub fn is_in_file(&self) -> bool {
        self.file.is_some()
    }

    /// Adds sealed bytes. After an error the draft is of no more use.
    pub fn append(&mut self, sealed: &[u8]) -> Result<()> {
        let added = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
        let position = self.position.saturating_add(added);
        if position - HEADER_LEN > self.staging.frame_bytes_max {
            return Err(Error::Invalid(format!("more than {} bytes in one object", self.staging.frame_bytes_max)));
        }
        let in_memory = usize::try_from(position - HEADER_LEN).unwrap_or(usize::MAX);
        if self.file.is_none() && (in_memory > self.staging.draft_memory_bytes_max || !self.memory.grow(sealed.len())) {
            self.move_to_file()?;
        }
        self.hasher.update(sealed);
        self.position = position;
        if let Some(file) = &mut self.file
            && self.buffer.len().saturating_add(sealed.len()) > FILE_BUFFER_BYTES
        {
            file.append(&self.buffer)?;
            self.buffer.clear();
            if sealed.len() > FILE_BUFFER_BYTES {
                return file.append(sealed);
            }
        }
        if self.buffer.capacity() - self.buffer.len() < sealed.len() {
            // Three times as much as there is: a slice of half a megabyte then moves twice instead of five times.
            self.buffer.reserve(sealed.len().max(self.buffer.len().saturating_mul(2)));
        }
        self.buffer.extend_from_slice(sealed);
        Ok(())
    }

    /// The part that began at `start` and ends here.
    #[must_use]
    pub fn since(&self, start: u64) -> Extent {
        Extent { offset: start, sealed_bytes: self.position.saturating_sub(start) }
    }

    /// Adds a whole sealed part.
    pub fn append_part(&mut self, sealed: &[u8]) -> Result<Extent> {
        let start = self.position();
        self.append(sealed)?;
        Ok(self.since(start))
    }

    fn move_to_file(&mut self) -> Result<()> {
        let mut file = self.staging.create_file()?;
        file.append(&self.buffer)?;
        self.buffer = Vec::with_capacity(FILE_BUFFER_BYTES);
        self.file = Some(file);
        self.memory.release();
        Ok(())
    }

    /// A frame of an order, which has no parts.
    pub(crate) fn order(mut self, order: Order) -> Result<Frame> {
        let record = minicbor::to_vec(&order).map_err(|_| Error::Invalid("an order cannot be encoded".to_owned()))?;
        self.hasher.update(&record);
        self.buffer.extend_from_slice(&record);
        let unpadded_bytes = self.position + u64::try_from(record.len()).unwrap_or(u64::MAX) + TRAILER_LEN;
        let body = Body::Memory { bytes: self.buffer, _memory: self.memory };
        Ok(Frame { body, contents: Contents::Order(order), record, unpadded_bytes, hasher: self.hasher })
    }

    /// Adds the record. A large draft's bytes are flushed to the disk here, in the sender's time, so that the
    /// committer's own flush of it is short.
    pub(crate) fn finish(mut self, records: Vec<ObjectRecord>) -> Result<Frame> {
        let objects = u32::try_from(records.len()).unwrap_or(u32::MAX);
        if records.is_empty() || records.len() > limits::FRAME_OBJECTS_MAX {
            return Err(Error::Invalid(format!(
                "1 to {} objects can be committed together",
                limits::FRAME_OBJECTS_MAX
            )));
        }
        check_records(&records, objects, self.position).map_err(|fault| Error::Invalid(fault.0.to_owned()))?;
        let record =
            minicbor::to_vec(&records).map_err(|_| Error::Invalid("a record that cannot be encoded".to_owned()))?;
        let record_bytes = u32::try_from(record.len()).unwrap_or(u32::MAX);
        if record.len() > limits::FRAME_RECORD_BYTES_MAX {
            return Err(Error::Invalid(format!("a record of more than {} bytes", limits::FRAME_RECORD_BYTES_MAX)));
        }
        self.hasher.update(&record);
        self.buffer.extend_from_slice(&record);
        let body = match self.file {
            None => Body::Memory { bytes: self.buffer, _memory: self.memory },
            Some(mut file) => {
                file.append(&self.buffer)?;
                match file.file.sync_data() {
                    Ok(()) => {}
                    // Some file systems find out only now. The file is thrown away, so nothing of it is believed later.
                    Err(error) if is_out_of_space(&error) => return Err(Error::out_of_space()),
                    Err(error) => crate::commit::stop("flushing a large object", &error),
                }
                Body::File(file)
            }
        };
        let unpadded_bytes = self.position + u64::from(record_bytes) + TRAILER_LEN;
        Ok(Frame { body, contents: Contents::Objects(records), record, unpadded_bytes, hasher: self.hasher })
    }
}

/// Where a frame's parts and record lie until it is committed.
enum Body {
    Memory { bytes: Vec<u8>, _memory: Reservation },
    File(StagedFile),
}

/// A frame that has everything but its place: header and trailer come at commit.
pub(crate) struct Frame {
    body: Body,
    pub(crate) contents: Contents,
    record: Vec<u8>,
    /// Header to trailer, without padding.
    pub(crate) unpadded_bytes: u64,
    hasher: Box<blake3::Hasher>,
}

/// The place that the committer gives a frame.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) sequence: u64,
    pub(crate) group: u64,
}

impl Frame {
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.body, Body::File(_))
    }

    /// Writes header and trailer around a frame in memory. `last` pads it so that its group ends on a page.
    /// Returns the frame's length.
    pub(crate) fn place_in_memory(&mut self, place: Place, last: bool) -> u64 {
        let end = place.offset + self.unpadded_bytes;
        let padding = if last { end.next_multiple_of(GROUP_ALIGN_BYTES) - end } else { 0 };
        let kind = match self.contents {
            Contents::Objects(_) => FrameKind::Grouped,
            Contents::Order(_) => FrameKind::Order,
        };
        let (header, tail) = self.enclose(kind, place, padding);
        if let Body::Memory { bytes, .. } = &mut self.body {
            if let Some(room) = bytes.first_chunk_mut::<HEADER_BYTES>() {
                *room = header;
            }
            bytes.extend_from_slice(&tail);
        }
        self.unpadded_bytes + padding
    }

    /// The bytes of a frame that was placed in memory.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Memory { bytes, .. } => bytes,
            Body::File(_) => &[],
        }
    }

    /// Completes a frame in its own file. The name is still the draft's.
    pub(crate) fn place_in_file(&mut self, place: Place) -> std::io::Result<()> {
        let (header, tail) = self.enclose(FrameKind::Alone, place, 0);
        let Body::File(staged) = &self.body else { return Ok(()) };
        staged.file.write_all_at(&tail, staged.written)?;
        staged.file.write_all_at(&header, 0)
    }

    /// Flushes a frame in its own file; an error must stop the process.
    pub(crate) fn sync_file(&self) -> std::io::Result<()> {
        match &self.body {
            Body::File(staged) => staged.file.sync_all(),
            Body::Memory { .. } => Ok(()),
        }
    }

    /// Gives a frame's own file its segment's name.
    pub(crate) fn rename_file(&mut self, to: &Path) -> std::io::Result<()> {
        if let Body::File(staged) = &mut self.body {
            fs::rename(&staged.path, to)?;
            staged.renamed = true;
        }
        Ok(())
    }

    fn enclose(&mut self, kind: FrameKind, place: Place, padding: u64) -> ([u8; HEADER_BYTES], Vec<u8>) {
        let header = Header {
            kind,
            objects: match &self.contents {
                Contents::Objects(records) => u32::try_from(records.len()).unwrap_or(u32::MAX),
                Contents::Order(_) => 1,
            },
            segment: place.segment,
            offset: place.offset,
            sequence: place.sequence,
            group: place.group,
            frame_bytes: self.unpadded_bytes + padding,
        }
        .encode();
        let mut trailer = Trailer {
            record_bytes: u32::try_from(self.record.len()).unwrap_or(u32::MAX),
            padding_bytes: u32::try_from(padding).unwrap_or(0),
            record_hash: [0; 32],
            frame_hash: [0; 32],
        };
        let mut tail = vec![0; usize::try_from(padding).unwrap_or(0)];
        let mut body = blake3::Hasher::clone(&self.hasher);
        body.update(&tail);
        trailer.record_hash = record_hash(&header, &trailer.lengths(), &self.record);
        trailer.frame_hash = frame_hash(body, &header, &trailer.lengths(), &trailer.record_hash);
        tail.reserve_exact(TRAILER_BYTES);
        tail.extend_from_slice(&trailer.encode());
        (header, tail)
    }
}
