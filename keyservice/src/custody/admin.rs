//! What an administrator orders about custody: holds, and that a backup was made.

use crate::audit::{Action, Decision, Event};
use crate::error::{Error, Result};
use crate::quorum::restored;
use crate::request::Turn;
use crate::store::holds;
use crate::store::patients::{self, Patient};
use record::Pseudonym;
use record::limits::REASON_BYTES_MAX;
use seal::message::AdminAnswer;
use seal::message::custody::{CustodyAnswer, CustodyRequest};

/// Carries one request out.
///
/// # Errors
/// Invalid for a patient who is not there or erased, a reason that is none, or a hold that is not.
pub fn administer(turn: &mut Turn<'_>, request: &CustodyRequest) -> Result<AdminAnswer> {
    match request {
        CustodyRequest::Hold { patient, reason } => {
            let patient = check(turn, *patient, reason)?;
            holds::put(turn.db, turn.keys, patient, turn.now, reason)?;
            log(turn, Action::Retain, Some(patient.pseudonym), format!("held: {reason}"))?;
        }
        CustodyRequest::Lift { patient, reason } => {
            let patient = check(turn, *patient, reason)?;
            if !holds::lift(turn.db, patient)? {
                return Err(Error::invalid("this record is not on hold"));
            }
            log(turn, Action::Retain, Some(patient.pseudonym), format!("no longer held: {reason}"))?;
        }
        CustodyRequest::Holds => {
            return Ok(AdminAnswer::Custody(CustodyAnswer::Holds(holds::list(turn.db, turn.keys)?)));
        }
        CustodyRequest::PutInForce => {
            restored::put_in_force(turn)?;
            log(turn, Action::Backup, None, "the restored state is in force".to_owned())?;
        }
        CustodyRequest::BackedUp { entries, sha256 } => {
            let detail = format!("a backup of {entries} entries, SHA-256 {}", hex::encode(sha256));
            log(turn, Action::Backup, None, detail)?;
        }
    }
    Ok(AdminAnswer::Done)
}

fn check(turn: &Turn<'_>, pseudonym: Pseudonym, reason: &str) -> Result<Patient> {
    if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(Error::invalid("a hold states its reason in 1 to 1,024 bytes"));
    }
    let patient = patients::find(turn.db, pseudonym)?;
    patient.ok_or_else(|| Error::invalid("there is no such patient"))
}

fn log(turn: &mut Turn<'_>, action: Action, patient: Option<Pseudonym>, detail: String) -> Result<()> {
    let event =
        Event { actor: Some("administrator".into()), patient, ..Event::new(turn.now, action, Decision::Permitted) };
    turn.append(&event.detailed(detail)).map(|_| ())
}
