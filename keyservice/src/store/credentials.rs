//! Passkeys, keys, sessions and invitations as they lie in the state, and what has been used once.

use super::register::{open, seal};
use crate::error::{Error, Result};
use crate::issuer::Entry;
use crate::keys::Keys;
use aws_lc_rs::rand;
use record::{Micros, Outcome};
use rusqlite::Connection;

/// The number of an entry.
pub type Row = [u8; 16];

/// How long after its end a used tag is kept, in microseconds: a clock that jumps a day ahead and back again lets nothing be used
/// twice.
const KEPT_MICROS: Micros = 2 * 24 * 3_600 * 1_000_000;

/// A number for a new entry.
///
/// # Errors
/// Busy if the system gives no randomness.
pub fn new_row() -> Result<Row> {
    let mut row = [0; 16];
    rand::fill(&mut row).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    Ok(row)
}

/// Adds an entry or replaces it.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn put(db: &Connection, keys: &Keys, row: &Row, entry: &Entry) -> Result<()> {
    let entry = seal(keys, "credential", &hex::encode(row), entry)?;
    db.prepare_cached("INSERT OR REPLACE INTO credential (id, entry) VALUES (?1, ?2)")?.execute((row, entry))?;
    Ok(())
}

/// Removes an entry.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn remove(db: &Connection, row: &Row) -> Result<()> {
    db.prepare_cached("DELETE FROM credential WHERE id = ?1")?.execute([row])?;
    Ok(())
}

/// All entries as they were committed.
///
/// # Errors
/// Damaged for an entry that does not open.
pub fn load(db: &Connection, keys: &Keys) -> Result<Vec<(Row, Entry)>> {
    let mut statement = db.prepare("SELECT id, entry FROM credential")?;
    let mut rows = statement.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let id: Row = row.get(0)?;
        entries.push((id, open(keys, "credential", &hex::encode(id), &row.get::<_, Vec<u8>>(1)?)?));
    }
    Ok(entries)
}

/// Uses a tag that is good until a time; `false` if it was used before.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn use_once(db: &Connection, tag: &[u8; 32], until: Micros, now: Micros) -> Result<bool> {
    db.prepare_cached("DELETE FROM used_once WHERE until < ?1")?.execute([now.saturating_sub(KEPT_MICROS)])?;
    let added =
        db.prepare_cached("INSERT OR IGNORE INTO used_once (tag, until) VALUES (?1, ?2)")?.execute((tag, until))?;
    Ok(added == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_used_once_whatever_the_clock_does() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::store::open(folder.path()).unwrap();
        let day = KEPT_MICROS / 2;
        assert!(use_once(&db, &[1; 32], 300, 0).unwrap());
        for now in [0, 300, day, -day, 0] {
            assert!(!use_once(&db, &[1; 32], 300, now).unwrap(), "at {now}");
        }
        assert!(use_once(&db, &[2; 32], 300, 300 + KEPT_MICROS + 1).unwrap());
        let count: i64 = db.query_row("SELECT COUNT(*) FROM used_once", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1, "what is long over leaves");
    }
}
