//! The ledger's entries as they are committed: sealed events in order.

use crate::error::{Error, Result};
use rusqlite::Connection;

/// How many entries are committed, or about to be.
///
/// # Errors
/// Damaged if the disk fails.
pub fn size(db: &Connection) -> Result<u64> {
    let size: i64 = db
        .prepare_cached("SELECT COALESCE((SELECT position + 1 FROM event ORDER BY position DESC LIMIT 1), 0)")?
        .query_row([], |row| row.get(0))?;
    u64::try_from(size).map_err(|_| Error::damaged("the ledger's entries have a position below zero"))
}

/// Appends one sealed event at its position.
///
/// # Errors
/// Damaged if the position is taken or the disk fails.
pub fn append(db: &Connection, position: u64, sealed: &[u8]) -> Result<()> {
    db.prepare_cached("INSERT INTO event (position, sealed) VALUES (?1, ?2)")?.execute((signed(position)?, sealed))?;
    Ok(())
}

/// At most `count` sealed events from a position on.
///
/// # Errors
/// Damaged if the disk fails or an entry is missing.
pub fn read(db: &Connection, from: u64, count: usize) -> Result<Vec<Vec<u8>>> {
    let mut statement =
        db.prepare_cached("SELECT position, sealed FROM event WHERE position >= ?1 ORDER BY position LIMIT ?2")?;
    let mut rows = statement.query((signed(from)?, i64::try_from(count).unwrap_or(i64::MAX)))?;
    let mut events = Vec::new();
    let mut expected = signed(from)?;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(0)? != expected {
            return Err(Error::damaged("an entry of the ledger is missing from the state"));
        }
        expected += 1;
        events.push(row.get(1)?);
    }
    Ok(events)
}

fn signed(position: u64) -> Result<i64> {
    i64::try_from(position).map_err(|_| Error::damaged("the ledger is longer than it can be"))
}
