//! Frames into rows. The committer and recovery call the same function, in the same order, so a rebuilt index equals
//! the one that grew.

use super::{isolate, schema};
use crate::error::{Error, Result};
use crate::object::{Kind, ObjectRecord, ResourceFacts};
use crate::segment::scan::Contents;
use record::{FacilityCode, Micros, Pseudonym, Version};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::collections::BTreeMap;
use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A frame and where it lies.
pub(crate) struct Placed<'a> {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) sequence: u64,
    pub(crate) alone: bool,
    pub(crate) contents: &'a Contents,
}

/// How far one segment is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) bytes: u64,
    pub(crate) alone: bool,
}

/// Pages by which the log grows before it is moved into the index's file: some 16 MB.
const LOG_PAGES_MAX: u32 = 4_000;

/// The one connection that writes.
pub(crate) struct Writer {
    connection: Connection,
    path: PathBuf,
    /// Where the frames are, with what the index leaves out of their records.
    segments: PathBuf,
    /// Pages in the log, as the last commit left it.
    log_pages: Arc<AtomicU32>,
    /// Pages that were in it when it was last moved.
    moved_pages: u32,
}

impl Writer {
    pub(crate) fn open(path: &Path, segments: &Path) -> Result<Self> {
        let mut connection = schema::open_writer(path)?;
        let log_pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&log_pages);
        connection.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
            told.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { connection, path: path.to_owned(), segments: segments.to_owned(), log_pages, moved_pages: 0 })
    }

    /// The sequence of the last applied frame; 0 before the first.
    pub(crate) fn sequence(&self) -> Result<u64> {
        let sequence = self.connection.query_row("SELECT sequence FROM progress", [], |row| row.get(0))?;
        from_sql(sequence)
    }

    /// Every segment that the index has seen.
    pub(crate) fn segments(&self) -> Result<BTreeMap<u64, Applied>> {
        applied_segments(&self.connection)
    }

    /// Applies frames in one transaction: after a crash either all of them are in the index or none.
    pub(crate) fn apply<'a>(&mut self, frames: impl IntoIterator<Item = Placed<'a>>) -> Result<()> {
        let now = record::time::now();
        let transaction = self.connection.transaction()?;
        super::apply_given::expire(&transaction, now)?;
        let mut kept = isolate::Frames::new(&self.segments);
        for frame in frames {
            apply_frame(&transaction, &mut kept, &frame, now)?;
        }
        transaction.commit()?;
        self.tend_log()
    }

    /// Moves the log where it has grown.
    fn tend_log(&mut self) -> Result<()> {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < self.moved_pages {
            // Everything had been moved, and this commit began the log anew.
            self.moved_pages = 0;
        }
        if pages.saturating_sub(self.moved_pages) < LOG_PAGES_MAX {
            return Ok(());
        }
        self.moved_pages = pages;
        self.move_log()
    }

    /// A piece of what isolations have to go through; `false` if there is nothing. After a crash either all of it is in the
    /// index or none.
    pub(crate) fn isolate_piece(&mut self) -> Result<bool> {
        let now = record::time::now();
        let transaction = self.connection.transaction()?;
        let is_more = isolate::piece(&transaction, &self.segments, now)?;
        transaction.commit()?;
        self.tend_log()?;
        Ok(is_more)
    }

    /// Moves the log into the file. On a full disk it stays where it is, and what was committed stands in it. After any other
    /// failure neither of them can be trusted, whatever later flushes say: the index is marked, to be built again.
    pub(crate) fn move_log(&self) -> Result<()> {
        match schema::move_log(&self.connection) {
            Err(error @ Error::Busy { .. }) => {
                tracing::warn!(%error, "the index's log stays where it is");
                Ok(())
            }
            Err(error) => {
                self.mark_damaged();
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Leaves word that the index must be built again.
    pub(crate) fn mark_damaged(&self) {
        if let Err(error) = schema::mark_damaged(&self.path) {
            tracing::error!(%error, "the index could not be marked; remove index.sqlite by hand");
        }
    }
}

/// Whether this record is what must come next for its object: version 1 of something not kept, or the version after
/// the newest, of the same object. There is one committer, so what is true here is true when it is applied.
pub(crate) fn is_next(db: &Connection, record: &ObjectRecord) -> Result<bool> {
    let newest = match &record.kind {
        Kind::Instance(facts) => newest_of_instance(db, &record.facility, &facts.sop_instance_uid)?,
        Kind::Resource(facts) => newest_of_resource(db, facts)?,
    };
    Ok(match newest {
        None => record.version == 1 && !knows(db, record)?,
        Some(newest) => {
            newest.facility == record.facility.as_str()
                && newest.object == record.object.0
                && newest.version.checked_add(1) == Some(record.version)
        }
    })
}

fn knows(db: &Connection, record: &ObjectRecord) -> Result<bool> {
    let mut statement = db.prepare_cached("SELECT 1 FROM versions WHERE object = ?1")?;
    Ok(statement.exists(params![record.object.0])?)
}

pub(crate) fn applied_segments(connection: &Connection) -> Result<BTreeMap<u64, Applied>> {
    let mut statement = connection.prepare("SELECT number, applied_bytes, alone FROM segments")?;
    let mut rows = statement.query([])?;
    let mut segments = BTreeMap::new();
    while let Some(row) = rows.next()? {
        segments.insert(from_sql(row.get(0)?)?, Applied { bytes: from_sql(row.get(1)?)?, alone: row.get(2)? });
    }
    Ok(segments)
}

/// SQLite's integers are signed.
pub(crate) fn to_sql(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::Damaged("index: a number too large".to_owned()))
}

pub(crate) fn from_sql(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::Damaged("index: a negative number".to_owned()))
}

struct Newest {
    facility: String,
    object: [u8; 16],
    version: Version,
}

fn newest_of_instance(db: &Connection, facility: &FacilityCode, sop_instance_uid: &str) -> Result<Option<Newest>> {
    let mut statement = db.prepare_cached(
        "SELECT f.code, v.object, (SELECT max(version) FROM versions WHERE object = v.object) FROM instances i
         JOIN facilities f ON f.id = i.facility
         JOIN versions v ON v.id = i.version WHERE i.sop_instance_uid = ?1 AND f.code = ?2",
    )?;
    Ok(statement.query_row(params![sop_instance_uid, facility.as_str()], read_newest).optional()?)
}

fn newest_of_resource(db: &Connection, facts: &ResourceFacts) -> Result<Option<Newest>> {
    let mut statement = db.prepare_cached(
        "SELECT f.code, v.object, (SELECT max(version) FROM versions WHERE object = v.object) FROM resources r
         JOIN facilities f ON f.id = r.facility
         JOIN versions v ON v.id = r.version WHERE r.resource_type = ?1 AND r.logical_id = ?2",
    )?;
    Ok(statement.query_row(params![facts.resource_type, facts.id], read_newest).optional()?)
}

fn read_newest(row: &rusqlite::Row<'_>) -> rusqlite::Result<Newest> {
    Ok(Newest { facility: row.get(0)?, object: row.get(1)?, version: row.get(2)? })
}

fn apply_frame(db: &Transaction<'_>, kept: &mut isolate::Frames<'_>, frame: &Placed<'_>, now: Micros) -> Result<()> {
    match frame.contents {
        Contents::Objects(records) => {
            for record in records {
                let version = apply_record(db, frame, record, now)?;
                isolate::born(db, kept, record, version, now)?;
            }
        }
        Contents::Order(order) => isolate::order(db, order)?,
    }
    db.prepare_cached(
        "INSERT INTO segments VALUES(?1, ?2, ?3) ON CONFLICT(number) DO UPDATE SET applied_bytes = excluded.applied_bytes",
    )?
    .execute(params![to_sql(frame.segment)?, to_sql(frame.end)?, frame.alone])?;
    db.prepare_cached("UPDATE progress SET sequence = ?1")?.execute(params![to_sql(frame.sequence)?])?;
    Ok(())
}

/// The row number of the new version.
fn apply_record(db: &Transaction<'_>, frame: &Placed<'_>, record: &ObjectRecord, now: Micros) -> Result<i64> {
    let facility = intern_facility(db, &record.facility)?;
    let patient = intern_patient(db, record.patient)?;
    treat(db, patient, facility)?;
    let mut person = vec![patient];
    for linked in &record.linked {
        let linked = intern_patient(db, *linked)?;
        treat(db, linked, facility)?;
        person.push(linked);
    }
    let version = insert_version(db, frame, record)?;
    let owner = Owner { facility, patient, version };
    match &record.kind {
        Kind::Instance(facts) => super::apply_instance::apply(db, owner, facts, &record.tokens)?,
        Kind::Resource(facts) => super::apply_resource::apply(db, owner, facts, &record.tokens)?,
    }
    if !record.given.is_empty() || record.version != 1 {
        give(db, record, &person, now)?;
    }
    Ok(version)
}

/// Brings what an object gives to what a record of it says.
pub(super) fn give(db: &Transaction<'_>, record: &ObjectRecord, person: &[i64], now: Micros) -> Result<()> {
    let given = record.given.iter().map(|given| Ok((intern_facility(db, &given.to)?, given)));
    super::apply_given::apply(db, record.object, person, &given.collect::<Result<Vec<_>>>()?, now)
}

/// Row numbers that a record's rows point to.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) facility: i64,
    pub(super) patient: i64,
    pub(super) version: i64,
}

fn insert_version(db: &Transaction<'_>, frame: &Placed<'_>, record: &ObjectRecord) -> Result<i64> {
    db.prepare_cached("UPDATE versions SET newest = 0 WHERE object = ?1 AND newest")?
        .execute(params![record.object.0])?;
    // Two frames of one version cannot be: the unique key on (object, version) fails, and the frame is not applied.
    db.prepare_cached(
        "INSERT INTO versions(object, version, newest, segment, frame_offset, record, arrived, isolated)
         VALUES(?1, ?2, 1, ?3, ?4, ?5, ?6, 0)",
    )?
    .execute(params![
        record.object.0,
        record.version,
        to_sql(frame.segment)?,
        to_sql(frame.offset)?,
        without_tokens(record)?,
        record.arrived
    ])?;
    Ok(db.last_insert_rowid())
}

/// A record as the index gives it back.
pub(crate) fn stripped(record: &ObjectRecord) -> ObjectRecord {
    ObjectRecord { tokens: Vec::new(), linked: Vec::new(), given: Vec::new(), ..record.clone() }
}

/// A record as the index keeps it.
pub(crate) fn without_tokens(record: &ObjectRecord) -> Result<Vec<u8>> {
    minicbor::to_vec(stripped(record)).map_err(|_| Error::Damaged("index: a record that cannot be encoded".to_owned()))
}

pub(super) fn intern_facility(db: &Transaction<'_>, code: &FacilityCode) -> Result<i64> {
    let known = db
        .prepare_cached("SELECT id FROM facilities WHERE code = ?1")?
        .query_row(params![code.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    db.execute("INSERT INTO facilities(code) VALUES(?1)", params![code.as_str()])?;
    Ok(db.last_insert_rowid())
}

pub(super) fn intern_patient(db: &Transaction<'_>, pseudonym: Pseudonym) -> Result<i64> {
    let known = db
        .prepare_cached("SELECT id FROM patients WHERE pseudonym = ?1")?
        .query_row(params![pseudonym.0], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    db.prepare_cached("INSERT INTO patients(pseudonym) VALUES(?1)")?.execute(params![pseudonym.0])?;
    Ok(db.last_insert_rowid())
}

/// Lets a facility look for a patient, because one object version more says so; the first time, everything kept of the patient
/// enters the facility's days.
pub(super) fn treat(db: &Transaction<'_>, patient: i64, facility: i64) -> Result<()> {
    let new = db
        .prepare_cached("INSERT OR IGNORE INTO treated(patient, facility, own) VALUES(?1, ?2, 1)")?
        .execute(params![patient, facility])?;
    if new == 0 {
        // It may have been given to look before.
        db.prepare_cached("UPDATE treated SET own = own + 1 WHERE patient = ?1 AND facility = ?2")?
            .execute(params![patient, facility])?;
        return Ok(());
    }
    super::apply_instance::show(db, patient, facility)?;
    db.prepare_cached(
        "INSERT INTO resource_days(facility, resource_type, date, resource)
         SELECT ?2, resource_type, date, id FROM resources WHERE patient = ?1",
    )?
    .execute(params![patient, facility])?;
    Ok(())
}
