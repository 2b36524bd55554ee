//! Ending a record: the patient's secret is destroyed, the leaf of the vault that it was sealed under with it, and so every
//! key and every copy.
//!
//! A record is kept for its time of retention, and longer while it is on legal hold. Before that only a stated legal basis ends
//! it, and a hold gives way to a court alone.

use super::{Caller, Ended, Stop, Turn};
use crate::audit::{self, Action, Decision, Event};
use crate::error::{Error, Result};
use crate::store::patients::{self, Patient};
use crate::store::{erasures, holds};
use aws_lc_rs::rand;
use policy::Right;
use record::limits::REASON_BYTES_MAX;
use record::{Outcome, Pseudonym};
use seal::message::custody::Basis;
use serde_json::json;

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

/// Erases; answers the position of the entry that records it. The entry after it is the statement that a certificate shows.
/// Erasing again is refused like a patient who never was.
///
/// # Errors
/// Refused, with its event.
pub fn erase(
    turn: &mut Turn<'_>,
    caller: &Caller,
    pseudonym: Pseudonym,
    reason: &str,
    basis: Option<Basis>,
) -> Ended<u64> {
    let decided = decide(turn, caller, pseudonym, basis)?;
    let decision = decided.err().unwrap_or(Decision::Permitted);
    let event = Event { patient: Some(pseudonym), ..turn.event(caller, Action::Erase, decision).detailed(reason) };
    match decided {
        Ok(patient) => {
            let position = turn.append(&event)?;
            certify(turn, caller, patient, position, basis)?;
            Ok(position)
        }
        Err(Decision::RefusedHold) => {
            let text =
                "the record is on legal hold, or its time of retention is not over: a legal basis must be stated";
            Err(Stop::Exhausted(Box::new(event), Error::new(Outcome::Refused, text)))
        }
        Err(_) => Err(Stop::Refused(vec![event])),
    }
}

fn decide(
    turn: &Turn<'_>,
    caller: &Caller,
    pseudonym: Pseudonym,
    basis: Option<Basis>,
) -> Result<std::result::Result<Patient, Decision>> {
    // A machine's certificate is no person's order.
    if !caller.known.by_token {
        return Ok(Err(Decision::RefusedRole));
    }
    let Some(patient) = patients::find(turn.db, pseudonym)? else { return Ok(Err(Decision::RefusedUnknown)) };
    if let policy::Decision::Deny(reason) = turn.decide(caller, Right::Erase, patient)? {
        return Ok(Err(reason.into()));
    }
    if is_kept(turn, patient, basis)? {
        return Ok(Err(Decision::RefusedHold));
    }
    Ok(if patients::erase(turn.db, patient)? { Ok(patient) } else { Err(Decision::RefusedUnknown) })
}

fn is_kept(turn: &Turn<'_>, patient: Patient, basis: Option<Basis>) -> Result<bool> {
    if basis != Some(Basis::CourtOrder) && holds::is_held(turn.db, &patients::person(turn.db, patient)?)? {
        return Ok(true);
    }
    // Whoever's last visit is not known was here a moment ago.
    let last_visit = holds::last_visit(turn.db, patient)?.unwrap_or(turn.now);
    Ok(basis.is_none() && !turn.retention.is_over(last_visit, turn.now))
}

/// Notes from which generation of the vault on the leaf is gone, and appends the hash of a statement that says so. The statement names
/// nobody but a random number, and holds another, so that its hash says nothing by itself.
fn certify(turn: &Turn<'_>, caller: &Caller, patient: Patient, event: u64, basis: Option<Basis>) -> Result<()> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    let generation = turn.keys.vault.stands().0.saturating_add(1);
    let statement = json!({
        "format": "segel-erasure@v1",
        "ledger": turn.issuer,
        "event": event,
        "at_micros": turn.now,
        "patient": patient.pseudonym.to_hex(),
        "facility": caller.known.actor.facility.as_str(),
        "basis": basis.map(Basis::word),
        "vault_generation": generation,
        "salt": hex::encode(salt),
    });
    let statement = statement.to_string();
    let position = audit::append_hash(turn.db, turn.keys, &audit::leaf(statement.as_bytes()), turn.now)?;
    erasures::add(turn.db, turn.keys, patient, generation, Some((position, &statement)))
}
