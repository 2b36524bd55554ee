//! Where a C-MOVE sends to, and what is proposed there.

use super::super::Call;
use super::super::store::Failure;
use super::failure;
use super::form::forms;
use crate::dimse::requestor::{Peer, Proposal, Role};
use crate::dimse::upper::tls::pinned;
use crate::outcome;
use archive::retrieve::Opened;
use record::Outcome;
use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// The registered address of the destination. One that is not registered, without an address, or of another facility than
/// the requester's is unknown (A801H): patients' data goes to no machine of somebody else's at a peer's word.
pub(in crate::dimse::services) async fn find(call: &Call) -> Result<Peer, Failure> {
    let archive = &call.door.archive;
    let title = call.request.move_destination.as_deref().unwrap_or_default().trim();
    if title.is_empty() {
        return Err(unknown());
    }
    let facility = archive.authenticate(&call.asker).await.map_err(|error| failure(&error))?.facility;
    let address = match archive.keys().peer(&call.asker, title).await {
        Ok(address) if address.facility == facility => address,
        Ok(_) => return Err(unknown()),
        Err(refused) if refused.outcome == Outcome::Refused => return Err(unknown()),
        Err(other) => return Err(failure(&archive::Error::from(other))),
    };
    let mut peer = Peer::plain(&call.door.settings.ae_title, &address.ae_title, &address.host, address.port);
    if let Some(certificate) = address.certificate {
        let identity = call.door.settings.identity.as_ref().map(|identity| identity.copy());
        let tls = identity.and_then(|identity| pinned(identity, certificate).ok());
        // Never in plain text to a peer that is known by its certificate.
        peer.tls =
            Some(tls.ok_or_else(|| failure(&archive::Error::Damaged("no certificate to show to a peer".to_owned())))?);
    }
    Ok(peer)
}

fn unknown() -> Failure {
    Failure { status: outcome::MOVE_DESTINATION_UNKNOWN, comment: "the move destination is not known".to_owned() }
}

/// What is proposed beside the transfer syntax that an instance is kept in, where it can be had in them without loss.
const FALLBACKS: [&str; 2] = [EXPLICIT_LITTLE, IMPLICIT_LITTLE];

/// Instances that one association can take: it has at most 128 presentation contexts.
pub(in crate::dimse::services) struct Group {
    /// Exactly the contexts that they need, each with one transfer syntax, so that the destination accepts or refuses each.
    pub(in crate::dimse::services) proposal: Proposal,
    pub(in crate::dimse::services) instances: Vec<Opened>,
}

/// Divides instances by what can be proposed at once, in order.
pub(in crate::dimse::services) fn groups(opened: Vec<Opened>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for instance in opened {
        let Some(facts) = instance.located().instance() else { continue };
        let (class, kept) = (facts.sop_class_uid.clone(), facts.transfer_syntax_uid.clone());
        let missing =
            |group: &Group| forms(&kept, &FALLBACKS).filter(|syntax| !group.proposal.has(&class, syntax)).count();
        let fits = |group: &Group| missing(group) <= group.proposal.room();
        if !groups.iter().any(fits) {
            groups.push(Group { proposal: Proposal::new(), instances: Vec::new() });
        }
        let Some(group) = groups.iter_mut().find(|group| fits(group)) else { continue };
        for syntax in forms(&kept, &FALLBACKS) {
            if !group.proposal.has(&class, syntax)
                && let Err(error) = group.proposal.add(&class, &[syntax], Role::Scu)
            {
                tracing::warn!(%error, "a presentation context cannot be proposed");
            }
        }
        group.instances.push(instance);
    }
    groups
}
