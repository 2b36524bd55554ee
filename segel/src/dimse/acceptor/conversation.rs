//! Both ends of an operation under way: the [`Conversation`] that a service holds, and the [`Operation`] that the
//! association holds.
//!
//! A service runs as a task of its own, so that the archive reads while the network writes. What it says goes to the
//! association through a channel of [`BATCHES_MAX`] batches: a peer that reads slowly stops the service, and the memory
//! of an operation is bounded by those batches and the one that is being filled.

use crate::dimse::services::{self, Call};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use wire::command::Command;
use wire::pdu::{Fragments, write_message};

/// Responses gathered into one write.
const RESPONSES_BYTES: usize = 32 * 1024;
/// Fragments of data sets gathered into one write.
const DATA_SETS_BYTES: usize = 256 * 1024;
/// Batches that wait for the association.
const BATCHES_MAX: usize = 2;

/// Why a service cannot go on. There is nobody left to tell: it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dimse) enum Broken {
    /// The association ended.
    Gone,
    /// The peer answered what was not asked, or takes too few bytes in one PDU: the association is aborted.
    Protocol,
}

/// What a service says through its association.
#[derive(Debug)]
pub(in crate::dimse) enum Said {
    /// Whole P-DATA-TF PDUs.
    Pdus(Vec<u8>),
    /// The last of them: the operation is over.
    Last(Vec<u8>),
    /// The operation ended without its last response.
    Broken,
}

/// A service's end: it sends responses and requests of its own, and learns of cancellations and answers.
///
/// When the association ends (abort, release, close), the service's task is dropped at its next `await`.
pub(in crate::dimse) struct Conversation {
    context_id: u8,
    peer_pdu_bytes_max: u32,
    out: Vec<u8>,
    said: mpsc::Sender<Said>,
    answers: mpsc::Receiver<Command>,
    cancelled: watch::Receiver<bool>,
    message_id: u16,
    /// The data set that is being sent.
    data_set: Option<Fragments>,
    /// When something was last handed to the association.
    spoken: Instant,
}

impl Conversation {
    /// Sends a response to the request, with its data set if it has one. It may wait in a batch until
    /// [`Conversation::flush`], the batch's end or the end of the operation.
    pub(in crate::dimse) async fn respond(
        &mut self,
        response: &Command,
        data_set: Option<&[u8]>,
    ) -> Result<(), Broken> {
        self.put(self.context_id, response, data_set)?;
        if self.out.len() >= RESPONSES_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Sends a request of our own over a context of the association; `message_id` is filled in. Its data set, if the
    /// command announces one, follows by [`Conversation::data_set`].
    pub(in crate::dimse) fn request(&mut self, context_id: u8, request: &Command) -> Result<(), Broken> {
        self.message_id = self.message_id.wrapping_add(1);
        let request = Command { message_id: Some(self.message_id), ..request.clone() };
        self.put(context_id, &request, None)?;
        if request.has_data_set() {
            let fragments = Fragments::new(context_id, false, self.peer_pdu_bytes_max);
            self.data_set = Some(fragments.map_err(|_| Broken::Protocol)?);
        }
        Ok(())
    }

    /// The next piece of the data set of the request that was sent last.
    pub(in crate::dimse) async fn data_set(&mut self, piece: &[u8]) -> Result<(), Broken> {
        if let Some(fragments) = &mut self.data_set {
            fragments.write(&mut self.out, piece).map_err(|_| Broken::Protocol)?;
        }
        if self.out.len() >= DATA_SETS_BYTES { self.flush().await } else { Ok(()) }
    }

    /// The same, where the data set has been written into PDUs for the request's context already.
    pub(in crate::dimse) async fn pdus(&mut self, pdus: Vec<u8>) -> Result<(), Broken> {
        self.data_set = None;
        self.flush().await?;
        self.out = pdus;
        self.flush().await
    }

    /// Ends the data set and waits for the response to the request that was sent last.
    pub(in crate::dimse) async fn answer(&mut self) -> Result<Command, Broken> {
        if let Some(fragments) = self.data_set.take() {
            fragments.finish(&mut self.out).map_err(|_| Broken::Protocol)?;
        }
        self.flush().await?;
        let answer = self.answers.recv().await.ok_or(Broken::Gone)?;
        if answer.message_id_being_responded_to == Some(self.message_id) { Ok(answer) } else { Err(Broken::Protocol) }
    }

    /// Hands what was gathered to the association.
    pub(in crate::dimse) async fn flush(&mut self) -> Result<(), Broken> {
        if self.out.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.out);
        self.spoken = Instant::now();
        self.said.send(Said::Pdus(batch)).await.map_err(|_| Broken::Gone)
    }

    /// When the peer last heard something: what takes long tells how far it is.
    pub(in crate::dimse) fn spoken(&self) -> Instant {
        self.spoken
    }

    /// Whether a C-CANCEL for this operation has come.
    pub(in crate::dimse) fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// The output of some work, or `None` if a C-CANCEL came first: the work is dropped then.
    pub(in crate::dimse) async fn unless_cancelled<F: Future>(&mut self, work: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = work => Some(output),
            Ok(_) = self.cancelled.wait_for(|cancelled| *cancelled) => None,
        }
    }

    fn put(&mut self, context_id: u8, command: &Command, data_set: Option<&[u8]>) -> Result<(), Broken> {
        let limit = self.peer_pdu_bytes_max;
        let written = write_message(&mut self.out, context_id, true, &command.write(), limit).and_then(|()| {
            data_set.map_or(Ok(()), |data_set| write_message(&mut self.out, context_id, false, data_set, limit))
        });
        written.map_err(|_| Broken::Protocol)
    }
}

/// The association's end. Dropping it ends the service.
pub(in crate::dimse) struct Operation {
    message_id: Option<u16>,
    said: mpsc::Receiver<Said>,
    answers: mpsc::Sender<Command>,
    cancel: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Operation {
    /// Starts the service that a call is for.
    pub(in crate::dimse) fn begin(call: Call) -> Self {
        let (said, saying) = mpsc::channel(BATCHES_MAX);
        // Without asynchronous operations one answer is due at a time.
        let (answers, answering) = mpsc::channel(1);
        let (cancel, cancelled) = watch::channel(false);
        let conversation = Conversation {
            context_id: call.context.id,
            peer_pdu_bytes_max: call.negotiated.peer_pdu_bytes_max,
            out: Vec::new(),
            said,
            answers: answering,
            cancelled,
            message_id: 0,
            data_set: None,
            spoken: Instant::now(),
        };
        let message_id = call.request.message_id;
        let task = tokio::spawn(run(call, conversation));
        Self { message_id, said: saying, answers, cancel, task }
    }

    /// Waits for what the service says next.
    pub(in crate::dimse) async fn next(&mut self) -> Said {
        // A service that panicked says nothing any more.
        self.said.recv().await.unwrap_or(Said::Broken)
    }

    /// Takes a C-CANCEL; one for another message is for an operation that is over.
    pub(in crate::dimse) fn cancel(&self, message_id: Option<u16>) {
        if message_id.is_some() && message_id == self.message_id {
            self.cancel.send_replace(true);
        }
    }

    /// Takes a response of the peer's. False if the service has one already, or asked nothing.
    pub(in crate::dimse) fn answer(&self, answer: Command) -> bool {
        self.answers.try_send(answer).is_ok()
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(call: Call, mut conversation: Conversation) {
    let ended = services::serve(call, &mut conversation).await;
    let last = match ended {
        Ok(()) => Said::Last(std::mem::take(&mut conversation.out)),
        Err(_) => Said::Broken,
    };
    // If nobody listens any more, the association has ended.
    let _gone = conversation.said.send(last).await;
}
