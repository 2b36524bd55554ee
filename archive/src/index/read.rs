//! Look-ups by key.

use super::apply::{from_sql, to_sql};
use super::rows::{Counts, Kept, PatientCounts};
use crate::error::{Error, Result};
use crate::find::Level;
use crate::object::ObjectRecord;
use record::{FacilityCode, ObjectId, Pseudonym};
use rusqlite::{Connection, Params, Row, params};

/// The columns of `versions v` that make a [`Kept`], in the order that [`kept`] reads them.
pub(super) const KEPT: &str = "v.record, v.segment, v.frame_offset, v.newest";

/// Reads [`KEPT`], beginning at column `first`.
pub(super) fn kept(row: &Row<'_>, first: usize) -> Result<Kept> {
    let bytes =
        row.get_ref(first)?.as_blob().map_err(|_| Error::Damaged("index: a record of another type".to_owned()))?;
    let record: ObjectRecord = minicbor::decode(bytes)
        .map_err(|_| Error::Damaged("index: a record that is not what was written".to_owned()))?;
    Ok(Kept {
        record,
        segment: from_sql(row.get(first + 1)?)?,
        frame_offset: from_sql(row.get(first + 2)?)?,
        newest: row.get(first + 3)?,
    })
}

/// Every row of a query, mapped.
pub(super) fn collect<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    map: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(map(row)?);
    }
    Ok(found)
}

/// Which versions are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Those that are to be seen.
    Seen,
    /// All: also those that are isolated, which later ones are numbered after.
    All,
}

impl Of {
    /// As a condition on `versions v`, which stands for any version of the object.
    fn version(self) -> &'static str {
        match self {
            Self::Seen => "v.newest = 1",
            Self::All => "v.version = (SELECT max(version) FROM versions WHERE object = v.object)",
        }
    }
}

pub(super) fn newest_instance(
    db: &Connection,
    facility: &FacilityCode,
    sop_instance_uid: &str,
    of: Of,
) -> Result<Option<Kept>> {
    let sql = format!(
        "SELECT {KEPT} FROM instances i JOIN facilities f ON f.id = i.facility JOIN versions any ON any.id = i.version
         JOIN versions v ON v.object = any.object WHERE i.sop_instance_uid = ?1 AND f.code = ?2 AND {}",
        of.version()
    );
    Ok(collect(db, &sql, params![sop_instance_uid, facility.as_str()], |row| kept(row, 0))?.pop())
}

pub(super) fn newest_resource(db: &Connection, resource_type: &str, id: &str, of: Of) -> Result<Option<Kept>> {
    let sql = format!(
        "SELECT {KEPT} FROM resources r JOIN versions any ON any.id = r.version JOIN versions v ON v.object = any.object
         WHERE r.resource_type = ?1 AND r.logical_id = ?2 AND {}",
        of.version()
    );
    Ok(collect(db, &sql, params![resource_type, id], |row| kept(row, 0))?.pop())
}

pub(super) fn versions(db: &Connection, object: ObjectId) -> Result<Vec<Kept>> {
    let sql = format!("SELECT {KEPT} FROM versions v WHERE v.object = ?1 AND v.isolated = 0 ORDER BY v.version");
    collect(db, &sql, params![object.0], |row| kept(row, 0))
}

pub(super) fn treated(db: &Connection, patient: Pseudonym, facility: &FacilityCode) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM treated WHERE patient = (SELECT id FROM patients WHERE pseudonym = ?1)
         AND facility = (SELECT id FROM facilities WHERE code = ?2)",
    )?;
    Ok(statement.exists(params![patient.0, facility.as_str()])?)
}

pub(super) fn newest_row(db: &Connection, level: Level) -> Result<i64> {
    let sql = match level {
        Level::Patient | Level::Study => "SELECT coalesce(max(id), 0) FROM studies",
        Level::Series => "SELECT coalesce(max(id), 0) FROM series",
        Level::Instance => "SELECT coalesce(max(id), 0) FROM instances",
    };
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

pub(super) fn patient_counts(db: &Connection, patient: Pseudonym) -> Result<PatientCounts> {
    // Two facilities that sent one study have sent one study; what each sent of it is counted.
    let sql =
        "SELECT count(DISTINCT study_instance_uid), coalesce(sum(series), 0), coalesce(sum(instances), 0) FROM studies
         WHERE patient = (SELECT id FROM patients WHERE pseudonym = ?1) AND instances > 0";
    let counts = collect(db, sql, params![patient.0], |row| {
        Ok(PatientCounts {
            studies: from_sql(row.get(0)?)?,
            series: from_sql(row.get(1)?)?,
            instances: from_sql(row.get(2)?)?,
        })
    })?;
    Ok(counts.first().copied().unwrap_or_default())
}

pub(super) fn sop_classes(db: &Connection, patient: Pseudonym, study_instance_uid: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT i.sop_class_uid FROM studies st CROSS JOIN series se ON se.study = st.id
         CROSS JOIN instances i ON i.series = se.id
         WHERE st.study_instance_uid = ?2 AND st.patient = (SELECT id FROM patients WHERE pseudonym = ?1) ORDER BY 1";
    collect(db, sql, params![patient.0, study_instance_uid], |row| Ok(row.get(0)?))
}

pub(super) fn counts(db: &Connection) -> Result<Counts> {
    let count = |sql: &str| -> Result<u64> { from_sql(db.query_row(sql, [], |row| row.get(0))?) };
    Ok(Counts {
        versions: count("SELECT count(*) FROM versions")?,
        instances: count("SELECT count(*) FROM instances WHERE series > 0")?,
        studies: count("SELECT count(*) FROM studies WHERE instances > 0")?,
        resources: count("SELECT count(*) FROM resources WHERE patient > 0")?,
        patients: count("SELECT count(*) FROM patients")?,
    })
}

/// One row of `versions` as scrub compares it with its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionRow {
    pub(crate) frame_offset: u64,
    pub(crate) object: ObjectId,
    pub(crate) version: u32,
    pub(crate) record: Vec<u8>,
}

/// What the index believes to lie in a segment.
pub(crate) fn rows_of_segment(db: &Connection, segment: u64) -> Result<Vec<VersionRow>> {
    let sql = "SELECT frame_offset, object, version, record FROM versions WHERE segment = ?1 ORDER BY frame_offset, id";
    collect(db, sql, params![to_sql(segment)?], |row| {
        Ok(VersionRow {
            frame_offset: from_sql(row.get(0)?)?,
            object: ObjectId(row.get(1)?),
            version: row.get(2)?,
            record: row.get(3)?,
        })
    })
}
