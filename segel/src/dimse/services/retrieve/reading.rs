//! Reading open instances ahead of the network, as the PDUs that will go out: kept bytes as they are, or written anew in
//! another transfer syntax.

use crate::dimse::requestor::Context;
use crate::pixels::Pixels;
use crate::recode::{self, Error};
use archive::retrieve::Opened;
use futures_util::{Stream, StreamExt as _};
use std::io;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wire::pdu::Fragments;

/// Bytes of one piece: few system calls, and small beside a slice of CT.
pub(in crate::dimse::services) const PIECE_BYTES: usize = 256 * 1024;
/// Pieces read ahead of the network.
pub(in crate::dimse::services) const PIECES_MAX: usize = 4;
/// Room for a piece, the fragment that was held of the one before and the headers of its PDUs.
const ROOM_BYTES: usize = PIECE_BYTES * 2;

/// An instance and the context that it goes out over, in whose transfer syntax.
#[derive(Clone)]
pub(in crate::dimse::services) struct Sending {
    pub(in crate::dimse::services) context: Context,
    pub(in crate::dimse::services) instance: Opened,
}

/// What comes of an instance.
#[derive(Debug)]
pub(in crate::dimse::services) enum Piece {
    /// The next whole PDUs of its data set.
    Pdus(Vec<u8>),
    /// It is there as a whole; what follows is of the next one.
    End,
    /// It cannot be read any further.
    Failed(Error),
}

/// The data sets of many instances, one after the other. Dropping it ends the reading.
pub(in crate::dimse::services) struct Reading {
    pieces: mpsc::Receiver<Piece>,
    task: JoinHandle<()>,
}

impl Reading {
    /// Begins to read the data sets of these instances, in order, for a peer that takes PDUs of so many bytes.
    pub(in crate::dimse::services) fn begin(sending: Vec<Sending>, pixels: Pixels, peer_pdu_bytes_max: u32) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        let task = tokio::spawn(async move {
            for sending in sending {
                let mut writing = match Fragments::new(sending.context.id, false, peer_pdu_bytes_max) {
                    Ok(fragments) => Writing { fragments, sender: &sender },
                    // Such a peer was refused its association.
                    Err(_) => return,
                };
                let read = read(&sending, &pixels, &mut writing).await;
                let told = match read {
                    Ok(()) => writing.finish().await,
                    Err(Stopped::Unread(error)) => sender.send(Piece::Failed(error)).await.ok(),
                    Err(Stopped::Unheard) => None,
                };
                if told.is_none() {
                    return;
                }
            }
        });
        Self { pieces, task }
    }

    /// The next piece.
    pub(in crate::dimse::services) async fn next(&mut self) -> Piece {
        self.pieces.recv().await.unwrap_or(Piece::Failed(Error::Archive(archive::Error::Closed)))
    }

    /// The PDUs of the instance whose turn it is and whose first piece was taken, as a stream.
    pub(in crate::dimse::services) fn pdus(&mut self, first: Piece) -> impl Stream<Item = io::Result<Vec<u8>>> {
        futures_util::stream::unfold((Some(first), Some(self)), |(first, reading)| async {
            let reading = reading?;
            let piece = match first {
                Some(first) => first,
                None => reading.next().await,
            };
            match piece {
                Piece::Pdus(pdus) => Some((Ok(pdus), (None, Some(reading)))),
                Piece::End => None,
                Piece::Failed(error) => Some((Err(io::Error::other(error)), (None, None))),
            }
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why an instance was not read to its end.
enum Stopped {
    Unread(Error),
    /// Nobody listens any more.
    Unheard,
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Unread(error.into())
    }
}

/// A data set on its way into PDUs.
struct Writing<'a> {
    fragments: Fragments,
    sender: &'a mpsc::Sender<Piece>,
}

impl Writing<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        // A decoded frame may be long.
        for part in bytes.chunks(PIECE_BYTES) {
            let mut out = Vec::with_capacity(ROOM_BYTES);
            // None that a caller can cause.
            self.fragments.write(&mut out, part).map_err(|_| Stopped::Unheard)?;
            if !out.is_empty() {
                self.sender.send(Piece::Pdus(out)).await.map_err(|_| Stopped::Unheard)?;
            }
        }
        Ok(())
    }

    async fn finish(self) -> Option<()> {
        let mut out = Vec::new();
        self.fragments.finish(&mut out).ok()?;
        self.sender.send(Piece::Pdus(out)).await.ok()?;
        self.sender.send(Piece::End).await.ok()
    }
}

async fn read(sending: &Sending, pixels: &Pixels, writing: &mut Writing<'_>) -> Result<(), Stopped> {
    let Sending { context, instance } = sending;
    let kept = instance.located().instance().map(|facts| facts.transfer_syntax_uid.as_str());
    if kept != Some(context.transfer_syntax.as_str()) {
        let mut written = recode::instance(pixels, instance.clone(), &context.transfer_syntax).await?;
        while let Some(bytes) = written.next().await {
            writing.write(&bytes?).await?;
        }
        return Ok(());
    }
    let range = instance.dataset_range().await?;
    let mut at = range.start;
    while at < range.end {
        // Pieces end where sealed chunks do, so that no chunk is opened twice.
        let to = at.saturating_add(1).next_multiple_of(PIECE_BYTES as u64).min(range.end);
        writing.write(&instance.read(at..to).await?).await?;
        at = to;
    }
    Ok(())
}
