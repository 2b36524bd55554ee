//! Ending a record: the patient's secret is destroyed, and with it every key and every copy.

use super::{Caller, Ended, Stop, Turn};
use crate::audit::{Action, Decision, Event};
use crate::error::{Error, Result};
use crate::store::patients;
use policy::Right;
use record::Pseudonym;
use record::limits::REASON_BYTES_MAX;

/// Checks what can be checked without the state.
///
/// # Errors
/// Invalid without a reason or with an endless one.
pub fn check(reason: &str) -> Result<()> {
    if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(Error::invalid("an erasure states its reason in 1 to 1,024 bytes"));
    }
    Ok(())
}

/// Erases; answers the position of the entry that certifies it. Erasing again is refused like a patient who never was.
///
/// # Errors
/// Refused, with its event.
pub fn erase(turn: &mut Turn<'_>, caller: &Caller, pseudonym: Pseudonym, reason: &str) -> Ended<u64> {
    let decision = decide(turn, caller, pseudonym)?;
    let event = Event { patient: Some(pseudonym), ..turn.event(caller, Action::Erase, decision).detailed(reason) };
    if decision != Decision::Permitted {
        return Err(Stop::Refused(vec![event]));
    }
    Ok(turn.append(&event)?)
}

fn decide(turn: &Turn<'_>, caller: &Caller, pseudonym: Pseudonym) -> Result<Decision> {
    // A machine's certificate is no person's order.
    if !caller.known.by_token {
        return Ok(Decision::RefusedRole);
    }
    let Some(patient) = patients::find(turn.db, pseudonym)? else { return Ok(Decision::RefusedUnknown) };
    if let policy::Decision::Deny(reason) = turn.decide(caller, Right::Erase, patient)? {
        return Ok(reason.into());
    }
    Ok(if patients::erase(turn.db, patient)? { Decision::Permitted } else { Decision::RefusedUnknown })
}
