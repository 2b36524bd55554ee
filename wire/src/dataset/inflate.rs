//! DEFLATE (RFC 1951) with a count: the data set inside a deflated transfer syntax (PS3.5 A.5).

use crate::error::Error;
use flate2::{Decompress, FlushDecompress, Status};
use record::limits::{INFLATE_RATIO_GRACE_BYTES, INFLATE_RATIO_MAX, INFLATED_BYTES_MAX};

// Inflated bytes at a time: large enough to be fast, small enough to stop close behind a limit.
const STEP_BYTES: usize = 32 * 1024;

// PS3.5 A.5: one NUL makes the length even. Some writers leave the checksum and size of a gzip stream (RFC 1952) before it.
const TRAILING_BYTES_MAX: usize = 9;

/// Inflates chunk by chunk and stops where a limit is passed. Memory is a window and one step, whatever comes.
pub struct Inflater {
    inner: Decompress,
    step: Vec<u8>,
    ended: bool,
    trailing: usize,
    bytes_max: u64,
}

impl Default for Inflater {
    fn default() -> Self {
        Self::with_bytes_max(INFLATED_BYTES_MAX)
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inflater({} in, {} out)", self.inner.total_in(), self.inner.total_out())
    }
}

impl Inflater {
    fn with_bytes_max(bytes_max: u64) -> Self {
        Self { inner: Decompress::new(false), step: vec![0; STEP_BYTES], ended: false, trailing: 0, bytes_max }
    }

    /// Takes deflated bytes and hands on what they inflate to.
    ///
    /// # Errors
    /// Invalid if the stream is broken, a limit is passed, or something other than padding follows its end; and what
    /// `take` returns.
    pub fn feed(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        loop {
            if self.ended {
                self.trailing = self.trailing.saturating_add(bytes.len());
                let fits = self.trailing <= TRAILING_BYTES_MAX;
                return if fits {
                    Ok(())
                } else {
                    Err(Error::invalid("bytes follow the end of the deflated data set"))
                };
            }
            let (in_before, out_before) = (self.inner.total_in(), self.inner.total_out());
            let status = self
                .inner
                .decompress(bytes, &mut self.step, FlushDecompress::None)
                .map_err(|_| Error::invalid("the deflated data set is not a DEFLATE stream"))?;
            let read = usize::try_from(self.inner.total_in().saturating_sub(in_before)).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inner.total_out().saturating_sub(out_before)).unwrap_or(usize::MAX);
            bytes = bytes.get(read..).unwrap_or_default();
            self.check()?;
            take(self.step.get(..made).unwrap_or_default())?;
            self.ended = status == Status::StreamEnd;
            // A full step may leave more behind; a step that is not full has used up the input.
            if !self.ended && bytes.is_empty() && made < STEP_BYTES {
                return Ok(());
            }
            if !self.ended && read == 0 && made == 0 {
                return Err(Error::invalid("the deflated data set is not a DEFLATE stream"));
            }
        }
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// Invalid if the stream has not reached its end.
    pub fn finish(&self) -> Result<(), Error> {
        if self.ended { Ok(()) } else { Err(Error::invalid("the deflated data set ends early")) }
    }

    /// Whether more than the one byte of padding follows the stream.
    pub(super) fn is_trailed(&self) -> bool {
        self.trailing > 1
    }

    fn check(&self) -> Result<(), Error> {
        let (read, made) = (self.inner.total_in(), self.inner.total_out());
        if made > self.bytes_max {
            return Err(Error::invalid(format!("the data set inflates to more than {} bytes", self.bytes_max)));
        }
        if made > INFLATE_RATIO_GRACE_BYTES && made > read.saturating_mul(INFLATE_RATIO_MAX) {
            return Err(Error::invalid(format!(
                "the data set inflates to more than {INFLATE_RATIO_MAX} times its size"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(mut inflater: Inflater, bytes: &[u8]) -> Result<usize, Error> {
        let mut total = 0;
        inflater.feed(bytes, |out| {
            total += out.len();
            Ok(())
        })?;
        inflater.finish()?;
        Ok(total)
    }

    #[test]
    fn the_byte_limit_is_reached_and_not_passed() {
        // Noise keeps the ratio near one.
        let mut noise = vec![0_u8; 100_000];
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for byte in &mut noise {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[3];
        }
        assert_eq!(inflate(Inflater::with_bytes_max(100_000), &deflated(&noise)), Ok(100_000));
        let error = inflate(Inflater::with_bytes_max(99_999), &deflated(&noise)).unwrap_err();
        assert!(error.to_string().contains("more than 99999 bytes"), "{error}");
        assert_eq!(Inflater::default().bytes_max, INFLATED_BYTES_MAX);
    }

    #[test]
    fn the_ratio_counts_only_after_the_grace() {
        let grace = usize::try_from(INFLATE_RATIO_GRACE_BYTES).unwrap();
        assert_eq!(inflate(Inflater::default(), &deflated(&vec![0; grace])), Ok(grace));
        let error = inflate(Inflater::default(), &deflated(&vec![0; grace + STEP_BYTES])).unwrap_err();
        assert!(error.to_string().contains("200 times"), "{error}");
    }

    #[test]
    fn only_padding_may_follow() {
        let mut stream = deflated(b"data");
        stream.extend([1; TRAILING_BYTES_MAX]);
        assert_eq!(inflate(Inflater::default(), &stream), Ok(4));
        stream.push(0);
        assert!(inflate(Inflater::default(), &stream).is_err());
        let whole = deflated(b"data");
        assert!(inflate(Inflater::default(), &whole[..whole.len() - 1]).is_err());
        assert!(inflate(Inflater::default(), b"\xFF\xFF\xFF\xFF").is_err());
    }
}
