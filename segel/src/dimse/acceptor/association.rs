//! One association: waits in one place ([`Association::select`]), asks the state machine, does what it says.

use super::conversation::{Operation, Said};
use super::door::{Door, Entered, asker};
use super::message::{Asked, Effect, Messages};
use super::negotiate::{Context, Negotiated, negotiate};
use crate::dimse::services::Call;
use crate::dimse::upper::pdus::{Connection, Pdus, Received};
use crate::dimse::upper::state::{Action, Event, Machine, Role, State};
use bytes::Bytes;
use record::Outcome;
use seal::message::Asker;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wire::command::Command;
use wire::pdu::{
    Abort, AbortSource, AssociateRj, AssociateRq, PDV_HEADER_BYTES, PduType, Pdvs, RejectReason, release_rp,
    write_message,
};

/// How long a peer that does not speak the protocol may take to read our abort.
const DEAF: Duration = Duration::from_secs(1);
/// How long an association may be silent between two messages once the archive is stopping.
const STOPPING: Duration = Duration::from_millis(250);

/// What `select` waited for.
enum Input {
    Received(Received),
    /// The operation under way.
    Said(Said),
    /// No operation is under way any more, and a request waits.
    Resume,
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
    /// What a service is doing for the peer.
    operation: Option<Operation>,
    /// A request that came while it was: asynchronous operations are not agreed, so it waits, and nothing more is read.
    held: Option<Held>,
}

/// A request that waits, and the presentation data values behind it in its PDU.
struct Held {
    context: Context,
    command: Box<Command>,
    rest: Bytes,
}

/// What holds from the acceptance to the end.
struct Established {
    asker: Asker,
    negotiated: Arc<Negotiated>,
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
            operation: None,
            held: None,
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
        if self.operation.is_none() && self.held.is_some() {
            return Input::Resume;
        }
        let deadline = self.deadline();
        tokio::select! {
            biased;
            received = self.pdus.receive(), if self.held.is_none() => Input::Received(received),
            said = next(&mut self.operation) => Input::Said(said),
            () = tokio::time::sleep_until(deadline) => Input::Late,
            // A sender that is gone means a stop as well.
            _ = self.stop.wait_for(|stop| *stop), if !self.stopping => Input::Stop,
        }
    }

    fn deadline(&self) -> Instant {
        let settings = &self.door.settings;
        match (self.machine.state(), self.pdus.begun()) {
            // What is in the way while a request waits is our own operation.
            (State::Sta6, Some(begun)) if self.held.is_none() => begun + settings.pdu_progress,
            (State::Sta6, _) if self.operation.is_some() => self.since + settings.operation_progress,
            (State::Sta6, _) if self.stopping && !self.messages.under_way() => self.since + STOPPING,
            (State::Sta6, _) => self.since + settings.idle,
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
            Input::Said(said) => self.said(said).await,
            Input::Resume => self.resume().await,
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
        self.operation = None;
        self.held = None;
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
        Ok(Established { asker, negotiated: Arc::new(negotiated), _entered: entered })
    }

    async fn data_tf(&mut self, body: Bytes) -> Flow {
        if self.established.is_none() || self.machine.state() != State::Sta6 {
            return self.happen(Event::DataTfPdu, AbortSource::UnexpectedPdu).await;
        }
        self.machine.apply(Event::DataTfPdu);
        self.take(body, Vec::new()).await
    }

    /// Takes presentation data values and sends what was answered at once.
    async fn take(&mut self, body: Bytes, mut out: Vec<u8>) -> Flow {
        let taken = self.take_values(&body, &mut out).await;
        if let Err(error) = taken {
            tracing::info!(%error, "a peer broke the protocol, and its association is aborted");
            return self.happen(Event::InvalidPdu, AbortSource::InvalidPduParameterValue).await;
        }
        // What took the archive long was not the peer's silence.
        self.since = Instant::now();
        self.data_request(&out).await
    }

    async fn take_values(&mut self, body: &Bytes, out: &mut Vec<u8>) -> Result<(), wire::Error> {
        let Some(established) = &self.established else { return Ok(()) };
        let (asker, negotiated) = (established.asker.clone(), Arc::clone(&established.negotiated));
        let header = usize::try_from(PDV_HEADER_BYTES).unwrap_or(usize::MAX);
        let mut taken: usize = 0;
        for pdv in Pdvs::new(body) {
            let pdv = pdv?;
            taken = taken.saturating_add(header).saturating_add(pdv.fragment.len());
            let effect = match self.messages.take(&negotiated, pdv).await? {
                Effect::Request(context, command) if self.operation.is_some() => {
                    let rest = body.slice(taken.min(body.len())..);
                    self.held = Some(Held { context, command, rest });
                    return Ok(());
                }
                Effect::Request(context, command) => self.messages.begin(&self.door, &asker, context, *command),
                effect => effect,
            };
            self.effect(effect, &asker, &negotiated, out)?;
        }
        Ok(())
    }

    fn effect(
        &mut self,
        effect: Effect,
        asker: &Asker,
        negotiated: &Arc<Negotiated>,
        out: &mut Vec<u8>,
    ) -> Result<(), wire::Error> {
        match effect {
            Effect::Nothing | Effect::Request(..) => Ok(()),
            Effect::Respond(context_id, response) => {
                write_message(out, context_id, true, &response.write(), negotiated.peer_pdu_bytes_max)
            }
            Effect::Call(asked) => {
                let Asked { context, request, identifier } = *asked;
                let (door, asker, negotiated) = (Arc::clone(&self.door), asker.clone(), Arc::clone(negotiated));
                self.operation = Some(Operation::begin(Call { door, asker, negotiated, context, request, identifier }));
                Ok(())
            }
            Effect::Cancel(message_id) => {
                // Without an operation, the one that it names is over: its last response is on the way.
                if let Some(operation) = &self.operation {
                    operation.cancel(message_id);
                }
                Ok(())
            }
            Effect::Answer(answer) => match &self.operation {
                Some(operation) if operation.answer(*answer) => Ok(()),
                _ => Err(wire::Error::invalid("a response to nothing")),
            },
        }
    }

    /// Sends what a service said.
    async fn said(&mut self, said: Said) -> Flow {
        self.since = Instant::now();
        let flow = match said {
            Said::Pdus(pdus) => self.data_request(&pdus).await,
            Said::Last(pdus) => {
                self.operation = None;
                self.data_request(&pdus).await
            }
            Said::Broken => self.happen(Event::AbortRequest, AbortSource::Provider).await,
        };
        self.since = Instant::now();
        flow
    }

    /// Goes on with the request that waited.
    async fn resume(&mut self) -> Flow {
        let (Some(Held { context, command, rest }), Some(established)) = (self.held.take(), &self.established) else {
            return Flow::Continue(());
        };
        let (asker, negotiated) = (established.asker.clone(), Arc::clone(&established.negotiated));
        self.pdus.renew();
        let mut out = Vec::new();
        let effect = self.messages.begin(&self.door, &asker, context, *command);
        if self.effect(effect, &asker, &negotiated, &mut out).is_err() {
            return self.happen(Event::AbortRequest, AbortSource::Provider).await;
        }
        self.take(rest, out).await
    }

    async fn data_request(&mut self, out: &[u8]) -> Flow {
        if out.is_empty() {
            return Flow::Continue(());
        }
        self.machine.apply(Event::DataRequest);
        self.send(out).await
    }
}

/// What an operation says next; never, if there is none.
async fn next(operation: &mut Option<Operation>) -> Said {
    match operation {
        Some(operation) => operation.next().await,
        None => std::future::pending().await,
    }
}
