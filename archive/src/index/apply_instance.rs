//! An instance's rows: study, series, counts, days and tokens.

use super::apply::Owner;
use crate::error::Result;
use crate::object::InstanceFacts;
use record::Token;
use rusqlite::{OptionalExtension as _, Transaction, params};

/// Puts the newest version of an instance where its UIDs say. A later version may have moved: to another study, or to
/// another patient after a correction.
pub(super) fn apply(db: &Transaction<'_>, owner: Owner, facts: &InstanceFacts, tokens: &[Token]) -> Result<()> {
    let study = upsert_study(db, owner, facts)?;
    let series = upsert_series(db, study, facts)?;
    let old_series = place_instance(db, owner, facts, series)?;
    if old_series != Some(series) {
        count(db, series, 1)?;
        if let Some(old) = old_series {
            count(db, old, -1)?;
            relist(db, study_of(db, old)?, None)?;
        }
    }
    let date = (!facts.study_date.is_empty()).then_some(facts.study_date.as_str());
    relist(db, study, date)?;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO study_tokens(token, study) VALUES(?1, ?2)")?;
    for token in tokens {
        insert.execute(params![token.0, study])?;
    }
    Ok(())
}

fn upsert_study(db: &Transaction<'_>, owner: Owner, facts: &InstanceFacts) -> Result<i64> {
    let known = db
        .prepare_cached("SELECT id FROM studies WHERE study_instance_uid = ?1 AND facility = ?2 AND patient = ?3")?
        .query_row(params![facts.study_instance_uid, owner.facility, owner.patient], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    db.prepare_cached(
        "INSERT INTO studies(study_instance_uid, facility, patient, study_date, modalities, series, instances)
         VALUES(?1, ?2, ?3, '', '', 0, 0)",
    )?
    .execute(params![facts.study_instance_uid, owner.facility, owner.patient])?;
    Ok(db.last_insert_rowid())
}

fn upsert_series(db: &Transaction<'_>, study: i64, facts: &InstanceFacts) -> Result<i64> {
    let known: Option<(i64, String)> = db
        .prepare_cached("SELECT id, modality FROM series WHERE series_instance_uid = ?1 AND study = ?2")?
        .query_row(params![facts.series_instance_uid, study], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, modality)) = known {
        // Modality is one for a series (PS3.3 C.7.3.1); the latest that names one is taken at its word.
        if !facts.modality.is_empty() && modality != facts.modality {
            unlist(db, study)?;
            db.prepare_cached("UPDATE series SET modality = ?2 WHERE id = ?1")?.execute(params![id, facts.modality])?;
        }
        return Ok(id);
    }
    db.prepare_cached("INSERT INTO series(series_instance_uid, study, modality, instances) VALUES(?1, ?2, ?3, 0)")?
        .execute(params![facts.series_instance_uid, study, facts.modality])?;
    Ok(db.last_insert_rowid())
}

/// Points the instance to its newest version; gives the series that it was in before, if it was.
fn place_instance(db: &Transaction<'_>, owner: Owner, facts: &InstanceFacts, series: i64) -> Result<Option<i64>> {
    let known: Option<(i64, i64)> = db
        .prepare_cached("SELECT id, series FROM instances WHERE sop_instance_uid = ?1 AND facility = ?2")?
        .query_row(params![facts.sop_instance_uid, owner.facility], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, old_series)) = known {
        db.prepare_cached("UPDATE instances SET series = ?2, sop_class_uid = ?3, version = ?4 WHERE id = ?1")?
            .execute(params![id, series, facts.sop_class_uid, owner.version])?;
        return Ok(Some(old_series));
    }
    db.prepare_cached(
        "INSERT INTO instances(sop_instance_uid, facility, series, sop_class_uid, version) VALUES(?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![facts.sop_instance_uid, owner.facility, series, facts.sop_class_uid, owner.version])?;
    Ok(None)
}

/// Counts an instance into or out of its series and study; a series counts while it has instances.
fn count(db: &Transaction<'_>, series: i64, change: i64) -> Result<()> {
    let (study, instances): (i64, i64) = db
        .prepare_cached("UPDATE series SET instances = instances + ?2 WHERE id = ?1 RETURNING study, instances")?
        .query_row(params![series, change], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let series_change = match (change, instances) {
        (1, 1) => 1,
        (-1, 0) => -1,
        _ => 0,
    };
    db.prepare_cached("UPDATE studies SET instances = instances + ?2, series = series + ?3 WHERE id = ?1")?
        .execute(params![study, change, series_change])?;
    Ok(())
}

fn study_of(db: &Transaction<'_>, series: i64) -> Result<i64> {
    Ok(db.prepare_cached("SELECT study FROM series WHERE id = ?1")?.query_row(params![series], |row| row.get(0))?)
}

/// Brings a study's modalities, date and days up to its series. Most instances of a study change nothing of it.
fn relist(db: &Transaction<'_>, study: i64, date: Option<&str>) -> Result<()> {
    let (old_date, old_modalities, instances, listed): (String, String, i64, bool) = db
        .prepare_cached(
            "SELECT study_date, modalities, instances, EXISTS(SELECT 1 FROM study_days d
               WHERE d.facility = st.facility AND d.modality = '' AND d.study_date = st.study_date AND d.study = st.id)
             FROM studies st WHERE id = ?1",
        )?
        .query_row(params![study], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let modalities: String = db
        .prepare_cached(
            "SELECT coalesce(group_concat(modality, '\\'), '') FROM
             (SELECT DISTINCT modality FROM series WHERE study = ?1 AND instances > 0 AND modality <> '' ORDER BY modality)",
        )?
        .query_row(params![study], |row| row.get(0))?;
    let date = date.unwrap_or(&old_date);
    if date == old_date && modalities == old_modalities && listed == (instances > 0) {
        return Ok(());
    }
    unlist(db, study)?;
    db.prepare_cached("UPDATE studies SET study_date = ?2, modalities = ?3 WHERE id = ?1")?
        .execute(params![study, date, modalities])?;
    if instances > 0 {
        db.prepare_cached(
            "INSERT OR IGNORE INTO study_days(facility, modality, study_date, study)
             SELECT t.facility, m.modality, st.study_date, st.id FROM studies st JOIN treated t ON t.patient = st.patient
             JOIN (SELECT '' AS modality UNION SELECT modality FROM series WHERE study = ?1 AND instances > 0) m
             WHERE st.id = ?1",
        )?
        .execute(params![study])?;
    }
    Ok(())
}

/// Takes a study out of every facility's days. Series that are empty by now may still be listed, so all of them count.
fn unlist(db: &Transaction<'_>, study: i64) -> Result<()> {
    db.prepare_cached(
        "DELETE FROM study_days WHERE (facility, modality, study_date, study) IN
         (SELECT t.facility, m.modality, st.study_date, st.id FROM studies st JOIN treated t ON t.patient = st.patient
          JOIN (SELECT '' AS modality UNION SELECT modality FROM series WHERE study = ?1) m WHERE st.id = ?1)",
    )?
    .execute(params![study])?;
    Ok(())
}
