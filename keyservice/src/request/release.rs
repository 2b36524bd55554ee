//! Opening: the one way for a data key to leave.
//!
//! Decide, charge, append, and only after the group's commit the answer. A crash before the commit forgets all of it and
//! nothing was answered; after it the entry stands, whether the answer got out or not.

use super::{Caller, Ended, Standing, Stop, Turn, step_up};
use crate::audit::{Action, Decision, Event, Listed, Touched};
use crate::authenticate::memory::ProofId;
use crate::error::{Error, Result};
use crate::metering::{self, Click};
use crate::store::patients::{self, Patient};
use policy::Right;
use policy::budget::Measure;
use record::Pseudonym;
use record::limits::MESSAGE_ITEMS_MAX;
use seal::message::{DataKey, Part, ReleaseItem, Released};
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

/// One patient's part of a request.
struct Opening {
    pseudonym: Pseudonym,
    /// The patient, if at least one of its objects opens: it is charged once, however many there are.
    charged: Option<Patient>,
    objects: Vec<Touched>,
}

/// Opens what may be opened; every item alone may be refused. A budget that does not hold all who would be opened refuses
/// the whole: nothing of it is opened, nothing charged.
///
/// # Errors
/// Exhausted, with its event, if a budget is spent; else only if the state fails.
pub fn release(
    turn: &mut Turn<'_>,
    caller: &Caller,
    click: &Click,
    part: Part,
    items: &[ReleaseItem],
) -> Ended<Vec<Released>> {
    let mut answers = vec![Released::Refused; items.len()];
    let mut openings = Vec::new();
    for (pseudonym, places) in by_patient(items) {
        openings.push(open(turn, caller, part, items, &mut answers, pseudonym, &places)?);
    }
    charge(turn, caller, click, part, &openings)?;
    append(turn, caller, part, openings)?;
    Ok(answers)
}

/// Opens one patient's items.
fn open(
    turn: &Turn<'_>,
    caller: &Caller,
    part: Part,
    items: &[ReleaseItem],
    answers: &mut [Released],
    pseudonym: Pseudonym,
    places: &[usize],
) -> Result<Opening> {
    let patient = patients::find(turn.db, pseudonym)?;
    let access = patient.map(|patient| Access::of(turn, caller, patient)).transpose()?;
    let mut opening = Opening { pseudonym, charged: None, objects: Vec::with_capacity(places.len()) };
    for place in places {
        let (Some(item), Some(answer)) = (items.get(*place), answers.get_mut(*place)) else { continue };
        let opened = match &access {
            Some(access) => access.open(turn, part, item)?,
            None => Err(Decision::RefusedUnknown),
        };
        let decision = opened.as_ref().err().copied().unwrap_or(Decision::Permitted);
        opening.objects.push(Touched { object: item.context.object, version: item.context.version, decision });
        if let Ok(key) = opened {
            *answer = Released::Key(key);
            opening.charged = patient;
        }
    }
    Ok(opening)
}

/// How the actor stands to a patient, and the patient's key unless the patient is erased.
struct Access<'c> {
    standing: Standing<'c>,
    key: Option<PatientKey>,
    /// Under which proof it is opened, and whether its first moment is over.
    proof: Option<ProofId>,
    goes_on: bool,
}

impl<'c> Access<'c> {
    fn of(turn: &Turn<'_>, caller: &'c Caller, patient: Patient) -> Result<Self> {
        let key = patients::key(turn.db, turn.keys, patient)?;
        Ok(Self {
            standing: turn.standing(caller, patient)?,
            key,
            proof: caller.known.proof,
            goes_on: caller.known.goes_on,
        })
    }

    /// The data key of one object if the actor may have it, else why not.
    fn open(&self, turn: &Turn<'_>, part: Part, item: &ReleaseItem) -> Result<std::result::Result<DataKey, Decision>> {
        // A young canary stands on nobody's work list.
        if part == Part::Summary && turn.watch.canaries.is_young(item.context.patient, turn.now) {
            return Ok(Err(Decision::RefusedUnknown));
        }
        if let policy::Decision::Deny(reason) = self.standing.decide_object(turn, right(part).0, item.context.object)? {
            return Ok(Err(reason.into()));
        }
        let Some(key) = &self.key else { return Ok(Err(Decision::RefusedUnknown)) };
        let Ok(opened) = unwrap(key, &item.context, part, &item.wrapped) else {
            return Ok(Err(Decision::RefusedForged));
        };
        // One proof is one click: whoever rides on it opens what one click may. A page of a list is one click as well, but not
        // again and again for as long as its request is under way.
        if let Some(proof) = &self.proof
            && (part == Part::Content || self.goes_on)
            && !turn.sign_in.proofs.open(turn.db, proof, item.context.patient)?
        {
            return Ok(Err(Decision::RefusedBudget));
        }
        Ok(Ok(opened))
    }
}

/// Charges everybody who has a part in what was opened, or refuses the whole.
fn charge(turn: &mut Turn<'_>, caller: &Caller, click: &Click, part: Part, openings: &[Opening]) -> Ended<()> {
    let (_, measure) = right(part);
    let patients: Vec<Patient> = openings.iter().filter_map(|opening| opening.charged).collect();
    let bill = turn.metering.bill(caller, click, measure, &patients)?;
    let mut fits = turn.metering.check(turn.db, caller, &bill, 0)?;
    if fits.is_err() {
        // Only who is over its own is asked what a colleague has approved.
        let extra = step_up::granted(turn, caller, measure)?;
        fits = turn.metering.check(turn.db, caller, &bill, extra)?;
    }
    let Err(spent) = fits else { return Ok(turn.metering.charge(turn.db, turn.keys, bill)?) };
    let words = metering::describe(&spent, measure);
    let listed = patients.iter().map(|patient| Listed { patient: patient.pseudonym, objects: Vec::new() }).collect();
    let event = Event {
        part: Some(part),
        patients: Some(listed),
        ..turn.event(caller, Action::Release, Decision::RefusedBudget).detailed(words.clone())
    };
    let counts = turn.metering.counts(caller, measure);
    let error =
        Error::exhausted(format!("budget spent ({words}): ask a colleague, or wait"), spent.retry_after_seconds);
    Err(Stop::Exhausted(Box::new(event.counted(counts)), error))
}

/// Writes down what was opened and what was not. Contents are an event for each patient. A list is one event for all whom
/// it showed, because it is one look at all of them, and one more for each reason for which others were not shown.
fn append(turn: &mut Turn<'_>, caller: &Caller, part: Part, openings: Vec<Opening>) -> Result<()> {
    let counts = turn.metering.counts(caller, right(part).1);
    let event = |turn: &Turn<'_>, decision| {
        Event { part: Some(part), ..turn.event(caller, Action::Release, decision) }.counted(counts)
    };
    let mut lists: Vec<(Decision, Vec<Listed>)> = Vec::new();
    for Opening { pseudonym, objects, .. } in openings {
        let decision = summarize(&objects);
        if part == Part::Content {
            turn.append(&Event { patient: Some(pseudonym), objects, ..event(turn, decision) })?;
            continue;
        }
        let one = Listed { patient: pseudonym, objects };
        match lists.iter_mut().find(|(of, _)| *of == decision) {
            Some((_, list)) => list.push(one),
            None => lists.push((decision, vec![one])),
        }
    }
    for (decision, mut list) in lists {
        let whole = match list.pop() {
            Some(Listed { patient, objects }) if list.is_empty() => {
                Event { patient: Some(patient), objects, ..event(turn, decision) }
            }
            last => {
                list.extend(last);
                Event { patients: Some(list), ..event(turn, decision) }
            }
        };
        turn.append(&whole)?;
    }
    Ok(())
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
