//! Approvers, rules and proposals as they lie in the state: each sealed and bound to its place, so that a changed file adds no
//! approver and no approval.

use crate::error::{Error, Result};
use crate::keys::Keys;
use aws_lc_rs::digest::{SHA256, digest};
use minicbor::{Decode, Encode};
use record::{Micros, ObjectId};
use rusqlite::{Connection, OptionalExtension as _};
use seal::approval::{ApproverKey, ProposalId, Verdict};
use seal::message::export::DisclosureId;

/// An approver.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Approver {
    /// The person's actor id.
    #[n(0)]
    pub actor: String,
    /// The person's own key.
    #[n(1)]
    pub key: ApproverKey,
    /// Since when.
    #[n(2)]
    pub since: Micros,
}

/// An approver's word, as it was verified.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vote {
    /// Who.
    #[n(0)]
    pub actor: String,
    /// The key's fingerprint.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: [u8; 16],
    /// What.
    #[n(2)]
    pub verdict: Verdict,
    /// When it arrived.
    #[n(3)]
    pub at: Micros,
    /// The service's running time then.
    #[n(4)]
    pub running: u64,
    /// When it was signed, as is signed.
    #[n(5)]
    pub signed_at: Micros,
    /// The signature, for whoever wants to verify it again.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

/// How a proposal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum End {
    /// It was done.
    #[n(0)]
    Enacted(#[n(0)] Micros),
    /// It was rejected.
    #[n(1)]
    Rejected,
}

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Stored {
    /// Its bytes.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// The service's running time when it was proposed.
    #[n(1)]
    pub running: u64,
    /// What was said to it.
    #[n(2)]
    pub votes: Vec<Vote>,
    /// How it ended.
    #[n(3)]
    pub end: Option<End>,
}

fn seal<T: Encode<()>>(keys: &Keys, place: &str, value: &T) -> Result<Vec<u8>> {
    let plain = minicbor::to_vec(value).map_err(|_| Error::invalid("a decision cannot be written"))?;
    Ok(keys.register.seal(place.as_bytes(), &plain)?)
}

fn open<T: for<'b> Decode<'b, ()>>(keys: &Keys, place: &str, sealed: &[u8]) -> Result<T> {
    let damaged = || Error::damaged(format!("{place} is not what was written"));
    let plain = keys.register.open(place.as_bytes(), sealed).map_err(|_| damaged())?;
    minicbor::decode(&plain).map_err(|_| damaged())
}

/// A fact of the quorum by its name.
///
/// # Errors
/// Damaged if it is not what was written.
pub fn fact<T: for<'b> Decode<'b, ()>>(db: &Connection, keys: &Keys, name: &str) -> Result<Option<T>> {
    let sealed: Option<Vec<u8>> = db
        .prepare_cached("SELECT sealed FROM quorum_fact WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    sealed.map(|sealed| open(keys, &format!("quorum/fact/{name}"), &sealed)).transpose()
}

/// Writes a fact.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put_fact<T: Encode<()>>(db: &Connection, keys: &Keys, name: &str, value: &T) -> Result<()> {
    let place = format!("quorum/fact/{name}");
    let sealed = seal(keys, &place, value)?;
    if !UNCOUNTED.contains(&name) {
        let before: Option<Vec<u8>> = db
            .prepare_cached("SELECT sealed FROM quorum_fact WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        account(db, keys, &place, before.as_deref(), &sealed)?;
    }
    db.prepare_cached("INSERT OR REPLACE INTO quorum_fact (name, sealed) VALUES (?1, ?2)")?.execute((name, sealed))?;
    Ok(())
}

/// Which decisions there have been, and which rows they have left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct History {
    /// Decisions in all.
    #[n(0)]
    pub decided: u64,
    /// Of them before `position`, counted in the ledger's events.
    #[n(1)]
    pub counted: u64,
    /// The size of the ledger when they were counted.
    #[n(2)]
    pub position: u64,
    /// The sum (XOR) of the hashes of all rows: a row that is put back, taken away or added by anybody else is noticed. Rows
    /// are sealed, so nobody can choose one whose hash makes up for another's.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub rows: [u8; 32],
}

/// The fact that holds the history.
const HISTORY: &str = "history";
/// Facts that are not among the rows that the history sums up: itself, and the running time, which only ever delays.
const UNCOUNTED: [&str; 2] = [HISTORY, "running"];

/// The history.
///
/// # Errors
/// Damaged if it is not what was written.
pub fn history(db: &Connection, keys: &Keys) -> Result<History> {
    Ok(fact(db, keys, HISTORY)?.unwrap_or_default())
}

/// Writes the history.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put_history(db: &Connection, keys: &Keys, history: &History) -> Result<()> {
    put_fact(db, keys, HISTORY, history)
}

/// The sum of the rows that are there.
///
/// # Errors
/// Damaged if the disk fails.
pub fn sum_of_rows(db: &Connection) -> Result<[u8; 32]> {
    let mut sum = [0; 32];
    let mut statement = db.prepare("SELECT name, sealed FROM quorum_fact")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if !UNCOUNTED.contains(&name.as_str()) {
            add(&mut sum, &format!("quorum/fact/{name}"), &row.get::<_, Vec<u8>>(1)?);
        }
    }
    let mut statement = db.prepare("SELECT id, sealed FROM proposal")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        add(&mut sum, &place(&ProposalId(row.get(0)?)), &row.get::<_, Vec<u8>>(1)?);
    }
    Ok(sum)
}

/// Puts one row's hash in the sum in place of the one that it had.
fn account(db: &Connection, keys: &Keys, place: &str, before: Option<&[u8]>, after: &[u8]) -> Result<()> {
    let mut history = history(db, keys)?;
    if let Some(before) = before {
        add(&mut history.rows, place, before);
    }
    add(&mut history.rows, place, after);
    put_history(db, keys, &history)
}

fn add(sum: &mut [u8; 32], place: &str, sealed: &[u8]) {
    let hash = digest(&SHA256, &[place.as_bytes(), &[0], sealed].concat());
    for (to, from) in sum.iter_mut().zip(hash.as_ref()) {
        *to ^= from;
    }
}

/// A proposal by its id.
///
/// # Errors
/// Damaged if it is not what was written.
pub fn proposal(db: &Connection, keys: &Keys, id: &ProposalId) -> Result<Option<Stored>> {
    let sealed: Option<Vec<u8>> = db
        .prepare_cached("SELECT sealed FROM proposal WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    sealed.map(|sealed| open(keys, &place(id), &sealed)).transpose()
}

/// Writes a proposal.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put_proposal(db: &Connection, keys: &Keys, id: &ProposalId, stored: &Stored) -> Result<()> {
    let place = place(id);
    let sealed = seal(keys, &place, stored)?;
    let before: Option<Vec<u8>> = db
        .prepare_cached("SELECT sealed FROM proposal WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    account(db, keys, &place, before.as_deref(), &sealed)?;
    db.prepare_cached(
        "INSERT INTO proposal (id, sealed) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
    )?
    .execute((id.0, sealed))?;
    Ok(())
}

/// The newest proposals.
///
/// # Errors
/// Damaged if one is not what was written.
pub fn proposals(db: &Connection, keys: &Keys, count: usize) -> Result<Vec<(ProposalId, Stored)>> {
    let mut statement = db.prepare_cached("SELECT id, sealed FROM proposal ORDER BY number DESC LIMIT ?1")?;
    let mut rows = statement.query([i64::try_from(count).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = ProposalId(row.get(0)?);
        let stored = open(keys, &place(&id), &row.get::<_, Vec<u8>>(1)?)?;
        found.push((id, stored));
    }
    Ok(found)
}

fn place(id: &ProposalId) -> String {
    format!("quorum/proposal/{}", id.to_hex())
}

/// What an export has taken so far: different patients, objects, and the bytes of files that were disclosed.
///
/// # Errors
/// Damaged if the disk fails.
pub fn exported(db: &Connection, export: &ProposalId) -> Result<[u64; 3]> {
    let count = |sql: &str| -> Result<u64> {
        let count: i64 = db.prepare_cached(sql)?.query_row([export.0], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    };
    Ok([
        count("SELECT COUNT(*) FROM export_patient WHERE export = ?1")?,
        count("SELECT COUNT(*) FROM disclosure WHERE export = ?1")?,
        count("SELECT COALESCE(SUM(bytes), 0) FROM disclosure WHERE export = ?1")?,
    ])
}

/// Notes that an export takes a patient; `false` if it was noted before.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn export_patient(db: &Connection, export: &ProposalId, patient: i64) -> Result<bool> {
    let added = db
        .prepare_cached("INSERT OR IGNORE INTO export_patient (export, patient) VALUES (?1, ?2)")?
        .execute((export.0, patient))?;
    Ok(added > 0)
}

/// Whether an export has taken a patient.
///
/// # Errors
/// Damaged if the disk fails.
pub fn is_exported(db: &Connection, export: &ProposalId, patient: i64) -> Result<bool> {
    Ok(db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM export_patient WHERE export = ?1 AND patient = ?2)")?
        .query_row((export.0, patient), |row| row.get(0))?)
}

/// The disclosure of an object version by an export.
///
/// # Errors
/// Damaged if the disk fails.
pub fn disclosure(
    db: &Connection,
    export: &ProposalId,
    object: ObjectId,
    version: u32,
) -> Result<Option<DisclosureId>> {
    Ok(db
        .prepare_cached("SELECT id FROM disclosure WHERE export = ?1 AND object = ?2 AND version = ?3")?
        .query_row((export.0, object.0, version), |row| row.get(0).map(DisclosureId))
        .optional()?)
}

/// Notes a disclosure whose bytes are not known yet.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put_disclosure(
    db: &Connection,
    export: &ProposalId,
    id: DisclosureId,
    object: ObjectId,
    version: u32,
) -> Result<()> {
    db.prepare_cached("INSERT INTO disclosure (id, export, object, version, bytes) VALUES (?1, ?2, ?3, ?4, 0)")?
        .execute((id.0, export.0, object.0, version))?;
    Ok(())
}

/// Notes how long the file of a disclosure is.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn measure_disclosure(db: &Connection, id: DisclosureId, bytes: u64) -> Result<()> {
    let bytes = i64::try_from(bytes).map_err(|_| Error::invalid("a file is longer than one can be"))?;
    db.prepare_cached("UPDATE disclosure SET bytes = ?2 WHERE id = ?1")?.execute((id.0, bytes))?;
    Ok(())
}
