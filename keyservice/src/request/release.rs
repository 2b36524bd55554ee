//! Opening: the one way for a data key to leave.
//!
//! Decide, charge, append, and only after the group's commit the answer. A crash before the commit forgets all of it and
//! nothing was answered; after it the entry stands, whether the answer got out or not.

use super::{Caller, Ended, Turn};
use crate::audit::{Action, Decision, Event, Touched};
use crate::error::{Error, Result};
use crate::store::{charges, patients};
use policy::Right;
use policy::budget::Measure;
use record::Pseudonym;
use record::limits::MESSAGE_ITEMS_MAX;
use seal::message::{Part, ReleaseItem, Released};
use seal::wrap::{PatientKey, unwrap};
use std::collections::HashMap;

/// Checks what can be checked without the state.
///
/// # Errors
/// Invalid beyond a limit.
pub fn check(items: &[ReleaseItem]) -> Result<()> {
    if items.len() > MESSAGE_ITEMS_MAX {
        return Err(Error::invalid("a message has too many items"));
    }
    Ok(())
}

/// The part's right and measure.
fn right(part: Part) -> (Right, Measure) {
    match part {
        Part::Summary => (Right::ViewSummary, Measure::Summary),
        Part::Content => (Right::ViewContent, Measure::Content),
    }
}

/// Opens what may be opened; every item alone may be refused.
///
/// # Errors
/// Only if the state fails.
pub fn release(turn: &mut Turn<'_>, caller: &Caller, part: Part, items: &[ReleaseItem]) -> Ended<Vec<Released>> {
    let mut answers = vec![Released::Refused; items.len()];
    let mut events = Vec::new();
    for (pseudonym, places) in by_patient(items) {
        let (access, row) = open_patient(turn, caller, part, pseudonym)?;
        let mut event = Event {
            patient: Some(pseudonym),
            part: Some(part),
            ..turn.event(caller, Action::Release, Decision::RefusedForged)
        };
        for place in places {
            let (Some(item), Some(answer)) = (items.get(place), answers.get_mut(place)) else { continue };
            let opened = match &access {
                Ok(key) => unwrap(key, &item.context, part, &item.wrapped).map_err(|_| Decision::RefusedForged),
                Err(decision) => Err(*decision),
            };
            let decision = opened.as_ref().err().copied().unwrap_or(Decision::Permitted);
            event.objects.push(Touched { object: item.context.object, version: item.context.version, decision });
            if let Ok(key) = opened {
                *answer = Released::Key(key);
            }
        }
        event.decision = summarize(&event.objects);
        // Charged is who was really opened, once however many of the patient's objects there are.
        if let (Decision::Permitted, Some(row)) = (event.decision, row) {
            let (_, measure) = right(part);
            charges::charge(turn.db, &caller.known.id, measure, row, turn.now)?;
            turn.meter.charge(&caller.known.id, measure, pseudonym, turn.now);
        }
        events.push(event);
    }
    let counts = turn.meter.counts(&caller.known.id, right(part).1, turn.now);
    for event in events {
        turn.append(&event.counted(counts))?;
    }
    Ok(answers)
}

/// The patient's key if the actor may use it, else why not; and the patient's row.
fn open_patient(
    turn: &Turn<'_>,
    caller: &Caller,
    part: Part,
    pseudonym: Pseudonym,
) -> Result<(std::result::Result<PatientKey, Decision>, Option<i64>)> {
    let Some(patient) = patients::find(turn.db, pseudonym)? else { return Ok((Err(Decision::RefusedUnknown), None)) };
    if let policy::Decision::Deny(reason) = turn.decide(caller, right(part).0, patient)? {
        return Ok((Err(reason.into()), Some(patient.id)));
    }
    let key = patients::key(turn.db, turn.keys, patient)?.ok_or(Decision::RefusedUnknown);
    Ok((key, Some(patient.id)))
}

/// The items' places by patient, in order of first appearance.
fn by_patient(items: &[ReleaseItem]) -> Vec<(Pseudonym, Vec<usize>)> {
    let mut at: HashMap<Pseudonym, usize> = HashMap::new();
    let mut patients: Vec<(Pseudonym, Vec<usize>)> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let pseudonym = item.context.patient;
        let index = *at.entry(pseudonym).or_insert(patients.len());
        match patients.get_mut(index) {
            Some((_, places)) => places.push(place),
            None => patients.push((pseudonym, vec![place])),
        }
    }
    patients
}

/// Permitted if anything was opened, else the first reason.
fn summarize(objects: &[Touched]) -> Decision {
    let permitted = objects.iter().find(|touched| touched.decision == Decision::Permitted);
    permitted.or(objects.first()).map_or(Decision::RefusedUnknown, |touched| touched.decision)
}
