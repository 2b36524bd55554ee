//! C-GET (PS3.7 9.1.3, PS3.4 C.4.3): the instances come back over the same association, each by a C-STORE request.

use super::Call;
use super::retrieve::identifier::Wanted;
use super::retrieve::reading::{Piece, Reading, Sending};
use super::retrieve::tally::{Ended, Tally, refused};
use super::retrieve::{form, instances};
use crate::dimse::acceptor::conversation::{Broken, Conversation};
use crate::dimse::requestor::Context;
use archive::object::InstanceFacts;
use archive::retrieve::Opened;
use wire::command::{Command, DATA_SET_FOLLOWS, field};

/// Answers a C-GET.
pub(super) async fn serve(call: Call, peer: &mut Conversation) -> Result<(), Broken> {
    let super::Service::Get { patient_root } = call.context.service else { return Err(Broken::Protocol) };
    let relational = call.negotiated.extended(&call.context.abstract_syntax).relational;
    let syntax = call.context.transfer_syntax.clone();
    let wanted = match Wanted::parse(&syntax, patient_root, relational, &call.identifier) {
        Ok(wanted) => wanted,
        Err(failure) => return peer.respond(&refused(&call.request, failure), None).await,
    };
    let instances = match peer.unless_cancelled(instances::open(&call, wanted)).await {
        Some(Ok(instances)) => instances,
        Some(Err(failure)) => return peer.respond(&refused(&call.request, failure), None).await,
        None => {
            let (cancelled, _) = Tally::default().cancelled(&call.request, &syntax);
            return peer.respond(&cancelled, None).await;
        }
    };
    let (tally, cancelled) = send(&call, instances, peer).await?;
    let (last, list) =
        if cancelled { tally.cancelled(&call.request, &syntax) } else { tally.last(&call.request, &syntax) };
    peer.respond(&last, list.as_deref()).await
}

/// Sends what can be sent; whether a C-CANCEL ended it.
async fn send(call: &Call, opened: Vec<Opened>, peer: &mut Conversation) -> Result<(Tally, bool), Broken> {
    let mut tally = Tally::new(opened.len());
    let accepted = accepted(call);
    let mut sendable = Vec::with_capacity(opened.len());
    for instance in opened {
        let Some(facts) = instance.located().instance() else { continue };
        match form::choose(facts, &accepted) {
            Ok(context) => sendable.push(Sending { context: context.clone(), instance }),
            Err(comment) => tally.fail(&facts.sop_instance_uid, comment),
        }
    }
    let settings = &call.door.settings;
    let mut reading = Reading::begin(sendable.clone(), settings.pixels.clone(), call.negotiated.peer_pdu_bytes_max);
    for Sending { context, instance } in &sendable {
        if peer.is_cancelled() {
            return Ok((tally, true));
        }
        let Some(facts) = instance.located().instance() else { continue };
        store(call, context.id, facts, &mut reading, peer, &mut tally).await?;
        // It waits for the next request and costs no write of its own.
        peer.respond(&tally.pending(&call.request), None).await?;
    }
    Ok((tally, false))
}

/// The contexts over which the peer takes instances.
fn accepted(call: &Call) -> Vec<Context> {
    let contexts = call.negotiated.storage_at_peer().map(|context| Context {
        id: context.id,
        sop_class: context.abstract_syntax.clone(),
        transfer_syntax: context.transfer_syntax.clone(),
    });
    contexts.collect()
}

/// One sub-operation, counted.
async fn store(
    call: &Call,
    context_id: u8,
    facts: &InstanceFacts,
    reading: &mut Reading,
    peer: &mut Conversation,
    tally: &mut Tally,
) -> Result<(), Broken> {
    let mut piece = reading.next().await;
    if let Piece::Failed(error) = piece {
        tally.fail(&facts.sop_instance_uid, form::unreadable(facts, &error));
        return Ok(());
    }
    peer.request(context_id, &store_request(call, facts))?;
    loop {
        match piece {
            Piece::Pdus(pdus) => peer.pdus(pdus).await?,
            Piece::End => break,
            // Half a data set is out: the rest of it cannot follow, and the peer must not take it for whole.
            Piece::Failed(error) => {
                tracing::error!(%error, "a kept instance cannot be read to its end");
                return Err(Broken::Gone);
            }
        }
        piece = reading.next().await;
    }
    let answer = peer.answer().await?;
    tally.count(Ended::of(answer.status), &facts.sop_instance_uid);
    Ok(())
}

fn store_request(call: &Call, facts: &InstanceFacts) -> Command {
    Command {
        affected_sop_class_uid: Some(facts.sop_class_uid.clone()),
        command_field: field::C_STORE_RQ,
        priority: Some(call.request.priority.unwrap_or_default()),
        command_data_set_type: DATA_SET_FOLLOWS,
        affected_sop_instance_uid: Some(facts.sop_instance_uid.clone()),
        ..Command::default()
    }
}
