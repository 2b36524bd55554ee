//! The committer: one thread that makes frames durable, many with one flush.
//!
//! Order, and what a crash after each step leaves behind:
//! 1. refuse frames that are not the next version of their objects: nothing was written;
//! 2. each large frame: header and trailer into its file, flush, rename, flush the folder;
//! 3. the small frames: one write at the end of the open segment, one flush;
//! 4. hand all of them to the index, which follows a moment later (`index::catchup`);
//! 5. answer.
//!
//! Nothing is acknowledged before 3, and what the index has not taken by then start-up applies from the segments.

#[cfg(test)]
mod tests;

use crate::error::{Error, Result, is_out_of_space};
use crate::index::apply::{is_next, stripped};
use crate::index::catchup::{Catchup, Durable, Name};
use crate::index::rows::Kept;
use crate::index::schema;
use crate::object::ObjectRecord;
use crate::recover::Resume;
use crate::segment::draft::{Frame, Place};
use crate::segment::folder::sync_dir;
use crate::settings::{Settings, segment_path};
use crate::storage::Counters;
use record::limits;
use rusqlite::Connection;
use std::collections::HashSet;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// A frame that waits for its commit.
pub(crate) struct Pending {
    pub(crate) frame: Frame,
    pub(crate) reply: oneshot::Sender<Result<Vec<Kept>>>,
}

/// Ends the process. After a failed flush the kernel may have dropped the unwritten pages and report success the next
/// time, so nothing that this process believes about its files is certain any more; start-up reads them afresh.
pub(crate) fn stop(what: &str, error: &dyn Display) -> ! {
    tracing::error!(what, %error, "stopping: the archive's files are in doubt; start again to recover");
    std::process::abort()
}

/// The segment that takes groups.
struct OpenSegment {
    number: u64,
    file: File,
    bytes: u64,
}

/// A frame that lies in its place, durable or about to be.
struct Written {
    pending: Pending,
    place: Place,
    end: u64,
    alone: bool,
}

/// The committer's state; only its thread has it.
pub(crate) struct Committer {
    segments: PathBuf,
    /// Reads what the index has; what it has not yet, `catchup` knows.
    index: Connection,
    catchup: Arc<Catchup>,
    open: OpenSegment,
    next_segment: u64,
    /// Without gaps over the whole archive: a gap is how a lost frame shows.
    next_sequence: u64,
    segment_bytes_max: u64,
    free_bytes_min: u64,
    counters: Arc<Counters>,
}

impl Committer {
    pub(crate) fn new(
        settings: &Settings,
        catchup: Arc<Catchup>,
        resume: Resume,
        counters: Arc<Counters>,
    ) -> Result<Self> {
        let segments = settings.segments_dir();
        let mut next_segment = resume.next_segment;
        let doubt = |error: io::Error| Error::from_io("opening the last segment", &error);
        let open = match resume.open {
            Some((number, bytes)) => {
                let file = OpenOptions::new().write(true).open(segment_path(&segments, number)).map_err(doubt)?;
                OpenSegment { number, file, bytes }
            }
            None => {
                let number = next_segment;
                next_segment += 1;
                create_segment(&segments, number).map_err(doubt)?
            }
        };
        Ok(Self {
            segments,
            index: schema::open_reader(&settings.index_path())?,
            catchup,
            open,
            next_segment,
            next_sequence: resume.next_sequence,
            segment_bytes_max: settings.segment_bytes_max,
            free_bytes_min: settings.free_bytes_min,
            counters,
        })
    }

    /// Works until the last sender is gone and the queue is empty. While one group is being flushed the next one
    /// gathers by itself, so there is no need to wait for company.
    pub(crate) fn run(mut self, waiting: &Receiver<Pending>) {
        while let Ok(first) = waiting.recv() {
            self.commit(gather(first, waiting));
        }
    }

    fn commit(&mut self, group: Vec<Pending>) {
        if !self.has_room(&group) {
            for pending in group {
                answer(pending.reply, Err(Error::out_of_space()));
            }
            return;
        }
        let (alone, grouped) = self.admit(group).into_iter().partition(|pending: &Pending| pending.frame.is_alone());
        let mut written = self.write_alone(alone);
        written.extend(self.write_grouped(grouped));
        if !written.is_empty() {
            self.publish(written);
        }
    }

    /// Whether the group may be written and the index can follow: a full disk must not leave it behind what was acknowledged.
    fn has_room(&self, group: &[Pending]) -> bool {
        if self.catchup.is_stalled() {
            return false;
        }
        let bytes: u64 = group.iter().map(|pending| pending.frame.bytes().len() as u64).sum();
        match rustix::fs::statvfs(&self.segments) {
            Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize) >= self.free_bytes_min.saturating_add(bytes),
            // Not every file system says how full it is; the write itself tells then.
            Err(_) => true,
        }
    }

    /// Step 1. Keeps the frames whose every object version is the next one; the others are answered at once.
    /// A crash here: nothing was written.
    fn admit(&self, group: Vec<Pending>) -> Vec<Pending> {
        let mut taken = HashSet::new();
        let mut admitted = Vec::with_capacity(group.len());
        for pending in group {
            match self.check(pending.frame.contents.records(), &taken) {
                Ok(keys) => {
                    taken.extend(keys);
                    admitted.push(pending);
                }
                Err(error) => answer(pending.reply, Err(error)),
            }
        }
        admitted
    }

    fn check(&self, records: &[ObjectRecord], taken: &HashSet<Name>) -> Result<Vec<Name>> {
        let mut names = Vec::with_capacity(records.len() * 2);
        for record in records {
            for name in Name::of(record) {
                if taken.contains(&name) || names.contains(&name) {
                    return Err(Error::Conflict);
                }
                if self.catchup.is_recent(&name) {
                    self.catchup.wait();
                    if self.catchup.is_recent(&name) {
                        return Err(Error::out_of_space());
                    }
                }
                names.push(name);
            }
            if !is_next(&self.index, record)? {
                return Err(Error::Conflict);
            }
        }
        Ok(names)
    }

    /// Step 2. Large frames come before the small ones and each is durable before the next is begun, so that whatever a
    /// crash leaves has sequences without a gap.
    fn write_alone(&mut self, frames: Vec<Pending>) -> Vec<Written> {
        let group = self.next_sequence;
        let mut written = Vec::with_capacity(frames.len());
        for mut pending in frames {
            let place = Place { segment: self.next_segment, offset: 0, sequence: self.next_sequence, group };
            // A crash here leaves a file in staging; start-up removes it.
            if let Err(error) = pending.frame.place_in_file(place) {
                if !is_out_of_space(&error) {
                    stop("completing a large object", &error);
                }
                answer(pending.reply, Err(Error::out_of_space()));
                continue;
            }
            if let Err(error) = pending.frame.sync_file() {
                stop("flushing a large object", &error);
            }
            self.counters.flushes.fetch_add(1, Ordering::Relaxed);
            // A crash here leaves the whole object in staging, unacknowledged; start-up removes it.
            let path = segment_path(&self.segments, place.segment);
            if path.exists() {
                stop("naming a large object", &"its segment exists");
            }
            if let Err(error) = pending.frame.rename_file(&path) {
                if !is_out_of_space(&error) {
                    stop("naming a large object", &error);
                }
                // No room for the name: the file is still the draft's, which is dropped with it.
                answer(pending.reply, Err(Error::out_of_space()));
                continue;
            }
            // A crash here leaves it in staging or in place; in place, start-up applies it, unacknowledged.
            if let Err(error) = sync_dir(&self.segments) {
                stop("flushing the folder of segments", &error);
            }
            self.next_segment += 1;
            self.next_sequence += 1;
            let end = pending.frame.unpadded_bytes;
            written.push(Written { pending, place, end, alone: true });
        }
        written
    }

    /// Step 3.
    fn write_grouped(&mut self, frames: Vec<Pending>) -> Vec<Written> {
        if frames.is_empty() {
            return Vec::new();
        }
        if self.open.bytes >= self.segment_bytes_max
            && let Err(error) = self.rotate()
        {
            return refuse(frames, &error);
        }
        let group = self.next_sequence;
        let start = self.open.bytes;
        let count = frames.len();
        let mut offset = start;
        let mut written = Vec::with_capacity(count);
        for (sequence, (nth, mut pending)) in (group..).zip(frames.into_iter().enumerate()) {
            let place = Place { segment: self.open.number, offset, sequence, group };
            offset += pending.frame.place_in_memory(place, nth + 1 == count);
            written.push(Written { pending, place, end: offset, alone: false });
        }
        // A crash here leaves a torn tail; start-up cuts it. None of its frames was acknowledged.
        if let Err(error) = self.append(&written) {
            self.cut_back(start);
            return refuse(written.into_iter().map(|frame| frame.pending).collect(), &error);
        }
        if let Err(error) = self.open.file.sync_data() {
            stop("flushing a segment", &error);
        }
        // A crash from here on finds the frames in the segment; start-up applies them.
        self.counters.flushes.fetch_add(1, Ordering::Relaxed);
        self.open.bytes = offset;
        self.next_sequence = group + u64::try_from(count).unwrap_or(u64::MAX);
        written
    }

    /// The open segment is full: later groups go to a new one.
    fn rotate(&mut self) -> io::Result<()> {
        // A crash here leaves an empty segment; start-up goes on with it.
        self.open = create_segment(&self.segments, self.next_segment)?;
        self.next_segment += 1;
        Ok(())
    }

    /// One vectored write at the end of the open segment.
    fn append(&mut self, frames: &[Written]) -> io::Result<()> {
        self.open.file.seek(SeekFrom::Start(self.open.bytes))?;
        let mut slices: Vec<IoSlice<'_>> =
            frames.iter().map(|frame| IoSlice::new(frame.pending.frame.bytes())).collect();
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            match self.open.file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => IoSlice::advance_slices(&mut rest, bytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes an unacknowledged tail away, durably, before anything else is written over it.
    fn cut_back(&mut self, to: u64) {
        if let Err(error) = self.open.file.set_len(to).and_then(|()| self.open.file.sync_all()) {
            stop("cutting a segment back", &error);
        }
        self.open.bytes = to;
    }

    /// Steps 4 and 5. A crash here: kept, but the sender did not hear of it and will send it again, a duplicate.
    fn publish(&mut self, written: Vec<Written>) {
        self.counters.groups.fetch_add(1, Ordering::Relaxed);
        let mut durable = Vec::with_capacity(written.len());
        let mut answers = Vec::with_capacity(written.len());
        for Written { pending, place, end, alone } in written {
            self.counters.frames.fetch_add(1, Ordering::Relaxed);
            self.counters.bytes.fetch_add(end - place.offset, Ordering::Relaxed);
            let Pending { frame, reply } = pending;
            answers.push((reply, frame.contents.records().iter().map(|record| kept(record, place)).collect()));
            durable.push(Durable { place, end, alone, contents: frame.contents });
        }
        self.catchup.push(durable);
        for (reply, kept) in answers {
            answer(reply, Ok(kept));
        }
    }
}

/// Everything that waits, up to the limits of a group.
fn gather(first: Pending, waiting: &Receiver<Pending>) -> Vec<Pending> {
    let mut bytes = first.frame.bytes().len();
    let mut group = vec![first];
    while group.len() < limits::GROUP_FRAMES_MAX && bytes < limits::GROUP_BYTES_MAX {
        let Ok(next) = waiting.try_recv() else { break };
        bytes += next.frame.bytes().len();
        group.push(next);
    }
    group
}

/// As the index would give it back.
fn kept(record: &ObjectRecord, place: Place) -> Kept {
    Kept { record: stripped(record), segment: place.segment, frame_offset: place.offset, newest: true }
}

fn refuse(frames: Vec<Pending>, error: &io::Error) -> Vec<Written> {
    if !is_out_of_space(error) {
        stop("writing to a segment", error);
    }
    tracing::warn!(frames = frames.len(), "out of space: refused what had arrived");
    for pending in frames {
        answer(pending.reply, Err(Error::out_of_space()));
    }
    Vec::new()
}

/// A sender that has gone away needs no answer.
fn answer(reply: oneshot::Sender<Result<Vec<Kept>>>, result: Result<Vec<Kept>>) {
    if reply.send(result).is_err() {
        tracing::debug!("a sender went away before its answer");
    }
}

/// A new, empty segment whose name survives a crash.
fn create_segment(segments: &std::path::Path, number: u64) -> io::Result<OpenSegment> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(segment_path(segments, number))?;
    if let Err(error) = sync_dir(segments) {
        stop("flushing the folder of segments", &error);
    }
    Ok(OpenSegment { number, file, bytes: 0 })
}
