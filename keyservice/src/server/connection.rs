//! One connection: frames in, frames out, in any order, within its limits.

use super::desk::{Desk, Family, Question};
use crate::request::Node;
use record::limits::{CONNECTION_REQUESTS_MAX, MESSAGE_SECONDS_MAX};
use seal::frame;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;
use zeroize::Zeroizing;

const LIMIT: Duration = Duration::from_secs(MESSAGE_SECONDS_MAX);

/// A frame to be sent. It may hold data keys, so it is overwritten afterwards.
type Frame = Zeroizing<Vec<u8>>;

/// Serves a connection until it ends, breaks the protocol, or the service stops: its messages are of one family and come
/// from one node.
pub async fn serve<S>(stream: S, desk: Arc<Desk>, (family, node): (Family, Node), mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut reader, writer) = tokio::io::split(stream);
    let (answers, outgoing) = mpsc::channel(CONNECTION_REQUESTS_MAX);
    let mut writing = tokio::spawn(write(writer, outgoing));
    let places = Arc::new(Semaphore::new(CONNECTION_REQUESTS_MAX));
    loop {
        // A node that asks faster than it is answered is not read from: it waits in its own queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let mut first = [0; 1];
        let started = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            _ = &mut writing => return,
            started = reader.read(&mut first) => started,
        };
        // Between messages a connection may rest as long as it likes; inside one it may not.
        let read = match started {
            Ok(1..) => read_rest(&mut reader, first, &desk).await,
            _ => break,
        };
        let (message, room) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!("a connection was closed: {error}");
                break;
            }
        };
        let question = match Question::decode(family, &message) {
            Ok(question) => question,
            Err(error) => {
                // What follows on such a connection could be anything.
                tracing::warn!("a connection was closed: {error}");
                break;
            }
        };
        drop(message);
        let (desk, answers) = (Arc::clone(&desk), answers.clone());
        tokio::spawn(async move {
            let frame = Frame::new(desk.answer(question, node).await);
            let _gone = answers.send(frame).await;
            drop((place, room));
        });
    }
    // Whatever was asked is still answered: the writer ends with the last of those who hold the channel.
    drop(answers);
    let _ended = writing.await;
}

/// The rest of a message that has begun, and its share of the service's memory.
async fn read_rest<R: AsyncRead + Unpin>(
    reader: &mut R,
    first: [u8; 1],
    desk: &Desk,
) -> io::Result<(Frame, OwnedSemaphorePermit)> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "a message did not end in time");
    let invalid = |error: seal::Error| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let mut rest = [0; frame::PREFIX_BYTES - 1];
    timeout(LIMIT, reader.read_exact(&mut rest)).await.map_err(late)??;
    let ([a], [b, c, d]) = (first, rest);
    let len = frame::item_len([a, b, c, d]).map_err(invalid)?;
    // The memory is set aside once it is this message's turn.
    let room = desk.room(len).await?;
    let mut message = Frame::new(vec![0; len]);
    timeout(LIMIT, reader.read_exact(&mut message)).await.map_err(late)??;
    Ok((message, room))
}

async fn write<W: AsyncWrite + Unpin>(mut writer: W, mut outgoing: mpsc::Receiver<Frame>) {
    while let Some(frame) = outgoing.recv().await {
        // A peer that takes no answers would hold the memory of all of them.
        let written = timeout(LIMIT, async {
            writer.write_all(&frame).await?;
            writer.flush().await
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!("an answer was not taken: {error}");
                return;
            }
            Err(_) => {
                tracing::warn!("a connection was closed: it does not take its answers");
                return;
            }
        }
    }
    let _closed = writer.shutdown().await;
}
