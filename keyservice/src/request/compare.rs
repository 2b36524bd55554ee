//! Whether bytes that arrived are the bytes that were kept, told without giving the key.

use super::{Caller, Ended, Stop, Turn};
use crate::audit::{Action, Decision, Event, Touched};
use crate::error::Result;
use crate::store::patients;
use policy::Right;
use seal::digest;
use seal::message::{DataKey, Part, ReleaseItem};
use seal::wrap::unwrap;

/// Compares inside. Whoever may put in for a patient of its facility may ask; the answer is one bit about bytes that it
/// holds itself.
///
/// # Errors
/// Refused, with its event, for anybody else and for a wrapped key that does not open.
pub fn compare(
    turn: &mut Turn<'_>,
    caller: &Caller,
    kept: &ReleaseItem,
    commitment: &[u8; 32],
    arrived: &[u8; 32],
) -> Ended<bool> {
    let opened = open(turn, caller, kept)?;
    let decision = opened.as_ref().err().copied().unwrap_or(Decision::Permitted);
    let event = Event {
        patient: Some(kept.context.patient),
        objects: vec![Touched { object: kept.context.object, version: kept.context.version, decision }],
        ..turn.event(caller, Action::Compare, decision)
    };
    let Ok(key) = opened else { return Err(Stop::Refused(vec![event])) };
    let is_same = digest::matches(&key, arrived, commitment);
    turn.append(&event.detailed(if is_same { "same" } else { "other" }))?;
    Ok(is_same)
}

fn open(turn: &Turn<'_>, caller: &Caller, kept: &ReleaseItem) -> Result<std::result::Result<DataKey, Decision>> {
    let Some(patient) = patients::find(turn.db, kept.context.patient)? else {
        return Ok(Err(Decision::RefusedUnknown));
    };
    if let policy::Decision::Deny(reason) = turn.decide(caller, Right::Input, patient)? {
        return Ok(Err(reason.into()));
    }
    // Putting in alone needs no relation; asking about what is kept does.
    if !patients::is_treated(turn.db, patient, caller.known.facility)? {
        return Ok(Err(Decision::RefusedRelation));
    }
    let Some(key) = patients::key(turn.db, turn.keys, patient)? else { return Ok(Err(Decision::RefusedUnknown)) };
    Ok(unwrap(&key, &kept.context, Part::Content, &kept.wrapped).map_err(|_| Decision::RefusedForged))
}
