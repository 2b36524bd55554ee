//! The workers: started when frames wait, ended when none do, replaced when they die.

use super::error::Error;
use super::worker::child::Child;
use super::worker::message::{Answer, Job};
use record::limits::{
    PIXEL_JOB_MS_MAX, PIXEL_REPLACEMENTS_PER_MINUTE, PIXEL_TURN_MS_MAX, PIXEL_WORKER_IDLE_MS_MAX, PIXEL_WORKERS_MAX,
};
use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a worker made of a frame.
pub type Done = Result<(Answer, Vec<u8>), Error>;

/// One frame on its way.
pub struct Errand {
    /// What shall be done.
    pub job: Job,
    /// With which bytes.
    pub frame: Vec<u8>,
    /// Who waits. A waiter that is gone is not worked for.
    pub done: oneshot::Sender<Done>,
}

/// Threads that hold one worker each. They stay for the pool's life, because a worker dies with the thread that started it.
pub struct Pool {
    shared: Arc<Shared>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// A request's wait for its turn, and again for memory.
    pub turn: Duration,
    /// One frame in a worker.
    pub job: Duration,
    /// A worker's wait for another frame.
    pub idle: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let [turn, job, idle] =
            [PIXEL_TURN_MS_MAX, PIXEL_JOB_MS_MAX, PIXEL_WORKER_IDLE_MS_MAX].map(Duration::from_millis);
        Self { turn, job, idle }
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    threads_max: usize,
    times: Times,
}

struct State {
    errands: VecDeque<Errand>,
    threads: usize,
    idle: usize,
    is_closed: bool,
    replacements: Replacements,
}

impl Pool {
    /// An empty pool.
    pub fn new(times: Times) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let state = State {
            errands: VecDeque::new(),
            threads: 0,
            idle: 0,
            is_closed: false,
            replacements: Replacements::new(Instant::now()),
        };
        let threads_max = cores.min(PIXEL_WORKERS_MAX);
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), threads_max, times }) }
    }

    /// Workers at most.
    pub fn size(&self) -> usize {
        self.shared.threads_max
    }

    /// Hands an errand to the next worker that is free.
    pub fn send(&self, errand: Errand) -> Result<(), Error> {
        let mut state = self.shared.lock();
        state.errands.push_back(errand);
        if state.errands.len() > state.idle && state.threads < self.shared.threads_max {
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new().name("pixels".into()).spawn(move || shared.work());
            match started {
                Ok(_detached) => state.threads += 1,
                // The others will come to it.
                Err(_) if state.threads > 0 => {}
                Err(_) => {
                    state.errands.clear();
                    return Err(Error::busy());
                }
            }
        }
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of one thread.
    fn work(&self) {
        let mut worker = None;
        while let Some(errand) = self.next(&mut worker) {
            if errand.done.is_closed() {
                continue;
            }
            let done = self.run(&mut worker, &errand);
            // Who asked may have gone meanwhile.
            let _heard = errand.done.send(done);
        }
    }

    /// Waits for an errand; ends the worker when none comes for long. `None` when the pool is closed.
    fn next(&self, worker: &mut Option<Child>) -> Option<Errand> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(errand) = state.errands.pop_front() {
                return Some(errand);
            }
            state.idle += 1;
            let (held, waited) =
                self.changed.wait_timeout(state, self.times.idle).unwrap_or_else(PoisonError::into_inner);
            state = held;
            state.idle -= 1;
            if waited.timed_out() && state.errands.is_empty() && worker.is_some() {
                drop(state);
                *worker = None;
                state = self.lock();
            }
        }
    }

    fn run(&self, worker: &mut Option<Child>, errand: &Errand) -> Done {
        if worker.as_mut().is_some_and(|worker| !worker.is_fit()) {
            *worker = None;
        }
        if worker.is_none() {
            if !self.lock().replacements.may_start(Instant::now()) {
                return Err(Error::busy());
            }
            let started = Child::start();
            *worker = Some(started.map_err(|error| {
                tracing::error!(%error, "a pixel worker does not start");
                Error::busy()
            })?);
        }
        let Some(child) = worker.as_mut() else { return Err(Error::busy()) };
        let error = match child.ask(&errand.job, &errand.frame, self.times.job) {
            Ok(answered) => return Ok(answered),
            Err(error) => error,
        };
        let syntax = &errand.job.transfer_syntax_uid;
        tracing::warn!(%error, syntax, process = child.id(), "a frame ended its pixel worker");
        *worker = None;
        self.lock().replacements.died();
        Err(match error.kind() {
            io::ErrorKind::TimedOut => Error::invalid("The frame takes too long to decode; retrieve it as it is."),
            _ => Error::invalid("The frame made its decoder fail; retrieve it as it is."),
        })
    }
}

/// How many workers may be started in place of dead ones: a bucket that refills by the minute.
#[derive(Debug)]
struct Replacements {
    left: u32,
    refilled: Instant,
}

impl Replacements {
    fn new(now: Instant) -> Self {
        Self { left: PIXEL_REPLACEMENTS_PER_MINUTE, refilled: now }
    }

    fn died(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    fn may_start(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.refilled) >= Duration::from_secs(60) {
            *self = Self::new(now);
        }
        self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_that_die_are_replaced_up_to_a_limit_and_again_a_minute_later() {
        let now = Instant::now();
        let mut replacements = Replacements::new(now);
        for _ in 0..PIXEL_REPLACEMENTS_PER_MINUTE {
            assert!(replacements.may_start(now));
            replacements.died();
        }
        assert!(!replacements.may_start(now + Duration::from_secs(59)));
        assert!(replacements.may_start(now + Duration::from_secs(60)));
    }
}
