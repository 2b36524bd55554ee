//! Start-up: what the segments hold and the index does not is applied, in the order in which it was committed.
//!
//! It is the normal path: after a clean stop there is nothing to do, after a crash there are a few frames, and without
//! an index there is everything.

use crate::error::{Error, Result};
use crate::index::apply::{Applied, Placed, Writer};
use crate::segment::folder::{self, sync_dir};
use crate::segment::frame::{FrameKind, Header};
use crate::segment::scan::{Contents, ScanError, SegmentFile};
use crate::settings::{Settings, segment_path};
use crate::storage::Progress;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Objects applied in one transaction while catching up, give or take those of one frame.
const BATCH_OBJECTS: u64 = 1_000;

/// No group reaches this far (`limits::GROUP_BYTES_MAX`, one frame more, its record): a longer tail is no torn group, but
/// damage, and is left for people to look at.
const TORN_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A process ends with its first failed flush, so no more than its last groups can be unflushed.
const UNFLUSHED_BYTES_MAX: u64 = TORN_BYTES_MAX;
/// Bytes of the last segment that are written again at a time.
const SETTLED_AT_ONCE_BYTES: usize = 1024 * 1024;

/// Where the committer goes on.
#[derive(Debug)]
pub(crate) struct Resume {
    /// The segment that takes groups, and how long it is.
    pub(crate) open: Option<(u64, u64)>,
    pub(crate) next_segment: u64,
    pub(crate) next_sequence: u64,
}

/// Brings the index up to the segments.
pub(crate) fn recover(settings: &Settings, writer: &mut Writer, progress: &mut dyn FnMut(Progress)) -> Result<Resume> {
    empty_staging(settings)?;
    let segments = settings.segments_dir();
    let listing = folder::list(&segments).map_err(|error| Error::from_io("listing the segments", &error))?;
    if listing.unknown > 0 {
        tracing::warn!(count = listing.unknown, "entries that are no segments lie among the segments");
    }
    let applied = writer.segments()?;
    if let Some(missing) = applied.keys().find(|number| !listing.segments.contains(number)) {
        return Err(Error::Damaged(format!("segment {missing} is missing: restore it from a backup")));
    }
    let last = last_known_grouped(&applied);
    let mut walk = Walk::new(&segments, writer.sequence()?, progress);
    for number in &listing.segments {
        match applied.get(number) {
            // Segments that take no further groups were applied whole before their successor was begun.
            Some(known) if known.alone || Some(*number) != last => {}
            Some(known) => walk.begin(*number, known.bytes)?,
            None => walk.begin(*number, 0)?,
        }
    }
    walk.find_last(last);
    if let Some(number) = walk.last {
        settle(&segments, number, applied.get(&number).map_or(0, |known| known.bytes))?;
    }
    walk.apply_all(writer)?;
    let cut = walk.cut_torn_tail()?;
    // Nothing is served while anything of an isolation is still to be seen, also after a death in the middle of one.
    while writer.isolate_piece()? {}
    let open = walk.last.map(|number| (number, cut.or_else(|| walk.bytes_of(number)).unwrap_or(0)));
    Ok(Resume {
        open,
        next_segment: listing.segments.last().map_or(1, |number| number + 1),
        next_sequence: walk.sequence + 1,
    })
}

/// Removes what had not arrived whole. Nothing in there was acknowledged.
fn empty_staging(settings: &Settings) -> Result<()> {
    let dir = settings.staging_dir();
    let failed = |error: std::io::Error| Error::from_io("emptying the staging folder", &error);
    for entry in fs::read_dir(&dir).map_err(failed)? {
        fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
    }
    sync_dir(&dir).map_err(failed)
}

/// Makes sure that the disk holds what this process reads behind the last applied frame of the segment that takes groups.
/// Whoever wrote it may have been killed before its flush, and then what is read here is in the kernel's memory alone; or
/// the flush failed, and then the kernel holds the pages for written and would never try again. Writing the same bytes
/// once more makes them due. Without this a later power cut would take them away from under frames that came after.
fn settle(segments: &Path, number: u64, applied: u64) -> Result<()> {
    let failed = |error: std::io::Error| Error::from_io("settling the last segment", &error);
    let file = OpenOptions::new().read(true).write(true).open(segment_path(segments, number)).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes <= applied {
        return Ok(());
    }
    let mut at = applied.max(bytes.saturating_sub(UNFLUSHED_BYTES_MAX));
    let mut buffer = vec![0; SETTLED_AT_ONCE_BYTES];
    while at < bytes {
        let read = file.read_at(&mut buffer, at).map_err(failed)?;
        let Some(same) = buffer.get(..read).filter(|same| !same.is_empty()) else { break };
        file.write_all_at(same, at).map_err(failed)?;
        at += u64::try_from(read).unwrap_or(u64::MAX);
    }
    file.sync_all().map_err(failed)?;
    sync_dir(segments).map_err(failed)
}

fn last_known_grouped(applied: &BTreeMap<u64, Applied>) -> Option<u64> {
    applied.iter().rev().find(|(_, segment)| !segment.alone).map(|(number, _)| *number)
}

/// The place where the frames of the last segment stop making sense.
struct Torn {
    offset: u64,
    why: String,
}

/// A walk over several segments in the order of the frames' sequence.
struct Walk<'a> {
    dir: PathBuf,
    files: BTreeMap<u64, SegmentFile>,
    /// The next frame of each segment; the smallest sequence comes first.
    next: BinaryHeap<Reverse<(u64, u64, u64)>>,
    /// Segments at whose given offset no header stands.
    headless: BTreeMap<u64, Torn>,
    /// The segment that takes groups: the only one whose tail may be torn.
    last: Option<u64>,
    torn: Option<Torn>,
    sequence: u64,
    done: Progress,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Walk<'a> {
    fn new(dir: &Path, sequence: u64, progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            dir: dir.to_owned(),
            files: BTreeMap::new(),
            next: BinaryHeap::new(),
            headless: BTreeMap::new(),
            last: None,
            torn: None,
            sequence,
            done: Progress::default(),
            progress,
        }
    }

    fn begin(&mut self, number: u64, from: u64) -> Result<()> {
        let file = SegmentFile::open(&self.dir, number)
            .map_err(|error| Error::Damaged(format!("segment {number} is unreadable: {error}")))?;
        if file.bytes < from {
            return Err(Error::Damaged(format!("segment {number} ends at {} and once had {from} bytes", file.bytes)));
        }
        self.done.bytes_total += file.bytes - from;
        self.files.insert(number, file);
        self.advance(number, from)
    }

    /// Looks at the next header of a segment.
    fn advance(&mut self, number: u64, offset: u64) -> Result<()> {
        let Some(file) = self.files.get(&number) else { return Ok(()) };
        if offset == file.bytes {
            return Ok(());
        }
        match file.header(offset) {
            Ok(header) => self.next.push(Reverse((header.sequence, number, offset))),
            Err(ScanError::Io(error)) => return Err(damaged(number, offset, &error.to_string())),
            Err(error) => {
                self.headless.insert(number, Torn { offset, why: error.to_string() });
            }
        }
        Ok(())
    }

    /// The last segment that takes groups is the highest whose first frame is not alone: a large frame's file is
    /// complete before it gets its name, so a file without even a first header is a segment just begun.
    fn find_last(&mut self, known: Option<u64>) {
        let grouped = |file: &SegmentFile| match file.header(0) {
            Ok(header) => header.kind != FrameKind::Alone,
            Err(_) => true,
        };
        let found = self.files.iter().rev().find(|(_, file)| grouped(file)).map(|(number, _)| *number);
        self.last = found.max(known);
    }

    fn apply_all(&mut self, writer: &mut Writer) -> Result<()> {
        let mut batch = Vec::new();
        let mut objects = 0;
        while let Some(Reverse((sequence, number, offset))) = self.next.pop() {
            let Some((header, contents)) = self.read(number, offset)? else { continue };
            if sequence != self.sequence + 1 {
                return Err(damaged(number, offset, &self.gap(sequence)));
            }
            self.sequence = sequence;
            batch.push((header, contents));
            objects += u64::from(header.objects);
            if objects >= BATCH_OBJECTS {
                apply(writer, &mut batch)?;
                objects = 0;
            }
            self.done.frames_done += 1;
            self.done.bytes_done += header.frame_bytes;
            (self.progress)(self.done);
            self.advance(number, header.end())?;
        }
        apply(writer, &mut batch)
    }

    /// Reads a frame. In the last segment all of it is hashed, because its tail may be torn; elsewhere a later flush
    /// proves that it was once durable, and its record alone is read.
    fn read(&mut self, number: u64, offset: u64) -> Result<Option<(Header, Contents)>> {
        let Some(file) = self.files.get(&number) else { return Ok(None) };
        let last = self.last == Some(number);
        let read = file.header(offset).and_then(|header| {
            let contents = if last { file.verify(&header) } else { file.contents(&header) }?;
            Ok((header, contents))
        });
        match read {
            Ok((header, _)) if header.kind == FrameKind::Alone && header.frame_bytes != file.bytes => {
                Err(damaged(number, offset, "more than its one frame"))
            }
            Ok(frame) => Ok(Some(frame)),
            Err(ScanError::Io(error)) => Err(damaged(number, offset, &error.to_string())),
            Err(error) if last => {
                self.torn = Some(Torn { offset, why: error.to_string() });
                Ok(None)
            }
            Err(error) => Err(damaged(number, offset, &error.to_string())),
        }
    }

    fn gap(&self, found: u64) -> String {
        let torn = self.torn.as_ref().or_else(|| self.last.and_then(|last| self.headless.get(&last)));
        match (torn, self.last) {
            (Some(torn), Some(last)) => {
                format!("frame {found} follows, so segment {last} at {} was once whole ({})", torn.offset, torn.why)
            }
            _ => format!(
                "frame {} should come first and frame {found} does: a segment is missing or cut short",
                self.sequence + 1
            ),
        }
    }

    /// Cuts what a crash left unfinished behind the last whole frame. Gives the new length if something was cut.
    fn cut_torn_tail(&mut self) -> Result<Option<u64>> {
        let last = self.last;
        if let Some((number, torn)) = self.headless.iter().find(|(number, _)| Some(**number) != last) {
            return Err(damaged(*number, torn.offset, &torn.why));
        }
        let torn = self.torn.take().or_else(|| last.and_then(|number| self.headless.remove(&number)));
        let (Some(number), Some(torn)) = (last, torn) else { return Ok(None) };
        let Some(file) = self.files.get(&number) else { return Ok(None) };
        // A later group is only ever written after the flush of the one before.
        if file.find_header(torn.offset, |header| header.group > self.sequence + 1).is_some() {
            return Err(damaged(number, torn.offset, &torn.why));
        }
        let bytes = file.bytes - torn.offset;
        if bytes > TORN_BYTES_MAX {
            return Err(damaged(number, torn.offset, "a tail too long to be one unfinished group"));
        }
        tracing::warn!(segment = number, offset = torn.offset, bytes, why = torn.why, "cutting an unfinished group");
        let cut = OpenOptions::new().write(true).open(segment_path(&self.dir, number));
        let cut = cut.and_then(|file| file.set_len(torn.offset).and_then(|()| file.sync_all()));
        cut.map_err(|error| Error::from_io("cutting a segment", &error))?;
        Ok(Some(torn.offset))
    }

    fn bytes_of(&self, number: u64) -> Option<u64> {
        self.files.get(&number).map(|file| file.bytes)
    }
}

fn apply(writer: &mut Writer, batch: &mut Vec<(Header, Contents)>) -> Result<()> {
    writer.apply(batch.iter().map(|(header, contents)| Placed {
        segment: header.segment,
        offset: header.offset,
        end: header.end(),
        sequence: header.sequence,
        alone: header.kind == FrameKind::Alone,
        contents,
    }))?;
    batch.clear();
    Ok(())
}

fn damaged(segment: u64, offset: u64, why: &str) -> Error {
    Error::Damaged(format!("segment {segment} at {offset}: {why}"))
}
