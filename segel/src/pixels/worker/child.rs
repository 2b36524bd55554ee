//! The archive's side of one worker.

use super::message::{self, Answer, Job};
use record::limits::PIXEL_WORKER_CPU_SECONDS_MAX;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

/// The running program's own file, also after an update has put another in its place.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// What a test's own program is told in order to be a worker.
#[cfg(test)]
const ARGUMENTS: &[&str] = &["--exact", "pixels::worker::tests::stand_in", "--ignored", "--test-threads=1"];
#[cfg(not(test))]
const ARGUMENTS: &[&str] = &[super::COMMAND];

/// The allocator takes memory from the kernel as it is asked for it: what it likes to reserve in advance would count as taken.
pub const ENVIRONMENT: [(&str, &str); 2] = [("MIMALLOC_ARENA_RESERVE", "32MiB"), ("MIMALLOC_ALLOW_THP", "0")];

/// A worker. Dropping it ends it.
pub struct Child {
    process: Process,
    socket: UnixStream,
    busy: Duration,
}

impl Child {
    /// Starts a worker. It dies with the thread that calls this.
    pub fn start() -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let process = Command::new(OWN_PROGRAM)
            .args(ARGUMENTS)
            .env_clear()
            .envs(ENVIRONMENT)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, socket, busy: Duration::ZERO })
    }

    /// Whether it can take another job: alive, and far from the processor time that ends it.
    pub fn is_fit(&mut self) -> bool {
        self.busy.as_secs() < PIXEL_WORKER_CPU_SECONDS_MAX / 2 && matches!(self.process.try_wait(), Ok(None))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Has one job done, or fails when the time is over. A worker that failed once is not to be asked again.
    pub fn ask(&mut self, job: &Job, frame: &[u8], time: Duration) -> io::Result<(Answer, Vec<u8>)> {
        let begun = Instant::now();
        let mut timed = Timed { socket: &self.socket, until: begun + time };
        message::write(&mut timed, job, frame)?;
        let answer = message::read(&mut timed)?;
        self.busy = self.busy.saturating_add(begun.elapsed());
        Ok(answer)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// The socket, with one deadline over all reads and writes.
struct Timed<'a> {
    socket: &'a UnixStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// A time-out of the socket is said as "would block".
fn late(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(bytes).map_err(late)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
