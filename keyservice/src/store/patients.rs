//! Patients: what they are called, who treated them, who is the same person.

use crate::error::{Error, Result};
use crate::keys::Keys;
use aws_lc_rs::rand;
use record::limits::LINKED_PATIENTS_MAX;
use record::{Micros, Pseudonym};
use rusqlite::{Connection, OptionalExtension as _};
use seal::vault::Leaf;
use seal::wrap::{PatientKey, PatientSecret};
use zeroize::Zeroizing;

/// A visit is noted to the day.
const DAY_MICROS: Micros = 86_400_000_000;

/// A patient's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patient {
    /// The row's number, inside this file only.
    pub id: i64,
    /// What everybody else calls the patient.
    pub pseudonym: Pseudonym,
}

/// A new patient with a new secret.
///
/// # Errors
/// Busy if the system gives no randomness or the disk is full.
pub fn create(db: &Connection, keys: &Keys) -> Result<Patient> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Error::new(record::Outcome::Busy, "no randomness to be had"))?;
    let pseudonym = Pseudonym(bytes);
    let secret = PatientSecret::generate()?;
    let leaf = last_leaf(db)?.saturating_add(1);
    let (tree, key) = keys.vault.newest(leaf)?;
    let sealed = key.seal(&place(pseudonym), &secret.0)?;
    db.prepare_cached("INSERT INTO patient (id, pseudonym, secret, tree) VALUES (?1, ?2, ?3, ?4)")?.execute((
        leaf,
        pseudonym.0,
        sealed,
        tree,
    ))?;
    Ok(Patient { id: leaf.into(), pseudonym })
}

/// The highest leaf that a patient has: the number of the last row.
///
/// # Errors
/// Damaged if the disk fails.
pub fn last_leaf(db: &Connection) -> Result<Leaf> {
    Ok(db.prepare_cached("SELECT COALESCE(MAX(id), 0) FROM patient")?.query_row([], |row| row.get(0))?)
}

/// Seals anew under the vault's newest tree whatever lies under another key, at most `count` secrets; answers how many there were.
/// An older tree then opens nothing any more.
///
/// # Errors
/// Damaged for a secret that does not open.
pub fn move_secrets(db: &Connection, keys: &Keys, count: usize) -> Result<usize> {
    let tree = keys.vault.tree();
    let mut old = Vec::new();
    {
        let mut statement = db.prepare_cached(
            "SELECT id, pseudonym, secret, tree FROM patient WHERE tree <> ?1 AND secret IS NOT NULL LIMIT ?2",
        )?;
        let mut rows = statement.query((tree, i64::try_from(count).unwrap_or(i64::MAX)))?;
        while let Some(row) = rows.next()? {
            let patient = Patient { id: row.get(0)?, pseudonym: Pseudonym(row.get(1)?) };
            old.push((patient, row.get::<_, Vec<u8>>(2)?, row.get::<_, u32>(3)?));
        }
    }
    let mut update = db.prepare_cached("UPDATE patient SET secret = ?2, tree = ?3 WHERE id = ?1")?;
    for (patient, sealed, from) in &old {
        let secret = open_secret(keys, *patient, sealed, *from)?.ok_or_else(|| damaged(*patient))?;
        let (tree, key) = keys.vault.newest(leaf(*patient)?)?;
        update.execute((patient.id, key.seal(&place(patient.pseudonym), &secret.0)?, tree))?;
    }
    Ok(old.len())
}

fn leaf(patient: Patient) -> Result<Leaf> {
    Leaf::try_from(patient.id).map_err(|_| damaged(patient))
}

fn damaged(_of: Patient) -> Error {
    Error::damaged("a patient's secret is not what was written")
}

/// The patient's secret; `None` if the vault is without its leaf.
fn open_secret(keys: &Keys, patient: Patient, sealed: &[u8], tree: u32) -> Result<Option<PatientSecret>> {
    let key = match tree {
        0 => Some(keys.patient_secrets.clone()),
        tree => keys.vault.key(tree, leaf(patient)?)?,
    };
    let Some(key) = key else { return Ok(None) };
    let opened = Zeroizing::new(key.open(&place(patient.pseudonym), sealed).map_err(|_| damaged(patient))?);
    Ok(Some(PatientSecret(opened.as_slice().try_into().map_err(|_| damaged(patient))?)))
}

/// A patient by its pseudonym.
///
/// # Errors
/// Damaged if the disk fails.
pub fn find(db: &Connection, pseudonym: Pseudonym) -> Result<Option<Patient>> {
    let id = db
        .prepare_cached("SELECT id FROM patient WHERE pseudonym = ?1")?
        .query_row([pseudonym.0], |row| row.get(0))
        .optional()?;
    Ok(id.map(|id| Patient { id, pseudonym }))
}

/// A patient by its row's number.
///
/// # Errors
/// Damaged if the disk fails.
pub fn by_number(db: &Connection, id: i64) -> Result<Option<Patient>> {
    let pseudonym = db
        .prepare_cached("SELECT pseudonym FROM patient WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(pseudonym.map(|pseudonym| Patient { id, pseudonym: Pseudonym(pseudonym) }))
}

/// How many patients there have ever been. The erased count as well: their rows stay, and counting costs nothing.
///
/// # Errors
/// Damaged if the disk fails.
pub fn count(db: &Connection) -> Result<u64> {
    let count: i64 = db.prepare_cached("SELECT COALESCE(MAX(id), 0) FROM patient")?.query_row([], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| Error::damaged("patients' numbers begin below zero"))
}

/// The key that wraps a patient's data keys; `None` once the patient is erased.
///
/// # Errors
/// Damaged if the sealed secret does not open.
pub fn key(db: &Connection, keys: &Keys, patient: Patient) -> Result<Option<PatientKey>> {
    let (sealed, tree): (Option<Vec<u8>>, u32) = db
        .prepare_cached("SELECT secret, tree FROM patient WHERE id = ?1")?
        .query_row([patient.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(sealed) = sealed else { return Ok(None) };
    let Some(secret) = open_secret(keys, patient, &sealed, tree)? else { return Ok(None) };
    Ok(Some(PatientKey::derive(&keys.base, &secret, &patient.pseudonym)?))
}

/// Where a sealed secret belongs: it opens for no other patient.
fn place(pseudonym: Pseudonym) -> Vec<u8> {
    [b"patient/".as_slice(), &pseudonym.0].concat()
}

/// Whose an identifier is.
///
/// # Errors
/// Damaged if the disk fails.
pub fn by_identifier(db: &Connection, tag: &[u8; 32]) -> Result<Option<Patient>> {
    Ok(db
        .prepare_cached(
            "SELECT patient.id, pseudonym FROM identifier JOIN patient ON patient.id = identifier.patient WHERE tag = ?1",
        )?
        .query_row([tag], |row| Ok(Patient { id: row.get(0)?, pseudonym: Pseudonym(row.get(1)?) }))
        .optional()?)
}

/// Adds an identifier that nobody has yet.
///
/// # Errors
/// Damaged if somebody has it.
pub fn add_identifier(db: &Connection, patient: Patient, tag: &[u8; 32], scheme: u8) -> Result<()> {
    db.prepare_cached("INSERT INTO identifier (tag, patient, scheme) VALUES (?1, ?2, ?3)")?
        .execute((tag, patient.id, scheme))?;
    Ok(())
}

/// Whether any of these pseudonyms of a person has an identifier of a scheme, other than `tag` if that is given.
///
/// # Errors
/// Damaged if the disk fails.
pub fn has_other(db: &Connection, person: &[Patient], tag: Option<&[u8; 32]>, scheme: u8) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM identifier WHERE patient = ?1 AND scheme = ?2 AND tag IS NOT ?3)",
    )?;
    for patient in person {
        if statement.query_row((patient.id, scheme, tag), |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A patient and every other pseudonym of the same person.
///
/// # Errors
/// Damaged if the disk fails.
pub fn person(db: &Connection, patient: Patient) -> Result<Vec<Patient>> {
    let mut person = vec![patient];
    person.extend(linked(db, patient)?);
    Ok(person)
}

/// Notes that two pseudonyms are one person. `false` if it was known.
///
/// # Errors
/// Damaged if the disk fails.
pub fn link(db: &Connection, one: Patient, other: Patient) -> Result<bool> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO link (patient, other) VALUES (?1, ?2)")?;
    let added = insert.execute((one.id, other.id))?;
    insert.execute((other.id, one.id))?;
    Ok(added > 0)
}

/// Every other pseudonym of the same person, nearest first, at most `limits::LINKED_PATIENTS_MAX`.
///
/// # Errors
/// Damaged if the disk fails.
pub fn linked(db: &Connection, patient: Patient) -> Result<Vec<Patient>> {
    let mut statement = db.prepare_cached(
        "SELECT patient.id, pseudonym FROM link JOIN patient ON patient.id = link.other WHERE link.patient = ?1 ORDER BY 1",
    )?;
    let mut known = vec![patient];
    let mut next = 0;
    while let Some(from) = known.get(next).copied() {
        next += 1;
        let mut rows = statement.query([from.id])?;
        while let Some(row) = rows.next()? {
            let other = Patient { id: row.get(0)?, pseudonym: Pseudonym(row.get(1)?) };
            if known.len() > LINKED_PATIENTS_MAX {
                break;
            }
            if !known.contains(&other) {
                known.push(other);
            }
        }
    }
    Ok(known.split_off(1))
}

/// Notes that a facility treats a patient, and that the patient was there: to the day, so that a study's images write it once.
///
/// # Errors
/// Damaged if the disk fails.
pub fn treat(db: &Connection, patient: Patient, facility: i64, since: Micros) -> Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO treated (patient, facility, since) VALUES (?1, ?2, ?3)")?
        .execute((patient.id, facility, since))?;
    let day = since - since.rem_euclid(DAY_MICROS);
    db.prepare_cached("UPDATE patient SET visited = ?2 WHERE id = ?1 AND (visited IS NULL OR visited < ?2)")?
        .execute((patient.id, day))?;
    Ok(())
}

/// Whether a facility has treated the person, under this pseudonym or a linked one.
///
/// # Errors
/// Damaged if the disk fails.
pub fn is_treated(db: &Connection, patient: Patient, facility: i64) -> Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM treated WHERE patient = ?1 AND facility = ?2)")?;
    let mut treated = |id: i64| statement.query_row((id, facility), |row| row.get::<_, bool>(0));
    if treated(patient.id)? {
        return Ok(true);
    }
    for other in linked(db, patient)? {
        if treated(other.id)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Destroys a patient's secret and everything that led to the patient. `false` if it was done before.
///
/// # Errors
/// Damaged if the disk fails.
pub fn erase(db: &Connection, patient: Patient) -> Result<bool> {
    let erased = db.execute("UPDATE patient SET secret = NULL WHERE id = ?1 AND secret IS NOT NULL", [patient.id])? > 0;
    db.execute("DELETE FROM identifier WHERE patient = ?1", [patient.id])?;
    db.execute("DELETE FROM link WHERE patient = ?1 OR other = ?1", [patient.id])?;
    db.execute("DELETE FROM suspended_identifier WHERE patient = ?1", [patient.id])?;
    db.execute("DELETE FROM suspended_link WHERE patient = ?1 OR other = ?1", [patient.id])?;
    db.execute("DELETE FROM label WHERE patient = ?1", [patient.id])?;
    db.execute("DELETE FROM hold WHERE patient = ?1", [patient.id])?;
    Ok(erased)
}
