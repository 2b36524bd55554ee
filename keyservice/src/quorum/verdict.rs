//! An approver's word: who signed, over what, and whether it still counts for anything.

use super::proposals::Known;
use super::{approvers, event, moment, order, refuse};
use crate::audit::{Action, Decision};
use crate::error::Error;
use crate::request::{Ended, Turn};
use crate::store::quorum::{self as stored, Approver, End, Vote};
use record::Micros;
use seal::approval::{Verdict, approval_bytes, reading_bytes};
use seal::message::quorum::{QuorumAnswer, SignedReading, SignedVerdict, Standing};

/// How far an approver's clock may be off.
const CLOCK_MICROS: Micros = 5 * 60 * 1_000_000;

/// Takes a signed verdict; answers the proposal as it is then.
///
/// # Errors
/// Refused, with its event, for a signature that is none of an approver's; Invalid if there is no such proposal.
pub fn take(turn: &mut Turn<'_>, signed: &SignedVerdict, channel: &str) -> Ended<QuorumAnswer> {
    let id = signed.proposal;
    let bytes = approval_bytes(&id, signed.verdict, signed.at);
    let approver = approver(turn, &signed.key, &bytes, &signed.signature)?;
    let mut known = Known::find(turn.db, turn.keys, &id)?;
    let at = moment(turn);
    let approvers = approvers::all(turn.db, turn.keys)?;
    let refused = |turn: &Turn<'_>, text: &str| refuse(turn, Action::Approve, &approver.actor, Some(&id), text);
    match known.standing(&approvers, turn.register, at) {
        Standing::Open | Standing::Approved(_) => {}
        Standing::Enacted(_) => return Err(refused(turn, "it was enacted already")),
        Standing::Rejected => return Err(refused(turn, "it was rejected")),
        Standing::Expired => return Err(refused(turn, "its time is over")),
    }
    let earliest = known.proposal.proposed.saturating_sub(CLOCK_MICROS);
    if !(earliest..=turn.now.saturating_add(CLOCK_MICROS)).contains(&signed.at) {
        return Err(refused(turn, "it was signed before the proposal was made, or in the future: look at both clocks"));
    }
    let approves = signed.verdict == Verdict::Approve;
    if approves && known.counted(&approvers, turn.register, turn.now).iter().any(|vote| vote.actor == approver.actor) {
        return Err(refused(turn, "this person has approved it already, and counts once"));
    }
    // What this person said with an earlier key gives way to what it says now.
    known.stored.votes.retain(|vote| vote.actor != approver.actor);
    known.stored.votes.push(Vote {
        actor: approver.actor.clone(),
        key: signed.key,
        verdict: signed.verdict,
        at: at.now,
        running: at.running,
        signed_at: signed.at,
        signature: signed.signature.clone(),
    });
    if !approves {
        known.stored.end = Some(End::Rejected);
    }
    stored::put_proposal(turn.db, turn.keys, &id, &known.stored)?;
    let word = if approves { "approved" } else { "rejected" };
    let mut event =
        event(turn, Action::Approve, Decision::Permitted, &approver.actor, format!("{} {word}", id.to_hex()));
    event.channel = Some(channel.to_owned());
    super::history::decided(turn, event)?;
    Ok(order::show(turn, &id)?)
}

/// Whether a reading is an approver's and of now.
///
/// # Errors
/// Refused, with its event.
pub fn check_reading(turn: &mut Turn<'_>, reading: &SignedReading) -> Ended<()> {
    let approver = approver(turn, &reading.key, &reading_bytes(&reading.origin, reading.at), &reading.signature)?;
    let is_of_now = reading.at.abs_diff(turn.now) <= CLOCK_MICROS.unsigned_abs();
    if is_of_now && reading.origin == turn.issuer {
        return Ok(());
    }
    Err(refuse(turn, Action::Approve, &approver.actor, None, "this is no reading of now and of this archive"))
}

/// Whose signature it is. A stranger learns nothing, and leaves an event.
fn approver(turn: &Turn<'_>, key: &[u8; 16], signed: &[u8], signature: &[u8]) -> Ended<Approver> {
    let found = approvers::all(turn.db, turn.keys)?.into_iter().find(|approver| approver.key.fingerprint() == *key);
    match found {
        Some(approver)
            if approver.key.verifies(signed, signature)
                && approvers::may_approve(turn.register, &approver.actor, turn.now)
                && !turn.watch.is_frozen(&approver.actor) =>
        {
            Ok(approver)
        }
        _ => {
            let detail = format!("no approver's signature, key {}", hex::encode(key));
            let event = super::event(turn, Action::Approve, Decision::RefusedProof, "unknown", detail);
            let error = Error::new(record::Outcome::Refused, "this is no approver's signature");
            Err(crate::request::Stop::Explained(Box::new(event), error))
        }
    }
}
