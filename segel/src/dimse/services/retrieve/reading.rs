//! Reading open instances piece by piece, ahead of the network.

use archive::retrieve::Opened;
use bytes::Bytes;
use futures_util::Stream;
use std::io;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Bytes of one piece: few system calls, and small beside a slice of CT.
pub(in crate::dimse::services) const PIECE_BYTES: u64 = 256 * 1024;
/// Pieces read ahead of the network.
pub(in crate::dimse::services) const PIECES_MAX: usize = 4;

/// What comes of an instance.
#[derive(Debug)]
pub(in crate::dimse::services) enum Piece {
    /// The next bytes of its data set.
    Bytes(Vec<u8>),
    /// It is there as a whole; what follows is of the next one.
    End,
    /// It cannot be read any further.
    Failed(archive::Error),
}

/// The data sets of many instances, one after the other. Dropping it ends the reading.
pub(in crate::dimse::services) struct Reading {
    pieces: mpsc::Receiver<Piece>,
    task: JoinHandle<()>,
}

impl Reading {
    /// Begins to read the data sets of these instances, in order.
    pub(in crate::dimse::services) fn begin(instances: Vec<Opened>) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        let task = tokio::spawn(async move {
            for instance in instances {
                if read(&instance, &sender).await.is_none() {
                    return;
                }
            }
        });
        Self { pieces, task }
    }

    /// The next piece.
    pub(in crate::dimse::services) async fn next(&mut self) -> Piece {
        self.pieces.recv().await.unwrap_or(Piece::Failed(archive::Error::Closed))
    }

    /// The data set of the instance whose turn it is, as a stream.
    pub(in crate::dimse::services) fn data_set(&mut self) -> impl Stream<Item = io::Result<Bytes>> {
        futures_util::stream::unfold(Some(self), |reading| async {
            let reading = reading?;
            match reading.next().await {
                Piece::Bytes(bytes) => Some((Ok(Bytes::from(bytes)), Some(reading))),
                Piece::End => None,
                Piece::Failed(error) => Some((Err(io::Error::other(error)), None)),
            }
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one instance; `None` if nobody listens any more.
async fn read(instance: &Opened, sender: &mpsc::Sender<Piece>) -> Option<()> {
    let range = match instance.dataset_range().await {
        Ok(range) => range,
        Err(error) => return sender.send(Piece::Failed(error)).await.ok(),
    };
    let mut at = range.start;
    while at < range.end {
        // Pieces end where sealed chunks do, so that no chunk is opened twice.
        let to = at.saturating_add(1).next_multiple_of(PIECE_BYTES).min(range.end);
        match instance.read(at..to).await {
            Ok(bytes) => sender.send(Piece::Bytes(bytes)).await.ok()?,
            Err(error) => return sender.send(Piece::Failed(error)).await.ok(),
        }
        at = to;
    }
    sender.send(Piece::End).await.ok()
}
