//! One connection to the key service: calls go out as they come, replies come back in any order.

use record::limits;
use seal::frame::{self, PREFIX_BYTES};
use seal::message::{Answer, Call, Reply, Request};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroize;

/// Who waits for which reply.
type Waiting = Mutex<HashMap<u64, oneshot::Sender<Answer>>>;

/// What the connection's two tasks share with its callers.
#[derive(Default)]
struct Shared {
    waiting: Waiting,
    closed: AtomicBool,
}

impl Shared {
    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every caller that still waits learns at once that no answer will come.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.waiting().clear();
    }
}

/// A live connection. Dropping it ends its tasks.
pub(super) struct Connection {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<Vec<u8>>,
    next_id: AtomicU64,
    tasks: [tokio::task::AbortHandle; 2],
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Why a call over a connection brought no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// The message is larger than the key service takes.
    TooLarge,
    /// The connection ended before the answer.
    Closed,
}

impl Connection {
    /// Takes a connected stream over.
    pub(super) fn start<S: AsyncRead + AsyncWrite + Send + 'static>(stream: S) -> Self {
        let (read, write) = tokio::io::split(stream);
        let shared = Arc::new(Shared::default());
        let (outgoing, calls) = mpsc::channel(limits::KEY_CALLS_IN_FLIGHT_MAX);
        let writing = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                if let Err(error) = send_all(write, calls).await {
                    tracing::debug!(%error, "the connection to the key service broke while writing");
                }
                shared.close();
            }
        });
        let reading = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                if let Err(error) = receive_all(read, &shared).await {
                    tracing::debug!(%error, "the connection to the key service ended");
                }
                shared.close();
            }
        });
        let tasks = [writing.abort_handle(), reading.abort_handle()];
        Self { shared, outgoing, next_id: AtomicU64::new(1), tasks }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Sends one request and waits for its answer. A caller that stops waiting leaves nothing behind but an answer that
    /// nobody takes.
    pub(super) async fn call(&self, request: Request) -> Result<Answer, Lost> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = frame::encode(&Call { id, request }).map_err(|_| Lost::TooLarge)?;
        let (answer, answered) = oneshot::channel();
        self.shared.waiting().insert(id, answer);
        // The tasks close first and empty the table afterwards, so one of these two looks sees them gone.
        if self.is_closed() || self.outgoing.send(frame).await.is_err() {
            self.shared.waiting().remove(&id);
            return Err(Lost::Closed);
        }
        let forget = Forget { shared: &self.shared, id };
        let answer = answered.await.map_err(|_| Lost::Closed);
        drop(forget);
        answer
    }
}

/// Takes a caller out of the table when it is answered or gives up.
struct Forget<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.waiting().remove(&self.id);
    }
}

/// Writes calls as they come; what has gathered while one was written goes out in one write.
async fn send_all<W: AsyncWrite>(write: W, mut calls: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    let mut write = std::pin::pin!(write);
    while let Some(mut batch) = calls.recv().await {
        while batch.len() < 64 * 1024
            && let Ok(more) = calls.try_recv()
        {
            batch.extend_from_slice(&more);
        }
        write.write_all(&batch).await?;
        write.flush().await?;
        batch.zeroize();
    }
    write.shutdown().await
}

/// Hands replies to those who wait, until the other side ends or breaks the format.
async fn receive_all<R: AsyncRead>(read: R, shared: &Shared) -> io::Result<()> {
    let mut read = std::pin::pin!(tokio::io::BufReader::with_capacity(64 * 1024, read));
    loop {
        let mut prefix = [0; PREFIX_BYTES];
        read.read_exact(&mut prefix).await?;
        let mut item = vec![0; frame::item_len(prefix).map_err(io::Error::other)?];
        read.read_exact(&mut item).await?;
        let reply: Result<Reply, _> = frame::decode(&item);
        // Data keys come this way.
        item.zeroize();
        let reply = reply.map_err(io::Error::other)?;
        if let Some(waiting) = shared.waiting().remove(&reply.id) {
            // The caller may have given up meanwhile.
            let _ = waiting.send(reply.answer);
        }
    }
}
