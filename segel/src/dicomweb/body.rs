//! Bodies that are read from the archive while they are sent: one piece of plaintext at a time, and only when the socket
//! takes it.

use crate::http::Problem;
use crate::recode::value;
use archive::retrieve::Opened;
use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, try_unfold};
use record::limits;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

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
    /// The metadata of some instances with links under this base, behind `before` and with commas between them.
    Metadata {
        /// The instances.
        opened: Vec<Opened>,
        /// Where links begin.
        base: Arc<str>,
        /// What stands before the first.
        before: &'static str,
    },
    /// Bytes that are made when it is their turn.
    Made(BoxFuture<'static, Result<Vec<u8>, Problem>>),
    /// Pieces that are known when it is their turn.
    Pieces(BoxFuture<'static, Result<Vec<Piece>, Problem>>),
    /// Bytes that come one after another.
    Stream(BoxStream<'static, Result<Vec<u8>, Problem>>),
}

impl Piece {
    /// How many bytes this is, where that is known before it is made.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Self::Content(_, range) | Self::Value { range, .. } => Some(range.end.saturating_sub(range.start)),
            Self::Instance(..) | Self::Metadata { .. } | Self::Made(_) | Self::Pieces(_) | Self::Stream(_) => None,
        }
    }

    /// The part of this piece that lies in `wanted`, counted from its first byte; `None` if its length is not known.
    fn part(self, wanted: &Range<u64>) -> Option<Self> {
        let inside = |range: &Range<u64>| {
            let at = |offset: u64| range.start.saturating_add(offset).min(range.end);
            at(wanted.start)..at(wanted.end)
        };
        match self {
            Self::Bytes(bytes) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Some(Self::Bytes(bytes.get(at(wanted.start)..at(wanted.end)).unwrap_or_default().to_vec()))
            }
            Self::Content(opened, range) => Some(Self::Content(opened, inside(&range))),
            Self::Value { opened, range, swap_from } => Some(Self::Value { opened, range: inside(&range), swap_from }),
            Self::Instance(..) | Self::Metadata { .. } | Self::Made(_) | Self::Pieces(_) | Self::Stream(_) => None,
        }
    }
}

/// How long pieces are together, where each of them knows.
pub fn length(pieces: &[Piece]) -> Option<u64> {
    pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.length()?))
}

/// A range of what pieces are together, whose lengths are known.
pub fn slice(pieces: Vec<Piece>, wanted: &Range<u64>) -> Vec<Piece> {
    let mut begin = 0_u64;
    let mut taken = Vec::new();
    for piece in pieces {
        let end = begin.saturating_add(piece.length().unwrap_or(0));
        let within = wanted.start.saturating_sub(begin)..wanted.end.min(end).saturating_sub(begin);
        if wanted.start < end && wanted.end > begin {
            taken.extend(piece.part(&within));
        }
        begin = end;
    }
    taken
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
            rest.into_iter().rev().for_each(|piece| queue.push_front(piece));
            if !bytes.is_empty() {
                return Ok::<_, io::Error>(Some((Bytes::from(bytes), queue)));
            }
        }
        Ok(None)
    }))
}

/// The next bytes of a piece, and what remains of it.
async fn step(piece: Piece) -> Result<(Vec<u8>, Vec<Piece>), Problem> {
    let nothing = Vec::new;
    let one = |rest: Option<Piece>| rest.into_iter().collect::<Vec<_>>();
    match piece {
        Piece::Bytes(bytes) => Ok((bytes, nothing())),
        Piece::Instance(opened, before) => {
            let range = opened.dataset_range().await?;
            Ok((before, one(Some(Piece::Content(opened, range)))))
        }
        Piece::Content(opened, range) => {
            let (now, later) = cut(range, PIECE_BYTES);
            let bytes = opened.read(now.clone()).await?;
            value::whole(&bytes, &now)?;
            Ok((bytes, one(later.map(|later| Piece::Content(opened, later)))))
        }
        Piece::Value { opened, range, swap_from } => {
            let (now, later) = cut(range, if opened.is_deflated() { INFLATED_PIECE_BYTES } else { PIECE_BYTES });
            let bytes = value::read(&opened, now, swap_from).await?;
            Ok((bytes, one(later.map(|range| Piece::Value { opened, range, swap_from }))))
        }
        Piece::Metadata { opened, base, before } => {
            Ok((super::metadata::linked(opened, &base, before).await?, nothing()))
        }
        Piece::Made(bytes) => Ok((bytes.await?, nothing())),
        Piece::Pieces(pieces) => Ok((Vec::new(), pieces.await?)),
        Piece::Stream(mut stream) => match stream.next().await {
            Some(bytes) => Ok((bytes?, one(Some(Piece::Stream(stream))))),
            None => Ok((Vec::new(), nothing())),
        },
    }
}

fn cut(range: Range<u64>, bytes_max: u64) -> (Range<u64>, Option<Range<u64>>) {
    let middle = range.start.saturating_add(bytes_max).min(range.end);
    (range.start..middle, (middle < range.end).then_some(middle..range.end))
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
    fn a_range_of_pieces_is_cut_out_of_those_it_touches() {
        let pieces =
            || ["abc", "", "defg", "hi"].map(|text| Piece::Bytes(text.as_bytes().to_vec())).into_iter().collect();
        let text = |wanted: Range<u64>| {
            let bytes = |piece| match piece {
                Piece::Bytes(bytes) => bytes,
                _ => Vec::new(),
            };
            String::from_utf8(slice(pieces(), &wanted).into_iter().flat_map(bytes).collect()).unwrap()
        };
        assert_eq!(length(&pieces()), Some(9));
        let whole = "abcdefghi";
        for start in 0..9_u8 {
            for end in start..=9 {
                let expected = whole.get(usize::from(start)..usize::from(end)).unwrap();
                assert_eq!(text(start.into()..end.into()), expected, "{start}..{end}");
            }
        }
        assert_eq!(length(&[Piece::Made(Box::pin(async { Ok(Vec::new()) }))]), None);
    }
}
