//! Doing what was approved: exactly what the proposal's bytes say, once, and in the transaction that writes it down.

use super::order::ADMINISTRATOR;
use super::proposals::Known;
use super::{approvers, event, moment, refuse, settings};
use crate::audit::{Action, Decision};
use crate::error::{Error, Result};
use crate::request::{Ended, Turn, admin};
use crate::store::quorum::{self as stored, End};
use seal::approval::ProposalId;
use seal::message::quorum::{QuorumAnswer, Standing, Subject};
use seal::message::{AdminAnswer, AdminRequest};

/// Enacts a proposal.
///
/// # Errors
/// Refused, with its event, unless it is approved and has waited; else as what it does.
pub fn enact(turn: &mut Turn<'_>, id: &ProposalId) -> Ended<AdminAnswer> {
    let mut known = Known::find(turn.db, turn.keys, id)?;
    must_be_ripe(turn, &known)?;
    end(turn, &mut known)?;
    // A crash before the commit forgets the end and the deed together.
    match &known.proposal.subject {
        Subject::Administer(bytes) => {
            let request: AdminRequest =
                minicbor::decode(bytes).map_err(|_| Error::invalid("this is no administrator's request"))?;
            return admin::administer(turn, &request);
        }
        Subject::Settings(text) => settings::replace(turn, text)?,
        Subject::OpenName(actor) => {
            let person =
                turn.register.people.get(actor).ok_or_else(|| Error::invalid("nobody has this id any more"))?;
            let (name, facility) = (person.name.clone(), person.facility.clone());
            return Ok(AdminAnswer::Quorum(QuorumAnswer::Name { name, facility }));
        }
        // It may run from now on; running is the archive's work.
        Subject::Export(_) => {}
        Subject::AddApprover { name, key } => approvers::add(turn, name, key, ADMINISTRATOR)?,
        Subject::RemoveApprover(name) => approvers::remove(turn, name, ADMINISTRATOR)?,
        Subject::ChangeRule(rule) => approvers::change_rule(turn, *rule)?,
    }
    Ok(AdminAnswer::Done)
}

/// An export that may run now. One that is approved and has waited is enacted by its first step.
///
/// # Errors
/// Refused, with its event, if it may not run, or no longer.
pub fn enact_export(turn: &mut Turn<'_>, id: &ProposalId, by: &str) -> Ended<Known> {
    let no = |turn: &Turn<'_>, text: &str| refuse(turn, Action::Export, by, Some(id), text);
    let Some(stored) = stored::proposal(turn.db, turn.keys, id)? else {
        return Err(no(turn, "there is no such export"));
    };
    let mut known = Known::of(*id, stored)?;
    if !matches!(known.proposal.subject, Subject::Export(_)) {
        return Err(no(turn, "this is no export"));
    }
    if !matches!(known.stored.end, Some(End::Enacted(_))) {
        must_be_ripe(turn, &known)?;
        end(turn, &mut known)?;
    }
    if known.is_over(moment(turn)) {
        return Err(no(turn, "the export's time is over"));
    }
    Ok(known)
}

fn must_be_ripe(turn: &Turn<'_>, known: &Known) -> Ended<()> {
    let approvers = approvers::all(turn.db, turn.keys)?;
    let text = match known.standing(&approvers, turn.register, moment(turn)) {
        Standing::Approved(0) => return Ok(()),
        Standing::Approved(left) => format!("it is approved, and {left} s of its delay are left"),
        Standing::Open => "approvals are missing".to_owned(),
        Standing::Enacted(_) => "it was enacted already".to_owned(),
        Standing::Rejected => "it was rejected".to_owned(),
        Standing::Expired => "its time is over".to_owned(),
    };
    Err(refuse(turn, Action::Enact, ADMINISTRATOR, Some(&known.id), &text))
}

fn end(turn: &mut Turn<'_>, known: &mut Known) -> Result<()> {
    known.stored.end = Some(End::Enacted(turn.now));
    stored::put_proposal(turn.db, turn.keys, &known.id, &known.stored)?;
    let event = event(turn, Action::Enact, Decision::Permitted, ADMINISTRATOR, known.id.to_hex());
    super::history::decided(turn, event).map(|_| ())
}
