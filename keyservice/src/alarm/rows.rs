//! Alarms, incidents, the frozen and what is to be delivered, as they lie in the state: each row sealed, and bound to its place.

use super::detect::Habit;
use super::frozen::{Cause, Frozen};
use crate::error::{Error, Result};
use crate::keys::Keys;
use minicbor::{Decode, Encode};
use rusqlite::{Connection, OptionalExtension as _};
use zeroize::Zeroizing;

/// A table of numbered, sealed rows.
#[derive(Clone, Copy, Debug)]
pub enum Table {
    /// Alarms.
    Alarm,
    /// Incidents.
    Incident,
    /// Messages to be delivered.
    Outbox,
    /// Records that no honest work opens.
    Canary,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Incident => "incident",
            Self::Outbox => "outbox",
            Self::Canary => "canary",
        }
    }

    fn place(self, id: i64) -> Vec<u8> {
        format!("{}/{id}", self.name()).into_bytes()
    }
}

pub(crate) fn seal<T: Encode<()>>(keys: &Keys, place: &[u8], entry: &T) -> Result<Vec<u8>> {
    let plain = Zeroizing::new(minicbor::to_vec(entry).map_err(|_| Error::invalid("a row cannot be written"))?);
    Ok(keys.register.seal(place, &plain)?)
}

pub(crate) fn open<T: for<'b> Decode<'b, ()>>(keys: &Keys, place: &[u8], sealed: &[u8]) -> Result<T> {
    let damaged = || Error::damaged("a row of the alarms is not what was written");
    let plain = Zeroizing::new(keys.register.open(place, sealed).map_err(|_| damaged())?);
    minicbor::decode(&plain).map_err(|_| damaged())
}

/// Appends a row; answers its number.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn insert<T: Encode<()>>(db: &Connection, keys: &Keys, table: Table, entry: &T) -> Result<i64> {
    // The number is part of what the row is bound to, and is never used again.
    let id: i64 = db
        .prepare_cached(&format!("INSERT INTO {} (sealed) VALUES (x'') RETURNING id", table.name()))?
        .query_row([], |row| row.get(0))?;
    put(db, keys, table, id, entry)?;
    Ok(id)
}

/// Writes a row anew.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put<T: Encode<()>>(db: &Connection, keys: &Keys, table: Table, id: i64, entry: &T) -> Result<()> {
    let sealed = seal(keys, &table.place(id), entry)?;
    db.prepare_cached(&format!("INSERT OR REPLACE INTO {} (id, sealed) VALUES (?1, ?2)", table.name()))?
        .execute((id, sealed))?;
    Ok(())
}

/// Removes a row.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn remove(db: &Connection, table: Table, id: i64) -> Result<()> {
    db.prepare_cached(&format!("DELETE FROM {} WHERE id = ?1", table.name()))?.execute([id])?;
    Ok(())
}

/// One row.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn get<T: for<'b> Decode<'b, ()>>(db: &Connection, keys: &Keys, table: Table, id: i64) -> Result<Option<T>> {
    let sealed: Option<Vec<u8>> = db
        .prepare_cached(&format!("SELECT sealed FROM {} WHERE id = ?1", table.name()))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    sealed.map(|sealed| open(keys, &table.place(id), &sealed)).transpose()
}

/// Every row in order.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn all<T: for<'b> Decode<'b, ()>>(db: &Connection, keys: &Keys, table: Table) -> Result<Vec<(i64, T)>> {
    let mut statement = db.prepare(&format!("SELECT id, sealed FROM {} ORDER BY id", table.name()))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        found.push((id, open(keys, &table.place(id), &row.get::<_, Vec<u8>>(1)?)?));
    }
    Ok(found)
}

fn habit_place(actor: &str) -> Vec<u8> {
    format!("habit/{actor}").into_bytes()
}

/// Writes an actor's habits down.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put_habit(db: &Connection, keys: &Keys, actor: &str, habit: &Habit) -> Result<()> {
    let sealed = seal(keys, &habit_place(actor), habit)?;
    db.prepare_cached("INSERT OR REPLACE INTO habit (actor, sealed) VALUES (?1, ?2)")?.execute((actor, sealed))?;
    Ok(())
}

/// Everybody's habits.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn load_habits(db: &Connection, keys: &Keys) -> Result<Vec<(String, Habit)>> {
    let mut statement = db.prepare("SELECT actor, sealed FROM habit")?;
    let mut rows = statement.query([])?;
    let mut habits = Vec::new();
    while let Some(row) = rows.next()? {
        let actor: String = row.get(0)?;
        let habit = open(keys, &habit_place(&actor), &row.get::<_, Vec<u8>>(1)?)?;
        habits.push((actor, habit));
    }
    Ok(habits)
}

fn frozen_place(actor: &str) -> Vec<u8> {
    format!("frozen/{actor}").into_bytes()
}

/// Writes down that an actor is frozen.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put_frozen(db: &Connection, keys: &Keys, actor: &str, cause: &Cause) -> Result<()> {
    let sealed = seal(keys, &frozen_place(actor), cause)?;
    db.execute("INSERT OR REPLACE INTO frozen (actor, sealed) VALUES (?1, ?2)", (actor, sealed))?;
    Ok(())
}

/// Writes down that an actor is not frozen any more.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn remove_frozen(db: &Connection, actor: &str) -> Result<()> {
    db.execute("DELETE FROM frozen WHERE actor = ?1", [actor])?;
    Ok(())
}

/// Everybody who is frozen.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn load_frozen(db: &Connection, keys: &Keys) -> Result<Frozen> {
    let mut statement = db.prepare("SELECT actor, sealed FROM frozen")?;
    let mut rows = statement.query([])?;
    let mut frozen = Frozen::default();
    while let Some(row) = rows.next()? {
        let actor: String = row.get(0)?;
        let cause = open(keys, &frozen_place(&actor), &row.get::<_, Vec<u8>>(1)?)?;
        frozen.0.insert(actor, cause);
    }
    Ok(frozen)
}
