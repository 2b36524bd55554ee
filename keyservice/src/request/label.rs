//! Labelling objects as sensitive.
//!
//! Setting a label only ever closes, so whoever may put in may set one. Taking one away opens, so it needs the right to
//! correct, a token, and the facility that set it. A label is the facility's that sets it: one that is set on what another
//! facility sent closes that to the sender as well, which the archive node does not let through; a node that is broken into
//! could close everything anyway, by not answering.

use super::{Caller, Ended, Stop, Turn};
use crate::audit::{Action, Decision, Event, Touched};
use crate::error::{Error, Result};
use crate::store::patients::{self, Patient};
use crate::store::relations;
use policy::Right;
use record::{Label, Labels, ObjectId};
use seal::message::relate::{LabelRequest, Noted};

/// Checks what can be checked without the state.
///
/// # Errors
/// Invalid if nothing is asked for.
pub fn check(request: &LabelRequest) -> Result<()> {
    let count = request.add.len() + request.remove.len();
    let least = usize::from(request.like.is_none());
    let fits = (least..=2 * Label::all().len()).contains(&count);
    fits.then_some(()).ok_or_else(|| Error::invalid("name the labels to set or to take away"))
}

/// Changes an object's labels.
///
/// # Errors
/// Refused, with its event, if the caller may not.
pub fn relabel(turn: &mut Turn<'_>, caller: &Caller, request: &LabelRequest) -> Ended<Noted> {
    let found = patients::find(turn.db, request.patient)?;
    let decision = match found {
        Some(patient) => decide(turn, caller, patient, request)?,
        None => Decision::RefusedUnknown,
    };
    let mut add = request.add.clone();
    if let (Some(like), Some(patient)) = (request.like, found) {
        // What the facility closed goes on being closed for what joins it; another facility's labels are not its own to spread.
        add.extend(relations::own_labels(turn.db, turn.keys, patient, like, caller.known.facility)?.iter());
    }
    let event = Event {
        patient: Some(request.patient),
        objects: vec![Touched { object: request.object, version: 0, decision }],
        ..turn.event(caller, Action::Label, decision).detailed(words(&add, &request.remove))
    };
    let (Decision::Permitted, Some(patient)) = (decision, found) else { return Err(Stop::Refused(vec![event])) };
    let labels = change(turn, caller, patient, request.object, &add, &request.remove)?;
    let labels = labels.iter().collect();
    let linked = patients::linked(turn.db, patient)?.into_iter().map(|other| other.pseudonym).collect();
    Ok(Noted { entry: turn.append(&event)?, linked, labels })
}

/// Labels an object that is being taken in.
pub(super) fn admit(
    turn: &mut Turn<'_>,
    caller: &Caller,
    patient: Patient,
    object: ObjectId,
    labels: &[Label],
) -> Ended<()> {
    let decision = match turn.decide(caller, Right::Label, patient)? {
        policy::Decision::Permit => Decision::Permitted,
        policy::Decision::Deny(reason) => reason.into(),
    };
    let event = Event {
        patient: Some(patient.pseudonym),
        objects: vec![Touched { object, version: 0, decision }],
        ..turn.event(caller, Action::Label, decision).detailed(words(labels, &[]))
    };
    if decision != Decision::Permitted {
        return Err(Stop::Refused(vec![event]));
    }
    change(turn, caller, patient, object, labels, &[])?;
    turn.append(&event)?;
    Ok(())
}

fn decide(turn: &Turn<'_>, caller: &Caller, patient: Patient, request: &LabelRequest) -> Result<Decision> {
    let standing = turn.standing(caller, patient)?;
    if !request.remove.is_empty() && !caller.known.by_token {
        return Ok(Decision::RefusedRole);
    }
    let sets = !request.add.is_empty() || request.like.is_some();
    for (right, is_asked) in [(Right::Label, sets), (Right::Correct, !request.remove.is_empty())] {
        if let (true, policy::Decision::Deny(reason)) = (is_asked, standing.decide(right)) {
            return Ok(reason.into());
        }
    }
    Ok(Decision::Permitted)
}

fn change(
    turn: &Turn<'_>,
    caller: &Caller,
    patient: Patient,
    object: ObjectId,
    add: &[Label],
    remove: &[Label],
) -> Result<Labels> {
    relations::relabel(turn.db, turn.keys, patient, object, caller.known.facility, |before| {
        let kept = remove.iter().fold(before, |labels, label| labels.without(*label));
        add.iter().fold(kept, |labels, label| labels.with(*label))
    })
}

fn words(add: &[Label], remove: &[Label]) -> String {
    let signed = |sign: char, labels: &[Label]| -> Vec<String> {
        labels.iter().map(|label| format!("{sign}{}", label.code())).collect()
    };
    [signed('+', add), signed('-', remove)].concat().join(" ")
}
