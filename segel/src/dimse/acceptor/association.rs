//! One association: waits in one place ([`Association::select`]), asks the state machine, does what it says.

use super::door::{Door, Entered, asker};
use super::message::{Effect, Finding, Messages};
use super::negotiate::{Negotiated, negotiate};
use crate::dimse::services::find::{self, Question};
use crate::dimse::services::store::Failure;
use crate::dimse::upper::pdus::{Connection, Pdus, Received};
use crate::dimse::upper::state::{Action, Event, Machine, Role, State};
use crate::outcome;
use bytes::Bytes;
use futures_util::FutureExt as _;
use record::Outcome;
use seal::message::Asker;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wire::command::{Command, field};
use wire::pdu::{Abort, AbortSource, AssociateRj, AssociateRq, PduType, Pdvs, RejectReason, release_rp, write_message};

/// How long a peer that does not speak the protocol may take to read our abort.
const DEAF: Duration = Duration::from_secs(1);
/// How long an association may be silent between two messages once the archive is stopping.
const STOPPING: Duration = Duration::from_millis(250);
/// Answers of a query gathered into one write.
const ANSWER_BYTES: usize = 32 * 1024;

/// What `select` waited for.
enum Input {
    Received(Received),
    /// The deadline of the state passed.
    Late,
    /// The archive is stopping.
    Stop,
}

/// Goes on, or ends the connection.
type Flow = ControlFlow<()>;

/// A connection and everything known of its association.
pub(in crate::dimse) struct Association<S> {
    door: Arc<Door>,
    pdus: Pdus<S>,
    machine: Machine,
    certificate: Option<[u8; 32]>,
    /// Every place is taken: the request will be refused.
    full: bool,
    stop: watch::Receiver<bool>,
    stopping: bool,
    /// When the state was entered, or in Sta6 when the peer last sent something.
    since: Instant,
    /// The peer broke the format.
    deaf: bool,
    established: Option<Established>,
    messages: Messages,
    /// Read while a query was answered, and still to be taken.
    ahead: Option<Received>,
}

/// What holds from the acceptance to the end.
struct Established {
    asker: Asker,
    negotiated: Negotiated,
    _entered: Entered,
}

impl<S: Connection> Association<S> {
    pub(in crate::dimse) fn new(
        door: Arc<Door>,
        io: S,
        certificate: Option<[u8; 32]>,
        full: bool,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            door,
            pdus: Pdus::new(io),
            machine: Machine::new(Role::Acceptor),
            certificate,
            full,
            stop,
            stopping: false,
            since: Instant::now(),
            deaf: false,
            established: None,
            messages: Messages::default(),
            ahead: None,
        }
    }

    /// Serves it to its end.
    pub(in crate::dimse) async fn run(mut self) {
        self.machine.apply(Event::TransportIndication);
        loop {
            let input = self.select().await;
            if self.apply(input).await.is_break() {
                break;
            }
        }
        // What was arriving is dropped here with nothing kept.
        self.pdus.close(DEAF).await;
    }

    async fn select(&mut self) -> Input {
        if let Some(received) = self.ahead.take() {
            return Input::Received(received);
        }
        let deadline = self.deadline();
        tokio::select! {
            biased;
            received = self.pdus.receive() => Input::Received(received),
            () = tokio::time::sleep_until(deadline) => Input::Late,
            // A sender that is gone means a stop as well.
            _ = self.stop.wait_for(|stop| *stop), if !self.stopping => Input::Stop,
        }
    }

    fn deadline(&self) -> Instant {
        let settings = &self.door.settings;
        match (self.machine.state(), self.pdus.begun()) {
            (State::Sta6, Some(begun)) => begun + settings.pdu_progress,
            (State::Sta6, None) if self.stopping && !self.messages.under_way() => self.since + STOPPING,
            (State::Sta6, None) => self.since + settings.idle,
            _ if self.deaf => self.since + DEAF.min(settings.artim),
            _ if self.stopping => self.since + STOPPING.min(settings.artim),
            _ => self.since + settings.artim,
        }
    }

    async fn apply(&mut self, input: Input) -> Flow {
        match input {
            Input::Stop => {
                self.stopping = true;
                self.since = Instant::now();
                Flow::Continue(())
            }
            Input::Late if self.machine.state() == State::Sta6 => {
                tracing::info!("an association was silent or too slow, and is aborted");
                self.happen(Event::AbortRequest, AbortSource::ServiceUser).await
            }
            Input::Late => self.happen(Event::ArtimExpired, AbortSource::Provider).await,
            Input::Received(Received::Begun) => Flow::Continue(()),
            Input::Received(Received::Closed) => self.happen(Event::TransportClosed, AbortSource::Provider).await,
            Input::Received(Received::Invalid(error)) => {
                tracing::info!(%error, "a peer sent what is no PDU");
                self.deaf = true;
                self.happen(Event::InvalidPdu, AbortSource::UnrecognizedPdu).await
            }
            Input::Received(Received::Pdu(pdu_type, body)) => {
                if self.machine.state() == State::Sta6 {
                    self.since = Instant::now();
                }
                self.pdu(pdu_type, body).await
            }
        }
    }

    async fn pdu(&mut self, pdu_type: PduType, body: Bytes) -> Flow {
        let event = match pdu_type {
            PduType::AssociateRq => return self.associate_rq(&body).await,
            PduType::DataTf => return self.data_tf(body).await,
            PduType::AssociateAc => Event::AssociateAcPdu,
            PduType::AssociateRj => Event::AssociateRjPdu,
            PduType::ReleaseRq => Event::ReleaseRqPdu,
            PduType::ReleaseRp => Event::ReleaseRpPdu,
            PduType::Abort => Event::AbortPdu,
        };
        self.happen(event, AbortSource::UnexpectedPdu).await
    }

    /// Takes an event whose action needs nothing but the connection.
    async fn happen(&mut self, event: Event, abort: AbortSource) -> Flow {
        match self.machine.apply(event) {
            Action::Ar2 => {
                self.machine.apply(Event::ReleaseResponse);
                self.leave(&release_rp()).await
            }
            Action::Aa1 => self.leave(&Abort::from(AbortSource::ServiceUser).write()).await,
            Action::Aa7 | Action::Aa8 => self.leave(&Abort::from(abort).write()).await,
            Action::Aa6 => Flow::Continue(()),
            // AA-2 to AA-5 and AR-5 end the connection; actions of a requestor do not come up here.
            _ => Flow::Break(()),
        }
    }

    /// Sends the last PDU and waits for the peer to close (Sta13). An instance that was arriving is dropped.
    async fn leave(&mut self, pdu: &[u8]) -> Flow {
        self.messages = Messages::default();
        self.established = None;
        self.since = Instant::now();
        self.send(pdu).await
    }

    async fn send(&mut self, pdus: &[u8]) -> Flow {
        match self.pdus.send(pdus, self.door.settings.pdu_progress).await {
            Ok(()) => Flow::Continue(()),
            Err(_) => Flow::Break(()),
        }
    }

    async fn associate_rq(&mut self, body: &[u8]) -> Flow {
        let request = match AssociateRq::parse(body) {
            Ok(request) => request,
            Err(error) => {
                tracing::info!(%error, "a request for an association cannot be read");
                return self.happen(Event::InvalidPdu, AbortSource::InvalidPduParameterValue).await;
            }
        };
        if self.machine.state() != State::Sta2 {
            return self.happen(Event::AssociateRqPdu, AbortSource::UnexpectedPdu).await;
        }
        self.machine.apply(Event::AssociateRqPdu);
        match self.decide(&request).await {
            Ok(established) => {
                let Ok(answer) = established.negotiated.answer.write() else {
                    return self.happen(Event::AbortRequest, AbortSource::Provider).await;
                };
                tracing::info!(
                    peer = request.calling_ae_title,
                    contexts = established.negotiated.contexts.len(),
                    "association"
                );
                self.machine.apply(Event::AcceptResponse);
                self.established = Some(established);
                self.since = Instant::now();
                self.send(&answer).await
            }
            Err(reason) => {
                tracing::info!(peer = request.calling_ae_title, ?reason, "an association was refused");
                self.machine.apply(Event::RejectResponse);
                self.leave(&AssociateRj::from(reason).write()).await
            }
        }
    }

    async fn decide(&self, request: &AssociateRq) -> Result<Established, RejectReason> {
        if self.full || self.stopping {
            return Err(RejectReason::LocalLimitExceeded);
        }
        let negotiated = negotiate(request, &self.door.settings)?;
        let asker = asker(&request.calling_ae_title, self.certificate);
        match self.door.archive.authenticate(&asker).await {
            Ok(_) => {}
            Err(error) if error.outcome() == Outcome::Refused => return Err(RejectReason::CallingAeTitleNotRecognized),
            Err(error) => {
                tracing::warn!(%error, "a peer cannot be told from a stranger");
                return Err(RejectReason::TemporaryCongestion);
            }
        }
        // Only a known peer is counted: a stranger cannot use up another's places.
        let entered = self.door.enter(&request.calling_ae_title).ok_or(RejectReason::LocalLimitExceeded)?;
        Ok(Established { asker, negotiated, _entered: entered })
    }

    async fn data_tf(&mut self, body: Bytes) -> Flow {
        let Some(established) = self.established.as_ref().filter(|_| self.machine.state() == State::Sta6) else {
            return self.happen(Event::DataTfPdu, AbortSource::UnexpectedPdu).await;
        };
        let (asker, negotiated) = (established.asker.clone(), established.negotiated.clone());
        self.machine.apply(Event::DataTfPdu);
        let mut out = Vec::new();
        for pdv in Pdvs::new(&body) {
            let effect = match pdv {
                Ok(pdv) => self.messages.take(&self.door, &asker, &negotiated, pdv).await,
                Err(error) => Err(error),
            };
            let written = match effect {
                Ok(Effect::Nothing) => Ok(()),
                Ok(Effect::Respond(context_id, response)) => {
                    write_message(&mut out, context_id, true, &response.write(), negotiated.peer_pdu_bytes_max)
                }
                Ok(Effect::Find(finding)) => {
                    self.find(&asker, &negotiated, *finding, &mut out).await?;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                tracing::info!(%error, "a peer broke the protocol, and its association is aborted");
                return self.happen(Event::InvalidPdu, AbortSource::InvalidPduParameterValue).await;
            }
        }
        // What took the archive long was not the peer's silence.
        self.since = Instant::now();
        self.data_request(&mut out).await
    }

    async fn data_request(&mut self, out: &mut Vec<u8>) -> Flow {
        if out.is_empty() {
            return Flow::Continue(());
        }
        self.machine.apply(Event::DataRequest);
        let flow = self.send(out).await;
        out.clear();
        flow
    }

    /// Answers a query; what the peer sends meanwhile is looked at for a C-CANCEL.
    async fn find(&mut self, asker: &Asker, negotiated: &Negotiated, finding: Finding, out: &mut Vec<u8>) -> Flow {
        let Finding { context, request, identifier } = finding;
        let put = |out: &mut Vec<u8>, command: bool, bytes: &[u8]| {
            // The peer's limit was checked when the association was accepted.
            match write_message(out, context.id, command, bytes, negotiated.peer_pdu_bytes_max) {
                Ok(()) => Flow::Continue(()),
                Err(_) => Flow::Break(()),
            }
        };
        let question = match Question::parse(&context, request.clone(), &identifier) {
            Ok(question) => question,
            Err(failure) => return put(out, true, &find::failed(&request, failure).write()),
        };
        let archive = self.door.archive.clone();
        let rows = tokio::select! {
            biased;
            rows = archive.find(asker, &question.query) => rows,
            meanwhile = self.meanwhile(question.message_id()) => match meanwhile {
                Meanwhile::Cancel => return put(out, true, &question.last(outcome::CANCEL).write()),
                // The main loop takes what came: an abort, a release, the end.
                Meanwhile::Other => return Flow::Continue(()),
            },
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "a query was refused");
                return put(out, true, &find::failed(&request, Failure::of_find(&error)).write());
            }
        };
        let ae_title = self.door.settings.ae_title.clone();
        for row in &rows {
            match question.pending(row, &ae_title) {
                Ok((command, identifier)) => {
                    put(out, true, &command.write())?;
                    put(out, false, &identifier)?;
                }
                Err(error) => tracing::warn!(%error, "a row cannot be written as a data set, and is left out"),
            }
            if out.len() >= ANSWER_BYTES {
                self.data_request(out).await?;
                match self.meanwhile(question.message_id()).now_or_never() {
                    Some(Meanwhile::Cancel) => return put(out, true, &question.last(outcome::CANCEL).write()),
                    Some(Meanwhile::Other) => return Flow::Continue(()),
                    None => {}
                }
            }
        }
        put(out, true, &question.last(outcome::SUCCESS).write())
    }

    /// Waits for something that ends the operation under way. Never ends while the peer is merely silent.
    async fn meanwhile(&mut self, message_id: Option<u16>) -> Meanwhile {
        if self.ahead.is_some() {
            // A request that came too early waits for its turn.
            return std::future::pending().await;
        }
        let mut received = self.pdus.receive().await;
        while matches!(received, Received::Begun) {
            received = self.pdus.receive().await;
        }
        match &received {
            Received::Pdu(PduType::DataTf, body) => match cancelled(body) {
                Some(id) if Some(id) == message_id => Meanwhile::Cancel,
                _ => {
                    self.ahead = Some(received);
                    std::future::pending().await
                }
            },
            _ => {
                self.ahead = Some(received);
                Meanwhile::Other
            }
        }
    }
}

/// What came while an operation was under way.
enum Meanwhile {
    /// A C-CANCEL for it.
    Cancel,
    /// Something that ends the association.
    Other,
}

/// The message that a P-DATA-TF cancels, if it is a C-CANCEL-RQ in one fragment.
fn cancelled(body: &[u8]) -> Option<u16> {
    let pdv = Pdvs::new(body).next()?.ok().filter(|pdv| pdv.command && pdv.last)?;
    let command = Command::parse(pdv.fragment).ok()?;
    (command.command_field == field::C_CANCEL_RQ).then_some(command.message_id_being_responded_to).flatten()
}
