//! Records on legal hold, and how long a record is kept.

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::patients::Patient;
use record::{Micros, Pseudonym};
use rusqlite::{Connection, OptionalExtension as _};
use seal::message::custody::Held;

fn place(patient: i64) -> Vec<u8> {
    format!("hold/{patient}").into_bytes()
}

/// Puts a record on hold, or states another reason.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn put(db: &Connection, keys: &Keys, patient: Patient, since: Micros, reason: &str) -> Result<()> {
    let sealed = keys.register.seal(&place(patient.id), reason.as_bytes())?;
    db.execute(
        "INSERT INTO hold (patient, since, reason) VALUES (?1, ?2, ?3)
         ON CONFLICT (patient) DO UPDATE SET reason = excluded.reason",
        (patient.id, since, sealed),
    )?;
    Ok(())
}

/// Ends a hold; `false` if there was none.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn lift(db: &Connection, patient: Patient) -> Result<bool> {
    Ok(db.execute("DELETE FROM hold WHERE patient = ?1", [patient.id])? > 0)
}

/// Whether the person is on hold, under this pseudonym or another of the given ones.
///
/// # Errors
/// Damaged if the disk fails.
pub fn is_held(db: &Connection, person: &[Patient]) -> Result<bool> {
    let mut statement = db.prepare_cached("SELECT 1 FROM hold WHERE patient = ?1")?;
    for patient in person {
        if statement.exists([patient.id])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Every hold, the oldest first.
///
/// # Errors
/// Damaged for a reason that does not open.
pub fn list(db: &Connection, keys: &Keys) -> Result<Vec<Held>> {
    let damaged = || Error::damaged("the reason of a hold is not what was written");
    let mut statement = db.prepare(
        "SELECT patient.id, pseudonym, since, reason FROM hold JOIN patient ON patient.id = hold.patient ORDER BY since",
    )?;
    let mut rows = statement.query([])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        let sealed: Vec<u8> = row.get(3)?;
        let reason = keys.register.open(&place(row.get(0)?), &sealed).map_err(|_| damaged())?;
        let reason = String::from_utf8(reason).map_err(|_| damaged())?;
        held.push(Held { patient: Pseudonym(row.get(1)?), since: row.get(2)?, reason });
    }
    Ok(held)
}

/// When the patient last came, as far as the archive knows: the time at which something of the patient last arrived.
///
/// # Errors
/// Damaged if the disk fails.
pub fn last_visit(db: &Connection, patient: Patient) -> Result<Option<Micros>> {
    Ok(db.query_row("SELECT visited FROM patient WHERE id = ?1", [patient.id], |row| row.get(0)).optional()?.flatten())
}
