//! Some patient of a facility, as the index shows it.

use super::apply::from_sql;
use super::read::{KEPT, collect, kept};
use super::rows::Likeness;
use crate::error::{Error, Result};
use record::FacilityCode;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Patients that are looked at until one is of instances alone.
const TRIES: u64 = 64;
/// How far back from the newest patient one is chosen: what a facility sends now is what it has sent lately.
const BACK: u64 = 5_000;

/// The newest versions of every instance of a patient that has instances alone, in order of arrival, at most `limit`; empty if
/// none was found.
pub(super) fn likeness(db: &Connection, facility: &FacilityCode, chosen: u64, limit: usize) -> Result<Vec<Likeness>> {
    let newest: u64 = from_sql(db.query_row("SELECT coalesce(max(id), 0) FROM patients", [], |row| row.get(0))?)?;
    let from = newest.saturating_sub(BACK);
    for attempt in 0..TRIES {
        let offset = chosen.wrapping_add(attempt.wrapping_mul(0x9E37_79B9_7F4A_7C15)) % (newest - from + 1);
        let Some(patient) = patient_after(db, facility, from + offset)? else { continue };
        let sql = "SELECT EXISTS (SELECT 1 FROM resources WHERE patient = ?1)";
        let has_resources: bool = db.prepare_cached(sql)?.query_row([patient], |row| row.get(0))?;
        let found = if has_resources { Vec::new() } else { instances(db, patient, facility, limit)? };
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn patient_after(db: &Connection, facility: &FacilityCode, from: u64) -> Result<Option<i64>> {
    let sql = "SELECT patient FROM treated WHERE patient >= ?1
         AND facility = (SELECT id FROM facilities WHERE code = ?2) ORDER BY patient LIMIT 1";
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    Ok(db.prepare_cached(sql)?.query_row(params![from, facility.as_str()], |row| row.get(0)).optional()?)
}

fn instances(db: &Connection, patient: i64, facility: &FacilityCode, limit: usize) -> Result<Vec<Likeness>> {
    let sql = format!(
        "SELECT {KEPT}, st.tokens FROM studies st JOIN series se ON se.study = st.id JOIN instances i ON i.series = se.id
         JOIN versions v ON v.id = i.version WHERE st.patient = ?1
         AND st.facility = (SELECT id FROM facilities WHERE code = ?2) ORDER BY v.id LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    collect(db, &sql, params![patient, facility.as_str(), limit], |row| {
        let tokens: Vec<u8> = row.get(4)?;
        let tokens =
            minicbor::decode(&tokens).map_err(|_| Error::Damaged("index: tokens that cannot be read".to_owned()))?;
        Ok(Likeness { kept: kept(row, 0)?, tokens })
    })
}
