//! Step-up: a colleague's approval, on the spot, that somebody opens more patients in an hour than its role does.
//!
//! The day's budget and everybody else's stay as they are, so that two who approve each other gain an hour and no more.

use super::{Caller, Ended, Stop, Turn, signed_for};
use crate::audit::{Action, Decision};
use crate::error::{Error, Result};
use crate::store::sealed::{self, Table};
use minicbor::{Decode, Encode};
use policy::budget::{DAY_SECONDS, Measure, Seconds};
use policy::{Relation, Right};
use record::limits::REASON_BYTES_MAX;
use record::{FacilityCode, Micros, Role};
use seal::message::Proof;
use seal::message::step_up::{StepUpAsk, StepUpEntry, StepUpState};

/// Where an approval is posted: a proof that was made for any other request approves nothing.
const PATH: &str = "/auth/step-up/approve";
const MINUTE_MICROS: Micros = 60_000_000;

/// An asking as it is sealed.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Asking {
    #[n(0)]
    actor: String,
    #[n(1)]
    facility: FacilityCode,
    #[n(2)]
    role: Role,
    #[n(3)]
    reason: String,
    #[n(4)]
    at: Micros,
    /// The same moment on the clock of the budgets.
    #[n(5)]
    since: Seconds,
    #[n(6)]
    approval: Option<Approval>,
}

#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Approval {
    #[n(0)]
    by: String,
    #[n(1)]
    at: Micros,
    #[n(2)]
    since: Seconds,
    #[n(3)]
    contents: u32,
    #[n(4)]
    summaries: u32,
    /// Until when, on the clock of the budgets.
    #[n(5)]
    until: Seconds,
}

/// Checks what can be checked without the state.
///
/// # Errors
/// Invalid without a reason; Refused for a proof that was made for something else.
pub fn check(proof: &Proof, ask: &StepUpAsk) -> Result<()> {
    match ask {
        StepUpAsk::List => Ok(()),
        StepUpAsk::Ask { reason } if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX => {
            Err(Error::invalid("a colleague is told a reason of 1 to 1,024 bytes"))
        }
        StepUpAsk::Ask { .. } => Ok(()),
        StepUpAsk::Approve { .. } if signed_for(proof, &[PATH]) => Ok(()),
        StepUpAsk::Approve { .. } => Err(Error::refused()),
    }
}

/// Lists, asks or approves.
///
/// # Errors
/// Refused, with its event, for whoever may not.
pub fn step_up(turn: &mut Turn<'_>, caller: &Caller, ask: &StepUpAsk) -> Ended<Vec<StepUpEntry>> {
    // A machine has no colleague.
    if !caller.known.by_token || caller.known.actor.role == Role::System {
        return Err(refused(turn, caller, Decision::RefusedRole, "a machine asked".to_owned()));
    }
    match ask {
        StepUpAsk::List => {}
        StepUpAsk::Ask { reason } => begin(turn, caller, reason)?,
        StepUpAsk::Approve { id } => approve(turn, caller, *id)?,
    }
    Ok(entries(turn, caller)?)
}

/// How many more patients an actor may open in an hour now.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn granted(turn: &Turn<'_>, caller: &Caller, measure: Measure) -> Result<u32> {
    let now = turn.metering.now();
    let own = recent(turn)?.into_iter().filter(|(_, asking)| asking.actor == caller.known.id);
    let live = own.filter_map(|(_, asking)| asking.approval).filter(|approval| now < approval.until);
    Ok(live.fold(0, |sum: u32, approval| {
        sum.saturating_add(match measure {
            Measure::Content => approval.contents,
            Measure::Summary => approval.summaries,
        })
    }))
}

/// Drops what no rule looks at any more.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn forget(turn: &Turn<'_>) -> Result<()> {
    let now = turn.metering.now();
    for (id, asking) in sealed::all::<Asking>(turn.db, turn.keys, Table::StepUp)? {
        if now.saturating_sub(asking.since) > DAY_SECONDS {
            sealed::remove(turn.db, Table::StepUp, id)?;
        }
    }
    Ok(())
}

/// Everything of the last day.
fn recent(turn: &Turn<'_>) -> Result<Vec<(u64, Asking)>> {
    let now = turn.metering.now();
    let mut all = sealed::all::<Asking>(turn.db, turn.keys, Table::StepUp)?;
    all.retain(|(_, asking)| now.saturating_sub(asking.since) <= DAY_SECONDS);
    Ok(all)
}

fn begin(turn: &mut Turn<'_>, caller: &Caller, reason: &str) -> Ended<()> {
    let (settings, now) = (turn.metering.settings().step_up, turn.metering.now());
    let own: Vec<_> = recent(turn)?.into_iter().filter(|(_, asking)| asking.actor == caller.known.id).collect();
    if own.iter().any(|(_, asking)| is_waiting(asking, settings.wait_minutes, now)) {
        // Asking again while it waits is the same asking.
        return Ok(());
    }
    if own.len() >= settings.asks_a_day {
        let event = turn.event(caller, Action::StepUp, Decision::RefusedBudget);
        let error = Error::exhausted("more askings in a day than a colleague is to be asked", None);
        return Err(Stop::Exhausted(Box::new(event.detailed("too many askings in a day")), error));
    }
    let asking = Asking {
        actor: caller.known.id.clone(),
        facility: caller.known.actor.facility.clone(),
        role: caller.known.actor.role,
        reason: reason.trim().to_owned(),
        at: turn.now,
        since: now,
        approval: None,
    };
    let id = sealed::insert(turn.db, turn.keys, Table::StepUp, &asking)?;
    let event = turn.event(caller, Action::StepUp, Decision::Permitted);
    turn.append(&event.detailed(format!("asked, {id}: {}", asking.reason)))?;
    Ok(())
}

fn approve(turn: &mut Turn<'_>, caller: &Caller, id: u64) -> Ended<()> {
    let all = recent(turn)?;
    let Some((_, asking)) = all.iter().find(|(number, _)| *number == id) else {
        return Err(refused(turn, caller, Decision::RefusedApproval, format!("there is no asking {id}")));
    };
    if let Err(why) = may_approve(turn, caller, asking, &all) {
        let detail = format!("not approved, {id} of {}: {why}", asking.actor);
        return Err(refused(turn, caller, Decision::RefusedApproval, detail));
    }
    let (settings, now) = (turn.metering.settings().step_up, turn.metering.now());
    let approval = Approval {
        by: caller.known.id.clone(),
        at: turn.now,
        since: now,
        contents: settings.contents,
        summaries: settings.summaries,
        until: now.saturating_add(settings.minutes.saturating_mul(60)),
    };
    let approved = Asking { approval: Some(approval), ..asking.clone() };
    sealed::put(turn.db, turn.keys, Table::StepUp, id, &approved)?;
    let detail = format!(
        "approved, {id} of {}: {} more to open and {} to list for {} minutes",
        asking.actor, settings.contents, settings.summaries, settings.minutes
    );
    let event = turn.event(caller, Action::StepUp, Decision::Permitted);
    turn.append(&event.detailed(detail))?;
    Ok(())
}

/// Whether somebody may approve a colleague's asking; the reason of a no is for the log alone.
fn may_approve(
    turn: &Turn<'_>,
    caller: &Caller,
    asking: &Asking,
    all: &[(u64, Asking)],
) -> std::result::Result<(), &'static str> {
    let (settings, now) = (turn.metering.settings().step_up, turn.metering.now());
    let (own, other) = (caller.known.id.as_str(), asking.actor.as_str());
    if own == other {
        return Err("nobody approves for oneself");
    }
    if caller.known.actor.facility != asking.facility {
        return Err("of another facility");
    }
    let situation = super::situation(caller.purpose, false, turn.now);
    if !turn.engine.decide(&caller.known.actor, Right::StepUp, Relation::NONE.into(), situation).is_permit() {
        return Err("by role, purpose, duty or training");
    }
    if turn.watch.is_frozen(other) || !turn.register.people.contains_key(other) {
        return Err("whoever asked is stopped or gone");
    }
    if !is_waiting(asking, settings.wait_minutes, now) {
        return Err("it does not wait any more");
    }
    // Who approved whom within a day.
    let edges: Vec<(&str, &str)> = all
        .iter()
        .filter_map(|(_, asking)| {
            asking.approval.as_ref().map(|approval| (approval.by.as_str(), asking.actor.as_str()))
        })
        .collect();
    if edges.iter().filter(|(by, _)| *by == own).count() >= settings.approvals_a_day {
        return Err("this colleague has approved too much in a day");
    }
    if edges.iter().filter(|(_, of)| *of == other).count() >= settings.grants_a_day {
        return Err("too much was approved for one person in a day");
    }
    if rings(&edges, own, other) >= settings.rings_a_day {
        return Err("they approve each other in a ring");
    }
    Ok(())
}

/// How often the approvals of a day would have closed a ring around `by` once it approves for `of`: 0 if this one closes none.
fn rings(edges: &[(&str, &str)], by: &str, of: &str) -> usize {
    // Each round starts at whom the approved one has approved; a ring is closed if the approver is reached.
    let direct = |from: &str| edges.iter().filter(move |(one, _)| *one == from).map(|(_, to)| *to).collect::<Vec<_>>();
    let mut known = vec![of];
    let mut next = 0;
    while let Some(from) = known.get(next).copied() {
        next += 1;
        for to in direct(from) {
            if !known.contains(&to) {
                known.push(to);
            }
        }
    }
    if !known.contains(&by) {
        return 0;
    }
    // Every approval that came to `by` from somebody within reach is one turn of the ring.
    edges.iter().filter(|(from, to)| *to == by && known.contains(from)).count()
}

fn is_waiting(asking: &Asking, wait_minutes: u32, now: Seconds) -> bool {
    asking.approval.is_none() && now.saturating_sub(asking.since) < wait_minutes.saturating_mul(60)
}

/// The caller's own askings of a day, and what waits for it.
fn entries(turn: &Turn<'_>, caller: &Caller) -> Result<Vec<StepUpEntry>> {
    let (settings, now) = (turn.metering.settings().step_up, turn.metering.now());
    let mut entries = Vec::new();
    for (id, asking) in recent(turn)? {
        let is_own = asking.actor == caller.known.id;
        let waits = is_waiting(&asking, settings.wait_minutes, now);
        let is_for_caller = waits && asking.facility == caller.known.actor.facility;
        if !(is_own || is_for_caller) {
            continue;
        }
        let state = match &asking.approval {
            Some(approval) if now < approval.until => StepUpState::Approved,
            None if waits => StepUpState::Waiting,
            _ => StepUpState::Over,
        };
        let minutes = Micros::from(settings.minutes).saturating_mul(MINUTE_MICROS);
        entries.push(StepUpEntry {
            id,
            is_own,
            name: turn.register.people.get(&asking.actor).map(|person| person.name.clone()).unwrap_or_default(),
            role: asking.role,
            reason: asking.reason,
            at: asking.at,
            state,
            contents: asking.approval.as_ref().map_or(settings.contents, |approval| approval.contents),
            summaries: asking.approval.as_ref().map_or(settings.summaries, |approval| approval.summaries),
            until: asking.approval.map(|approval| approval.at.saturating_add(minutes)),
        });
    }
    Ok(entries)
}

fn refused(turn: &Turn<'_>, caller: &Caller, decision: Decision, detail: String) -> Stop {
    Stop::Refused(vec![turn.event(caller, Action::StepUp, decision).detailed(detail)])
}

#[cfg(test)]
mod tests {
    use super::rings;

    #[test]
    fn a_ring_is_seen_however_long_it_is() {
        let edges = [("a", "b"), ("b", "c"), ("x", "y")];
        for (by, of, expected) in [
            // b was approved by a: b approving a goes round.
            ("b", "a", 1),
            ("c", "a", 1),
            ("c", "b", 1),
            ("a", "c", 0),
            ("a", "b", 0),
            ("y", "x", 1),
            ("y", "a", 0),
            ("a", "x", 0),
        ] {
            assert_eq!(rings(&edges, by, of), expected, "{by} for {of}");
        }
        assert_eq!(rings(&[("a", "b"), ("a", "b")], "b", "a"), 2);
        assert_eq!(rings(&[], "a", "b"), 0);
    }
}
