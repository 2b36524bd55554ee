//! Isolations as they lie in the state, and the rows that say through whom what is there came.

use super::words;
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::register::Register;
use crate::store::patients::Patient;
use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros};
use rusqlite::{Connection, OptionalExtension as _, params};
use seal::message::isolation::{IsolationEntry, IsolationId, IsolationOrder, IsolationReport, IsolationRule, Whom};
use zeroize::Zeroizing;

/// What of an isolation is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Kept {
    /// Whose writes.
    #[n(0)]
    pub(super) whom: Whom,
    /// The ids of who is meant.
    #[n(1)]
    pub(super) senders: Vec<String>,
    /// Why.
    #[n(2)]
    pub(super) reason: String,
    /// When it was ordered.
    #[n(3)]
    pub(super) ordered: Micros,
    /// Relations that are taken away.
    #[n(4)]
    pub(super) relations: u64,
    /// What the archive node last told.
    #[n(5)]
    pub(super) archive: Option<IsolationReport>,
    /// Whether the end of isolating (`false`) or of lifting (`true`) is in the ledger.
    #[n(6)]
    pub(super) told_done: Option<bool>,
}

/// A row of `treating`, and the place up to which they are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    pub(super) first: Micros,
    pub(super) patient: i64,
    pub(super) facility: i64,
    pub(super) feed: i64,
}

/// An isolation.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) number: i64,
    pub(super) id: IsolationId,
    /// Row number of the facility, if everybody's at one is meant.
    pub(super) facility: Option<i64>,
    pub(super) from: Micros,
    pub(super) until: Micros,
    pub(super) is_lifted: bool,
    pub(super) is_settled: bool,
    pub(super) cursor: Admission,
    pub(super) kept: Kept,
}

impl Row {
    /// As an archive node hears of it.
    pub(super) fn rule(&self, register: &Register) -> IsolationRule {
        IsolationRule {
            id: self.id,
            facility: self.facility_code(register),
            senders: self.kept.senders.clone(),
            from: self.from,
            until: self.until,
            is_lifted: self.is_lifted,
        }
    }

    /// As an administrator sees it.
    pub(super) fn entry(&self, register: &Register) -> IsolationEntry {
        IsolationEntry {
            rule: self.rule(register),
            whom: self.kept.whom.clone(),
            reason: self.kept.reason.clone(),
            ordered: self.kept.ordered,
            relations: self.kept.relations,
            is_settled: self.is_settled,
            archive: self.kept.archive,
        }
    }

    pub(super) fn facility_code(&self, register: &Register) -> Option<FacilityCode> {
        let is_meant = |id: i64| self.facility == Some(id);
        register.facilities.iter().find(|(_, known)| is_meant(known.id)).map(|(code, _)| code.clone())
    }

    /// Whether it is about the same.
    pub(super) fn is_like(&self, rule: &IsolationRule, facility: Option<i64>) -> bool {
        let window = (self.from, self.until) == (rule.from, rule.until);
        window && self.facility == facility && self.kept.senders == rule.senders
    }

    /// Whether it is about admissions of this facility, or of a feed that is one of its own.
    pub(super) fn covers(&self, facility: i64, is_its_feed: bool) -> bool {
        self.facility == Some(facility) || is_its_feed
    }

    /// Counts relations taken away (or given back, below zero).
    pub(super) fn moved(&mut self, change: i64) {
        self.kept.relations = self.kept.relations.saturating_add_signed(change);
    }

    /// Everything is gone through once more, the other way.
    pub(super) fn begin_lifting(&mut self) {
        (self.is_lifted, self.is_settled, self.cursor) = (true, false, beginning(self.from));
    }
}

/// Before the first row that may be of a window: a row covers an hour.
fn beginning(from: Micros) -> Admission {
    Admission { first: from.saturating_sub(super::HOUR_MICROS), patient: 0, facility: 0, feed: 0 }
}

fn place(id: IsolationId) -> Vec<u8> {
    format!("isolation/{}", id.to_hex()).into_bytes()
}

const COLUMNS: &str = "number, id, facility, from_at, until_at, lifted, settled, cursor_first, cursor_patient,
    cursor_facility, cursor_feed, sealed";

fn read(keys: &Keys, row: &rusqlite::Row<'_>) -> Result<Row> {
    let id = IsolationId(row.get(1)?);
    let damaged = || Error::damaged("an isolation is not what was written");
    let plain = keys.register.open(&place(id), &row.get::<_, Vec<u8>>(11)?).map_err(|_| damaged())?;
    Ok(Row {
        number: row.get(0)?,
        id,
        facility: row.get(2)?,
        from: row.get(3)?,
        until: row.get(4)?,
        is_lifted: row.get(5)?,
        is_settled: row.get(6)?,
        cursor: Admission { first: row.get(7)?, patient: row.get(8)?, facility: row.get(9)?, feed: row.get(10)? },
        kept: minicbor::decode(&plain).map_err(|_| damaged())?,
    })
}

fn sealed(keys: &Keys, row: &Row) -> Result<Vec<u8>> {
    let plain = minicbor::to_vec(&row.kept).map_err(|_| Error::invalid("an isolation cannot be written"))?;
    Ok(keys.register.seal(&place(row.id), &Zeroizing::new(plain))?)
}

/// Every isolation, the oldest first.
pub(super) fn all(db: &Connection, keys: &Keys) -> Result<Vec<Row>> {
    select(db, keys, "1 = 1", [])
}

fn select(db: &Connection, keys: &Keys, condition: &str, params: impl rusqlite::Params) -> Result<Vec<Row>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM isolation WHERE {condition} ORDER BY number"))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(keys, row)?);
    }
    Ok(found)
}

pub(super) fn find(db: &Connection, keys: &Keys, id: IsolationId) -> Result<Option<Row>> {
    Ok(select(db, keys, "id = ?1", [id.0])?.pop())
}

/// The oldest that is not gone through to its end.
pub(super) fn unsettled(db: &Connection, keys: &Keys) -> Result<Option<Row>> {
    Ok(select(db, keys, "settled = 0", [])?.into_iter().next())
}

pub(super) fn count(db: &Connection) -> Result<usize> {
    let count: i64 = db.query_row("SELECT count(*) FROM isolation", [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Writes a new one down.
pub(super) fn insert(
    db: &Connection,
    keys: &Keys,
    rule: &IsolationRule,
    facility: Option<i64>,
    order: &IsolationOrder,
    now: Micros,
) -> Result<Row> {
    let kept = Kept {
        whom: order.whom.clone(),
        senders: rule.senders.clone(),
        reason: order.reason.clone(),
        ordered: now,
        relations: 0,
        archive: None,
        told_done: None,
    };
    tracing::warn!(isolation = rule.id.to_hex(), "isolating what {} wrote", words(&order.whom));
    let (from, until, cursor) = (rule.from, rule.until, beginning(rule.from));
    let mut row =
        Row { number: 0, id: rule.id, facility, from, until, is_lifted: false, is_settled: false, cursor, kept };
    row.number = db.query_row(
        "INSERT INTO isolation (id, facility, from_at, until_at, lifted, settled, cursor_first, cursor_patient,
         cursor_facility, cursor_feed, sealed) VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, 0, 0, 0, ?6) RETURNING number",
        params![row.id.0, facility, from, until, cursor.first, sealed(keys, &row)?],
        |row| row.get(0),
    )?;
    for sender in &rule.senders {
        db.execute(
            "INSERT OR IGNORE INTO isolated_feed (isolation, feed) VALUES (?1, ?2)",
            (row.number, feed(db, sender)?),
        )?;
    }
    Ok(row)
}

/// Writes one down anew.
pub(super) fn put(db: &Connection, keys: &Keys, row: &Row) -> Result<()> {
    let Admission { first, patient, facility, feed } = row.cursor;
    db.prepare_cached(
        "UPDATE isolation SET lifted = ?2, settled = ?3, cursor_first = ?4, cursor_patient = ?5, cursor_facility = ?6,
         cursor_feed = ?7, sealed = ?8 WHERE number = ?1",
    )?
    .execute(params![
        row.number,
        row.is_lifted,
        row.is_settled,
        first,
        patient,
        facility,
        feed,
        sealed(keys, row)?
    ])?;
    Ok(())
}

/// The next admissions of a window, behind the place up to which they are gone through.
pub(super) fn admissions(db: &Connection, row: &Row, count: usize) -> Result<Vec<Admission>> {
    let Admission { first, patient, facility, feed } = row.cursor;
    let mut statement = db.prepare_cached(
        "SELECT first, patient, facility, feed FROM treating
         WHERE (first, patient, facility, feed) > (?1, ?2, ?3, ?4) AND first < ?5
         ORDER BY first, patient, facility, feed LIMIT ?6",
    )?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let found = statement.query_map(params![first, patient, facility, feed, row.until, count], |row| {
        Ok(Admission { first: row.get(0)?, patient: row.get(1)?, facility: row.get(2)?, feed: row.get(3)? })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Whether a feed is one of those that an isolation names.
pub(super) fn is_feed_of(db: &Connection, isolation: i64, feed: i64) -> Result<bool> {
    let mut statement = db.prepare_cached("SELECT 1 FROM isolated_feed WHERE isolation = ?1 AND feed = ?2")?;
    Ok(statement.exists((isolation, feed))?)
}

/// Whether an id has ever taken anything in.
pub(super) fn is_known(db: &Connection, actor: &str) -> Result<bool> {
    Ok(!actor.is_empty() && db.prepare_cached("SELECT 1 FROM feed WHERE actor = ?1")?.exists([actor])?)
}

/// A feed's number.
pub(super) fn feed(db: &Connection, actor: &str) -> Result<i64> {
    let known =
        db.prepare_cached("SELECT id FROM feed WHERE actor = ?1")?.query_row([actor], |row| row.get(0)).optional()?;
    match known {
        Some(id) => Ok(id),
        None => Ok(db.query_row("INSERT INTO feed (actor) VALUES (?1) RETURNING id", [actor], |row| row.get(0))?),
    }
}

/// The latest hour of a feed's admissions of a patient: first and last.
pub(super) fn latest(db: &Connection, patient: Patient, facility: i64, feed: i64) -> Result<Option<(Micros, Micros)>> {
    Ok(db
        .prepare_cached(
            "SELECT first, last FROM treating WHERE patient = ?1 AND facility = ?2 AND feed = ?3
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row((patient.id, facility, feed), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

pub(super) fn begin(db: &Connection, patient: Patient, facility: i64, feed: i64, now: Micros) -> Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO treating (patient, facility, feed, first, last) VALUES (?1, ?2, ?3, ?4, ?4)",
    )?
    .execute((patient.id, facility, feed, now))?;
    Ok(())
}

pub(super) fn extend(
    db: &Connection,
    patient: Patient,
    facility: i64,
    feed: i64,
    (first, last): (Micros, Micros),
) -> Result<()> {
    db.prepare_cached(
        "UPDATE treating SET last = ?5 WHERE patient = ?1 AND facility = ?2 AND feed = ?3 AND first = ?4",
    )?
    .execute((patient.id, facility, feed, first, last))?;
    Ok(())
}

/// Notes through whom an identifier came.
pub(super) fn stamp_identifier(db: &Connection, tag: &[u8; 32], by: (i64, i64, Micros)) -> Result<()> {
    db.prepare_cached("UPDATE identifier SET feed = ?2, facility = ?3, at = ?4 WHERE tag = ?1")?
        .execute((tag, by.0, by.1, by.2))?;
    Ok(())
}

/// Notes through whom a link came, in both directions.
pub(super) fn stamp_link(db: &Connection, (one, other): (Patient, Patient), by: (i64, i64, Micros)) -> Result<()> {
    let mut update = db.prepare_cached(
        "UPDATE link SET feed = ?3, facility = ?4, at = ?5 WHERE patient = ?1 AND other = ?2 AND at IS NULL",
    )?;
    for (from, to) in [(one, other), (other, one)] {
        update.execute((from.id, to.id, by.0, by.1, by.2))?;
    }
    Ok(())
}
