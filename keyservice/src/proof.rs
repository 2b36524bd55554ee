//! An entry's proof to hand out: what was logged, opened for whom it concerns, with the way from there to a checkpoint that
//! witnesses have cosigned. It is verified offline (`segel verify`, `docs/verify_proof.py`).

use crate::audit::{self, Action, Decision, Event};
use crate::error::{Error, Result};
use crate::projection::FOLDER_NAME;
use crate::request::{Caller, Ended, Stop, Turn};
use crate::shared::Shared;
use crate::store::events;
use ledger::{SignedCheckpoint, TlogProof, VerifierKey, tiles};
use record::{Outcome, Role};
use seal::message::ledger_proof::{LedgerProof, LedgerStanding, WitnessStanding};

/// Discloses an entry to whom it concerns: who did it, or whoever reads the logs of the facility that it was done for. To
/// everybody else there is no such entry.
///
/// # Errors
/// Refused, or if the state fails.
pub fn disclose(turn: &mut Turn<'_>, caller: &Caller, position: u64) -> Ended<LedgerProof> {
    let (sealed, event) = find(turn, position)?;
    let actor = &caller.known.actor;
    let is_own = event.actor.as_ref() == Some(&caller.known.id);
    let is_read = actor.role == Role::Auditor && event.facility.as_ref() == Some(&actor.facility);
    let asked = |turn: &Turn<'_>, decision| {
        turn.event(caller, Action::Report, decision).detailed(format!("the proof of entry {position}"))
    };
    if !is_own && !is_read {
        return Err(Stop::Refused(vec![asked(turn, Decision::RefusedRole)]));
    }
    turn.append(&asked(turn, Decision::Permitted))?;
    opened(turn, position, &sealed)
}

/// Discloses any entry to an administrator.
///
/// # Errors
/// Refused if there is none, or if the state fails.
pub fn disclose_to_administrator(turn: &mut Turn<'_>, position: u64) -> Ended<LedgerProof> {
    let (sealed, _) = find(turn, position)?;
    let event =
        Event { actor: Some("administrator".into()), ..Event::new(turn.now, Action::Report, Decision::Permitted) };
    turn.append(&event.detailed(format!("the proof of entry {position}")))?;
    opened(turn, position, &sealed)
}

fn find(turn: &Turn<'_>, position: u64) -> Result<(Vec<u8>, Event)> {
    // A position beyond 2^63 is not in the state either.
    let found = if i64::try_from(position).is_ok() { events::read(turn.db, position, 1)? } else { Vec::new() };
    let sealed = found.into_iter().next().ok_or_else(Error::refused)?;
    let event = audit::open(turn.keys, position, &sealed)?;
    Ok((sealed, event))
}

fn opened(turn: &Turn<'_>, position: u64, sealed: &[u8]) -> Ended<LedgerProof> {
    let extra = audit::disclose(turn.keys, position, sealed)?.encode();
    Ok(LedgerProof { position, extra, proof: String::new() })
}

/// Adds the way to a checkpoint: the newest that witnesses have cosigned, or the newest of all if they have not come to the
/// entry yet.
///
/// # Errors
/// Busy if no checkpoint covers the entry yet; Damaged if a file of the ledger cannot be read.
pub fn lead(shared: &Shared, mut proof: LedgerProof) -> Result<LedgerProof> {
    let own: VerifierKey = shared.vkey.parse()?;
    let covers = |signed: &SignedCheckpoint| signed.checkpoint.size > proof.position;
    let cosigned = shared.witnessed.borrow().cosigned.as_ref().map(|cosigned| cosigned.signed.clone());
    let signed = match cosigned.filter(covers) {
        Some(cosigned) => cosigned,
        None => SignedCheckpoint::open(&shared.checkpoint(), &own)?,
    };
    if !covers(&signed) {
        return Err(Error::new(Outcome::Busy, "the next checkpoint covers this entry, within seconds"));
    }
    let led = tiles::prove(&shared.folder.join(FOLDER_NAME), proof.position, &signed)?;
    proof.proof = TlogProof { extra: proof.extra.clone(), ..led }.to_string();
    Ok(proof)
}

/// How the ledger stands with its witnesses.
#[must_use]
pub fn standing(shared: &Shared) -> LedgerStanding {
    let standing = shared.witnessed.borrow();
    let witness = |(name, cosigned, trouble): &(String, Option<u64>, Option<String>)| WitnessStanding {
        name: name.clone(),
        cosigned: *cosigned,
        trouble: trouble.clone(),
    };
    LedgerStanding {
        size: shared.size(),
        needed: u32::try_from(standing.needed).unwrap_or(u32::MAX),
        cosigned: standing.cosigned.as_ref().map(|cosigned| cosigned.signed.checkpoint.size),
        is_late: standing.is_late,
        witnesses: standing.each.iter().map(witness).collect(),
    }
}
