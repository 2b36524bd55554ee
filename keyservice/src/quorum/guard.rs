//! Which of an administrator's requests take two people: those that give. What takes rights away is done by one, at once.

use super::order::{self, ADMINISTRATOR};
use super::{approvers, refuse};
use crate::audit::Action;
use crate::error::Result;
use crate::request::{Ended, Turn, admin};
use record::{Purpose, Role};
use seal::message::alarm::AlarmRequest;
use seal::message::custody::CustodyRequest;
use seal::message::isolation::IsolationRequest;
use seal::message::quorum::Kind;
use seal::message::{AdminAnswer, AdminRequest, Staff};

/// Carries an administrator's request out, if one person may.
///
/// # Errors
/// Refused, with its event, for what takes two; else as the request itself.
pub fn administer(turn: &mut Turn<'_>, request: &AdminRequest) -> Ended<AdminAnswer> {
    if let AdminRequest::Quorum(asked) = request {
        return order::order(turn, asked);
    }
    if approvers::are_in_force(turn.db, turn.keys)?
        && let Some(kind) = kind(turn, request)?
    {
        let text = format!("this takes two people ({}): propose it and have it approved (segel approve)", kind.name());
        return Err(refuse(turn, Action::Enact, ADMINISTRATOR, None, &text));
    }
    admin::administer(turn, request)
}

/// The kind that a request falls under; `None` if one person may. A request that is not named here takes two.
///
/// # Errors
/// Damaged if the state is not what was written.
pub fn kind(turn: &Turn<'_>, request: &AdminRequest) -> Result<Option<Kind>> {
    Ok(match request {
        AdminRequest::List | AdminRequest::Ledger | AdminRequest::LedgerAsk(_) | AdminRequest::Quorum(_) => None,
        // A facility opens nothing before somebody is let in for it.
        AdminRequest::AddFacility { .. } => None,
        // A leaver is cut off at once. But nobody makes the approvers fewer alone.
        AdminRequest::Remove { name } => approvers::is_approver(turn, name)?.then_some(Kind::Approvers),
        // For bringing records in and nothing else: no right to see anything goes with it.
        AdminRequest::Token { name, purpose: Purpose::SystemAdministration, .. } if is_system(turn, name) => None,
        AdminRequest::Staff(Staff::List | Staff::SignOut { .. } | Staff::RemoveKey { .. }) => None,
        AdminRequest::Staff(_)
        | AdminRequest::Token { .. }
        | AdminRequest::AddPerson { .. }
        | AdminRequest::AddPeer { .. } => Some(Kind::Access),
        AdminRequest::Alarm(alarm) => alarm_kind(alarm),
        // A canary gives nobody a right to anything.
        AdminRequest::Canary(_) => None,
        // Isolating takes away. Lifting gives back what a thief may have written.
        AdminRequest::Isolation(IsolationRequest::Lift { .. }) => Some(Kind::Access),
        AdminRequest::Isolation(_) => None,
        // Keeping a record longer harms nobody; giving it up to erasure does.
        AdminRequest::Custody(CustodyRequest::Lift { .. }) => Some(Kind::Hold),
        // It brings back every right, stop and budget of the day of the backup.
        AdminRequest::Custody(CustodyRequest::PutInForce) => Some(Kind::Access),
        AdminRequest::Custody(_) => None,
        // A report tells one patient's whole story to whoever asks: a person with a token of their own may, and is named.
        AdminRequest::Report(_) => Some(Kind::Name),
    })
}

fn is_system(turn: &Turn<'_>, name: &str) -> bool {
    let actor = turn.register.actor_of(name).and_then(|actor| turn.register.people.get(actor));
    actor.is_some_and(|person| person.role == Role::System)
}

/// Looking, taking over, closing with a name under it and freezing are one person's; letting somebody go on is two people's.
fn alarm_kind(request: &AlarmRequest) -> Option<Kind> {
    match request {
        AlarmRequest::List { .. }
        | AlarmRequest::Take { .. }
        | AlarmRequest::Close { .. }
        | AlarmRequest::Incidents
        | AlarmRequest::Facts { .. }
        | AlarmRequest::Freeze { .. }
        | AlarmRequest::Frozen
        | AlarmRequest::Outbox => None,
        AlarmRequest::Thaw { .. } => Some(Kind::Access),
    }
}
