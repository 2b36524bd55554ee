//! Isolation in the index: which object versions are held, and what is left when they are.
//!
//! An order in the segments says what is held; the rows follow in pieces. An object whose newest version is held shows the
//! newest that is not; an object whose every version is held is nowhere; a facility that treats a patient by held versions
//! alone does not treat the patient. Nothing is taken out of `versions`, so lifting an isolation leads back through the same
//! functions that a version takes when it arrives.

use super::apply::{self, Owner, from_sql};
use super::{apply_given, apply_instance, apply_resource};
use crate::error::{Error, Result};
use crate::object::{Isolation, Kind, ObjectRecord, Order};
use crate::segment::scan::SegmentFile;
use record::{Micros, ObjectId, Version};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use seal::message::isolation::IsolationId;
use std::collections::BTreeSet;
use std::path::Path;

/// Object versions that are looked at in one piece: some 30 ms, which whoever reads what has just arrived may wait.
const PIECE_VERSIONS: usize = 256;

/// How far an isolation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub id: IsolationId,
    /// Whether it is being lifted, or was.
    pub is_lifted: bool,
    /// Whether everything of it is gone through.
    pub is_done: bool,
    /// Object versions that it holds now.
    pub versions: u64,
}

/// What an isolation is or would be about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Object versions.
    pub versions: u64,
    /// Those of them that had replaced an earlier version.
    pub replacing: u64,
    /// Instances among them; the others are resources.
    pub instances: u64,
    /// Patients that they are of.
    pub patients: u64,
    /// How many each sender wrote, by the sender's id.
    pub senders: std::collections::BTreeMap<String, u64>,
}

/// A version whose frame is known.
struct Placed {
    id: i64,
    object: ObjectId,
    version: Version,
    segment: u64,
    offset: u64,
}

/// Reads whole records from the segments, which have what the index leaves out.
pub(super) struct Frames<'s> {
    segments: &'s Path,
    open: Option<SegmentFile>,
}

impl<'s> Frames<'s> {
    pub(super) fn new(segments: &'s Path) -> Self {
        Self { segments, open: None }
    }

    fn record(&mut self, placed: &Placed) -> Result<ObjectRecord> {
        let damaged = |error: &dyn std::fmt::Display| {
            Error::Damaged(format!("segment {} at {}: {error}", placed.segment, placed.offset))
        };
        let at_hand = self.open.take().filter(|file| file.number == placed.segment && file.bytes > placed.offset);
        let file = match at_hand {
            Some(file) => file,
            None => SegmentFile::open(self.segments, placed.segment).map_err(|error| damaged(&error))?,
        };
        let record = file.record_of(placed.offset, placed.object, placed.version).map_err(|error| damaged(&error))?;
        self.open = Some(file);
        Ok(record)
    }
}

/// Notes an order. What it is about is gone through afterwards, in pieces.
pub(super) fn order(db: &Transaction<'_>, order: &Order) -> Result<()> {
    match order {
        Order::Isolate(isolation) => {
            let rule = minicbor::to_vec(isolation)
                .map_err(|_| Error::Damaged("index: a rule that cannot be encoded".to_owned()))?;
            // The same order once more is no other.
            db.prepare_cached(
                "INSERT OR IGNORE INTO isolations(id, rule, lifted, done, versions, cursor_arrived, cursor_version)
                 VALUES(?1, ?2, 0, 0, 0, ?3, 0)",
            )?
            .execute(params![isolation.id.0, rule, isolation.from])?;
        }
        Order::Lift { id } => {
            db.prepare_cached("UPDATE isolations SET lifted = 1, done = 0 WHERE id = ?1 AND lifted = 0")?
                .execute(params![id.0])?;
        }
    }
    Ok(())
}

/// Holds a version that has just come, if an isolation in force is about it: nobody has seen it before the transaction ends.
pub(super) fn born(
    db: &Transaction<'_>,
    frames: &mut Frames<'_>,
    record: &ObjectRecord,
    version: i64,
    now: Micros,
) -> Result<()> {
    let mut affected = Affected::default();
    for (number, isolation) in in_force(db)? {
        if isolation.covers(record) && hold(db, number, version)? {
            say(db, record, Change::Held, now)?;
            affected.objects.insert(record.object.0);
        }
    }
    affected.show(db, frames, now)
}

/// Goes through one piece; `false` if there is nothing to go through.
pub(super) fn piece(db: &Transaction<'_>, segments: &Path, now: Micros) -> Result<bool> {
    let undone: Option<(i64, bool)> = db
        .prepare_cached("SELECT number, lifted FROM isolations WHERE done = 0 ORDER BY number LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((number, is_lifted)) = undone else { return Ok(false) };
    let mut frames = Frames::new(segments);
    let mut affected = Affected::default();
    let change = if is_lifted { Change::Freed } else { Change::Held };
    let versions = if is_lifted { held(db, number)? } else { next(db, number)? };
    for placed in versions {
        let has_changed = if is_lifted { free(db, number, placed.id)? } else { hold(db, number, placed.id)? };
        if has_changed {
            say(db, &frames.record(&placed)?, change, now)?;
            affected.objects.insert(placed.object.0);
        }
    }
    affected.show(db, &mut frames, now)?;
    Ok(true)
}

fn in_force(db: &Connection) -> Result<Vec<(i64, Isolation)>> {
    let mut statement = db.prepare_cached("SELECT number, rule FROM isolations WHERE lifted = 0")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(0)?, rule(&row.get::<_, Vec<u8>>(1)?)?));
    }
    Ok(found)
}

fn rule(bytes: &[u8]) -> Result<Isolation> {
    minicbor::decode(bytes).map_err(|_| Error::Damaged("index: a rule that is not what was written".to_owned()))
}

/// The next versions that a rule is about; moves its place forward, and marks it as done at the end.
fn next(db: &Transaction<'_>, number: i64) -> Result<Vec<Placed>> {
    let (isolation, arrived, version): (Vec<u8>, Micros, i64) = db
        .prepare_cached("SELECT rule, cursor_arrived, cursor_version FROM isolations WHERE number = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let isolation = rule(&isolation)?;
    let mut seen = 0;
    let mut last = (arrived, version);
    let mut meant = Vec::new();
    walk(db, &isolation, last, PIECE_VERSIONS, &mut |placed, record| {
        seen += 1;
        last = (record.arrived, placed.id);
        if isolation.covers(&record) {
            meant.push(placed);
        }
        Ok(())
    })?;
    db.prepare_cached("UPDATE isolations SET cursor_arrived = ?2, cursor_version = ?3, done = ?4 WHERE number = ?1")?
        .execute(params![number, last.0, last.1, seen < PIECE_VERSIONS])?;
    Ok(meant)
}

/// Versions of a rule's window in order of arrival, behind a place.
fn walk(
    db: &Connection,
    isolation: &Isolation,
    behind: (Micros, i64),
    most: usize,
    each: &mut dyn FnMut(Placed, ObjectRecord) -> Result<()>,
) -> Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT id, segment, frame_offset, record FROM versions WHERE (arrived, id) > (?1, ?2) AND arrived < ?3
         ORDER BY arrived, id LIMIT ?4",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![behind.0, behind.1, isolation.until, most])?;
    while let Some(row) = rows.next()? {
        let record: ObjectRecord = minicbor::decode(&row.get::<_, Vec<u8>>(3)?)
            .map_err(|_| Error::Damaged("index: a record that is not what was written".to_owned()))?;
        let (segment, offset) = (from_sql(row.get(1)?)?, from_sql(row.get(2)?)?);
        let placed = Placed { id: row.get(0)?, object: record.object, version: record.version, segment, offset };
        each(placed, record)?;
    }
    Ok(())
}

/// The next versions that a lifted isolation still holds; marks it as done at the end.
fn held(db: &Transaction<'_>, number: i64) -> Result<Vec<Placed>> {
    let mut statement = db.prepare_cached(
        "SELECT v.id, v.object, v.version, v.segment, v.frame_offset FROM isolated h CROSS JOIN versions v ON v.id = h.version
         WHERE h.isolation = ?1 ORDER BY h.version LIMIT ?2",
    )?;
    let mut rows = statement.query(params![number, i64::try_from(PIECE_VERSIONS).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (segment, offset) = (from_sql(row.get(3)?)?, from_sql(row.get(4)?)?);
        found.push(Placed { id: row.get(0)?, object: ObjectId(row.get(1)?), version: row.get(2)?, segment, offset });
    }
    if found.len() < PIECE_VERSIONS {
        db.prepare_cached("UPDATE isolations SET done = 1 WHERE number = ?1")?.execute([number])?;
    }
    Ok(found)
}

/// Whether a version is held now that nothing held before.
fn hold(db: &Transaction<'_>, number: i64, version: i64) -> Result<bool> {
    let new = db
        .prepare_cached("INSERT OR IGNORE INTO isolated(isolation, version) VALUES(?1, ?2)")?
        .execute([number, version])?;
    Ok(new > 0 && count(db, number, version, 1)? == 1)
}

/// Whether nothing holds a version any more.
fn free(db: &Transaction<'_>, number: i64, version: i64) -> Result<bool> {
    let gone =
        db.prepare_cached("DELETE FROM isolated WHERE isolation = ?1 AND version = ?2")?.execute([number, version])?;
    Ok(gone > 0 && count(db, number, version, -1)? == 0)
}

/// How many isolations hold a version after one more or less.
fn count(db: &Transaction<'_>, number: i64, version: i64, change: i64) -> Result<i64> {
    db.prepare_cached("UPDATE isolations SET versions = versions + ?2 WHERE number = ?1")?.execute([number, change])?;
    Ok(db
        .prepare_cached("UPDATE versions SET isolated = isolated + ?2 WHERE id = ?1 RETURNING isolated")?
        .query_row([version, change], |row| row.get(0))?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Held,
    Freed,
}

/// What a version says of who treats whom counts, or no longer.
fn say(db: &Transaction<'_>, record: &ObjectRecord, change: Change, now: Micros) -> Result<()> {
    let facility = apply::intern_facility(db, &record.facility)?;
    for pseudonym in std::iter::once(&record.patient).chain(&record.linked) {
        let patient = apply::intern_patient(db, *pseudonym)?;
        if change == Change::Freed {
            apply::treat(db, patient, facility)?;
            continue;
        }
        let left: i64 = db
            .prepare_cached("UPDATE treated SET own = own - 1 WHERE patient = ?1 AND facility = ?2 RETURNING own")?
            .query_row([patient, facility], |row| row.get(0))?;
        if left == 0 {
            apply_given::close(db, patient, facility, now)?;
        }
    }
    Ok(())
}

/// What has to be shown anew.
#[derive(Default)]
struct Affected {
    objects: BTreeSet<[u8; 16]>,
    studies: BTreeSet<i64>,
}

impl Affected {
    fn show(mut self, db: &Transaction<'_>, frames: &mut Frames<'_>, now: Micros) -> Result<()> {
        for object in std::mem::take(&mut self.objects) {
            self.object(db, frames, object, now)?;
        }
        self.studies.into_iter().try_for_each(|study| apply_instance::reckon(db, study))
    }

    /// Shows an object's newest version that is not held, or nothing of it.
    fn object(&mut self, db: &Transaction<'_>, frames: &mut Frames<'_>, object: [u8; 16], now: Micros) -> Result<()> {
        let shown = one(db, "newest = 1", object)?;
        let newest = one(db, "isolated = 0", object)?;
        if shown.as_ref().map(|placed| placed.id) == newest.as_ref().map(|placed| placed.id) {
            return Ok(());
        }
        if let Some(shown) = &shown {
            let record = frames.record(shown)?;
            self.studies.extend(study_of(db, &record)?);
        }
        db.prepare_cached("UPDATE versions SET newest = 0 WHERE object = ?1 AND newest")?.execute([object])?;
        let Some(newest) = newest else {
            if let Some(shown) = &shown {
                hide(db, &frames.record(shown)?)?;
            }
            return apply_given::apply(db, ObjectId(object), &[], &[], now);
        };
        db.prepare_cached("UPDATE versions SET newest = 1 WHERE id = ?1")?.execute([newest.id])?;
        let record = frames.record(&newest)?;
        let facility = apply::intern_facility(db, &record.facility)?;
        let patient = apply::intern_patient(db, record.patient)?;
        let owner = Owner { facility, patient, version: newest.id };
        match &record.kind {
            Kind::Instance(facts) => apply_instance::apply(db, owner, facts, &record.tokens)?,
            Kind::Resource(facts) => apply_resource::apply(db, owner, facts, &record.tokens)?,
        }
        self.studies.extend(study_of(db, &record)?);
        let mut person = vec![patient];
        for linked in &record.linked {
            person.push(apply::intern_patient(db, *linked)?);
        }
        apply::give(db, &record, &person, now)
    }
}

/// The newest version of an object that fulfils a condition.
fn one(db: &Connection, condition: &str, object: [u8; 16]) -> Result<Option<Placed>> {
    let sql = format!(
        "SELECT id, version, segment, frame_offset FROM versions WHERE object = ?1 AND {condition}
         ORDER BY version DESC LIMIT 1"
    );
    let found: Option<(i64, Version, i64, i64)> = db
        .prepare_cached(&sql)?
        .query_row([object], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((id, version, segment, offset)) = found else { return Ok(None) };
    let (segment, offset) = (from_sql(segment)?, from_sql(offset)?);
    Ok(Some(Placed { id, object: ObjectId(object), version, segment, offset }))
}

/// The study that an instance stands in now.
fn study_of(db: &Connection, record: &ObjectRecord) -> Result<Option<i64>> {
    let Kind::Instance(facts) = &record.kind else { return Ok(None) };
    Ok(db
        .prepare_cached(
            "SELECT se.study FROM instances i JOIN series se ON se.id = i.series
             WHERE i.sop_instance_uid = ?1 AND i.facility = (SELECT id FROM facilities WHERE code = ?2)",
        )?
        .query_row(params![facts.sop_instance_uid, record.facility.as_str()], |row| row.get(0))
        .optional()?)
}

fn hide(db: &Transaction<'_>, record: &ObjectRecord) -> Result<()> {
    let facility = apply::intern_facility(db, &record.facility)?;
    match &record.kind {
        Kind::Instance(facts) => apply_instance::leave(db, facility, &facts.sop_instance_uid),
        Kind::Resource(facts) => apply_resource::hide(db, facts),
    }
}

/// Every isolation of the segments, the oldest first.
pub(super) fn progress(db: &Connection) -> Result<Vec<Progress>> {
    let mut statement = db.prepare_cached("SELECT id, lifted, done, versions FROM isolations ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Progress {
            id: IsolationId(row.get(0)?),
            is_lifted: row.get(1)?,
            is_done: row.get(2)?,
            versions: from_sql(row.get(3)?)?,
        });
    }
    Ok(found)
}

/// What a rule would be about, of what is in the index now.
pub(crate) fn extent(db: &Connection, isolation: &Isolation) -> Result<Extent> {
    let mut extent = Extent::default();
    let mut patients = BTreeSet::new();
    // Before the first row of the window, whose ids begin at 1.
    walk(db, isolation, (isolation.from, 0), usize::MAX, &mut |_, record| {
        if isolation.covers(&record) {
            extent.versions += 1;
            extent.replacing += u64::from(record.version > 1);
            extent.instances += u64::from(matches!(record.kind, Kind::Instance(_)));
            patients.insert(record.patient.0);
            *extent.senders.entry(record.sender).or_default() += 1;
        }
        Ok(())
    })?;
    extent.patients = u64::try_from(patients.len()).unwrap_or(u64::MAX);
    Ok(extent)
}
