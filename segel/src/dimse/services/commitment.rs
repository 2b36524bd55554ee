//! Storage Commitment Push Model (PS3.4 Annex J), both roles.
//!
//! A walkthrough: a peer names instances by N-ACTION; [`serve`] looks them up in the index, keeps the report durably
//! ([`commitment::pending`]) and answers. The report goes out by N-EVENT-REPORT over the same association if it stays open for a
//! moment, else over one of our own to the peer's registered address ([`deliver`]), again and again, also after a restart.
//! The other way round, a peer that `segel send` asked reports over an association of its own ([`commitment::awaited`]).

pub mod deliver;

use super::Call;
use crate::commitment::pending::{Held, Pending};
use crate::commitment::{self, Asked, awaited};
use crate::dimse::acceptor::conversation::{Broken, Conversation};
use crate::outcome;
use record::Outcome;
use seal::message::Proof;
use serde_json::Value;
use std::time::Duration;
use wire::command::{Command, DATA_SET_FOLLOWS, field};
use wire::dataset::{Draft, Scanner};
use wire::syntax::TransferSyntax;

/// SOP class and well-known SOP instance (PS3.4 J.3.5).
pub const SOP_CLASS: &str = dicom_dictionary_std::uids::STORAGE_COMMITMENT_PUSH_MODEL;
/// See [`SOP_CLASS`].
pub const SOP_INSTANCE: &str = "1.2.840.10008.1.20.1.1";
/// ActionTypeID: request storage commitment (PS3.4 Table J.3-1).
pub const REQUEST: u16 = 1;

/// How long an association is given to end after it heard that its request was taken. A report that crosses a release
/// confuses more than one that comes over an association of its own.
const SETTLES: Duration = Duration::from_millis(500);

/// PS3.7 Annex C.5: no such SOP instance.
pub(super) const NO_SUCH_SOP_INSTANCE: u16 = 0x0112;
/// PS3.7 Annex C.5: invalid argument value.
pub(super) const INVALID_ARGUMENT_VALUE: u16 = 0x0115;
/// PS3.7 Annex C.5: no such action type, no such event type.
pub(super) const NO_SUCH_TYPE: u16 = 0x0123;
/// See [`NO_SUCH_TYPE`].
pub(super) const NO_SUCH_EVENT_TYPE: u16 = 0x0113;
/// PS3.7 Annex C.5: resource limitation.
pub(super) const RESOURCE_LIMITATION: u16 = 0x0213;
/// PS3.7 Annex C.5: processing failure.
pub(super) const PROCESSING_FAILURE: u16 = 0x0110;

/// Answers an N-ACTION or an N-EVENT-REPORT.
pub(in crate::dimse) async fn serve(call: Call, peer: &mut Conversation) -> Result<(), Broken> {
    if call.request.command_field == field::N_EVENT_REPORT_RQ {
        let status = take_report(&call).await;
        return peer.respond(&call.request.response(status), None).await;
    }
    let (held, event, report) = match take_request(&call).await {
        Ok(taken) => taken,
        Err(status) => return peer.respond(&call.request.response(status), None).await,
    };
    peer.respond(&call.request.response(outcome::SUCCESS), None).await?;
    peer.flush().await?;
    // From here on an association that ends drops this function, and with it what holds the report back.
    tokio::time::sleep(SETTLES).await;
    let syntax = TransferSyntax::of(&call.context.transfer_syntax);
    let Ok(information) = Draft::from_json(&report).and_then(|draft| draft.encode(syntax.encoding())) else {
        return Ok(());
    };
    let request = Command {
        affected_sop_class_uid: Some(SOP_CLASS.to_owned()),
        affected_sop_instance_uid: Some(SOP_INSTANCE.to_owned()),
        command_field: field::N_EVENT_REPORT_RQ,
        event_type_id: Some(event),
        command_data_set_type: DATA_SET_FOLLOWS,
        ..Command::default()
    };
    peer.request(call.context.id, &request)?;
    peer.data_set(&information).await?;
    let answer = peer.answer().await?;
    if answer.status == Some(outcome::SUCCESS) {
        held.delivered().await;
    }
    Ok(())
}

/// Looks a request up and keeps its report; a status where it cannot.
async fn take_request(call: &Call) -> Result<(Held, u16, Value), u16> {
    let request = &call.request;
    if request.requested_sop_instance_uid.as_deref() != Some(SOP_INSTANCE) {
        return Err(NO_SUCH_SOP_INSTANCE);
    }
    if request.action_type_id != Some(REQUEST) {
        return Err(NO_SUCH_TYPE);
    }
    let body = information(call).ok_or(INVALID_ARGUMENT_VALUE)?;
    let asked = commitment::parse(&body).map_err(|error| {
        tracing::info!(%error, "a request for commitment cannot be understood");
        INVALID_ARGUMENT_VALUE
    })?;
    let Asked { transaction: Some(transaction), references } = asked else { return Err(INVALID_ARGUMENT_VALUE) };
    let reports = call.door.settings.reports.as_ref().ok_or(RESOURCE_LIMITATION)?;
    let found = call.door.archive.committed(&call.asker, references.clone()).await.map_err(|error| {
        tracing::warn!(%error, "a request for commitment was not answered");
        if error.outcome() == Outcome::Busy { RESOURCE_LIMITATION } else { PROCESSING_FAILURE }
    })?;
    let (event, report) = commitment::report(&transaction, &references, &found);
    let Proof::Peer { ae_title, certificate } = &call.asker.proof else { return Err(PROCESSING_FAILURE) };
    let pending = Pending::new(ae_title, *certificate, event, report.clone());
    // A crash before this line leaves nothing, and the peer was not answered; after it the report will come.
    let held = reports.add(pending).await.map_err(|error| {
        tracing::warn!("a report of storage commitment is not kept: {error:#}");
        RESOURCE_LIMITATION
    })?;
    Ok((held, event, report))
}

/// A report that a peer makes to us; the status that answers it.
async fn take_report(call: &Call) -> u16 {
    let event = call.request.event_type_id;
    if ![Some(commitment::SUCCESSFUL), Some(commitment::FAILURES_EXIST)].contains(&event) {
        return NO_SUCH_EVENT_TYPE;
    }
    let (Some(body), Some(reports)) = (information(call), call.door.settings.reports.as_ref()) else {
        return INVALID_ARGUMENT_VALUE;
    };
    let Proof::Peer { ae_title, .. } = &call.asker.proof else { return PROCESSING_FAILURE };
    let (folder, ae_title) = (reports.folder().to_path_buf(), ae_title.clone());
    let taken = tokio::task::spawn_blocking(move || awaited::take(&folder, &ae_title, &body)).await;
    match taken {
        Ok(Ok(true)) => outcome::SUCCESS,
        Ok(Ok(false)) => INVALID_ARGUMENT_VALUE,
        _ => PROCESSING_FAILURE,
    }
}

/// The data set of the request as DICOM JSON.
fn information(call: &Call) -> Option<Value> {
    let mut scanner = Scanner::new(&TransferSyntax::of(&call.context.transfer_syntax));
    let scanned = scanner.feed(&call.identifier).and_then(|()| scanner.finish());
    scanned.ok().map(|outline| outline.json())
}
