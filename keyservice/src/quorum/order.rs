//! What whoever holds the administrator's socket asks about decisions.

use super::proposals::Known;
use super::{approvers, enact, event, guard, moment, refuse, rules, settings, verdict};
use crate::audit::{Action, Decision};
use crate::error::{Error, Result};
use crate::register;
use crate::request::{Ended, Turn};
use crate::store::quorum::{self as stored, Stored};
use aws_lc_rs::rand;
use record::limits::{PROPOSAL_BYTES_MAX, PROPOSALS_LISTED_MAX};
use record::{Micros, Outcome};
use seal::approval::ProposalId;
use seal::message::quorum::{Kind, Proposal, QuorumAnswer, QuorumOrder, Subject};
use seal::message::{AdminAnswer, AdminRequest};

/// Who holds the administrator's socket, in the log.
pub const ADMINISTRATOR: &str = "administrator";

/// Carries an order out.
///
/// # Errors
/// Refused, with its event, for what takes two people; Invalid for what cannot be.
pub fn order(turn: &mut Turn<'_>, order: &QuorumOrder) -> Ended<AdminAnswer> {
    Ok(AdminAnswer::Quorum(match order {
        QuorumOrder::Approvers => QuorumAnswer::Approvers {
            approvers: approvers::entries(turn)?,
            rules: approvers::rules(turn)?,
            in_force: approvers::are_in_force(turn.db, turn.keys)?,
        },
        QuorumOrder::AddApprover { name, key } => {
            if approvers::are_in_force(turn.db, turn.keys)? {
                let text =
                    "there are two approvers: propose this one (segel approve propose approver), and have it approved";
                return Err(refuse(turn, Action::Enact, ADMINISTRATOR, None, text));
            }
            approvers::add(turn, name, key, ADMINISTRATOR)?;
            return Ok(AdminAnswer::Done);
        }
        QuorumOrder::Propose { subject, reason, open_seconds } => propose(turn, subject, reason, *open_seconds)?,
        QuorumOrder::List => list(turn)?,
        QuorumOrder::Show(id) => show(turn, id)?,
        QuorumOrder::Verdict(signed) => verdict::take(turn, signed, "admin")?,
        QuorumOrder::Enact(id) => return enact::enact(turn, id),
        QuorumOrder::Origin => QuorumAnswer::Origin(turn.issuer.to_owned()),
    }))
}

/// What there is, the newest first.
///
/// # Errors
/// Damaged if the state is not what was written.
pub fn list(turn: &Turn<'_>) -> Result<QuorumAnswer> {
    let (approvers, at) = (approvers::all(turn.db, turn.keys)?, moment(turn));
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (id, stored) in stored::proposals(turn.db, turn.keys, PROPOSALS_LISTED_MAX)? {
        bytes += stored.bytes.len();
        // One message takes them all.
        if bytes > record::limits::MESSAGE_BYTES_MAX / 2 {
            break;
        }
        entries.push(Known::of(id, stored)?.entry(&approvers, turn.register, at));
    }
    Ok(QuorumAnswer::Proposals(entries))
}

/// One proposal.
///
/// # Errors
/// Invalid if there is none.
pub fn show(turn: &Turn<'_>, id: &ProposalId) -> Result<QuorumAnswer> {
    let known = Known::find(turn.db, turn.keys, id)?;
    let entry = known.entry(&approvers::all(turn.db, turn.keys)?, turn.register, moment(turn));
    Ok(QuorumAnswer::Proposals(vec![entry]))
}

fn propose(turn: &mut Turn<'_>, subject: &Subject, reason: &str, open_seconds: u32) -> Ended<QuorumAnswer> {
    let reason =
        register::name(reason).map_err(|_| Error::invalid("a proposal states its reason in 1 to 1,024 bytes"))?;
    let kind = check(turn, subject)?;
    let rules = approvers::rules(turn)?;
    let mut rule = rules.into_iter().find(|rule| rule.kind == kind).unwrap_or_else(|| rules::usual(kind));
    if let Subject::Export(terms) = subject {
        if crate::disclosure::is_small(terms) {
            // Whoever runs it opens these few by its own rights, within its own budgets, and needs nobody's approval.
            (rule.approvals, rule.delay_seconds) = (0, 0);
        } else if !approvers::are_in_force(turn.db, turn.keys)? {
            let text = "a bulk export takes two approvers: register them first (segel admin approver add)";
            return Err(refuse(turn, Action::Propose, ADMINISTRATOR, None, text));
        }
    }
    let open = if open_seconds == 0 { rule.open_seconds } else { open_seconds.min(rule.open_seconds) };
    if open <= rule.delay_seconds {
        return Err(Error::invalid("the proposal would end before its delay does").into());
    }
    let mut nonce = [0; 16];
    rand::fill(&mut nonce).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    let proposal = Proposal {
        origin: turn.issuer.to_owned(),
        nonce,
        subject: subject.clone(),
        proposer: ADMINISTRATOR.to_owned(),
        reason,
        proposed: turn.now,
        until: turn.now.saturating_add(Micros::from(open).saturating_mul(1_000_000)),
        rule,
    };
    let (bytes, id) = proposal.encode()?;
    if bytes.len() > PROPOSAL_BYTES_MAX {
        return Err(Error::invalid("a proposal is longer than anybody would read").into());
    }
    let stored = Stored { bytes, running: moment(turn).running, votes: Vec::new(), end: None };
    stored::put_proposal(turn.db, turn.keys, &id, &stored)?;
    let detail = format!("{} {}", id.to_hex(), kind.name());
    super::history::decided(turn, event(turn, Action::Propose, Decision::Permitted, ADMINISTRATOR, detail))?;
    Ok(show(turn, &id)?)
}

/// Whether something can be proposed at all, and of which kind it is. What cannot be done should not wait for approvals.
fn check(turn: &Turn<'_>, subject: &Subject) -> Result<Kind> {
    Ok(match subject {
        Subject::Administer(bytes) => {
            let request: AdminRequest =
                minicbor::decode(bytes).map_err(|_| Error::invalid("this is no administrator's request"))?;
            let again = minicbor::to_vec(&request).map_err(|_| Error::invalid("this is no administrator's request"))?;
            if again != *bytes {
                return Err(Error::invalid("the request is not encoded as requests are"));
            }
            guard::kind(turn, &request)?
                .ok_or_else(|| Error::invalid("this takes no second person: ask for it itself"))?
        }
        Subject::Settings(text) => {
            settings::parse(text)?;
            Kind::Settings
        }
        Subject::OpenName(actor) => {
            let known = turn.register.people.contains_key(actor);
            known.then_some(Kind::Name).ok_or_else(|| Error::invalid("nobody has this id"))?
        }
        Subject::Export(terms) => {
            crate::disclosure::check_terms(turn, terms)?;
            Kind::Export
        }
        Subject::AddApprover { name, key } => {
            let known = turn.register.actor_of(name).is_some();
            if !known || !key.is_plausible() {
                return Err(Error::invalid("nobody of this name is registered, or this is no key"));
            }
            Kind::Approvers
        }
        Subject::RemoveApprover(_) => Kind::Approvers,
        Subject::ChangeRule(rule) => {
            rules::check(rule)?;
            Kind::Approvers
        }
    })
}
