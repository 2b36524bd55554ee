//! What records give to other facilities: a referral, a consent. The facility finds the patient for as long as it lasts; what
//! it may open then is the key service's to decide.
//!
//! What an object gives is what its newest version says. What has run out is taken away at the next change of the index, and
//! until then opens nothing.

use super::apply_instance;
use crate::error::Result;
use crate::object::Given;
use record::{Micros, ObjectId};
use rusqlite::{OptionalExtension as _, Transaction, params};

/// What has run out and is taken away in one step of the index; the rest waits for the next.
const EXPIRED_AT_ONCE: i64 = 256;

/// Brings what an object gives to the state of its newest version. `person` is the patient and its linked pseudonyms.
pub(super) fn apply(
    db: &Transaction<'_>,
    object: ObjectId,
    person: &[i64],
    given: &[(i64, &Given)],
    now: Micros,
) -> Result<()> {
    let before = pairs(db, "SELECT patient, facility FROM given WHERE object = ?1", params![object.0])?;
    db.prepare_cached("DELETE FROM given WHERE object = ?1")?.execute(params![object.0])?;
    for patient in person {
        for (facility, given) in given {
            db.prepare_cached("INSERT OR REPLACE INTO given(object, patient, facility, until) VALUES(?1, ?2, ?3, ?4)")?
                .execute(params![object.0, patient, facility, given.until])?;
            if given.until > now {
                open(db, *patient, *facility)?;
            }
        }
    }
    before.into_iter().try_for_each(|(patient, facility)| close(db, patient, facility, now))
}

/// Takes away what has run out.
pub(super) fn expire(db: &Transaction<'_>, now: Micros) -> Result<()> {
    let over = pairs(
        db,
        "SELECT patient, facility FROM given WHERE until <= ?1 ORDER BY until LIMIT ?2",
        params![now, EXPIRED_AT_ONCE],
    )?;
    for (patient, facility) in over {
        db.prepare_cached("DELETE FROM given WHERE patient = ?1 AND facility = ?2 AND until <= ?3")?
            .execute(params![patient, facility, now])?;
        close(db, patient, facility, now)?;
    }
    Ok(())
}

/// Lets a facility look for a patient whom it does not treat.
fn open(db: &Transaction<'_>, patient: i64, facility: i64) -> Result<()> {
    let new = db
        .prepare_cached("INSERT OR IGNORE INTO treated(patient, facility, own) VALUES(?1, ?2, 0)")?
        .execute(params![patient, facility])?;
    if new == 0 {
        return Ok(());
    }
    apply_instance::show(db, patient, facility)?;
    db.prepare_cached(
        "INSERT INTO resource_days(facility, resource_type, date, resource)
         SELECT ?2, resource_type, date, id FROM resources WHERE patient = ?1",
    )?
    .execute(params![patient, facility])?;
    Ok(())
}

/// Takes a patient out of a facility's lists, unless it treats the patient or something else still gives it.
pub(super) fn close(db: &Transaction<'_>, patient: i64, facility: i64, now: Micros) -> Result<()> {
    let remains = db
        .prepare_cached("SELECT 1 FROM given WHERE patient = ?1 AND facility = ?2 AND until > ?3")?
        .exists(params![patient, facility, now])?;
    let own: Option<i64> = db
        .prepare_cached("SELECT own FROM treated WHERE patient = ?1 AND facility = ?2")?
        .query_row(params![patient, facility], |row| row.get(0))
        .optional()?;
    if remains || own != Some(0) {
        return Ok(());
    }
    apply_instance::hide(db, patient, facility)?;
    db.prepare_cached(
        "DELETE FROM resource_days WHERE (facility, resource_type, date, resource) IN
         (SELECT ?2, resource_type, date, id FROM resources WHERE patient = ?1)",
    )?
    .execute(params![patient, facility])?;
    db.prepare_cached("DELETE FROM treated WHERE patient = ?1 AND facility = ?2")?
        .execute(params![patient, facility])?;
    Ok(())
}

fn pairs(db: &Transaction<'_>, sql: &str, params: impl rusqlite::Params) -> Result<Vec<(i64, i64)>> {
    let mut statement = db.prepare_cached(sql)?;
    let pairs = statement.query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(pairs.collect::<rusqlite::Result<_>>()?)
}
