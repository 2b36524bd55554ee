//! Isolation: what a feed wrote in a time is set apart, in both programs, until it is lifted.
//!
//! The archive sets the objects apart; here it is what their admissions brought about. A facility that treats a patient by
//! isolated admissions alone does not treat the patient; a number or a link that such an admission brought joins nobody; what it
//! gave to another facility is not given. Nothing is destroyed: each row waits beside its table, and comes back when the
//! isolation is lifted.
//!
//! It is in force from the commit that orders it, for whatever is admitted from then on. What was admitted before is gone
//! through in pieces, so that nobody who opens a record meanwhile waits for it; a crash in between goes on from the last piece.

mod confirmed;
mod rows;
mod support;

pub(crate) use confirmed::confirmed;

pub(crate) use support::settle_gift;

use crate::audit::{Action, Decision, Event};
use crate::error::{Error, Result};
use crate::identity::Settled;
use crate::request::{Caller, Turn};
use crate::store::patients::{self, Patient};
use aws_lc_rs::rand;
use record::limits::{ISOLATIONS_MAX, REASON_BYTES_MAX};
use record::{Micros, Outcome};
use rows::Row;
use rusqlite::Connection;
use seal::message::AdminAnswer;
use seal::message::isolation::{
    IsolationAnswer, IsolationId, IsolationOrder, IsolationReport, IsolationRequest, IsolationRule, Whom,
};

/// Rows of admissions that are gone through in one piece: some 20 ms, which an opening may wait.
const PIECE_ROWS: usize = 500;
/// One row of `treating` covers this long.
const HOUR_MICROS: Micros = 3_600_000_000;
/// The last admission of an hour is noted to the minute, so that a study's images write it once.
const MINUTE_MICROS: Micros = 60_000_000;

/// Carries an administrator's request out.
///
/// # Errors
/// Invalid for a window that is none, somebody who never was, or an isolation that is not.
pub fn administer(turn: &mut Turn<'_>, request: &IsolationRequest) -> Result<AdminAnswer> {
    Ok(AdminAnswer::Isolation(match request {
        IsolationRequest::Preview(order) => IsolationAnswer::Preview(resolve(turn, order, IsolationId([0; 8]))?.0),
        IsolationRequest::List => {
            let rows = rows::all(turn.db, turn.keys)?;
            IsolationAnswer::List(rows.into_iter().map(|row| row.entry(turn.register)).collect())
        }
        IsolationRequest::Isolate(order) => isolate(turn, order)?,
        IsolationRequest::Lift { id, reason } => lift(turn, *id, reason)?,
    }))
}

fn isolate(turn: &mut Turn<'_>, order: &IsolationOrder) -> Result<IsolationAnswer> {
    check_reason(&order.reason)?;
    if rows::count(turn.db)? >= ISOLATIONS_MAX {
        return Err(Error::invalid(format!("{ISOLATIONS_MAX} isolations are all that there can be")));
    }
    let mut id = [0; 8];
    rand::fill(&mut id).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    let (rule, facility) = resolve(turn, order, IsolationId(id))?;
    // The same once more is the same.
    let again = rows::all(turn.db, turn.keys)?.into_iter().find(|row| !row.is_lifted && row.is_like(&rule, facility));
    if let Some(row) = again {
        return Ok(IsolationAnswer::Ordered(row.entry(turn.register)));
    }
    let row = rows::insert(turn.db, turn.keys, &rule, facility, order, turn.now)?;
    support::settle_gifts(turn.db, &row)?;
    let whom = words(&order.whom);
    let detail = format!(
        "{} ordered: what {whom} ({}) wrote from {} until {}: {}",
        rule.id.to_hex(),
        rule.senders.join(" "),
        rule.from,
        rule.until,
        order.reason
    );
    log(turn, &row, detail)?;
    Ok(IsolationAnswer::Ordered(row.entry(turn.register)))
}

fn lift(turn: &mut Turn<'_>, id: IsolationId, reason: &str) -> Result<IsolationAnswer> {
    check_reason(reason)?;
    let row = rows::find(turn.db, turn.keys, id)?;
    let mut row = row.ok_or_else(|| Error::invalid("there is no such isolation"))?;
    if row.is_lifted {
        return Ok(IsolationAnswer::Ordered(row.entry(turn.register)));
    }
    row.begin_lifting();
    rows::put(turn.db, turn.keys, &row)?;
    support::settle_gifts(turn.db, &row)?;
    log(turn, &row, format!("{} lifted: {reason}", id.to_hex()))?;
    Ok(IsolationAnswer::Ordered(row.entry(turn.register)))
}

/// Who is meant by the ids that records and events have, and the facility's row.
fn resolve(turn: &Turn<'_>, order: &IsolationOrder, id: IsolationId) -> Result<(IsolationRule, Option<i64>)> {
    if order.from >= order.until {
        return Err(Error::invalid("a time from which is before the time until which"));
    }
    let mut rule = IsolationRule {
        id,
        facility: None,
        senders: Vec::new(),
        from: order.from,
        until: order.until,
        is_lifted: false,
    };
    let mut row = None;
    match &order.whom {
        Whom::Facility(code) => {
            let known = turn.register.facilities.get(code);
            row = Some(known.ok_or_else(|| Error::invalid(format!("there is no facility {code}")))?.id);
            rule.facility = Some(code.clone());
        }
        Whom::Peer(title) => {
            let peer = turn.register.peers.get(title.trim_matches(' '));
            rule.senders.push(peer.ok_or_else(|| Error::invalid("no peer has this AE title"))?.actor.clone());
        }
        Whom::Certificate(sha256) => {
            let peers = turn.register.peers.values().filter(|peer| peer.certificate.as_ref() == Some(sha256));
            rule.senders.extend(peers.map(|peer| peer.actor.clone()));
        }
        Whom::Sender(name) => {
            // Whoever was removed is no more in the register, and has written all the same.
            let known = turn.register.actor_of(name).map(str::to_owned);
            let id = Some(name.trim().to_owned()).filter(|id| rows::is_known(turn.db, id).unwrap_or(false));
            rule.senders.extend(known.or(id));
        }
    }
    if rule.facility.is_none() && rule.senders.is_empty() {
        return Err(Error::invalid("nobody who was ever here is meant by this"));
    }
    Ok((rule, row))
}

/// Whose, in words.
fn words(whom: &Whom) -> String {
    match whom {
        Whom::Facility(code) => format!("facility {code}"),
        Whom::Peer(title) => format!("peer {title}"),
        Whom::Certificate(sha256) => format!("certificate {}", hex::encode(sha256)),
        Whom::Sender(name) => format!("sender {name}"),
    }
}

fn check_reason(reason: &str) -> Result<()> {
    let fits = !reason.trim().is_empty() && reason.len() <= REASON_BYTES_MAX;
    fits.then_some(()).ok_or_else(|| Error::invalid("an isolation states its reason in 1 to 1,024 bytes"))
}

fn log(turn: &mut Turn<'_>, row: &Row, detail: String) -> Result<()> {
    let facility = row.facility_code(turn.register);
    let actor = Some("administrator".to_owned());
    let event = Event { actor, facility, ..Event::new(turn.now, Action::Isolate, Decision::Permitted) };
    turn.append(&event.detailed(detail)).map(|_| ())
}

/// What an archive node tells of its part is kept, and it hears of every isolation.
///
/// # Errors
/// Damaged or Busy if the state fails.
pub fn told(turn: &mut Turn<'_>, reports: &[IsolationReport]) -> Result<Vec<IsolationRule>> {
    for report in reports {
        let Some(mut row) = rows::find(turn.db, turn.keys, report.id)? else { continue };
        if row.kept.archive.as_ref() == Some(report) || row.is_lifted != report.is_lifted {
            continue;
        }
        row.kept.archive = Some(*report);
        keep(turn, row)?;
    }
    let rows = rows::all(turn.db, turn.keys)?;
    Ok(rows.into_iter().map(|row| row.rule(turn.register)).collect())
}

/// Writes a row down, and its end into the ledger when both programs have done their part.
fn keep(turn: &mut Turn<'_>, mut row: Row) -> Result<()> {
    let entry = row.entry(turn.register);
    if entry.is_done() && row.kept.told_done != Some(row.is_lifted) {
        row.kept.told_done = Some(row.is_lifted);
        let versions = entry.archive.map_or(0, |report| report.versions);
        let what = if row.is_lifted { "lifting" } else { "isolating" };
        let detail = format!(
            "{} done {what}: {versions} object versions are isolated, {} relations taken away",
            entry.rule.id.to_hex(),
            entry.relations
        );
        log(turn, &row, detail)?;
    }
    rows::put(turn.db, turn.keys, &row)
}

/// One piece of what is to be gone through; `false` if there is nothing.
///
/// # Errors
/// Damaged or Busy if the state fails.
pub fn settle_piece(turn: &mut Turn<'_>) -> Result<bool> {
    let Some(mut row) = rows::unsettled(turn.db, turn.keys)? else { return Ok(false) };
    let found = rows::admissions(turn.db, &row, PIECE_ROWS)?;
    row.is_settled = found.len() < PIECE_ROWS;
    for admission in &found {
        if row.covers(admission.facility, rows::is_feed_of(turn.db, row.number, admission.feed)?) {
            let Some(patient) = patients::by_number(turn.db, admission.patient)? else { continue };
            row.moved(support::settle(turn.db, patient, admission.facility)?);
        }
    }
    if let Some(last) = found.last() {
        row.cursor = *last;
    }
    keep(turn, row)?;
    Ok(true)
}

/// Notes through whom the facility treats the patient from now on, and what else the admission brought. What is isolated from
/// its beginning brings about nothing.
///
/// # Errors
/// Damaged or Busy if the state fails.
pub fn admitted(turn: &Turn<'_>, caller: &Caller, settled: &Settled) -> Result<()> {
    let (patient, facility) = (settled.patient, caller.known.facility);
    let feed = rows::feed(turn.db, &caller.known.id)?;
    let is_covered = support::is_covered(turn.db, feed, facility, turn.now)?;
    note(turn.db, patient, facility, (feed, turn.now), is_covered)?;
    for tag in &settled.gained {
        rows::stamp_identifier(turn.db, tag, (feed, facility, turn.now))?;
    }
    for other in settled.conflicts.iter().filter(|conflict| conflict.is_linked).filter_map(|conflict| conflict.other) {
        rows::stamp_link(turn.db, (patient, other), (feed, facility, turn.now))?;
    }
    if is_covered {
        support::suspend_new(turn.db, patient, facility, turn.now)?;
        support::settle(turn.db, patient, facility)?;
        return Ok(());
    }
    patients::treat(turn.db, patient, facility, turn.now)
}

/// Notes an admission in its hour.
fn note(db: &Connection, patient: Patient, facility: i64, by: (i64, Micros), is_covered: bool) -> Result<()> {
    let (feed, now) = by;
    match rows::latest(db, patient, facility, feed)? {
        Some((first, last)) if now >= first && now - first < HOUR_MICROS => {
            // The first that is not isolated holds what the others did not.
            if now - last >= MINUTE_MICROS || (!is_covered && support::is_covered(db, feed, facility, last)?) {
                rows::extend(db, patient, facility, feed, (first, now))?;
            }
            Ok(())
        }
        _ => rows::begin(db, patient, facility, feed, now),
    }
}
