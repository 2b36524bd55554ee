//! The worker: a process of its own that holds no key, opens nothing, and decodes what strangers have sent.

pub mod child;
pub mod message;
pub mod sandbox;

use super::error::Error;
use super::work::{self, Encoded};
use message::{Answer, Job, Task};
use record::limits::{PIXEL_WORKER_CPU_SECONDS_MAX, PIXEL_WORKER_MEMORY_BYTES_MAX};
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The hidden command.
#[cfg(not(test))]
pub const COMMAND: &str = "pixels";

/// Closes the room, then answers jobs on standard input (a socket) until the archive closes it.
pub fn run() -> io::Result<()> {
    // A panic is an answer here, and its text would be made of a stranger's bytes.
    std::panic::set_hook(Box::new(|_| {}));
    sandbox::enter(PIXEL_WORKER_MEMORY_BYTES_MAX, PIXEL_WORKER_CPU_SECONDS_MAX)?;
    loop {
        let (job, frame) = match message::read::<Job>(&mut Socket) {
            Ok(message) => message,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        // Codecs are large and old; one that panics on a frame spoils this answer and nothing else.
        let done = catch_unwind(AssertUnwindSafe(|| answer(job, frame)));
        let (header, body) = done.unwrap_or_else(|_| (Answer::failed(&Error::undecodable()), Vec::new()));
        message::write(&mut Socket, &header, &body)?;
    }
}

fn answer(job: Job, bytes: Vec<u8>) -> (Answer, Vec<u8>) {
    let Job { task, transfer_syntax_uid, description } = job;
    let frame = Encoded { transfer_syntax_uid, description, bytes };
    let done = match task {
        Task::Native => work::native(frame).map(|native| (Answer::Native(Box::new(native.description)), native.bytes)),
        Task::JpegBaseline(quality) => work::jpeg_baseline(frame, quality).map(|file| (Answer::File, file)),
        Task::Render(view) => work::render(frame, &view).map(|file| (Answer::File, file)),
    };
    done.unwrap_or_else(|error| (Answer::failed(&error), Vec::new()))
}

/// Standard input, which is a socket, by the two system calls that the room allows on it.
struct Socket;

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(io::stdin(), bytes)?)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(io::stdin(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    /// What the archive starts when the archive is a test.
    #[test]
    #[ignore = "other tests start it as their worker"]
    fn stand_in() {
        super::run().unwrap();
    }
}
