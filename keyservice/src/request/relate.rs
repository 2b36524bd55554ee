//! Letting another facility look: a referral, the patient's consent, and their end.
//!
//! All of it is given by a facility that itself treats the patient, never taken: the receiving facility cannot say that the
//! patient stands before it and agrees, because nobody could tell that from a theft of everybody's records. It does not need
//! to: a patient who is really there is treated, and from then on the facility looks by that; and for the moment in which
//! there is no time there is the broken glass, which is told at once.
//!
//! Whoever gives shows a token. An AE title is a name that an archive node could call itself by; and consent is heard by a
//! person.

use super::{Caller, Ended, Stop, Turn};
use crate::audit::{Action, Decision, Event, Touched};
use crate::error::{Error, Result};
use crate::store::patients::{self, Patient};
use crate::store::relations::{self, Gift, New};
use policy::Right;
use record::limits::{RELATION_SECONDS_MAX, RELATIONS_PER_ACTOR_DAY, RELATIONS_PER_PATIENT_MAX};
use record::{FacilityCode, Micros, ObjectId, Pseudonym};
use seal::message::Part;
use seal::message::relate::{Noted, RelationChange};

const MICROS: Micros = 1_000_000;
const DAY_SECONDS: u32 = 24 * 3_600;

/// Changes a relation outright.
///
/// # Errors
/// Refused, with its event, if the caller may not; Busy, with its event, after too many in a day; Invalid for a facility
/// that is none and a time that is none.
pub fn relate(turn: &mut Turn<'_>, caller: &Caller, patient: Pseudonym, change: &RelationChange) -> Ended<Noted> {
    let found = patients::find(turn.db, patient)?;
    let Some(found) = found else { return Err(refused(turn, caller, patient, change, Decision::RefusedUnknown)) };
    change_of(turn, caller, found, change, None)
}

/// Changes a relation, outright or because an object says so.
pub(super) fn change_of(
    turn: &mut Turn<'_>,
    caller: &Caller,
    patient: Patient,
    change: &RelationChange,
    object: Option<ObjectId>,
) -> Ended<Noted> {
    let decision = decide(turn, caller, patient, change)?;
    if decision != Decision::Permitted {
        return Err(refused(turn, caller, patient.pseudonym, change, decision));
    }
    let facility = facility(turn, caller, change.to())?;
    let person = patients::person(turn.db, patient)?;
    let count = match (change.until(), gift(change)) {
        (Some(until), Some(gift)) => {
            check_time(until, turn.now)?;
            check_counts(turn, caller, patient, change)?;
            let (giver, since, actor) = (caller.known.facility, turn.now, caller.known.id.as_str());
            relations::give(turn.db, &New { patient, facility, giver, gift, since, until, actor, object })?;
            1
        }
        _ => relations::end(turn.db, &person, facility, turn.now)?,
    };
    let event = event(turn, caller, patient.pseudonym, change, Decision::Permitted);
    let touched = object.map(|object| Touched { object, version: 0, decision: Decision::Permitted });
    let detail = format!("{} ({count})", event.detail.clone().unwrap_or_default());
    let event = Event { objects: touched.into_iter().collect(), ..event }.detailed(detail);
    let entry = turn.append(&event)?;
    let linked = person.into_iter().skip(1).map(|other| other.pseudonym).collect();
    Ok(Noted { entry, linked, labels: Vec::new() })
}

/// What an object's earlier version gave ends, before the new one says what it gives.
pub(super) fn follow(turn: &mut Turn<'_>, caller: &Caller, patient: Patient, object: ObjectId) -> Result<()> {
    let ended = relations::end_of_object(turn.db, object, caller.known.facility, turn.now)?;
    if ended > 0 {
        let event = Event {
            patient: Some(patient.pseudonym),
            objects: vec![Touched { object, version: 0, decision: Decision::Permitted }],
            ..turn.event(caller, Action::Relate, Decision::Permitted).detailed(format!("end ({ended})"))
        };
        turn.append(&event)?;
    }
    Ok(())
}

fn decide(turn: &Turn<'_>, caller: &Caller, patient: Patient, change: &RelationChange) -> Result<Decision> {
    if !caller.known.by_token {
        return Ok(Decision::RefusedRole);
    }
    let right = if matches!(change, RelationChange::Consent { .. }) { Right::Consent } else { Right::Relate };
    if let policy::Decision::Deny(reason) = turn.decide(caller, right, patient)? {
        return Ok(reason.into());
    }
    // There is nothing to look at any more of somebody who was erased.
    let is_there = patients::key(turn.db, turn.keys, patient)?.is_some();
    Ok(if is_there { Decision::Permitted } else { Decision::RefusedUnknown })
}

fn gift(change: &RelationChange) -> Option<Gift> {
    match change {
        RelationChange::Referral { .. } => Some(Gift::Referral),
        RelationChange::Consent { scope, .. } => Some(Gift::Consent(*scope)),
        RelationChange::End { .. } => None,
    }
}

/// The row number of the other facility.
fn facility(turn: &Turn<'_>, caller: &Caller, to: &FacilityCode) -> Result<i64> {
    let known = turn.register.facilities.get(to).ok_or_else(|| Error::invalid("there is no such facility"))?;
    if known.id == caller.known.facility {
        return Err(Error::invalid("a facility gives nothing to itself"));
    }
    Ok(known.id)
}

fn check_time(until: Micros, now: Micros) -> Result<()> {
    let longest = i64::try_from(RELATION_SECONDS_MAX).unwrap_or(i64::MAX).saturating_mul(MICROS);
    if until <= now || until.saturating_sub(now) > longest {
        return Err(Error::invalid("a referral or consent ends within 366 days from now"));
    }
    Ok(())
}

/// So that whoever has broken into an archive node, and rides what passes through it, cannot refer everybody to a facility
/// of its choice.
fn check_counts(turn: &mut Turn<'_>, caller: &Caller, patient: Patient, change: &RelationChange) -> Ended<()> {
    let day = i64::from(DAY_SECONDS).saturating_mul(MICROS);
    let begun = relations::begun_by(turn.db, &caller.known.id, turn.now.saturating_sub(day))?;
    let text = if begun >= RELATIONS_PER_ACTOR_DAY {
        format!("{RELATIONS_PER_ACTOR_DAY} referrals and consents a day are all that one actor gives")
    } else if relations::in_force(turn.db, patient, turn.now)? >= RELATIONS_PER_PATIENT_MAX {
        format!("a patient has at most {RELATIONS_PER_PATIENT_MAX} referrals and consents at a time")
    } else {
        return Ok(());
    };
    let event = event(turn, caller, patient.pseudonym, change, Decision::RefusedBudget);
    Err(Stop::Exhausted(Box::new(event), Error::exhausted(text, Some(DAY_SECONDS))))
}

fn event(turn: &Turn<'_>, caller: &Caller, patient: Pseudonym, change: &RelationChange, decision: Decision) -> Event {
    let detail = match change {
        RelationChange::Referral { to, until } => format!("referral to {to} until {until}"),
        RelationChange::Consent { to, until, scope: Part::Content } => format!("consent for {to} until {until}"),
        RelationChange::Consent { to, until, scope: Part::Summary } => {
            format!("consent for {to} until {until}, summary alone")
        }
        RelationChange::End { to } => format!("end of what {to} was given"),
    };
    Event { patient: Some(patient), ..turn.event(caller, Action::Relate, decision).detailed(detail) }
}

fn refused(turn: &Turn<'_>, caller: &Caller, patient: Pseudonym, change: &RelationChange, decision: Decision) -> Stop {
    Stop::Refused(vec![event(turn, caller, patient, change, decision)])
}
