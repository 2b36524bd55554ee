//! C-FIND (PS3.7 9.1.2) as SCU: answers come one at a time, however many there are.

use super::association::Association;
use super::error::{Error, Result};
use super::status::{Kind, Status};
use record::limits::QUERY_BYTES_MAX;
use wire::command::{Command, DATA_SET_FOLLOWS, NO_DATA_SET, field};
use wire::dataset::{Draft, Outline, Scanner};
use wire::syntax::TransferSyntax;

/// A query under way.
pub struct Answers<'a> {
    association: &'a mut Association,
    request: Command,
    context_id: u8,
    transfer_syntax: TransferSyntax,
    ended: Option<Status>,
}

impl Association {
    /// Asks a query of an information model.
    ///
    /// # Errors
    /// Refused if the peer does not take the model; Invalid if the identifier cannot be written.
    pub async fn find(&mut self, model: &str, identifier: &Draft) -> Result<Answers<'_>> {
        let context = self.context(model)?;
        let transfer_syntax = TransferSyntax::of(&context.transfer_syntax);
        let request = Command {
            affected_sop_class_uid: Some(context.sop_class),
            command_field: field::C_FIND_RQ,
            message_id: Some(self.next_message_id()),
            priority: Some(0),
            command_data_set_type: DATA_SET_FOLLOWS,
            ..Command::default()
        };
        let bytes = identifier.encode(transfer_syntax.encoding())?;
        self.put(context.id, &request, Some(&bytes)).await?;
        Ok(Answers { association: self, request, context_id: context.id, transfer_syntax, ended: None })
    }
}

impl Answers<'_> {
    /// The next answer; `None` after the last.
    ///
    /// # Errors
    /// By the status that ended the query; Busy if the association ended.
    pub async fn next(&mut self) -> Result<Option<Outline>> {
        if self.ended.is_some() {
            return Ok(None);
        }
        let response = self.association.response(&self.request).await?;
        let status = Status(response.status.unwrap_or(0x0110));
        let bytes = match response.has_data_set() {
            true => self.association.data_set(self.context_id, QUERY_BYTES_MAX).await?,
            false => Vec::new(),
        };
        match status.kind() {
            Kind::Pending => {
                let mut scanner = Scanner::new(&self.transfer_syntax);
                let scanned = scanner.feed(&bytes).and_then(|()| scanner.finish());
                Ok(Some(scanned?))
            }
            Kind::Failure => {
                let comment = response.error_comment.map(|text| format!(": {text}")).unwrap_or_default();
                let text = format!("the peer ends the query with {status}{comment}");
                Err(if status.is_transient() { Error::busy(text) } else { Error::refused(text) })
            }
            Kind::Success | Kind::Warning | Kind::Cancel => {
                self.ended = Some(status);
                Ok(None)
            }
        }
    }

    /// Asks the peer to stop (PS3.7 9.3.2.3); answers that are under way still come.
    ///
    /// # Errors
    /// Busy if the association ended.
    pub async fn cancel(&mut self) -> Result<()> {
        let cancel = Command {
            command_field: field::C_CANCEL_RQ,
            message_id_being_responded_to: self.request.message_id,
            command_data_set_type: NO_DATA_SET,
            ..Command::default()
        };
        self.association.put(self.context_id, &cancel, None).await
    }

    /// How it ended: a warning means that the peer has more than it told.
    #[must_use]
    pub fn ended(&self) -> Option<Status> {
        self.ended
    }
}
