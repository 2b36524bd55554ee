//! Delivers reports over associations of our own (PS3.4 J.3.3): the archive calls the peer and is SCP.

use super::{SOP_CLASS, SOP_INSTANCE};
use crate::commitment::pending::{Held, Pending, Reports};
use crate::dimse::acceptor::door::asker;
use crate::dimse::requestor::{Action, Association, Peer, Proposal, Role};
use crate::dimse::upper::tls::pinned;
use crate::tls::Identity;
use anyhow::{Context as _, Result, bail};
use archive::keys::KeyClient;
use std::sync::Arc;
use tokio::sync::watch;
use wire::dataset::Draft;
use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// Reports under way at once: a few peers that are switched off must not hold up the others.
const AT_ONCE: usize = 4;

/// Who delivers.
#[derive(Clone)]
pub struct Caller {
    /// The register of peers.
    pub keys: KeyClient,
    /// Our AE title.
    pub ae_title: String,
    /// Our certificate, for peers that are called over TLS.
    pub identity: Option<Arc<Identity>>,
}

/// Delivers until the stop.
pub async fn deliver(reports: Arc<Reports>, caller: Caller, mut stop: watch::Receiver<bool>) {
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            held = reports.next(), if under_way.len() < AT_ONCE => {
                under_way.spawn(one(held, caller.clone()));
            }
            Some(_) = under_way.join_next() => {}
            // What is under way is dropped and stays in its file.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn one(held: Held, caller: Caller) {
    let pending = match held.read().await {
        Ok(pending) => pending,
        Err(error) => {
            tracing::warn!("a report of storage commitment is unreadable: {error:#}");
            return held.later();
        }
    };
    match report(&pending, &caller).await {
        Ok(()) => held.delivered().await,
        Err(error) if pending.is_over(record::time::now()) => {
            tracing::warn!(peer = pending.ae_title, "a report of storage commitment is given up: {error:#}");
            held.delivered().await;
        }
        Err(error) => {
            tracing::info!(peer = pending.ae_title, "a report of storage commitment is tried again later: {error:#}");
            held.later();
        }
    }
}

async fn report(pending: &Pending, caller: &Caller) -> Result<()> {
    let mut certificate = [0; 32];
    let shown = match &pending.certificate {
        Some(text) => {
            hex::decode_to_slice(text, &mut certificate).context("a certificate that is none")?;
            Some(certificate)
        }
        None => None,
    };
    // Asked anew each time: a peer that moved is found, one that was removed is not called any more.
    let address = caller.keys.peer(&asker(&pending.ae_title, shown), &pending.ae_title).await?;
    let mut peer = Peer::plain(&caller.ae_title, &address.ae_title, &address.host, address.port);
    if let Some(certificate) = address.certificate {
        let identity = caller.identity.as_ref().context("no certificate to show to a peer")?;
        peer.tls = Some(pinned(identity.copy(), certificate)?);
    }
    let mut proposal = Proposal::new();
    proposal.add(SOP_CLASS, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE], Role::Scp)?;
    let mut association = Association::request(&peer, &proposal).await?;
    let event = Action { sop_class: SOP_CLASS, sop_instance: SOP_INSTANCE, type_id: pending.event };
    let status = association.report(&event, &Draft::from_json(&pending.report)?).await?;
    if let Err(error) = association.release().await {
        tracing::debug!(%error, "an association was not released in good order");
    }
    if status.is_done() { Ok(()) } else { bail!("the peer answers {status}") }
}
