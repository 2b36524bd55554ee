//! C-MOVE (PS3.7 9.1.4, PS3.4 C.4.2): the instances go to a third peer over associations of the archive's own.

use super::Call;
use super::retrieve::destination::{self, Group};
use super::retrieve::identifier::Wanted;
use super::retrieve::reading::{Piece, Reading, Sending};
use super::retrieve::tally::{Ended, Tally, refused};
use super::retrieve::{form, instances};
use crate::dimse::acceptor::conversation::{Broken, Conversation};
use crate::dimse::requestor::{Association, Instance, Peer};
use archive::object::InstanceFacts;
use archive::retrieve::Opened;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// How often the requester hears how far it is.
const PENDING: Duration = Duration::from_millis(500);

/// Answers a C-MOVE.
pub(super) async fn serve(call: Call, peer: &mut Conversation) -> Result<(), Broken> {
    let super::Service::Move { patient_root } = call.context.service else { return Err(Broken::Protocol) };
    let relational = call.negotiated.extended(&call.context.abstract_syntax).relational;
    let syntax = call.context.transfer_syntax.clone();
    let prepare = async {
        let wanted = Wanted::parse(&syntax, patient_root, relational, &call.identifier)?;
        let destination = destination::find(&call).await?;
        Ok((destination, instances::open(&call, wanted).await?))
    };
    let (destination, instances) = match peer.unless_cancelled(prepare).await {
        Some(Ok(prepared)) => prepared,
        Some(Err(failure)) => return peer.respond(&refused(&call.request, failure), None).await,
        None => {
            let (cancelled, _) = Tally::default().cancelled(&call.request, &syntax);
            return peer.respond(&cancelled, None).await;
        }
    };
    let (tally, cancelled) = send(&call, &destination, instances, peer).await?;
    let (last, list) =
        if cancelled { tally.cancelled(&call.request, &syntax) } else { tally.last(&call.request, &syntax) };
    peer.respond(&last, list.as_deref()).await
}

/// Sends group by group; whether a C-CANCEL ended it.
async fn send(
    call: &Call,
    destination: &Peer,
    opened: Vec<Opened>,
    peer: &mut Conversation,
) -> Result<(Tally, bool), Broken> {
    let mut tally = Tally::new(opened.len());
    for group in destination::groups(opened) {
        if peer.is_cancelled() || send_group(call, destination, group, &mut tally, peer).await? {
            return Ok((tally, true));
        }
    }
    Ok((tally, false))
}

/// Sends what fits one association; whether a C-CANCEL ended it.
async fn send_group(
    call: &Call,
    destination: &Peer,
    group: Group,
    tally: &mut Tally,
    peer: &mut Conversation,
) -> Result<bool, Broken> {
    let requested = telling(call, tally, peer, Association::request(destination, &group.proposal)).await?;
    let mut association = match requested {
        Ok(association) => Some(association),
        Err(error) => {
            tracing::warn!(%error, "the destination of a move takes no association");
            for facts in group.instances.iter().filter_map(|instance| instance.located().instance()) {
                tally.fail(&facts.sop_instance_uid, "the move destination takes no association".to_owned());
            }
            return Ok(false);
        }
    };
    let sendable = sendable(group.instances, association.as_ref(), tally);
    let pdu_bytes_max = association.as_ref().map_or(0, Association::peer_pdu_bytes_max);
    let mut reading = Reading::begin(sendable.clone(), call.door.settings.pixels.clone(), pdu_bytes_max);
    for Sending { context, instance } in &sendable {
        if peer.is_cancelled() {
            release(association).await;
            return Ok(true);
        }
        let Some(facts) = instance.located().instance() else { continue };
        let Some(open) = &mut association else {
            // The association broke: what is left of it fails.
            tally.count(Ended::Failed, &facts.sop_instance_uid);
            continue;
        };
        let first = telling(call, tally, peer, reading.next()).await?;
        if let Piece::Failed(error) = first {
            tally.fail(&facts.sop_instance_uid, form::unreadable(facts, &error));
            continue;
        }
        let named = named(call, facts);
        let stored = open.store_pdus(context, &named, reading.pdus(first));
        let ended = match telling(call, tally, peer, stored).await? {
            Ok((status, _)) => Ended::of(Some(status.0)),
            Err(error) => {
                tracing::warn!(%error, "an instance did not reach the destination of a move");
                association = None;
                Ended::Failed
            }
        };
        tally.count(ended, &facts.sop_instance_uid);
    }
    release(association).await;
    Ok(false)
}

/// The instances that the destination takes, each with its context; the others are counted off.
fn sendable(opened: Vec<Opened>, association: Option<&Association>, tally: &mut Tally) -> Vec<Sending> {
    let accepted = association.map(Association::contexts).unwrap_or_default();
    let mut sendable = Vec::with_capacity(opened.len());
    for instance in opened {
        let Some(facts) = instance.located().instance() else { continue };
        match form::choose(facts, accepted) {
            Ok(context) => sendable.push(Sending { context: context.clone(), instance }),
            Err(comment) => tally.fail(&facts.sop_instance_uid, comment),
        }
    }
    sendable
}

/// What the destination is told of an instance: also at whose word it comes.
fn named(call: &Call, facts: &InstanceFacts) -> Instance {
    Instance {
        sop_class: facts.sop_class_uid.clone(),
        sop_instance: facts.sop_instance_uid.clone(),
        move_originator: call.request.message_id.map(|id| (call.negotiated.answer.calling_ae_title.clone(), id)),
    }
}

/// Does some work, and tells the requester at intervals how far the whole has come.
async fn telling<T>(
    call: &Call,
    tally: &Tally,
    peer: &mut Conversation,
    work: impl Future<Output = T>,
) -> Result<T, Broken> {
    let mut work = pin!(work);
    let due = peer.spoken().checked_add(PENDING).unwrap_or_else(Instant::now);
    let mut ticks = interval_at(due, PENDING);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            _ = ticks.tick() => {
                peer.respond(&tally.pending(&call.request), None).await?;
                peer.flush().await?;
            }
        }
    }
}

/// What the destination says to a release changes nothing: the instances are stored.
async fn release(association: Option<Association>) {
    if let Some(association) = association
        && let Err(error) = association.release().await
    {
        tracing::info!(%error, "the destination of a move did not release its association in good order");
    }
}
