//! The state: one SQLite file. A commit is one durable write, and everything that belongs together is in one commit.

pub mod charges;
pub mod credentials;
pub mod erasures;
pub mod events;
pub mod holds;
pub mod inventory;
pub mod patients;
pub mod quorum;
pub mod register;
pub mod relations;
pub mod sealed;

use crate::error::{Error, Result};
use crate::keys::Keys;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// The file's name in the service's folder.
pub const FILE_NAME: &str = "state.sqlite";

/// The steps from each `user_version` to the next. A published step never changes.
const MIGRATIONS: &[&str] = &[include_str!("schema_1.sql"), include_str!("schema_2.sql"), include_str!("schema_3.sql")];

/// How long the writer waits for a reader at a checkpoint; readers hold a page of events, for milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Opens the state for writing, creating or migrating it.
///
/// # Errors
/// Damaged for a file that is not this service's state or comes from a later program.
pub fn open(folder: &Path) -> Result<Connection> {
    let path = folder.join(FILE_NAME);
    // Made here and not by SQLite, so that it and the log beside it are never readable by others.
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| Error::io(path.display(), &e))?;
    let mut db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.busy_timeout(LOCK_WAIT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit returns when the log is on the disk, so an answer that follows it survives a power cut.
    db.pragma_update(None, "synchronous", "FULL")?;
    // Moving the log into the file is asked for and not left to a commit, which would pass over a failed flush in silence:
    // the log would be begun anew over pages that the disk never took.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Deleted contents are overwritten with zeros: an erased secret is not left in a free page.
    db.pragma_update(None, "secure_delete", "ON")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "trusted_schema", "OFF")?;
    // A plan that depends on the values bound to it would be made again at each use.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(128);
    migrate(&mut db)?;
    // A crash after an erasure's commit may have left the old page in the log; it ends here before anything is served.
    truncate_log(&db)?;
    Ok(db)
}

/// Opens the state for reading, while another connection may write.
///
/// # Errors
/// Invalid if there is none.
pub fn open_for_reading(folder: &Path) -> Result<Connection> {
    let path = folder.join(FILE_NAME);
    let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|_| Error::invalid(format!("no state at {}", path.display())))?;
    db.busy_timeout(LOCK_WAIT)?;
    Ok(db)
}

fn migrate(db: &mut Connection) -> Result<()> {
    let version: usize =
        db.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))?.try_into().unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(Error::damaged("the state was written by a later version of this program"));
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = db.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", u32::try_from(step + 1).unwrap_or(u32::MAX))?;
        transaction.commit()?;
    }
    Ok(())
}

/// Moves the log into the file and cuts it to nothing. `false` if a reader was in the way: then it has to be tried again.
///
/// # Errors
/// Damaged if the disk fails.
pub fn truncate_log(db: &Connection) -> Result<bool> {
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// Moves what readers no longer need of the log into the file, and flushes both.
///
/// # Errors
/// Damaged if the disk fails: then only a new start tells what it holds.
pub fn move_log(db: &Connection) -> Result<()> {
    Ok(db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
}

/// What the log's move came to; on a full disk it is only put off.
///
/// # Errors
/// Any other failure.
pub fn delayed_by_a_full_disk<T>(moved: Result<T>, delayed: T) -> Result<T> {
    match moved {
        Err(error) if error.outcome() == record::Outcome::Busy => {
            tracing::warn!("the state's log stays where it is: {error}");
            Ok(delayed)
        }
        moved => moved,
    }
}

/// One of the service's own facts, made with `first` when it is asked for the first time.
///
/// # Errors
/// Damaged if the disk fails.
pub fn meta(db: &Connection, name: &str, first: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let found = db.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()?;
    if let Some(value) = found {
        return Ok(value);
    }
    let value = first()?;
    db.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", (name, &value))?;
    Ok(value)
}

/// Whether a fact is there.
///
/// # Errors
/// Damaged if the disk fails.
pub fn has_meta(db: &Connection, name: &str) -> Result<bool> {
    Ok(db.prepare("SELECT 1 FROM meta WHERE name = ?1")?.exists([name])?)
}

/// Replaces a fact.
///
/// # Errors
/// Damaged if the disk fails.
pub fn set_meta(db: &Connection, name: &str, value: &[u8]) -> Result<()> {
    db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", (name, value))?;
    Ok(())
}

/// The name of the proof that a state and a base belong together.
pub const CHECK: &str = "root";

/// Holds the base against the state, because a state restored beside another vault would refuse every key without saying why; and
/// the state against its inventory. From here on this connection keeps the inventory, so whoever writes calls this first.
///
/// # Errors
/// Damaged if the two do not belong together, or for rows that this service did not leave there.
pub fn check_root(db: &Connection, keys: &Keys) -> Result<()> {
    const PLACE: &[u8] = b"meta/root";
    let damaged = || Error::damaged("vault.key and state.sqlite do not belong together");
    let proof = || keys.register.seal(PLACE, inventory::KEPT);
    if !has_meta(db, CHECK)? {
        // The proof is written first of all: without it there can be nobody, or it was taken away to begin anew.
        if events::size(db)? > 0 || patients::last_leaf(db)? > 0 {
            return Err(Error::damaged("the proof that the state belongs to its root is missing"));
        }
        db.execute_batch("BEGIN IMMEDIATE")?;
        set_meta(db, CHECK, &proof()?)?;
        inventory::open(db, keys, false)?;
        return Ok(db.execute_batch("COMMIT")?);
    }
    let said = keys.register.open(PLACE, &meta(db, CHECK, || Ok(Vec::new()))?).map_err(|_| damaged())?;
    if said == inventory::KEPT {
        return inventory::open(db, keys, true);
    }
    // A state from before there were inventories gets one, once: nobody without the root can make that proof again.
    db.execute_batch("BEGIN IMMEDIATE")?;
    crate::report::prove_tags(db, keys)?;
    crate::audit::prove_hashes(db, keys)?;
    set_meta(db, CHECK, &proof()?)?;
    inventory::open(db, keys, false)?;
    Ok(db.execute_batch("COMMIT")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_from_the_future_is_left_alone() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path())?);
        drop(open(folder.path())?);
        let db = Connection::open(folder.path().join(FILE_NAME))?;
        db.pragma_update(None, "user_version", 99)?;
        drop(db);
        assert_eq!(open(folder.path()).unwrap_err().outcome(), record::Outcome::Damaged);
        Ok(())
    }

    #[test]
    fn the_settings_that_durability_and_erasure_rest_on_are_in_force() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let db = open(folder.path())?;
        let text = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, String>(0)).unwrap();
        let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(text("journal_mode"), "wal");
        assert_eq!((number("synchronous"), number("secure_delete"), number("foreign_keys")), (2, 1, 1));
        Ok(())
    }
}
