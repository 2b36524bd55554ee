//! A resource's rows: newest version, days and tokens.

use super::apply::Owner;
use crate::error::Result;
use crate::object::ResourceFacts;
use record::Token;
use rusqlite::{OptionalExtension as _, Transaction, params};

/// Puts the newest version of a resource where its facts say.
pub(super) fn apply(db: &Transaction<'_>, owner: Owner, facts: &ResourceFacts, tokens: &[Token]) -> Result<()> {
    let known: Option<i64> = db
        .prepare_cached("SELECT id FROM resources WHERE resource_type = ?1 AND logical_id = ?2")?
        .query_row(params![facts.resource_type, facts.id], |row| row.get(0))
        .optional()?;
    let resource = if let Some(id) = known {
        db.prepare_cached(
            "DELETE FROM resource_days WHERE (facility, resource_type, date, resource) IN
             (SELECT t.facility, r.resource_type, r.date, r.id FROM resources r JOIN treated t ON t.patient = r.patient
              WHERE r.id = ?1)",
        )?
        .execute(params![id])?;
        db.prepare_cached("UPDATE resources SET patient = ?2, date = ?3, version = ?4 WHERE id = ?1")?
            .execute(params![id, owner.patient, facts.date, owner.version])?;
        id
    } else {
        db.prepare_cached(
            "INSERT INTO resources(resource_type, logical_id, facility, patient, date, version)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            facts.resource_type,
            facts.id,
            owner.facility,
            owner.patient,
            facts.date,
            owner.version
        ])?;
        db.last_insert_rowid()
    };
    db.prepare_cached(
        "INSERT INTO resource_days(facility, resource_type, date, resource)
         SELECT t.facility, r.resource_type, r.date, r.id FROM resources r JOIN treated t ON t.patient = r.patient
         WHERE r.id = ?1",
    )?
    .execute(params![resource])?;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO resource_tokens(token, resource) VALUES(?1, ?2)")?;
    for token in tokens {
        insert.execute(params![token.0, resource])?;
    }
    Ok(())
}
