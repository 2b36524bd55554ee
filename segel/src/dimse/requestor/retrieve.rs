//! C-GET and C-MOVE (PS3.7 9.1.3, 9.1.4) as SCU.

use super::association::Association;
use super::error::{Error, Result};
use super::status::{Kind, Status};
use bytes::Bytes;
use record::limits::QUERY_BYTES_MAX;
use wire::command::{Command, DATA_SET_FOLLOWS, field};
use wire::dataset::Draft;
use wire::syntax::TransferSyntax;

/// The counts of sub-operations, as far as the peer tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suboperations {
    /// Still to come.
    pub remaining: u16,
    /// Done.
    pub completed: u16,
    /// Not done.
    pub failed: u16,
    /// Done, with a warning.
    pub warning: u16,
}

/// How a retrieve ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The last status.
    pub status: Status,
    /// What the peer says of it.
    pub comment: Option<String>,
    /// The last counts.
    pub suboperations: Suboperations,
}

/// An instance that arrives over our own association.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// SOPClassUID, as the command says.
    pub sop_class: String,
    /// SOPInstanceUID, as the command says.
    pub sop_instance: String,
    /// The context's transfer syntax.
    pub transfer_syntax: String,
    context_id: u8,
    request: Command,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// An instance: take its bytes by [`Retrieval::data_set`] to their end, then [`Retrieval::answer`].
    Instance(Box<Incoming>),
    /// Counts.
    Pending(Suboperations),
    /// The end.
    Done(Ending),
}

/// A retrieve under way.
pub struct Retrieval<'a> {
    association: &'a mut Association,
    request: Command,
    context_id: u8,
}

impl Association {
    /// Asks for instances over this association.
    ///
    /// # Errors
    /// Refused if the peer has no C-GET of this model.
    pub async fn get(&mut self, model: &str, identifier: &Draft) -> Result<Retrieval<'_>> {
        self.retrieve(model, identifier, field::C_GET_RQ, None).await
    }

    /// Has the peer send instances to somebody that it knows.
    ///
    /// # Errors
    /// Refused if the peer has no C-MOVE of this model.
    pub async fn send_to(&mut self, model: &str, identifier: &Draft, destination: &str) -> Result<Retrieval<'_>> {
        self.retrieve(model, identifier, field::C_MOVE_RQ, Some(destination.to_owned())).await
    }

    async fn retrieve(
        &mut self,
        model: &str,
        identifier: &Draft,
        command_field: u16,
        move_destination: Option<String>,
    ) -> Result<Retrieval<'_>> {
        let context = self.context(model)?;
        let bytes = identifier.encode(TransferSyntax::of(&context.transfer_syntax).encoding())?;
        let request = Command {
            affected_sop_class_uid: Some(context.sop_class),
            command_field,
            message_id: Some(self.next_message_id()),
            move_destination,
            priority: Some(0),
            command_data_set_type: DATA_SET_FOLLOWS,
            ..Command::default()
        };
        self.put(context.id, &request, Some(&bytes)).await?;
        Ok(Retrieval { association: self, request, context_id: context.id })
    }
}

impl Retrieval<'_> {
    /// Waits for what comes next.
    ///
    /// # Errors
    /// Busy if the association ended.
    pub async fn next(&mut self) -> Result<Step> {
        loop {
            let (context_id, command) = self.association.command(self.association.deadlines.response).await?;
            if command.command_field == field::C_STORE_RQ && command.has_data_set() {
                return self.incoming(context_id, command).await;
            }
            if command.command_field & field::RESPONSE_BIT == 0 {
                self.association.decline(context_id, &command).await?;
                continue;
            }
            if command.command_field != self.request.command_field | field::RESPONSE_BIT
                || command.message_id_being_responded_to != self.request.message_id
            {
                return Err(self.association.broken("the peer answered another request").await);
            }
            return self.responded(&command).await;
        }
    }

    async fn responded(&mut self, response: &Command) -> Result<Step> {
        if response.has_data_set() {
            // FailedSOPInstanceUIDList: what is missing is found by asking what is kept.
            self.association.data_set(self.context_id, QUERY_BYTES_MAX).await?;
        }
        let suboperations = Suboperations {
            remaining: response.remaining_suboperations.unwrap_or_default(),
            completed: response.completed_suboperations.unwrap_or_default(),
            failed: response.failed_suboperations.unwrap_or_default(),
            warning: response.warning_suboperations.unwrap_or_default(),
        };
        let status = Status(response.status.unwrap_or(0x0110));
        Ok(match status.kind() {
            Kind::Pending => Step::Pending(suboperations),
            _ => Step::Done(Ending { status, comment: response.error_comment.clone(), suboperations }),
        })
    }

    async fn incoming(&mut self, context_id: u8, request: Command) -> Result<Step> {
        let context = self.association.contexts.iter().find(|context| context.id == context_id).cloned();
        let named = request.affected_sop_class_uid.clone().zip(request.affected_sop_instance_uid.clone());
        let (Some(context), Some((sop_class, sop_instance))) = (context, named) else {
            return Err(self.association.broken("the peer sends an instance that was not agreed on").await);
        };
        Ok(Step::Instance(Box::new(Incoming {
            sop_class,
            sop_instance,
            transfer_syntax: context.transfer_syntax,
            context_id,
            request,
        })))
    }

    /// The next bytes of the instance; `None` after the last.
    ///
    /// # Errors
    /// Busy if the association ended.
    pub async fn data_set(&mut self, incoming: &Incoming) -> Result<Option<Bytes>> {
        self.association.fragment(incoming.context_id).await
    }

    /// Tells the peer what became of the instance.
    ///
    /// # Errors
    /// Busy if the association ended.
    pub async fn answer(&mut self, incoming: &Incoming, status: u16) -> Result<()> {
        self.association.put(incoming.context_id, &incoming.request.response(status), None).await
    }
}

impl Ending {
    /// Whether the peer says that everything went.
    ///
    /// # Errors
    /// Busy if it may go better later, Refused if the peer does not do this.
    pub fn check(&self) -> Result<()> {
        if self.status.is_done() {
            return Ok(());
        }
        let comment = self.comment.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        let Suboperations { completed, failed, .. } = self.suboperations;
        let status = self.status;
        let text = format!("the peer ends the retrieve with {status} ({completed} sent, {failed} failed){comment}");
        Err(if self.status.is_transient() { Error::busy(text) } else { Error::refused(text) })
    }
}
