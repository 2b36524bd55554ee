//! The index a few moments behind the segments: durable frames on their way into it, and those who wait for them.
//!
//! A sender is answered when its frame is durable in a segment; the index, which only says where things lie, follows in
//! larger and cheaper steps. Nobody notices: whoever reads the index first waits for everything that was durable when the
//! reading began. A crash in between leaves what start-up applies anyway.

use super::apply::{Placed, Writer};
use crate::commit::stop;
use crate::error::{Error, Result};
use crate::object::{Kind, ObjectRecord};
use crate::segment::draft::Place;
use crate::segment::scan::Contents;
use record::{FacilityCode, limits};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long frames gather for one step of the index while nobody waits for them. One step writes a page that many of them
/// share once.
const GATHER: Duration = Duration::from_millis(25);
/// How often a step that found no room is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// What two frames may not both bring while the first is not in the index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    /// A facility's SOPInstanceUID.
    Instance(String, String),
    /// A resource's type and id.
    Resource(String, String),
    /// An object.
    Object([u8; 16]),
}

impl Name {
    /// A facility's instance.
    pub(crate) fn instance(facility: &FacilityCode, sop_instance_uid: &str) -> Self {
        Self::Instance(facility.to_string(), sop_instance_uid.to_owned())
    }

    /// The two names of a record.
    pub(crate) fn of(record: &ObjectRecord) -> [Self; 2] {
        let name = match &record.kind {
            Kind::Instance(facts) => Self::instance(&record.facility, &facts.sop_instance_uid),
            Kind::Resource(facts) => Self::Resource(facts.resource_type.clone(), facts.id.clone()),
        };
        [name, Self::Object(record.object.0)]
    }
}

/// A durable frame.
pub(crate) struct Durable {
    pub(crate) place: Place,
    pub(crate) end: u64,
    pub(crate) alone: bool,
    pub(crate) contents: Contents,
}

/// What the committer, the indexer and the index's readers share.
#[derive(Default)]
pub(crate) struct Catchup {
    /// Sequence of the last durable frame.
    durable: AtomicU64,
    /// Sequence of the last frame in the index.
    applied: AtomicU64,
    state: Mutex<State>,
    /// There is something to apply, or somebody waits for it, or it is over.
    work: Condvar,
    /// Something was applied, or cannot be.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    queue: Vec<Durable>,
    /// Names of everything that is durable and not in the index.
    recent: HashSet<Name>,
    is_awaited: bool,
    /// The disk has no room for the index.
    is_stalled: bool,
    is_closed: bool,
}

impl Catchup {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands durable frames over. Must come before they are acknowledged, so that whoever was answered finds them.
    pub(crate) fn push(&self, frames: Vec<Durable>) {
        let Some(last) = frames.last().map(|frame| frame.place.sequence) else { return };
        let mut state = self.state();
        // The index must not fall behind without end: the committer waits, and with it the senders.
        while state.queue.len() >= limits::INDEX_BEHIND_FRAMES_MAX && !state.is_stalled {
            state.is_awaited = true;
            self.work.notify_one();
            state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.recent.extend(frames.iter().flat_map(|frame| frame.contents.records()).flat_map(Name::of));
        state.queue.extend(frames);
        self.durable.fetch_max(last, Ordering::AcqRel);
        self.work.notify_one();
    }

    /// Whether a durable frame on its way into the index brings this.
    pub(crate) fn is_recent(&self, name: &Name) -> bool {
        self.state().recent.contains(name)
    }

    /// Whether the index finds no room on the disk, after another attempt: then nothing more may be taken in.
    pub(crate) fn is_stalled(&self) -> bool {
        let mut state = self.state();
        if state.is_stalled {
            state.is_awaited = true;
            self.work.notify_one();
            state = self.progress.wait_timeout(state, RETRY).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.is_stalled
    }

    /// Waits until everything that is durable now is in the index. With a full disk there is nothing to wait for: what was
    /// applied before is what can be read.
    pub(crate) fn wait(&self) {
        let target = self.durable.load(Ordering::Acquire);
        if self.applied.load(Ordering::Acquire) >= target {
            return;
        }
        let mut state = self.state();
        while self.applied.load(Ordering::Acquire) < target && !state.is_stalled {
            state.is_awaited = true;
            self.work.notify_one();
            state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The indexer ends when the queue is empty.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.work.notify_one();
    }

    /// The frames of the next step, none if there is something else to be done meanwhile; `None` when it is over.
    fn next(&self, is_busy: bool) -> Option<Vec<Durable>> {
        let mut state = self.state();
        while state.queue.is_empty() {
            if state.is_closed {
                return None;
            }
            if is_busy {
                return Some(Vec::new());
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let gathers =
            |state: &mut State| !state.is_awaited && !state.is_closed && state.queue.len() < limits::GROUP_FRAMES_MAX;
        let (mut state, _) =
            self.work.wait_timeout_while(state, GATHER, gathers).unwrap_or_else(PoisonError::into_inner);
        state.is_awaited = false;
        Some(std::mem::take(&mut state.queue))
    }

    fn applied(&self, frames: &[Durable]) {
        let mut state = self.state();
        for name in frames.iter().flat_map(|frame| frame.contents.records()).flat_map(Name::of) {
            state.recent.remove(&name);
        }
        state.is_stalled = false;
        if let Some(last) = frames.last() {
            self.applied.store(last.place.sequence, Ordering::Release);
        }
        self.progress.notify_all();
    }

    /// Says that there is no room, and waits before the next attempt. `false` if it is over.
    fn stall(&self) -> bool {
        let mut state = self.state();
        state.is_stalled = true;
        state.is_awaited = false;
        self.progress.notify_all();
        let rests = |state: &mut State| !state.is_closed && !state.is_awaited;
        let (state, _) = self.work.wait_timeout_while(state, RETRY, rests).unwrap_or_else(PoisonError::into_inner);
        !state.is_closed
    }
}

/// Starts the thread that applies frames; `applied` is the sequence that the index has reached.
pub(crate) fn start(writer: Writer, applied: u64) -> Result<(Arc<Catchup>, JoinHandle<()>)> {
    let catchup = Arc::new(Catchup::default());
    catchup.durable.store(applied, Ordering::Release);
    catchup.applied.store(applied, Ordering::Release);
    let shared = Arc::clone(&catchup);
    let thread = std::thread::Builder::new()
        .name("indexer".to_owned())
        .spawn(move || run(&shared, writer))
        .map_err(|error| Error::from_io("starting the indexer", &error))?;
    Ok((catchup, thread))
}

/// Lets everybody go when the indexer ends, however it ends: a reader must not wait for a thread that is no more.
struct Ending<'a>(&'a Catchup);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.state().is_stalled = true;
        self.0.progress.notify_all();
    }
}

fn run(catchup: &Catchup, mut writer: Writer) {
    let _ending = Ending(catchup);
    let mut is_isolating = false;
    while let Some(frames) = catchup.next(is_isolating) {
        // What has arrived comes first, then a piece of what is being isolated, so that neither waits for the end of the other.
        is_isolating |= frames.iter().any(|frame| matches!(frame.contents, Contents::Order(_)));
        while !frames.is_empty() {
            let applied = writer.apply(frames.iter().map(|frame| Placed {
                segment: frame.place.segment,
                offset: frame.place.offset,
                end: frame.end,
                sequence: frame.place.sequence,
                alone: frame.alone,
                contents: &frame.contents,
            }));
            match applied {
                // A crash before this line finds the frames in the segments; start-up applies them.
                Ok(()) => {
                    catchup.applied(&frames);
                    break;
                }
                Err(Error::Busy { .. }) => {
                    tracing::warn!(frames = frames.len(), "no room for the index: nothing is taken in until there is");
                    if !catchup.stall() {
                        // They are durable; the next start applies them.
                        return;
                    }
                }
                Err(error) => {
                    // The frames are durable and the index does not take them: it is the index that is wrong.
                    writer.mark_damaged();
                    stop("applying frames to the index", &error)
                }
            }
        }
        if is_isolating {
            match writer.isolate_piece() {
                Ok(more) => is_isolating = more,
                // A crash before this line goes on from the last piece at the next start.
                Err(Error::Busy { .. }) => {
                    tracing::warn!("no room for the index: isolating waits");
                    std::thread::sleep(RETRY);
                }
                Err(error) => {
                    writer.mark_damaged();
                    stop("isolating in the index", &error)
                }
            }
        }
    }
    // Closing the file moves the log as well, but says nothing if that fails.
    if let Err(error) = writer.move_log() {
        stop("moving the index's log", &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_an_indexer_that_has_ended() {
        let catchup = Arc::new(Catchup::default());
        catchup.durable.store(7, Ordering::Release);
        let reader = std::thread::spawn({
            let catchup = Arc::clone(&catchup);
            move || catchup.wait()
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!reader.is_finished(), "it waits while there is somebody to wait for");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ending = Ending(&catchup);
            panic!("as a bug would end it");
        }));
        assert!(panicked.is_err() && reader.join().is_ok());
        assert!(catchup.is_stalled(), "nothing more is taken in");
    }
}
