//! The register as it lies in the state: each entry sealed, and bound to its place.

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::register::{Facility, Peer, Person, Register};
use minicbor::{Decode, Encode};
use record::FacilityCode;
use rusqlite::Connection;

fn place(table: &str, key: &str) -> Vec<u8> {
    format!("register/{table}/{key}").into_bytes()
}

pub(super) fn seal<T: Encode<()>>(keys: &Keys, table: &str, key: &str, entry: &T) -> Result<Vec<u8>> {
    let plain = zeroize::Zeroizing::new(
        minicbor::to_vec(entry).map_err(|_| Error::invalid("an entry of the register cannot be written"))?,
    );
    Ok(keys.register.seal(&place(table, key), &plain)?)
}

pub(super) fn open<T: for<'b> Decode<'b, ()>>(keys: &Keys, table: &str, key: &str, sealed: &[u8]) -> Result<T> {
    let damaged = || Error::damaged(format!("an entry of the register ({table}) is not what was written"));
    let plain = zeroize::Zeroizing::new(keys.register.open(&place(table, key), sealed).map_err(|_| damaged())?);
    minicbor::decode(&plain).map_err(|_| damaged())
}

/// Adds a facility or renames it; answers its row's number.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn put_facility(db: &Connection, keys: &Keys, code: &FacilityCode, name: &str) -> Result<i64> {
    let entry = seal(keys, "facility", code.as_str(), &name)?;
    Ok(db.query_row(
        "INSERT INTO facility (code, entry) VALUES (?1, ?2)
         ON CONFLICT (code) DO UPDATE SET entry = excluded.entry RETURNING id",
        (code.as_str(), entry),
        |row| row.get(0),
    )?)
}

/// Adds a peer or replaces its settings.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn put_peer(db: &Connection, keys: &Keys, ae_title: &str, peer: &Peer) -> Result<()> {
    let entry = seal(keys, "peer", ae_title, peer)?;
    db.execute("INSERT OR REPLACE INTO peer (ae_title, entry) VALUES (?1, ?2)", (ae_title, entry))?;
    Ok(())
}

/// Adds a person or replaces it.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn put_person(db: &Connection, keys: &Keys, actor: &str, person: &Person) -> Result<()> {
    let entry = seal(keys, "person", actor, person)?;
    db.execute("INSERT OR REPLACE INTO person (actor, entry) VALUES (?1, ?2)", (actor, entry))?;
    Ok(())
}

/// Removes a peer.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn remove_peer(db: &Connection, ae_title: &str) -> Result<()> {
    db.execute("DELETE FROM peer WHERE ae_title = ?1", [ae_title])?;
    Ok(())
}

/// Removes a person.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn remove_person(db: &Connection, actor: &str) -> Result<()> {
    db.execute("DELETE FROM person WHERE actor = ?1", [actor])?;
    Ok(())
}

/// The register as it was committed.
///
/// # Errors
/// Damaged for an entry that does not open.
pub fn load(db: &Connection, keys: &Keys) -> Result<Register> {
    let mut register = Register::default();
    let mut statement = db.prepare("SELECT id, code, entry FROM facility")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        let code = FacilityCode::new(&text).ok_or_else(|| Error::damaged("a facility's code is not one"))?;
        let name = open(keys, "facility", &text, &row.get::<_, Vec<u8>>(2)?)?;
        register.facilities.insert(code, Facility { id: row.get(0)?, name });
    }
    let mut statement = db.prepare("SELECT ae_title, entry FROM peer")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let ae_title: String = row.get(0)?;
        let peer = open(keys, "peer", &ae_title, &row.get::<_, Vec<u8>>(1)?)?;
        register.peers.insert(ae_title, peer);
    }
    let mut statement = db.prepare("SELECT actor, entry FROM person")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let actor: String = row.get(0)?;
        let person = open(keys, "person", &actor, &row.get::<_, Vec<u8>>(1)?)?;
        register.people.insert(actor, person);
    }
    Ok(register)
}
