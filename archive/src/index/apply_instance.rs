//! An instance's rows: study, series, counts, days and tokens.

use super::apply::Owner;
use crate::error::{Error, Result};
use crate::object::InstanceFacts;
use record::Token;
use rusqlite::{OptionalExtension as _, Transaction, params};

/// The series of an instance whose every version is isolated.
pub(super) const NOWHERE: i64 = 0;

/// Puts the newest version of an instance where its UIDs say. A later version may have moved: to another study, or to
/// another patient after a correction.
pub(super) fn apply(db: &Transaction<'_>, owner: Owner, facts: &InstanceFacts, tokens: &[Token]) -> Result<()> {
    let study = upsert_study(db, owner, facts)?;
    let (series, mut is_changed) = upsert_series(db, study, facts)?;
    let old_series = place_instance(db, owner, facts, series)?;
    if old_series != Some(series) {
        is_changed |= count(db, series, 1)?;
        if let Some(old) = old_series.filter(|old| *old != NOWHERE) {
            count(db, old, -1)?;
            let old_study = study_of(db, old)?;
            relist(db, old_study, &Change { day: None, series: true, tokens: &[] })?;
        }
    }
    let day = (!facts.study_date.is_empty()).then(|| super::rows::day_number(&facts.study_date));
    relist(db, study, &Change { day: day.flatten(), series: is_changed, tokens })
}

/// Takes an instance away, of which no version is to be seen. Its row stays, for the place that it has among its neighbours.
pub(super) fn leave(db: &Transaction<'_>, facility: i64, sop_instance_uid: &str) -> Result<()> {
    let series: i64 = db
        .prepare_cached("SELECT series FROM instances WHERE sop_instance_uid = ?1 AND facility = ?2")?
        .query_row(params![sop_instance_uid, facility], |row| row.get(0))?;
    if series == NOWHERE {
        return Ok(());
    }
    db.prepare_cached("UPDATE instances SET series = ?3 WHERE sop_instance_uid = ?1 AND facility = ?2")?
        .execute(params![sop_instance_uid, facility, NOWHERE])?;
    count(db, series, -1)?;
    let study = study_of(db, series)?;
    relist(db, study, &Change { day: None, series: true, tokens: &[] })
}

/// Brings a study's day and its series' modalities to what the latest of the instances that are to be seen say. Its tokens stay:
/// they lead to a study that is then compared exactly, and is not what was looked for.
pub(super) fn reckon(db: &Transaction<'_>, study: i64) -> Result<()> {
    let mut day = 0;
    let mut modalities = std::collections::BTreeMap::new();
    let mut statement = db.prepare_cached(
        "SELECT se.id, se.modality, v.record FROM series se CROSS JOIN instances i ON i.series = se.id
         CROSS JOIN versions v ON v.id = i.version WHERE se.study = ?1 ORDER BY v.id",
    )?;
    let mut rows = statement.query([study])?;
    while let Some(row) = rows.next()? {
        let record: crate::object::ObjectRecord = minicbor::decode(&row.get::<_, Vec<u8>>(2)?)
            .map_err(|_| Error::Damaged("index: a record that is not what was written".to_owned()))?;
        let crate::object::Kind::Instance(facts) = record.kind else { continue };
        day = super::rows::day_number(&facts.study_date).unwrap_or(day);
        let (_, said) = modalities.entry(row.get::<_, i64>(0)?).or_insert((row.get::<_, String>(1)?, String::new()));
        if !facts.modality.is_empty() {
            *said = facts.modality;
        }
    }
    let changed: Vec<(i64, String)> = modalities
        .into_iter()
        .filter(|(_, (before, said))| before != said)
        .map(|(series, (_, said))| (series, said))
        .collect();
    let before = listed(db, study)?;
    if before.instances == 0 || (before.day == day && changed.is_empty()) {
        return Ok(());
    }
    leave_days(db, study)?;
    for (series, modality) in &changed {
        db.prepare_cached("UPDATE series SET modality = ?2 WHERE id = ?1")?.execute(params![series, modality])?;
    }
    relist(db, study, &Change { day: Some(day), series: true, tokens: &[] })
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
        "INSERT INTO studies(study_instance_uid, facility, patient, day, modalities, series, instances, tokens, listed)
         VALUES(?1, ?2, ?3, 0, '', 0, 0, ?4, 0)",
    )?
    .execute(params![facts.study_instance_uid, owner.facility, owner.patient, written(&[])?])?;
    Ok(db.last_insert_rowid())
}

/// The series, and whether its modality is another than before.
fn upsert_series(db: &Transaction<'_>, study: i64, facts: &InstanceFacts) -> Result<(i64, bool)> {
    let known: Option<(i64, String)> = db
        .prepare_cached("SELECT id, modality FROM series WHERE series_instance_uid = ?1 AND study = ?2")?
        .query_row(params![facts.series_instance_uid, study], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, modality)) = known {
        // Modality is one for a series (PS3.3 C.7.3.1); the latest that names one is taken at its word.
        let is_other = !facts.modality.is_empty() && modality != facts.modality;
        if is_other {
            leave_days(db, study)?;
            db.prepare_cached("UPDATE series SET modality = ?2 WHERE id = ?1")?.execute(params![id, facts.modality])?;
        }
        return Ok((id, is_other));
    }
    db.prepare_cached("INSERT INTO series(series_instance_uid, study, modality, instances) VALUES(?1, ?2, ?3, 0)")?
        .execute(params![facts.series_instance_uid, study, facts.modality])?;
    Ok((db.last_insert_rowid(), true))
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

/// Counts an instance into or out of its series and study; a series counts while it has instances. Whether the study has
/// another number of series by it.
fn count(db: &Transaction<'_>, series: i64, change: i64) -> Result<bool> {
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
    Ok(series_change != 0)
}

fn study_of(db: &Transaction<'_>, series: i64) -> Result<i64> {
    Ok(db.prepare_cached("SELECT study FROM series WHERE id = ?1")?.query_row(params![series], |row| row.get(0))?)
}

/// What may be new about a study.
struct Change<'t> {
    /// Its day, if the instance names one.
    day: Option<i64>,
    /// A series has come, gone or changed its modality.
    series: bool,
    /// What the instance is found by.
    tokens: &'t [Token],
}

/// A study as it stands in the lists.
struct Listed {
    day: i64,
    modalities: String,
    instances: i64,
    tokens: Vec<Token>,
    listed: bool,
}

/// Brings a study's lists up to its series, day and tokens. Most instances of a study change nothing of it.
fn relist(db: &Transaction<'_>, study: i64, change: &Change<'_>) -> Result<()> {
    let before = listed(db, study)?;
    let modalities = if change.series { modalities(db, study)? } else { before.modalities.clone() };
    let day = change.day.unwrap_or(before.day);
    let mut new: Vec<Token> = change.tokens.iter().filter(|token| !before.tokens.contains(token)).cloned().collect();
    new.sort_unstable();
    new.dedup();
    let is_listed = before.instances > 0;
    let has_moved = day != before.day || is_listed != before.listed;
    if !has_moved && !change.series && new.is_empty() {
        return Ok(());
    }
    if has_moved && before.listed {
        leave_tokens(db, study, before.day, &before.tokens)?;
    }
    if has_moved || change.series {
        leave_days(db, study)?;
    }
    let tokens = [before.tokens, new.clone()].concat();
    db.prepare_cached("UPDATE studies SET day = ?2, modalities = ?3, tokens = ?4, listed = ?5 WHERE id = ?1")?
        .execute(params![study, day, modalities, written(&tokens)?, is_listed])?;
    if !is_listed {
        return Ok(());
    }
    for facility in viewers(db, study)? {
        if has_moved || change.series {
            enter_days(db, study, facility)?;
        }
        enter_tokens(db, facility, day, study, if has_moved { &tokens } else { &new })?;
    }
    Ok(())
}

fn listed(db: &Transaction<'_>, study: i64) -> Result<Listed> {
    let (listed, tokens): (_, Vec<u8>) = db
        .prepare_cached("SELECT day, modalities, instances, listed, tokens FROM studies WHERE id = ?1")?
        .query_row(params![study], |row| {
            let listed = Listed {
                day: row.get(0)?,
                modalities: row.get(1)?,
                instances: row.get(2)?,
                listed: row.get(3)?,
                tokens: Vec::new(),
            };
            Ok((listed, row.get(4)?))
        })?;
    Ok(Listed { tokens: read(&tokens)?, ..listed })
}

fn modalities(db: &Transaction<'_>, study: i64) -> Result<String> {
    Ok(db
        .prepare_cached(
            "SELECT coalesce(group_concat(modality, '\\'), '') FROM
             (SELECT DISTINCT modality FROM series WHERE study = ?1 AND instances > 0 AND modality <> '' ORDER BY modality)",
        )?
        .query_row(params![study], |row| row.get(0))?)
}

fn written(tokens: &[Token]) -> Result<Vec<u8>> {
    minicbor::to_vec(tokens).map_err(|_| Error::Damaged("index: tokens that cannot be encoded".to_owned()))
}

fn read(tokens: &[u8]) -> Result<Vec<Token>> {
    minicbor::decode(tokens).map_err(|_| Error::Damaged("index: tokens that cannot be read".to_owned()))
}

/// The facilities that may look for a study.
fn viewers(db: &Transaction<'_>, study: i64) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT t.facility FROM treated t WHERE t.patient = (SELECT patient FROM studies WHERE id = ?1)",
    )?;
    let facilities = statement.query_map(params![study], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(facilities)
}

/// Everything kept of a patient enters the lists of a facility that treats the patient from now on.
pub(super) fn show(db: &Transaction<'_>, patient: i64, facility: i64) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT id, day, tokens FROM studies WHERE patient = ?1 AND listed")?;
    let mut rows = statement.query(params![patient])?;
    while let Some(row) = rows.next()? {
        let (study, day): (i64, i64) = (row.get(0)?, row.get(1)?);
        enter_days(db, study, facility)?;
        enter_tokens(db, facility, day, study, &read(&row.get::<_, Vec<u8>>(2)?)?)?;
    }
    Ok(())
}

/// Everything kept of a patient leaves the lists of a facility that may no longer look.
pub(super) fn hide(db: &Transaction<'_>, patient: i64, facility: i64) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT id, day, tokens FROM studies WHERE patient = ?1 AND listed")?;
    let mut rows = statement.query(params![patient])?;
    while let Some(row) = rows.next()? {
        let (study, day): (i64, i64) = (row.get(0)?, row.get(1)?);
        db.prepare_cached(
            "DELETE FROM study_days WHERE (facility, modality, day, study) IN
             (SELECT ?2, m.modality, st.day, st.id FROM studies st
              JOIN (SELECT '' AS modality UNION SELECT modality FROM series WHERE study = ?1) m WHERE st.id = ?1)",
        )?
        .execute(params![study, facility])?;
        let mut delete = db.prepare_cached(
            "DELETE FROM study_tokens WHERE facility = ?1 AND token = ?2 AND day = ?3 AND study = ?4",
        )?;
        for token in read(&row.get::<_, Vec<u8>>(2)?)? {
            delete.execute(params![facility, token.0, day, study])?;
        }
    }
    Ok(())
}

fn enter_days(db: &Transaction<'_>, study: i64, facility: i64) -> Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO study_days(facility, modality, day, study)
         SELECT ?2, m.modality, st.day, st.id FROM studies st
         JOIN (SELECT '' AS modality UNION SELECT modality FROM series WHERE study = ?1 AND instances > 0) m
         WHERE st.id = ?1",
    )?
    .execute(params![study, facility])?;
    Ok(())
}

/// Takes a study out of every facility's days. Series that are empty by now may still be listed, so all of them count.
fn leave_days(db: &Transaction<'_>, study: i64) -> Result<()> {
    db.prepare_cached(
        "DELETE FROM study_days WHERE (facility, modality, day, study) IN
         (SELECT t.facility, m.modality, st.day, st.id FROM studies st JOIN treated t ON t.patient = st.patient
          JOIN (SELECT '' AS modality UNION SELECT modality FROM series WHERE study = ?1) m WHERE st.id = ?1)",
    )?
    .execute(params![study])?;
    Ok(())
}

fn enter_tokens(db: &Transaction<'_>, facility: i64, day: i64, study: i64, tokens: &[Token]) -> Result<()> {
    let mut insert =
        db.prepare_cached("INSERT OR IGNORE INTO study_tokens(facility, token, day, study) VALUES(?1, ?2, ?3, ?4)")?;
    for token in tokens {
        insert.execute(params![facility, token.0, day, study])?;
    }
    Ok(())
}

fn leave_tokens(db: &Transaction<'_>, study: i64, day: i64, tokens: &[Token]) -> Result<()> {
    let mut delete =
        db.prepare_cached("DELETE FROM study_tokens WHERE facility = ?1 AND token = ?2 AND day = ?3 AND study = ?4")?;
    for facility in viewers(db, study)? {
        for token in tokens {
            delete.execute(params![facility, token.0, day, study])?;
        }
    }
    Ok(())
}
