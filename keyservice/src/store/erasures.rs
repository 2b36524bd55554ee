//! Who was erased, from which generation of the vault on, and the statement that says so.

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::patients::Patient;
use rusqlite::{Connection, OptionalExtension as _};
use seal::vault::Leaf;

fn place(patient: i64) -> Vec<u8> {
    format!("erasure/{patient}").into_bytes()
}

/// Notes an erasure: the vault must be without the patient's leaf from this generation on. `position` is the entry of the
/// ledger whose text the statement is; a restored state has none.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn add(db: &Connection, keys: &Keys, patient: Patient, generation: u64, stated: Option<(u64, &str)>) -> Result<()> {
    let sealed = match stated {
        Some((_, statement)) => Some(keys.register.seal(&place(patient.id), statement.as_bytes())?),
        None => None,
    };
    let position = stated.map(|(position, _)| signed(position)).transpose()?;
    db.execute(
        "INSERT INTO erasure (patient, generation, position, statement) VALUES (?1, ?2, ?3, ?4)",
        (patient.id, signed(generation)?, position, sealed),
    )?;
    Ok(())
}

/// The leaves that generations after this one are without.
///
/// # Errors
/// Damaged if the disk fails.
pub fn after(db: &Connection, generation: u64) -> Result<Vec<Leaf>> {
    let mut statement = db.prepare_cached("SELECT patient FROM erasure WHERE generation > ?1")?;
    let rows = statement.query_map([signed(generation)?], |row| row.get::<_, Leaf>(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The last generation of the vault that the state knows of.
///
/// # Errors
/// Damaged if the disk fails.
pub fn last_generation(db: &Connection) -> Result<u64> {
    let last: i64 = db.query_row("SELECT COALESCE(MAX(generation), 1) FROM erasure", [], |row| row.get(0))?;
    u64::try_from(last).map_err(|_| Error::damaged("a generation of the vault is below zero"))
}

/// A patient's statement, and the position of its entry; `None` if the patient was not erased, or by a restore.
///
/// # Errors
/// Damaged for a statement that does not open.
pub fn statement(db: &Connection, keys: &Keys, patient: Patient) -> Result<Option<(u64, String)>> {
    let damaged = || Error::damaged("the statement of an erasure is not what was written");
    let row: Option<(Option<i64>, Option<Vec<u8>>)> = db
        .query_row("SELECT position, statement FROM erasure WHERE patient = ?1", [patient.id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((Some(position), Some(sealed))) = row else { return Ok(None) };
    let plain = keys.register.open(&place(patient.id), &sealed).map_err(|_| damaged())?;
    let text = String::from_utf8(plain).map_err(|_| damaged())?;
    Ok(Some((u64::try_from(position).map_err(|_| damaged())?, text)))
}

fn signed(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::damaged("a number of the state is larger than it can be"))
}
