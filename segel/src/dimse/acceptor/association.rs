//! One association: waits in one place ([`Association::select`]), asks the state machine, does what it says.

use super::conversation::{Operation, Said};
use super::door::{Door, Entered, asker};
use super::message::Messages;
use super::negotiate::{Context, Negotiated, negotiate};
use crate::crowd::Place;
use crate::dimse::upper::pdus::{Connection, Pdus, Received};
use crate::dimse::upper::state::{Action, Event, Machine, Role, State};
use bytes::Bytes;
use record::Outcome;
use seal::message::Asker;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wire::command::Command;
use wire::pdu::{Abort, AbortSource, AssociateRj, AssociateRq, PduType, RejectReason, release_rp};

/// How long a peer that does not speak the protocol may take to read our abort.
const DEAF: Duration = Duration::from_secs(1);
/// How long an association may be silent between two messages once the archive is stopping.
const STOPPING: Duration = Duration::from_millis(250);

/// What `select` waited for.
enum Input {
    Received(Received),
    /// It is decided on the request for the association.
    Decided(Result<Established, RejectReason>),
    /// The operation under way.
    Said(Said),
    /// No operation is under way any more, and a request waits.
    Resume,
    /// The deadline of the state passed.
    Late,
    /// The archive is stopping.
    Stop,
    /// Another connection has its place.
    GaveWay,
}

/// Goes on, or ends the connection.
pub(super) type Flow = ControlFlow<()>;

/// The decision on a request, while the key service is asked.
type Deciding = Pin<Box<dyn Future<Output = Result<Established, RejectReason>> + Send>>;

/// A connection and everything known of its association.
pub(in crate::dimse) struct Association<S> {
    pub(super) door: Arc<Door>,
    pub(super) pdus: Pdus<S>,
    pub(super) machine: Machine,
    certificate: Option<[u8; 32]>,
    /// Every place is taken: the request will be refused.
    full: bool,
    stop: watch::Receiver<bool>,
    /// Its place at the door; it may be taken away until the association is accepted.
    place: Option<Place>,
    stopping: bool,
    /// When the state was entered, or in Sta6 when the peer last sent something.
    pub(super) since: Instant,
    /// The peer broke the format.
    deaf: bool,
    /// Sta3: the peer waits for our answer.
    deciding: Option<Deciding>,
    pub(super) established: Option<Established>,
    pub(super) messages: Messages,
    /// What a service is doing for the peer.
    pub(super) operation: Option<Operation>,
    /// A request that came while it was: asynchronous operations are not agreed, so it waits, and nothing more is read.
    pub(super) held: Option<Held>,
}

/// A request that waits, and the presentation data values behind it in its PDU.
pub(super) struct Held {
    pub(super) context: Context,
    pub(super) command: Box<Command>,
    pub(super) rest: Bytes,
}

/// What holds from the acceptance to the end.
pub(super) struct Established {
    pub(super) asker: Asker,
    pub(super) negotiated: Arc<Negotiated>,
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
            place: None,
            stopping: false,
            since: Instant::now(),
            deaf: false,
            deciding: None,
            established: None,
            messages: Messages::default(),
            operation: None,
            held: None,
        }
    }

    /// With a place at the door, or with none left.
    pub(in crate::dimse) fn in_place(self, place: Option<Place>) -> Self {
        Self { place, ..self }
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
            decided = decision(&mut self.deciding) => Input::Decided(decided),
            said = next(&mut self.operation) => Input::Said(said),
            () = tokio::time::sleep_until(deadline) => Input::Late,
            // A sender that is gone means a stop as well.
            _ = self.stop.wait_for(|stop| *stop), if !self.stopping => Input::Stop,
            () = gave_way(self.place.as_ref()) => Input::GaveWay,
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
            Input::GaveWay => Flow::Break(()),
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
            Input::Decided(decided) => self.decided(decided).await,
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
    pub(super) async fn happen(&mut self, event: Event, abort: AbortSource) -> Flow {
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
        self.deciding = None;
        self.established = None;
        self.since = Instant::now();
        self.send(pdu).await
    }

    pub(super) async fn send(&mut self, pdus: &[u8]) -> Flow {
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
        self.since = Instant::now();
        let refused = self.full || self.stopping;
        if let Some(place) = &self.place {
            place.is_served();
        }
        self.deciding = Some(Box::pin(decide(Arc::clone(&self.door), request, self.certificate, refused)));
        Flow::Continue(())
    }

    /// Answers the request for an association.
    async fn decided(&mut self, decided: Result<Established, RejectReason>) -> Flow {
        self.deciding = None;
        if let (Err(_), Some(place)) = (&decided, &self.place) {
            place.only_waits();
        }
        match decided {
            Ok(established) => {
                let Ok(answer) = established.negotiated.answer.write() else {
                    return self.happen(Event::AbortRequest, AbortSource::Provider).await;
                };
                self.machine.apply(Event::AcceptResponse);
                self.established = Some(established);
                self.since = Instant::now();
                self.send(&answer).await
            }
            Err(reason) => {
                self.machine.apply(Event::RejectResponse);
                self.leave(&AssociateRj::from(reason).write()).await
            }
        }
    }
}

/// Decides on a request: what is proposed, and who proposes it.
async fn decide(
    door: Arc<Door>,
    request: AssociateRq,
    certificate: Option<[u8; 32]>,
    refused: bool,
) -> Result<Established, RejectReason> {
    let peer = &request.calling_ae_title;
    let decided =
        if refused { Err(RejectReason::LocalLimitExceeded) } else { admit(&door, &request, certificate).await };
    match &decided {
        Ok(established) => tracing::info!(peer, contexts = established.negotiated.contexts.len(), "association"),
        Err(reason) => tracing::info!(peer, ?reason, "an association was refused"),
    }
    decided
}

async fn admit(
    door: &Arc<Door>,
    request: &AssociateRq,
    certificate: Option<[u8; 32]>,
) -> Result<Established, RejectReason> {
    let negotiated = negotiate(request, &door.settings)?;
    let asker = asker(&request.calling_ae_title, certificate);
    match door.archive.authenticate(&asker).await {
        Ok(_) => {}
        Err(error) if error.outcome() == Outcome::Refused => return Err(RejectReason::CallingAeTitleNotRecognized),
        Err(error) => {
            tracing::warn!(%error, "a peer cannot be told from a stranger");
            return Err(RejectReason::TemporaryCongestion);
        }
    }
    // Only a known peer is counted: a stranger cannot use up another's places.
    let entered = door.enter(&request.calling_ae_title).ok_or(RejectReason::LocalLimitExceeded)?;
    Ok(Established { asker, negotiated: Arc::new(negotiated), _entered: entered })
}

/// The decision that is being made; never, if none is.
async fn decision(deciding: &mut Option<Deciding>) -> Result<Established, RejectReason> {
    match deciding {
        Some(deciding) => deciding.await,
        None => std::future::pending().await,
    }
}

/// What an operation says next; never, if there is none.
async fn next(operation: &mut Option<Operation>) -> Said {
    match operation {
        Some(operation) => operation.next().await,
        None => std::future::pending().await,
    }
}

/// Returns when the place is another's; never where there is none.
pub(super) async fn gave_way(place: Option<&Place>) {
    match place {
        Some(place) => place.gave_way().await,
        None => std::future::pending().await,
    }
}
