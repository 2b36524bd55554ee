//! Asking a peer to commit itself (PS3.4 Annex J) and waiting for its report, on the association that asked or on one of
//! the peer's own to the running archive.

use crate::commitment::awaited::Awaited;
use crate::commitment::{self, Reported};
use crate::dimse::commitment::{REQUEST, SOP_CLASS, SOP_INSTANCE};
use crate::dimse::requestor::{Action, Association, Peer, Proposal, Role};
use anyhow::{Result, bail};
use record::limits::{COMMITMENT_BYTES_MAX, COMMITMENT_REFERENCES_MAX};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;
use wire::dataset::Draft;
use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// How often it is looked whether the running archive has the report.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the peer committed itself to.
#[derive(Default)]
pub struct Outcome {
    /// So many instances.
    pub committed: usize,
    /// The others, and why.
    pub uncommitted: Vec<(String, String)>,
}

/// Asks for these instances, and holds the reports against them.
pub async fn commit(data: &Path, peer: &Peer, sent: &[(String, String)], wait: Duration) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for references in sent.chunks(COMMITMENT_REFERENCES_MAX) {
        let reported = ask(data, peer, references, wait).await?;
        let reasons: HashMap<&str, u16> =
            reported.iter().flat_map(|report| &report.failed).map(|(uid, reason)| (uid.as_str(), *reason)).collect();
        for (_, instance) in references {
            let kept = reported.as_ref().is_some_and(|report| report.committed.contains(instance));
            let why = match (reasons.get(instance.as_str()), &reported) {
                _ if kept => {
                    outcome.committed += 1;
                    continue;
                }
                (Some(reason), _) => format!("the peer gives reason {reason:04X}H"),
                (None, Some(_)) => "the peer's report does not name it".to_owned(),
                (None, None) => format!("no report within {} s", wait.as_secs()),
            };
            outcome.uncommitted.push((instance.clone(), why));
        }
    }
    Ok(outcome)
}

async fn ask(data: &Path, peer: &Peer, references: &[(String, String)], wait: Duration) -> Result<Option<Reported>> {
    let transaction = crate::dimse::new_uid()?;
    let awaited = Awaited::begin(data, &transaction, &peer.ae_title)?;
    let mut proposal = Proposal::new();
    proposal.add(SOP_CLASS, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE], Role::Scu)?;
    let mut association = Association::request(peer, &proposal).await?;
    let action = Action { sop_class: SOP_CLASS, sop_instance: SOP_INSTANCE, type_id: REQUEST };
    let status =
        association.action(&action, &Draft::from_json(&commitment::request(&transaction, references))?).await?;
    if !status.is_done() {
        bail!("the peer answers the request for commitment with {status}");
    }
    let deadline = Instant::now() + wait;
    tokio::select! {
        here = report_here(association, &transaction, wait) => match here? {
            Some(report) => Ok(Some(report)),
            // The peer has ended the association: it will call.
            None => Ok(report_elsewhere(&awaited, deadline).await),
        },
        Some(report) = async { report_elsewhere(&awaited, deadline).await } => Ok(Some(report)),
        else => Ok(None),
    }
}

/// The report over the association that asked; `None` if the peer ends it first.
async fn report_here(mut association: Association, transaction: &str, wait: Duration) -> Result<Option<Reported>> {
    while let Some(event) = association.event(wait, COMMITMENT_BYTES_MAX).await? {
        let reported = commitment::reported(&event.information.json());
        association.confirm(&event, crate::outcome::SUCCESS).await?;
        if let Some(reported) = reported.filter(|reported| reported.transaction == transaction) {
            if let Err(error) = association.release().await {
                tracing::debug!(%error, "an association was not released in good order");
            }
            return Ok(Some(reported));
        }
    }
    Ok(None)
}

async fn report_elsewhere(awaited: &Awaited, deadline: Instant) -> Option<Reported> {
    loop {
        if let Some(reported) = awaited.report() {
            return Some(reported);
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
