//! A state that was restored, where two approvers had been named: whoever restores puts back who may open what, who was stopped and
//! what was spent, as they were. So it opens nothing until two people have put it in force.

use super::approvers;
use crate::audit::{Action, Decision};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::request::{Caller, Ended, Stop, Turn};
use crate::store::quorum as stored;
use rusqlite::Connection;
use seal::message::Request;

/// The fact that a restored state waits; `false` once it is in force.
const RESTORED: &str = "restored";

/// Notes in a state that was just restored that it waits, if there are approvers in it; whether it does.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn note(db: &Connection, keys: &Keys) -> Result<bool> {
    let waits = approvers::are_in_force(db, keys)?;
    if waits {
        stored::put_fact(db, keys, RESTORED, &true)?;
    }
    Ok(waits)
}

fn waits(turn: &Turn<'_>) -> Result<bool> {
    Ok(stored::fact::<bool>(turn.db, turn.keys, RESTORED)?.unwrap_or_default())
}

/// Refuses what opens anything while a restored state waits. What arrives is taken in meanwhile.
///
/// # Errors
/// Refused, with its event.
pub fn check(turn: &Turn<'_>, caller: &Caller, request: &Request) -> Ended<()> {
    let action = match request {
        Request::Release { .. } => Action::Release,
        Request::Report { .. } => Action::Report,
        Request::Export { .. } => Action::Export,
        Request::Erase { .. } => Action::Erase,
        _ => return Ok(()),
    };
    if !waits(turn)? {
        return Ok(());
    }
    let event = turn.event(caller, action, Decision::RefusedApproval);
    Err(Stop::Refused(vec![event.detailed("the state was restored and is not in force")]))
}

/// Puts a restored state in force.
///
/// # Errors
/// Invalid if none waits.
pub fn put_in_force(turn: &Turn<'_>) -> Result<()> {
    if !waits(turn)? {
        return Err(Error::invalid("no restored state waits to be put in force"));
    }
    stored::put_fact(turn.db, turn.keys, RESTORED, &false)
}
