//! C-MOVE (PS3.7 9.1.4, PS3.4 C.4.2): the instances go to a third peer over associations of the archive's own.

use super::Call;
use super::retrieve::destination::{self, Group};
use super::retrieve::identifier::Wanted;
use super::retrieve::instances::{self, Instances};
use super::retrieve::reading::Reading;
use super::retrieve::tally::{Ended, Tally, refused};
use crate::dimse::acceptor::conversation::{Broken, Conversation};
use crate::dimse::requestor::{Association, Instance, Peer};
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
    instances: Instances,
    peer: &mut Conversation,
) -> Result<(Tally, bool), Broken> {
    let Instances { opened, refused } = instances;
    let mut tally = Tally::new(opened.len().saturating_add(refused.len()));
    for uid in &refused {
        tally.count(Ended::Failed, uid);
    }
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
            None
        }
    };
    let contexts = association.iter().flat_map(Association::contexts).cloned().collect::<Vec<_>>();
    let (sendable, others) = group.split(&contexts);
    for uid in others {
        tally.count(Ended::Failed, &uid);
    }
    let mut reading = Reading::begin(sendable.iter().map(|(_, instance)| instance.clone()).collect());
    for (context, instance) in &sendable {
        if peer.is_cancelled() {
            release(association).await;
            return Ok(true);
        }
        let Some(facts) = instance.located().instance() else { continue };
        let ended = match &mut association {
            Some(open) => {
                let instance = Instance {
                    sop_class: facts.sop_class_uid.clone(),
                    sop_instance: facts.sop_instance_uid.clone(),
                    move_originator: call
                        .request
                        .message_id
                        .map(|id| (call.negotiated.answer.calling_ae_title.clone(), id)),
                };
                let stored = open.store(context, &instance, reading.data_set());
                telling(call, tally, peer, stored).await?
            }
            // The association broke: what is left of it fails.
            None => {
                tally.count(Ended::Failed, &facts.sop_instance_uid);
                continue;
            }
        };
        let ended = match ended {
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
