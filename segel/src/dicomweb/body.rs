//! Bodies that are read from the archive while they are sent: one piece of plaintext at a time, and only when the socket
//! takes it.

use crate::http::Problem;
use archive::retrieve::Opened;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::try_unfold;
use record::limits;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;

/// Plaintext that one answer holds at a time.
const PIECE_BYTES: u64 = 256 * 1024;
/// The same for a deflated data set, which is inflated from its start for each piece.
const INFLATED_PIECE_BYTES: u64 = 16 * 1024 * 1024;

/// What comes next in a body.
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes of the content as it arrived.
    Content(Opened, Range<u64>),
    /// The whole data set as it is kept, behind `before`.
    Instance(Opened, Vec<u8>),
    /// Bytes of the data set by the offsets of its metadata.
    Value {
        /// The instance.
        opened: Opened,
        /// Where.
        range: Range<u64>,
        /// Words of two bytes, counted from here, change their order.
        swap_from: Option<u64>,
    },
    /// The instance's metadata with links under this base, behind `before`.
    Metadata {
        /// The instance.
        opened: Opened,
        /// Where links begin.
        base: String,
        /// What stands before it.
        before: &'static str,
    },
}

/// A body made of pieces.
pub fn of(pieces: impl IntoIterator<Item = Piece>) -> Body {
    let queue: VecDeque<Piece> = pieces.into_iter().collect();
    Body::from_stream(try_unfold(queue, |mut queue| async move {
        while let Some(piece) = queue.pop_front() {
            // The status line is out already: an error can only break the body off, so that nobody takes it for whole.
            let (bytes, rest) = step(piece).await.map_err(|problem| {
                tracing::warn!(status = problem.status.as_u16(), "an answer was broken off");
                io::Error::other("broken off")
            })?;
            if let Some(rest) = rest {
                queue.push_front(rest);
            }
            if !bytes.is_empty() {
                return Ok::<_, io::Error>(Some((Bytes::from(bytes), queue)));
            }
        }
        Ok(None)
    }))
}

/// The next bytes of a piece, and what remains of it.
async fn step(piece: Piece) -> Result<(Vec<u8>, Option<Piece>), Problem> {
    match piece {
        Piece::Bytes(bytes) => Ok((bytes, None)),
        Piece::Instance(opened, before) => {
            let range = opened.dataset_range().await?;
            Ok((before, Some(Piece::Content(opened, range))))
        }
        Piece::Content(opened, range) => {
            let (now, later) = cut(range, PIECE_BYTES);
            let bytes = opened.read(now.clone()).await?;
            whole(&bytes, &now)?;
            Ok((bytes, later.map(|later| Piece::Content(opened, later))))
        }
        Piece::Value { opened, range, swap_from } => {
            let (now, later) = cut(range, if opened.is_deflated() { INFLATED_PIECE_BYTES } else { PIECE_BYTES });
            let bytes = read_value(&opened, now, swap_from).await?;
            Ok((bytes, later.map(|range| Piece::Value { opened, range, swap_from })))
        }
        Piece::Metadata { opened, base, before } => {
            let mut bytes = before.as_bytes().to_vec();
            let metadata = super::metadata::of(&opened, &base).await?;
            serde_json::to_writer(&mut bytes, &metadata).map_err(|_| damaged())?;
            Ok((bytes, None))
        }
    }
}

/// Reads bytes of a value, with its words swapped if they are counted from somewhere. A frame of single bytes may begin or end
/// in the middle of a word: its other half is read as well, and left out.
pub async fn read_value(opened: &Opened, range: Range<u64>, swap_from: Option<u64>) -> Result<Vec<u8>, Problem> {
    let Some(from) = swap_from else {
        let bytes = opened.read_dataset(range.clone()).await?;
        whole(&bytes, &range)?;
        return Ok(bytes);
    };
    let words = aligned(&range, from);
    let mut bytes = opened.read_dataset(words.clone()).await?;
    whole(&bytes, &words)?;
    bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    let place = |at: u64| usize::try_from(at.saturating_sub(words.start)).unwrap_or(usize::MAX);
    bytes.truncate(place(range.end));
    bytes.drain(..place(range.start).min(bytes.len()));
    Ok(bytes)
}

/// The whole words around a range, counted from `from`.
fn aligned(range: &Range<u64>, from: u64) -> Range<u64> {
    let down = |at: u64| at.saturating_sub(at.saturating_sub(from) % 2);
    down(range.start)..down(range.end.saturating_add(1))
}

fn cut(range: Range<u64>, bytes_max: u64) -> (Range<u64>, Option<Range<u64>>) {
    let middle = range.start.saturating_add(bytes_max).min(range.end);
    (range.start..middle, (middle < range.end).then_some(middle..range.end))
}

/// Fewer bytes than the metadata promises would let a truncated image pass for a whole one.
fn whole(bytes: &[u8], range: &Range<u64>) -> Result<(), Problem> {
    let wanted = range.end.saturating_sub(range.start);
    if u64::try_from(bytes.len()) == Ok(wanted) { Ok(()) } else { Err(damaged()) }
}

fn damaged() -> Problem {
    archive::Error::Damaged("a kept value is shorter than its metadata says".to_owned()).into()
}

/// A boundary that no content can hold but by chance of 2^-128.
pub fn boundary() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Problem::busy("No random numbers."))?;
    Ok(hex::encode(bytes))
}

/// Values of the metadata that are read whole, such as a palette, may be this long.
pub const VALUE_BYTES_MAX: u64 = limits::METADATA_BYTES_MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_into_pieces_without_gap() {
        assert_eq!(cut(5..10, 3), (5..8, Some(8..10)));
        assert_eq!(cut(8..10, 3), (8..10, None));
        assert_eq!(cut(8..11, 3), (8..11, None));
        assert_eq!(cut(8..8, 3), (8..8, None));
    }

    #[test]
    fn a_range_is_widened_to_whole_words() {
        assert_eq!(aligned(&(101..128), 101), 101..129);
        assert_eq!(aligned(&(128..155), 101), 127..155);
        assert_eq!(aligned(&(102..104), 100), 102..104);
    }
}
