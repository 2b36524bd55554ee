//! Rows that are numbered and sealed whole: what a colleague approved on the spot, and who broke the glass.

use crate::error::{Error, Result};
use crate::keys::Keys;
use minicbor::{Decode, Encode};
use rusqlite::Connection;
use zeroize::Zeroizing;

/// A table of such rows.
#[derive(Clone, Copy, Debug)]
pub enum Table {
    /// Askings for more than a budget holds.
    StepUp,
    /// Emergencies that were declared.
    Glass,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::StepUp => "step_up",
            Self::Glass => "glass",
        }
    }

    fn place(self, id: u64) -> Vec<u8> {
        format!("{}/{id}", self.name()).into_bytes()
    }
}

fn signed(id: u64) -> Result<i64> {
    i64::try_from(id).map_err(|_| Error::invalid("there is no such number"))
}

/// Appends a row; answers its number, which no other row ever gets.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn insert<T: Encode<()>>(db: &Connection, keys: &Keys, table: Table, entry: &T) -> Result<u64> {
    let id: i64 = db
        .prepare_cached(&format!("INSERT INTO {} (sealed) VALUES (x'') RETURNING id", table.name()))?
        .query_row([], |row| row.get(0))?;
    let id = u64::try_from(id).map_err(|_| Error::damaged("a row's number is below zero"))?;
    put(db, keys, table, id, entry)?;
    Ok(id)
}

/// Writes a row anew.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn put<T: Encode<()>>(db: &Connection, keys: &Keys, table: Table, id: u64, entry: &T) -> Result<()> {
    let plain = Zeroizing::new(minicbor::to_vec(entry).map_err(|_| Error::invalid("a row cannot be written"))?);
    let sealed = keys.register.seal(&table.place(id), &plain)?;
    db.prepare_cached(&format!("UPDATE {} SET sealed = ?2 WHERE id = ?1", table.name()))?
        .execute((signed(id)?, sealed))?;
    Ok(())
}

/// Removes a row.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn remove(db: &Connection, table: Table, id: u64) -> Result<()> {
    db.prepare_cached(&format!("DELETE FROM {} WHERE id = ?1", table.name()))?.execute([signed(id)?])?;
    Ok(())
}

/// Every row in order. There are few: they go after a day.
///
/// # Errors
/// Damaged for a row that does not open.
pub fn all<T: for<'b> Decode<'b, ()>>(db: &Connection, keys: &Keys, table: Table) -> Result<Vec<(u64, T)>> {
    let damaged = || Error::damaged(format!("a row of {} is not what was written", table.name()));
    let mut statement = db.prepare_cached(&format!("SELECT id, sealed FROM {} ORDER BY id", table.name()))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = u64::try_from(row.get::<_, i64>(0)?).map_err(|_| damaged())?;
        let sealed: Vec<u8> = row.get(1)?;
        let plain = Zeroizing::new(keys.register.open(&table.place(id), &sealed).map_err(|_| damaged())?);
        found.push((id, minicbor::decode(&plain).map_err(|_| damaged())?));
    }
    Ok(found)
}
