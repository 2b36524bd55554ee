//! What goes in and out of a worker: lengths, a CBOR header, a body.
//!
//! `header length (4 bytes) | body length (8 bytes) | header | body`, little-endian. The body of a job is the frame as kept,
//! the body of an answer the decoded frame or the picture.

use crate::pixels::description::PixelDescription;
use crate::pixels::error::Error;
use crate::pixels::view::View;
use minicbor::{Decode, Encode};
use record::Outcome;
use record::limits::{DECODED_FRAME_BYTES_MAX, PIXEL_HEADER_BYTES_MAX};
use std::io::{self, Read, Write};

/// What shall be done.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Task {
    /// Native pixel data.
    #[n(0)]
    Native,
    /// JPEG baseline of this quality.
    #[n(1)]
    JpegBaseline(#[n(0)] u8),
    /// A picture.
    #[n(2)]
    Render(#[n(0)] View),
}

/// A job's header.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Job {
    /// What shall be done.
    #[n(0)]
    pub task: Task,
    /// TransferSyntaxUID (0002,0010).
    #[n(1)]
    pub transfer_syntax_uid: String,
    /// What the image says of its pixels.
    #[n(2)]
    pub description: PixelDescription,
}

/// An answer's header.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Answer {
    /// Done: the body is a file.
    #[n(0)]
    File,
    /// Done: the body is native pixel data, described so.
    #[n(1)]
    Native(#[n(0)] Box<PixelDescription>),
    /// Not done.
    #[n(2)]
    Failed(#[n(0)] Outcome, #[n(1)] String),
}

impl Answer {
    /// The answer that says this error.
    pub fn failed(error: &Error) -> Self {
        Self::Failed(error.outcome(), error.to_string())
    }
}

/// Writes one message.
pub fn write(to: &mut impl Write, header: &impl Encode<()>, body: &[u8]) -> io::Result<()> {
    let header = minicbor::to_vec(header).map_err(io::Error::other)?;
    let header_bytes = u32::try_from(header.len()).map_err(io::Error::other)?;
    let body_bytes = u64::try_from(body.len()).map_err(io::Error::other)?;
    let mut start = Vec::with_capacity(12 + header.len());
    start.extend(header_bytes.to_le_bytes());
    start.extend(body_bytes.to_le_bytes());
    start.extend(header);
    to.write_all(&start)?;
    to.write_all(body)
}

/// Reads one message. Neither side believes the other's lengths: memory is taken as bytes come in.
pub fn read<T: for<'b> Decode<'b, ()>>(from: &mut impl Read) -> io::Result<(T, Vec<u8>)> {
    let mut lengths = [0; 12];
    from.read_exact(&mut lengths)?;
    let (header_bytes, body_bytes) = split(lengths);
    let fits = u64::from(header_bytes) <= u64::try_from(PIXEL_HEADER_BYTES_MAX).unwrap_or(u64::MAX);
    if !fits || body_bytes > DECODED_FRAME_BYTES_MAX {
        return Err(io::Error::other("a message of a pixel worker is longer than any may be"));
    }
    let header = exactly(from, header_bytes.into())?;
    let header = minicbor::decode(&header).map_err(io::Error::other)?;
    Ok((header, exactly(from, body_bytes)?))
}

fn split(lengths: [u8; 12]) -> (u32, u64) {
    let [a, b, c, d, rest @ ..] = lengths;
    (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(rest))
}

fn exactly(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    /// Taken at once; as much again is taken each time that all has arrived, and never more than there will be: a frame shall
    /// not take twice its memory.
    const STEP: u64 = 4 * 1024 * 1024;
    let mut bytes = Vec::new();
    loop {
        let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let step = length.saturating_sub(here).min(here.max(STEP));
        if step == 0 {
            return Ok(bytes);
        }
        bytes.reserve_exact(usize::try_from(step).unwrap_or(0));
        if u64::try_from(from.take(step).read_to_end(&mut bytes)?) != Ok(step) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_as_they_went_in() {
        let answer = Answer::failed(&Error::busy());
        let mut stream = Vec::new();
        write(&mut stream, &answer, b"body").unwrap();
        assert_eq!(read::<Answer>(&mut stream.as_slice()).unwrap(), (answer, b"body".to_vec()));
        for cut in 0..stream.len() {
            assert!(read::<Answer>(&mut &stream[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn lengths_may_reach_their_limits_and_not_pass_them() {
        let start = |header: usize, body: u64| {
            let header = u32::try_from(header).unwrap();
            [&header.to_le_bytes()[..], &body.to_le_bytes()[..]].concat()
        };
        let says = |bytes: Vec<u8>| read::<Answer>(&mut bytes.as_slice()).unwrap_err().kind();
        // What fits is waited for, what does not is refused at once.
        assert_eq!(says(start(PIXEL_HEADER_BYTES_MAX, DECODED_FRAME_BYTES_MAX)), io::ErrorKind::UnexpectedEof);
        assert_eq!(says(start(PIXEL_HEADER_BYTES_MAX + 1, 0)), io::ErrorKind::Other);
        assert_eq!(says(start(1, DECODED_FRAME_BYTES_MAX + 1)), io::ErrorKind::Other);
    }
}
