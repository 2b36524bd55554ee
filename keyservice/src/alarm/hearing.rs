//! From the events that requests write down to what the detectors hear, and what they find to alarms.

use super::detect::{Detector, Habit, Heard, Opened, What};
use super::{Alarm, Kind, Settings, Severity, rows};
use crate::audit::{self, Action, Decision, Event};
use crate::error::Result;
use crate::keys::Keys;
use crate::request::Turn;
use crate::store::{events, patients};
use record::{FacilityCode, Micros, Pseudonym};
use rusqlite::{Connection, OptionalExtension as _};
use seal::message::Part;

/// Events of the last hour that a start reads again: half a second's reading.
const REPLAYED_EVENTS_MAX: u64 = 50_000;
/// Events read at a time.
const BATCH: u64 = 1_024;
const HOUR_MICROS: Micros = 3_600_000_000;
/// How often habits are written down: what a crash forgets of them comes back with the replay, or is ten minutes of one day.
const KEPT_EVERY_MICROS: Micros = 600_000_000;

/// The detectors as they were before the start: habits from the state, the last hour from the ledger's events.
pub(super) fn load(db: &Connection, keys: &Keys, settings: &Settings) -> Result<Detector> {
    let mut detector = Detector::new(settings.thresholds.clone(), settings.utc_offset_hours);
    for (actor, habit) in rows::load_habits(db, keys)? {
        detector.remember(actor, habit);
    }
    for event in last_hour(db, keys)? {
        for heard in translate(db, &event)? {
            // It rang before the start.
            let _rung = detector.hear(&heard);
        }
    }
    Ok(detector)
}

/// The events of the last hour before the newest one, oldest first.
fn last_hour(db: &Connection, keys: &Keys) -> Result<Vec<Event>> {
    let size = events::size(db)?;
    let (mut end, mut found) = (size, Vec::new());
    let mut newest = None;
    while end > 0 && size - end < REPLAYED_EVENTS_MAX {
        let start = end.saturating_sub(BATCH);
        let batch = events::read(db, start, usize::try_from(end - start).unwrap_or_default())?;
        let mut position = end;
        for sealed in batch.iter().rev() {
            position -= 1;
            let event = audit::open(keys, position, sealed)?;
            let newest = *newest.get_or_insert(event.at);
            if newest.saturating_sub(event.at) > HOUR_MICROS {
                found.reverse();
                return Ok(found);
            }
            found.push(event);
        }
        end = start;
    }
    found.reverse();
    Ok(found)
}

/// Has the detectors hear of events that were written down, and rings for what they find.
pub(super) fn listen(turn: &mut Turn<'_>, events: &[Event]) -> Result<()> {
    for event in events {
        watch_canaries(turn, event);
        watch_budgets(turn, event);
        for heard in translate(turn.db, event)? {
            for finding in turn.watch.detector.hear(&heard) {
                turn.watch.ring(Alarm {
                    kind: finding.kind,
                    severity: finding.severity,
                    actor: event.actor.clone(),
                    facility: event.facility.clone(),
                    text: finding.text,
                    patient: None,
                });
            }
        }
    }
    Ok(())
}

/// Writes changed habits down, now and then.
pub(super) fn keep(turn: &mut Turn<'_>) -> Result<()> {
    if turn.now.saturating_sub(turn.watch.kept_at) < KEPT_EVERY_MICROS {
        return Ok(());
    }
    turn.watch.kept_at = turn.now;
    turn.watch.detector.forget_before(turn.now);
    let changed: Vec<(String, Habit)> = turn.watch.detector.changed();
    for (actor, habit) in changed {
        rows::put_habit(turn.db, turn.keys, &actor, &habit)?;
    }
    Ok(())
}

/// Rings for a canary whose content was opened. Showing one in a list is not yet a theft.
fn watch_canaries(turn: &mut Turn<'_>, event: &Event) {
    if (event.action, event.decision, event.part) != (Action::Release, Decision::Permitted, Some(Part::Content)) {
        return;
    }
    let Some(patient) = event.patient.filter(|patient| turn.watch.canaries.holds(*patient)) else { return };
    turn.watch.ring(Alarm {
        kind: Kind::Canary,
        severity: Severity::Critical,
        actor: event.actor.clone(),
        facility: event.facility.clone(),
        text: "opened a record that no honest work opens".to_owned(),
        patient: Some(patient),
    });
}

/// Rings for a budget that is used up: an honest one may be too small, and then it is for a person to say so.
fn watch_budgets(turn: &mut Turn<'_>, event: &Event) {
    if event.decision == Decision::RefusedBudget {
        turn.watch.ring(Alarm {
            kind: Kind::Budget,
            severity: Severity::Warning,
            actor: event.actor.clone(),
            facility: event.facility.clone(),
            text: "a budget is used up, and more was asked for".to_owned(),
            patient: None,
        });
    }
}

fn translate(db: &Connection, event: &Event) -> Result<Vec<Heard>> {
    let heard = |what| Heard { at: event.at, actor: event.actor.clone().unwrap_or_default(), role: event.role, what };
    let listed = || {
        let more = event.patients.iter().flatten().map(|listed| listed.patient);
        event.patient.into_iter().chain(more).map(|patient| heard(What::Listed(patient))).collect()
    };
    Ok(match (event.action, event.decision, event.part) {
        (_, Decision::RefusedFrozen, _) => Vec::new(),
        // A list passes over who is not to be shown; nobody has asked for them.
        (Action::Release, decision, Some(Part::Summary)) if decision != Decision::RefusedBudget => {
            if decision == Decision::Permitted { listed() } else { Vec::new() }
        }
        (Action::Release, Decision::Permitted, Some(Part::Content)) => {
            let Some(patient) = event.patient else { return Ok(Vec::new()) };
            let opened = opened(db, patient, event.facility.as_ref(), count(event))?;
            opened.map(|opened| heard(What::Opened(opened))).into_iter().collect()
        }
        (Action::NewVersion, Decision::Permitted, _) => vec![heard(What::Rewrote(count(event)))],
        (Action::IdentityConflict, Decision::Permitted, _) => vec![heard(What::Rewrote(1))],
        // What an approved export leaves out is nobody's attempt.
        (Action::Export, ..) => Vec::new(),
        (_, decision, _) if decision != Decision::Permitted => vec![heard(What::Refused)],
        _ => Vec::new(),
    })
}

fn count(event: &Event) -> u32 {
    u32::try_from(event.objects.iter().filter(|o| o.decision == Decision::Permitted).count()).unwrap_or(u32::MAX)
}

/// What the detectors want to know of a patient: since when it is known, and whose it is.
fn opened(
    db: &Connection,
    pseudonym: Pseudonym,
    facility: Option<&FacilityCode>,
    objects: u32,
) -> Result<Option<Opened>> {
    let Some(patient) = patients::find(db, pseudonym)? else { return Ok(None) };
    let own: Option<i64> = match facility {
        Some(code) => db
            .prepare_cached("SELECT id FROM facility WHERE code = ?1")?
            .query_row([code.as_str()], |row| row.get(0))
            .optional()?,
        None => None,
    };
    let mut statement = db.prepare_cached("SELECT facility, since FROM treated WHERE patient = ?1 ORDER BY since")?;
    let treated: Vec<(i64, Micros)> =
        statement.query_map([patient.id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let is_own = treated.iter().any(|(home, _)| Some(*home) == own);
    let Some((first, since)) = treated.first().copied() else { return Ok(None) };
    let home = if is_own { own.unwrap_or(first) } else { first };
    Ok(Some(Opened { patient: pseudonym, objects, row: patient.id, since, home, is_own }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_frozen_is_nothing_new() {
        let db = Connection::open_in_memory().unwrap();
        let event = |decision| Event { actor: Some("a".into()), ..Event::new(0, Action::Authenticate, decision) };
        assert!(translate(&db, &event(Decision::RefusedFrozen)).unwrap().is_empty());
        let heard = translate(&db, &event(Decision::RefusedProof)).unwrap();
        assert_eq!((&heard[0].what, heard[0].actor.as_str()), (&What::Refused, "a"));
    }
}
