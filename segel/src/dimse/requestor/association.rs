//! One association that we asked for: commands and data sets out and in, by the requestor's half of PS3.8 Table 9-10.

use super::error::{Error, Result};
use super::peer::{Deadlines, Peer};
use super::proposal::{Context, Proposal};
use super::status::Status;
use super::transport::Transport;
use crate::dimse::upper::pdus::{Pdus, Received};
use crate::dimse::upper::state::{Action, Event, Machine, Role};
use crate::outcome;
use bytes::Bytes;
use dicom_dictionary_std::uids;
use record::limits::COMMAND_BYTES_MAX;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;
use wire::command::{Command, NO_DATA_SET, field};
use wire::pdu::{Abort, AbortSource, AssociateAc, AssociateRj, PduType, Pdvs, release_rp, release_rq, write_message};

/// How long a peer that broke the protocol may take to read our abort.
const DEAF: Duration = Duration::from_secs(1);

/// A fragment of a command or data set.
pub(super) struct Fragment {
    pub(super) context_id: u8,
    pub(super) command: bool,
    pub(super) last: bool,
    pub(super) bytes: Bytes,
}

/// An established association. Dropping it closes the connection, which the peer sees as a broken one.
pub struct Association {
    pub(super) pdus: Pdus<Transport>,
    machine: Machine,
    pub(super) deadlines: Deadlines,
    pub(super) contexts: Vec<Context>,
    pub(super) peer_pdu_bytes_max: u32,
    message_id: u16,
    /// Fragments that have come and are not taken yet.
    waiting: VecDeque<Fragment>,
}

impl std::fmt::Debug for Association {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Association({:?}, {} contexts)", self.machine.state(), self.contexts.len())
    }
}

impl Association {
    /// Connects and negotiates. Not every proposed context need be accepted: see [`Association::context`].
    ///
    /// # Errors
    /// Busy if the peer cannot be reached or rejects for now; Refused if it rejects for good or shows another certificate.
    pub async fn request(peer: &Peer, proposal: &Proposal) -> Result<Self> {
        let mut machine = Machine::new(Role::Requestor);
        machine.apply(Event::AssociateRequest);
        let transport = Transport::connect(peer).await?;
        machine.apply(Event::TransportConnected);
        let mut association = Self {
            pdus: Pdus::new(transport),
            machine,
            deadlines: peer.deadlines,
            contexts: Vec::new(),
            peer_pdu_bytes_max: 0,
            message_id: 0,
            waiting: VecDeque::new(),
        };
        association.send(&proposal.request(peer).write()?).await?;
        let answer = association.answer().await?;
        association.contexts = proposal.accepted(&answer);
        association.peer_pdu_bytes_max = answer.user_information.pdu_bytes_max;
        Ok(association)
    }

    /// The first accepted context of a SOP class.
    ///
    /// # Errors
    /// Refused if there is none.
    pub fn context(&self, sop_class: &str) -> Result<Context> {
        let found = self.contexts.iter().find(|context| context.sop_class == sop_class);
        found.cloned().ok_or_else(|| Error::refused(format!("the peer does not take SOP class {sop_class}")))
    }

    /// Every accepted context.
    #[must_use]
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// Bytes that the peer takes in one PDU; 0 for as many as come.
    #[must_use]
    pub fn peer_pdu_bytes_max(&self) -> u32 {
        self.peer_pdu_bytes_max
    }

    /// Verification (PS3.4 Annex A).
    ///
    /// # Errors
    /// As every operation: Refused by status, Busy if the association ended.
    pub async fn echo(&mut self) -> Result<Status> {
        let context = self.context(uids::VERIFICATION)?;
        let request = Command {
            affected_sop_class_uid: Some(context.sop_class),
            command_field: field::C_ECHO_RQ,
            message_id: Some(self.next_message_id()),
            command_data_set_type: NO_DATA_SET,
            ..Command::default()
        };
        self.put(context.id, &request, None).await?;
        let response = self.response(&request).await?;
        Ok(Status(response.status.unwrap_or_default()))
    }

    /// Releases the association in good order.
    ///
    /// # Errors
    /// Busy if the peer does not answer in time or ends otherwise.
    pub async fn release(mut self) -> Result<()> {
        self.machine.apply(Event::ReleaseRequest);
        self.send(&release_rq()).await?;
        let deadline = Instant::now() + self.deadlines.artim;
        loop {
            let (pdu_type, body) = self.pdu(deadline).await?;
            match self.happen(pdu_type, &body).await? {
                // AR-3: the peer has answered.
                Action::Ar3 => break,
                // AR-8: both want to release; ours is answered after theirs (AR-9). Data still under way is passed over.
                Action::Ar8 => {
                    self.machine.apply(Event::ReleaseResponse);
                    self.send(&release_rp()).await?;
                }
                _ => {}
            }
        }
        self.pdus.close(DEAF).await;
        Ok(())
    }

    /// The next message id.
    pub(super) fn next_message_id(&mut self) -> u16 {
        self.message_id = self.message_id.wrapping_add(1).max(1);
        self.message_id
    }

    /// Sends a command, and its data set if it is at hand.
    pub(super) async fn put(&mut self, context_id: u8, command: &Command, data_set: Option<&[u8]>) -> Result<()> {
        let mut out = Vec::new();
        write_message(&mut out, context_id, true, &command.write(), self.peer_pdu_bytes_max)?;
        if let Some(data_set) = data_set {
            write_message(&mut out, context_id, false, data_set, self.peer_pdu_bytes_max)?;
        }
        self.machine.apply(Event::DataRequest);
        self.send(&out).await
    }

    /// Sends whole PDUs.
    pub(super) async fn send(&mut self, pdus: &[u8]) -> Result<()> {
        let sent = self.pdus.send(pdus, self.deadlines.pdu_progress).await;
        sent.map_err(|error| Error::busy(format!("the peer does not take what is sent: {error}")))
    }

    /// The response to a request. Requests of the peer's that come meanwhile are declined.
    pub(super) async fn response(&mut self, request: &Command) -> Result<Command> {
        loop {
            let (context_id, command) = self.command(self.deadlines.response).await?;
            if command.command_field & field::RESPONSE_BIT == 0 {
                self.decline(context_id, &command).await?;
            } else if command.command_field == request.command_field | field::RESPONSE_BIT
                && command.message_id_being_responded_to == request.message_id
            {
                return Ok(command);
            } else {
                return Err(self.broken("the peer answered another request").await);
            }
        }
    }

    /// Answers a request that is not for us: an echo is kindly meant, all else is not recognised (PS3.7 C.5.27).
    pub(super) async fn decline(&mut self, context_id: u8, request: &Command) -> Result<()> {
        if request.has_data_set() {
            while self.fragment(context_id).await?.is_some() {}
        }
        let echo = request.command_field == field::C_ECHO_RQ;
        let status = if echo { outcome::SUCCESS } else { outcome::UNRECOGNIZED_OPERATION };
        self.put(context_id, &request.response(status), None).await
    }

    /// The next command.
    pub(super) async fn command(&mut self, within: Duration) -> Result<(u8, Command)> {
        let mut bytes = Vec::new();
        let mut context_id = None;
        loop {
            let fragment = self.receive(within).await?;
            if !fragment.command || *context_id.get_or_insert(fragment.context_id) != fragment.context_id {
                return Err(self.broken("the peer sent a data set without a command").await);
            }
            if bytes.len().saturating_add(fragment.bytes.len()) > COMMAND_BYTES_MAX {
                return Err(self.broken("the peer sent a command that is too long").await);
            }
            bytes.extend_from_slice(&fragment.bytes);
            if fragment.last {
                return match Command::parse(&bytes) {
                    Ok(command) => Ok((fragment.context_id, command)),
                    Err(error) => Err(self.broken(&format!("the peer sent an unreadable command: {error}")).await),
                };
            }
        }
    }

    /// The next fragment of the data set that follows a command; `None` after the last. A last one without bytes is
    /// the end alone.
    pub(super) async fn fragment(&mut self, context_id: u8) -> Result<Option<Bytes>> {
        let fragment = self.receive(self.deadlines.response).await?;
        if fragment.command || fragment.context_id != context_id {
            return Err(self.broken("the peer sent a command inside a data set").await);
        }
        if fragment.last {
            if fragment.bytes.is_empty() {
                return Ok(None);
            }
            // The end comes back as a fragment of its own, so that the caller's loop is one.
            self.waiting.push_front(Fragment { context_id, command: false, last: true, bytes: Bytes::new() });
        }
        Ok(Some(fragment.bytes))
    }

    /// A whole data set up to a limit.
    pub(super) async fn data_set(&mut self, context_id: u8, bytes_max: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(fragment) = self.fragment(context_id).await? {
            if bytes.len().saturating_add(fragment.len()) > bytes_max {
                return Err(self.broken("the peer sent a data set that is too long").await);
            }
            bytes.extend_from_slice(&fragment);
        }
        Ok(bytes)
    }

    /// The next fragment of whatever comes.
    async fn receive(&mut self, within: Duration) -> Result<Fragment> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(fragment) = self.waiting.pop_front() {
                return Ok(fragment);
            }
            let (pdu_type, body) = self.pdu(deadline).await?;
            self.happen(pdu_type, &body).await?;
        }
    }

    /// The answer to the request for the association (Sta5).
    async fn answer(&mut self) -> Result<AssociateAc> {
        let deadline = Instant::now() + self.deadlines.artim;
        let (pdu_type, body) = self.pdu(deadline).await?;
        if pdu_type != PduType::AssociateAc {
            self.happen(pdu_type, &body).await?;
            return Err(Error::invalid("the peer answers the request for an association with something else"));
        }
        match AssociateAc::parse(&body) {
            Ok(answer) => {
                self.machine.apply(Event::AssociateAcPdu);
                Ok(answer)
            }
            Err(error) => Err(self.broken(&format!("the peer's answer cannot be read: {error}")).await),
        }
    }

    /// The next PDU before a deadline; one that has begun has a deadline of its own.
    async fn pdu(&mut self, deadline: Instant) -> Result<(PduType, Bytes)> {
        // What lay in the buffer while nobody read is not the peer's slowness.
        self.pdus.renew();
        loop {
            let until = self.pdus.begun().map_or(deadline, |begun| begun + self.deadlines.pdu_progress);
            match tokio::time::timeout_at(until, self.pdus.receive()).await {
                Ok(Received::Begun) => {}
                Ok(Received::Pdu(pdu_type, body)) => return Ok((pdu_type, body)),
                Ok(Received::Closed) => {
                    self.machine.apply(Event::TransportClosed);
                    return Err(Error::busy("the peer closed the connection"));
                }
                Ok(Received::Invalid(error)) => {
                    return Err(self.broken(&format!("the peer does not speak DICOM: {error}")).await);
                }
                Err(_) => {
                    self.machine.apply(Event::AbortRequest);
                    let _sent = self.send(&Abort::from(AbortSource::ServiceUser).write()).await;
                    return Err(Error::busy("the peer is silent or too slow"));
                }
            }
        }
    }

    /// Takes a PDU as the state table says; what ends the association is an error.
    async fn happen(&mut self, pdu_type: PduType, body: &Bytes) -> Result<Action> {
        let event = match pdu_type {
            PduType::AssociateRq => Event::AssociateRqPdu,
            PduType::AssociateAc => Event::AssociateAcPdu,
            PduType::AssociateRj => Event::AssociateRjPdu,
            PduType::DataTf => Event::DataTfPdu,
            PduType::ReleaseRq => Event::ReleaseRqPdu,
            PduType::ReleaseRp => Event::ReleaseRpPdu,
            PduType::Abort => Event::AbortPdu,
        };
        let action = self.machine.apply(event);
        match action {
            Action::Dt2 => self.take(body).await?,
            Action::Ae4 => return Err(AssociateRj::parse(body).map_or_else(Error::from, Error::rejected)),
            Action::Aa3 | Action::Aa2 => return Err(Error::aborted(Abort::parse(body).ok())),
            Action::Ar2 => {
                self.machine.apply(Event::ReleaseResponse);
                self.send(&release_rp()).await?;
                return Err(Error::new(record::Outcome::Closed, "the peer released the association"));
            }
            Action::Aa1 | Action::Aa7 | Action::Aa8 => {
                let _sent = self.send(&Abort::from(AbortSource::UnexpectedPdu).write()).await;
                return Err(Error::invalid("the peer sent a PDU out of turn"));
            }
            _ => {}
        }
        Ok(action)
    }

    async fn take(&mut self, body: &Bytes) -> Result<()> {
        for pdv in Pdvs::new(body) {
            match pdv {
                Ok(pdv) => self.waiting.push_back(Fragment {
                    context_id: pdv.context_id,
                    command: pdv.command,
                    last: pdv.last,
                    bytes: body.slice_ref(pdv.fragment),
                }),
                Err(error) => return Err(self.broken(&format!("the peer sent a broken fragment: {error}")).await),
            }
        }
        Ok(())
    }

    /// Aborts because the peer broke the protocol.
    pub(super) async fn broken(&mut self, text: &str) -> Error {
        self.machine.apply(Event::InvalidPdu);
        let _sent = self.send(&Abort::from(AbortSource::InvalidPduParameterValue).write()).await;
        self.pdus.close(DEAF).await;
        Error::invalid(text)
    }
}
