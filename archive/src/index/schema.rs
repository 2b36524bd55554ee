//! The index's tables, and opening the file that holds them.
//!
//! Nothing here is the only copy of anything: another schema version, or a file that SQLite cannot read, is thrown away
//! and built again from the segments.

use crate::error::{Error, Result};
use crate::segment::folder::sync_dir;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Raised with every change to the tables below or to what `apply` writes into them.
const SCHEMA_VERSION: i64 = 5;

/// How long a connection waits for another before it gives up. In WAL mode only checkpoints ever wait.
const BUSY_TIMEOUT_MS: std::time::Duration = std::time::Duration::from_secs(5);

const TABLES: &str = "
-- How far the segments have been applied. The rest of the tables is exactly what these bytes say.
CREATE TABLE segments(number INTEGER PRIMARY KEY, applied_bytes INTEGER NOT NULL, alone INTEGER NOT NULL);
CREATE TABLE progress(only INTEGER PRIMARY KEY CHECK(only = 1), sequence INTEGER NOT NULL);
INSERT INTO progress VALUES(1, 0);

-- Codes and pseudonyms are written once and named by number everywhere else.
CREATE TABLE facilities(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE patients(id INTEGER PRIMARY KEY, pseudonym BLOB NOT NULL UNIQUE);
-- Which facility may look for which patient: because so many object versions that are not isolated say that it treats the
-- patient (own), or because it was given to.
CREATE TABLE treated(
  patient INTEGER NOT NULL, facility INTEGER NOT NULL, own INTEGER NOT NULL,
  PRIMARY KEY(patient, facility)) WITHOUT ROWID;
-- What the newest versions of objects give to other facilities, and until when.
CREATE TABLE given(
  object BLOB NOT NULL, patient INTEGER NOT NULL, facility INTEGER NOT NULL, until INTEGER NOT NULL,
  PRIMARY KEY(object, patient, facility)) WITHOUT ROWID;
CREATE INDEX given_by_patient ON given(patient, facility);
CREATE INDEX given_by_end ON given(until);

-- Every object version; `record` is its ObjectRecord in CBOR without tokens and linked pseudonyms. The newest is the newest of
-- those that no isolation holds; `isolated` is how many hold it.
CREATE TABLE versions(
  id INTEGER PRIMARY KEY, object BLOB NOT NULL, version INTEGER NOT NULL, newest INTEGER NOT NULL,
  segment INTEGER NOT NULL, frame_offset INTEGER NOT NULL, record BLOB NOT NULL,
  arrived INTEGER NOT NULL, isolated INTEGER NOT NULL,
  UNIQUE(object, version));
CREATE INDEX versions_by_place ON versions(segment, frame_offset);
CREATE INDEX versions_by_arrival ON versions(arrived);

-- Isolations, and how far each is gone through: by arrival while it begins, by its versions while it is lifted.
CREATE TABLE isolations(
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, rule BLOB NOT NULL, lifted INTEGER NOT NULL, done INTEGER NOT NULL,
  versions INTEGER NOT NULL, cursor_arrived INTEGER NOT NULL, cursor_version INTEGER NOT NULL);
CREATE TABLE isolated(
  isolation INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(isolation, version)) WITHOUT ROWID;

-- Counts speak of newest versions. An instance whose every version is isolated is in the series 0, and a resource of the patient 0:
-- there is none of that number. A row whose last instance has moved away stays, with a count of 0, and is not found.
CREATE TABLE studies(
  id INTEGER PRIMARY KEY, study_instance_uid TEXT NOT NULL, facility INTEGER NOT NULL, patient INTEGER NOT NULL,
  -- StudyDate as the number YYYYMMDD, 0 for none.
  day INTEGER NOT NULL, modalities TEXT NOT NULL, series INTEGER NOT NULL, instances INTEGER NOT NULL,
  -- Its rows of study_tokens (CBOR), so that they can follow the study to another day or another facility's look-ups.
  tokens BLOB NOT NULL,
  -- Whether it stands in study_days and study_tokens.
  listed INTEGER NOT NULL,
  UNIQUE(study_instance_uid, facility, patient));
CREATE INDEX studies_by_patient ON studies(patient);
CREATE TABLE series(
  id INTEGER PRIMARY KEY, series_instance_uid TEXT NOT NULL, study INTEGER NOT NULL, modality TEXT NOT NULL,
  instances INTEGER NOT NULL,
  UNIQUE(series_instance_uid, study));
CREATE INDEX series_by_study ON series(study);
CREATE TABLE instances(
  id INTEGER PRIMARY KEY, sop_instance_uid TEXT NOT NULL, facility INTEGER NOT NULL, series INTEGER NOT NULL,
  sop_class_uid TEXT NOT NULL, version INTEGER NOT NULL,
  UNIQUE(sop_instance_uid, facility));
CREATE INDEX instances_by_series ON instances(series);
CREATE TABLE resources(
  id INTEGER PRIMARY KEY, resource_type TEXT NOT NULL, logical_id TEXT NOT NULL, facility INTEGER NOT NULL,
  patient INTEGER NOT NULL, date TEXT NOT NULL, version INTEGER NOT NULL,
  -- Its rows of resource_tokens (CBOR), so that a later version can take them away without searching for them.
  tokens BLOB NOT NULL,
  UNIQUE(resource_type, logical_id));
CREATE INDEX resources_by_patient ON resources(patient);

-- What each facility sees, newest day first within every token and every modality: a list of a hundred reads a hundred rows of
-- one short range, however many patients share the token or the week. Modality '' is every study.
CREATE TABLE study_tokens(
  facility INTEGER NOT NULL, token BLOB NOT NULL, day INTEGER NOT NULL, study INTEGER NOT NULL,
  PRIMARY KEY(facility, token, day, study)) WITHOUT ROWID;
CREATE TABLE study_days(
  facility INTEGER NOT NULL, modality TEXT NOT NULL, day INTEGER NOT NULL, study INTEGER NOT NULL,
  PRIMARY KEY(facility, modality, day, study)) WITHOUT ROWID;

-- Tokens first, so that a look-up reads one short range of one tree however many patients there are.
CREATE TABLE resource_tokens(token BLOB NOT NULL, resource INTEGER NOT NULL, PRIMARY KEY(token, resource)) WITHOUT ROWID;

-- What each facility sees, by day: a work list reads its own days and no other facility's.
CREATE TABLE resource_days(
  facility INTEGER NOT NULL, resource_type TEXT NOT NULL, date TEXT NOT NULL, resource INTEGER NOT NULL,
  PRIMARY KEY(facility, resource_type, date, resource)) WITHOUT ROWID;
";

/// Opens the one connection that writes, with all tables; says whether they are empty because the file was new, of
/// another schema, marked as damaged or unreadable.
pub(crate) fn open_writer(path: &Path) -> Result<Connection> {
    if !marker(path).exists() {
        match try_open_writer(path) {
            Ok(Some(connection)) => return Ok(connection),
            Ok(None) => tracing::info!("the index is new or of another schema; building it from the segments"),
            Err(error) => tracing::warn!(%error, "the index is unreadable; building it from the segments"),
        }
    }
    for suffix in ["", "-wal", "-shm"] {
        remove(&with_suffix(path, suffix))?;
    }
    // Else a power cut could bring the old file back, and the word about it gone.
    sync_folder_of(path).map_err(|error| Error::from_io("index", &error))?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT_MS)?;
    configure(&connection)?;
    connection.execute_batch(&format!("BEGIN;{TABLES}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"))?;
    // A crash before this line finds the marker again and starts over.
    remove(&marker(path))?;
    Ok(connection)
}

fn try_open_writer(path: &Path) -> rusqlite::Result<Option<Connection>> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT_MS)?;
    configure(&connection)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // Reads every table's root, so that a file cut short is noticed here and not by the first sender.
    let readable = connection.query_row("SELECT sequence FROM progress", [], |row| row.get::<_, i64>(0)).is_ok();
    Ok((version == SCHEMA_VERSION && readable).then_some(connection))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may take the last transactions away, whole; the segments have them, and start-up applies them again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // Moving the log into the file is asked for (`apply`) and not left to a commit, which would pass over a failed flush in
    // silence: the log would be begun anew over pages that the disk never took.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    prepare_once(connection)
}

/// Keeps prepared statements as they are: without this a statement with `LIMIT ?` is compiled again at each use.
fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Opens a connection that can only read.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT_MS)?;
    connection.pragma_update(None, "query_only", true)?;
    // The upper pages of every tree stay at hand: a page of a search reads some hundred pages of them.
    connection.pragma_update(None, "cache_size", -8_192)?;
    prepare_once(&connection)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == SCHEMA_VERSION { Ok(connection) } else { Err(Error::Damaged("index: another schema".to_owned())) }
}

/// Leaves word that the index must be built again, for the next start.
pub(crate) fn mark_damaged(path: &Path) -> io::Result<()> {
    let mut file = fs::File::create(marker(path))?;
    file.write_all(b"the index is in doubt; it is built again from the segments at the next start\n")?;
    file.sync_all()?;
    sync_folder_of(path)
}

/// Moves what readers no longer need of the log into the file, and flushes both.
pub(crate) fn move_log(connection: &Connection) -> Result<()> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_dir)
}

fn marker(path: &Path) -> PathBuf {
    with_suffix(path, ".rebuild")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::from_io("index", &error)),
        _ => Ok(()),
    }
}
