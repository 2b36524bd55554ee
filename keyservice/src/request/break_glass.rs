//! Break-glass: somebody declares that a patient's life does not wait for a relation, and sees that one record for some hours.
//!
//! Whoever declares it says why, is told upon at once, and is reviewed by somebody else. Numbers that nobody has cost as much
//! as those that somebody has, so that nobody finds out for nothing who is a patient.

use super::{Caller, Ended, Stop, Turn, signed_for};
use crate::alarm::{self, Alarm, Kind, Severity};
use crate::audit::{Action, Decision, Event};
use crate::error::{Error, Result};
use crate::identity;
use crate::store::patients::{self, Patient};
use crate::store::sealed::{self, Table};
use minicbor::{Decode, Encode};
use policy::budget::{DAY_SECONDS, Seconds};
use policy::{Relation, Right};
use record::limits::{IDENTIFIER_BYTES_MAX, REASON_BYTES_MAX};
use record::{FacilityCode, Identifier, Micros, Pseudonym, Purpose};
use seal::message::Proof;
use seal::message::break_glass::{GlassAnswer, GlassAsk, GlassEntry, GlassReview};

/// Where an emergency is declared and reviewed: a proof that was made for any other request does neither.
const BREAK_PATHS: [&str; 2] = ["/auth/break-glass", "/dicom-web/studies"];
const REVIEW_PATH: &str = "/auth/break-glass/review";
const MINUTE_MICROS: Micros = 60_000_000;

/// An emergency as it is sealed.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Glass {
    #[n(0)]
    actor: String,
    #[n(1)]
    facility: FacilityCode,
    #[n(2)]
    patient: Option<Pseudonym>,
    /// Rows of every pseudonym of the person.
    #[n(3)]
    rows: Vec<i64>,
    #[n(4)]
    reason: String,
    #[n(5)]
    at: Micros,
    /// The same moment on the clock of the budgets.
    #[n(6)]
    since: Seconds,
    /// When it closes, on that clock.
    #[n(7)]
    until: Seconds,
    #[n(8)]
    is_escalated: bool,
    #[n(9)]
    review: Option<GlassReview>,
}

/// Checks what can be checked without the state.
///
/// # Errors
/// Invalid without a reason or number; Refused for a proof that was made for something else.
pub fn check(proof: &Proof, ask: &GlassAsk) -> Result<()> {
    let fits = |text: &str| !text.trim().is_empty() && text.len() <= REASON_BYTES_MAX;
    match ask {
        GlassAsk::Break { number, .. } if number.trim().is_empty() || number.len() > IDENTIFIER_BYTES_MAX => {
            Err(Error::invalid("an emergency names one patient by a number"))
        }
        GlassAsk::Break { reason, .. } if !fits(reason) => {
            Err(Error::invalid("whoever breaks the glass says why, in 1 to 1,024 bytes"))
        }
        GlassAsk::Review { note, .. } if !fits(note) => {
            Err(Error::invalid("a review says what was found, in 1 to 1,024 bytes"))
        }
        GlassAsk::Break { .. } if !signed_for(proof, &BREAK_PATHS) => Err(Error::refused()),
        GlassAsk::Review { .. } if !signed_for(proof, &[REVIEW_PATH]) => Err(Error::refused()),
        _ => Ok(()),
    }
}

/// Declares, tells what is open, lists what waits for a review, or reviews.
///
/// # Errors
/// Refused, with its event, for whoever may not; Exhausted if it was done too often.
pub fn glass(turn: &mut Turn<'_>, caller: &Caller, ask: &GlassAsk) -> Ended<GlassAnswer> {
    match ask {
        GlassAsk::Break { number, facility, reason } => declare(turn, caller, number, facility.as_ref(), reason),
        GlassAsk::Open => Ok(open(turn, caller)?),
        GlassAsk::Queue => {
            may(turn, caller, Right::Review, Action::Review)?;
            Ok(GlassAnswer::Queue(queue(turn, Some(caller))?))
        }
        GlassAsk::Review { id, is_justified, note } => {
            may(turn, caller, Right::Review, Action::Review)?;
            review(turn, caller, *id, *is_justified, note)?;
            Ok(GlassAnswer::Queue(queue(turn, Some(caller))?))
        }
    }
}

/// Whether a caller who asks in an emergency has declared it for this patient, and it has not closed.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn is_broken(turn: &Turn<'_>, caller: &Caller, patient: Patient) -> Result<bool> {
    if caller.purpose != Purpose::BreakGlass {
        return Ok(false);
    }
    let now = turn.metering.now();
    let is_open =
        |glass: &Glass| glass.actor == caller.known.id && now < glass.until && glass.rows.contains(&patient.id);
    Ok(all(turn)?.iter().any(|(_, glass)| is_open(glass)))
}

/// What waits for a review or was reviewed within a day: for a reviewer that of its own facility and whatever is overdue,
/// for an administrator everything.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn queue(turn: &Turn<'_>, reviewer: Option<&Caller>) -> Result<Vec<GlassEntry>> {
    let hours = turn.metering.settings().break_glass.review_hours;
    let is_shown = |glass: &Glass| {
        reviewer.is_none_or(|caller| glass.is_escalated || caller.known.actor.facility == glass.facility)
    };
    let entry = |(id, glass): (u64, Glass)| GlassEntry {
        id,
        name: turn.register.people.get(&glass.actor).map(|person| person.name.clone()),
        actor: glass.actor,
        facility: glass.facility,
        patient: glass.patient,
        reason: glass.reason,
        at: glass.at,
        due: glass.at.saturating_add(Micros::from(hours).saturating_mul(60 * MINUTE_MICROS)),
        is_escalated: glass.is_escalated,
        review: glass.review,
    };
    Ok(all(turn)?.into_iter().filter(|(_, glass)| is_shown(glass)).map(entry).collect())
}

/// Escalates what nobody has reviewed in time, and drops what was reviewed and counts no more.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn tick(turn: &mut Turn<'_>) -> Result<()> {
    let (hours, now) = (turn.metering.settings().break_glass.review_hours, turn.metering.now());
    for (id, mut glass) in all(turn)? {
        let age = now.saturating_sub(glass.since);
        if glass.review.is_some() && age > DAY_SECONDS && now >= glass.until {
            sealed::remove(turn.db, Table::Glass, id)?;
        } else if glass.review.is_none() && !glass.is_escalated && age >= hours.saturating_mul(3_600) {
            glass.is_escalated = true;
            sealed::put(turn.db, turn.keys, Table::Glass, id, &glass)?;
            let event = Event {
                facility: Some(glass.facility.clone()),
                patient: glass.patient,
                ..Event::new(turn.now, Action::Review, Decision::RefusedApproval)
            };
            turn.append(&event.detailed(format!("overdue, {id} of {}", glass.actor)))?;
            let text = format!("nobody has reviewed broken glass {id} within {hours} hours");
            ring(turn, Kind::Unreviewed, Severity::Warning, None, &glass, text);
        }
    }
    Ok(())
}

fn all(turn: &Turn<'_>) -> Result<Vec<(u64, Glass)>> {
    sealed::all(turn.db, turn.keys, Table::Glass)
}

/// What the caller has opened and has not closed.
fn open(turn: &Turn<'_>, caller: &Caller) -> Result<GlassAnswer> {
    let now = turn.metering.now();
    let (mut found, mut until) = (Vec::new(), None);
    for (_, glass) in all(turn)? {
        if glass.actor != caller.known.id || now >= glass.until {
            continue;
        }
        let patient = glass.patient.map(|pseudonym| patients::find(turn.db, pseudonym)).transpose()?.flatten();
        let Some(patient) = patient else { continue };
        found.extend(patients::person(turn.db, patient)?.into_iter().filter(|one| glass.rows.contains(&one.id)));
        let left = Micros::from(glass.until.saturating_sub(now)).saturating_mul(MINUTE_MICROS / 60);
        until = until.max(Some(turn.now.saturating_add(left)));
    }
    found.sort_by_key(|patient| patient.id);
    found.dedup();
    Ok(GlassAnswer::Broken { patients: found.into_iter().map(|patient| patient.pseudonym).collect(), until })
}

fn declare(
    turn: &mut Turn<'_>,
    caller: &Caller,
    number: &str,
    of: Option<&FacilityCode>,
    reason: &str,
) -> Ended<GlassAnswer> {
    may(turn, caller, Right::BreakGlass, Action::BreakGlass)?;
    within_budget(turn, caller)?;
    let settings = turn.metering.settings().break_glass;
    let facility = &caller.known.actor.facility;
    let patient = identity::find(turn.db, turn.keys, of.unwrap_or(facility), &numbers(number, of.unwrap_or(facility)))?;
    let person = patient.map(|patient| patients::person(turn.db, patient)).transpose()?.unwrap_or_default();
    let now = turn.metering.now();
    let glass = Glass {
        actor: caller.known.id.clone(),
        facility: facility.clone(),
        patient: patient.map(|patient| patient.pseudonym),
        rows: person.iter().map(|patient| patient.id).collect(),
        reason: reason.trim().to_owned(),
        at: turn.now,
        since: now,
        until: now.saturating_add(settings.minutes.saturating_mul(60)),
        is_escalated: false,
        review: None,
    };
    let id = sealed::insert(turn.db, turn.keys, Table::Glass, &glass)?;
    let decision = if patient.is_some() { Decision::Permitted } else { Decision::RefusedUnknown };
    let event = Event { patient: glass.patient, ..turn.event(caller, Action::BreakGlass, decision) };
    turn.append(&event.detailed(format!("{id}: {}", glass.reason)))?;
    let text = format!("the glass was broken ({id}); review it within {} hours", settings.review_hours);
    ring(turn, Kind::BreakGlass, Severity::Warning, Some(&glass.actor), &glass, text);
    let minutes = Micros::from(settings.minutes).saturating_mul(MINUTE_MICROS);
    Ok(GlassAnswer::Broken {
        until: patient.map(|_| turn.now.saturating_add(minutes)),
        patients: person.into_iter().map(|patient| patient.pseudonym).collect(),
    })
}

/// Holds the day's number of emergencies, of a person and of its facility.
fn within_budget(turn: &mut Turn<'_>, caller: &Caller) -> Ended<()> {
    let (settings, now) = (turn.metering.settings().break_glass, turn.metering.now());
    let today: Vec<Glass> =
        all(turn)?.into_iter().map(|(_, glass)| glass).filter(|g| now.saturating_sub(g.since) <= DAY_SECONDS).collect();
    let spent = |whose: &str, limit: usize, of: Vec<&Glass>| {
        (of.len() >= limit).then(|| {
            let retry = of.iter().map(|glass| (glass.since + DAY_SECONDS + 1).saturating_sub(now)).min();
            (format!("{whose} emergencies in a day: {} of {limit}", of.len()), retry)
        })
    };
    let own = today.iter().filter(|glass| glass.actor == caller.known.id).collect();
    let there = today.iter().filter(|glass| glass.facility == caller.known.actor.facility).collect();
    let over = spent("actor", settings.actor_a_day, own).or_else(|| spent("facility", settings.facility_a_day, there));
    let Some((words, retry)) = over else { return Ok(()) };
    let event = turn.event(caller, Action::BreakGlass, Decision::RefusedBudget).detailed(words.clone());
    Err(Stop::Exhausted(Box::new(event), Error::exhausted(format!("budget spent ({words})"), retry)))
}

fn review(turn: &mut Turn<'_>, caller: &Caller, id: u64, is_justified: bool, note: &str) -> Ended<()> {
    let found = all(turn)?.into_iter().find(|(number, _)| *number == id);
    let no = |turn: &Turn<'_>, why: &str| {
        let event = turn.event(caller, Action::Review, Decision::RefusedApproval);
        Stop::Refused(vec![event.detailed(format!("not reviewed, {id}: {why}"))])
    };
    let Some((_, glass)) = found else { return Err(no(turn, "there is none")) };
    if glass.actor == caller.known.id {
        return Err(no(turn, "nobody reviews oneself"));
    }
    if glass.review.is_some() {
        return Err(no(turn, "it was reviewed"));
    }
    if !glass.is_escalated && glass.facility != caller.known.actor.facility {
        return Err(no(turn, "of another facility, and not overdue"));
    }
    let review = GlassReview { by: caller.known.id.clone(), at: turn.now, is_justified, note: note.trim().to_owned() };
    let word = if is_justified { "justified" } else { "not justified" };
    let event = Event { patient: glass.patient, ..turn.event(caller, Action::Review, Decision::Permitted) };
    turn.append(&event.detailed(format!("{word}, {id} of {}: {}", glass.actor, review.note)))?;
    let glass = Glass { review: Some(review), ..glass };
    sealed::put(turn.db, turn.keys, Table::Glass, id, &glass)?;
    if !is_justified {
        let text = format!("broken glass {id} was found not justified");
        ring(turn, Kind::BreakGlass, Severity::Critical, Some(&glass.actor), &glass, text);
    }
    Ok(())
}

/// A right that is no patient's, of a person who has shown a token of its own.
fn may(turn: &Turn<'_>, caller: &Caller, right: Right, action: Action) -> Ended<()> {
    let situation = super::situation(caller.purpose, false, turn.now);
    let decision = turn.engine.decide(&caller.known.actor, right, Relation::NONE.into(), situation);
    match decision {
        policy::Decision::Permit if caller.known.by_token => Ok(()),
        policy::Decision::Permit => Err(Stop::Refused(vec![turn.event(caller, action, Decision::RefusedRole)])),
        policy::Decision::Deny(reason) => Err(Stop::Refused(vec![turn.event(caller, action, reason.into())])),
    }
}

fn ring(turn: &mut Turn<'_>, kind: Kind, severity: Severity, actor: Option<&str>, glass: &Glass, text: String) {
    let actor = actor.map(str::to_owned);
    let facility = Some(glass.facility.clone());
    alarm::ring(turn, Alarm { kind, severity, actor, facility, text, patient: glass.patient });
}

/// What a number may be: that of a national scheme if it has the form of one, and a facility's own.
fn numbers(number: &str, facility: &FacilityCode) -> Vec<Identifier> {
    let value = number.trim().to_uppercase();
    let mut numbers = vec![
        Identifier::Nik(value.clone()),
        Identifier::Ihs(value.clone()),
        Identifier::JknCard(value.clone()),
        Identifier::Passport(value),
    ];
    numbers.push(Identifier::Local { issuer: facility.as_str().to_owned(), value: number.trim().to_owned() });
    numbers
}
