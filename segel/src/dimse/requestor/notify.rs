//! N-ACTION and N-EVENT-REPORT (PS3.7 10.1.1, 10.1.4), as storage commitment uses them.

use super::association::Association;
use super::error::{Error, Result};
use super::status::Status;
use std::time::Duration;
use wire::command::{Command, DATA_SET_FOLLOWS, field};
use wire::dataset::{Draft, Outline, Scanner};
use wire::syntax::TransferSyntax;

/// On what, and which of its actions or events.
#[derive(Clone, Debug)]
pub struct Action<'a> {
    /// SOP class.
    pub sop_class: &'a str,
    /// SOP instance: the well-known one.
    pub sop_instance: &'a str,
    /// ActionTypeID or EventTypeID.
    pub type_id: u16,
}

/// An event that the peer reports.
#[derive(Debug)]
pub struct EventReport {
    /// Its information: for storage commitment it says the same as the EventTypeID.
    pub information: Outline,
    context_id: u8,
    request: Command,
}

impl Association {
    /// Has the peer do something.
    ///
    /// # Errors
    /// Refused if it does not take the SOP class.
    pub async fn action(&mut self, action: &Action<'_>, information: &Draft) -> Result<Status> {
        let request = Command {
            requested_sop_class_uid: Some(action.sop_class.to_owned()),
            requested_sop_instance_uid: Some(action.sop_instance.to_owned()),
            command_field: field::N_ACTION_RQ,
            action_type_id: Some(action.type_id),
            ..Command::default()
        };
        self.notify(action.sop_class, request, information).await
    }

    /// Reports an event to the peer.
    ///
    /// # Errors
    /// As [`Association::action`].
    pub async fn report(&mut self, event: &Action<'_>, information: &Draft) -> Result<Status> {
        let request = Command {
            affected_sop_class_uid: Some(event.sop_class.to_owned()),
            affected_sop_instance_uid: Some(event.sop_instance.to_owned()),
            command_field: field::N_EVENT_REPORT_RQ,
            event_type_id: Some(event.type_id),
            ..Command::default()
        };
        self.notify(event.sop_class, request, information).await
    }

    async fn notify(&mut self, sop_class: &str, request: Command, information: &Draft) -> Result<Status> {
        let context = self.context(sop_class)?;
        let bytes = information.encode(TransferSyntax::of(&context.transfer_syntax).encoding())?;
        let message_id = Some(self.next_message_id());
        let request = Command { message_id, command_data_set_type: DATA_SET_FOLLOWS, ..request };
        self.put(context.id, &request, Some(&bytes)).await?;
        let response = self.response(&request).await?;
        if response.has_data_set() {
            self.data_set(context.id, record::limits::QUERY_BYTES_MAX).await?;
        }
        Ok(Status(response.status.unwrap_or(0x0110)))
    }

    /// Waits for an event; `None` if none comes in time, or the peer ends the association first.
    ///
    /// # Errors
    /// Invalid if what comes is not an event.
    pub async fn event(&mut self, within: Duration, bytes_max: usize) -> Result<Option<EventReport>> {
        let (context_id, request) = match self.command(within).await {
            Ok(command) => command,
            Err(error) if error.is_transient() => return Ok(None),
            Err(error) => return Err(error),
        };
        if request.command_field != field::N_EVENT_REPORT_RQ || !request.has_data_set() {
            return Err(self.broken("the peer sent something else than a report").await);
        }
        let context = self.contexts.iter().find(|context| context.id == context_id);
        let syntax = context.map(|context| TransferSyntax::of(&context.transfer_syntax));
        let syntax = syntax.ok_or_else(|| Error::invalid("a report over a context that was not agreed on"))?;
        let bytes = self.data_set(context_id, bytes_max).await?;
        let mut scanner = Scanner::new(&syntax);
        let information = scanner.feed(&bytes).and_then(|()| scanner.finish())?;
        Ok(Some(EventReport { information, context_id, request }))
    }

    /// Confirms a report.
    ///
    /// # Errors
    /// Busy if the association ended.
    pub async fn confirm(&mut self, report: &EventReport, status: u16) -> Result<()> {
        self.put(report.context_id, &report.request.response(status), None).await
    }
}
