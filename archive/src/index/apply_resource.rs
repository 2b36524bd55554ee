//! A resource's rows: newest version, days and tokens.

use super::apply::Owner;
use crate::error::{Error, Result};
use crate::object::ResourceFacts;
use record::Token;
use rusqlite::{OptionalExtension as _, Transaction, params};

/// The patient of a resource whose every version is isolated.
const NOBODY: i64 = 0;

/// Puts the newest version of a resource where its facts say, and takes the version before away from where it was.
pub(super) fn apply(db: &Transaction<'_>, owner: Owner, facts: &ResourceFacts, tokens: &[Token]) -> Result<()> {
    let known: Option<(i64, Vec<u8>)> = db
        .prepare_cached("SELECT id, tokens FROM resources WHERE resource_type = ?1 AND logical_id = ?2")?
        .query_row(params![facts.resource_type, facts.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let kept =
        minicbor::to_vec(tokens).map_err(|_| Error::Damaged("index: tokens that cannot be encoded".to_owned()))?;
    let resource = if let Some((id, before)) = known {
        leave(db, id, &before)?;
        db.prepare_cached("UPDATE resources SET patient = ?2, date = ?3, version = ?4, tokens = ?5 WHERE id = ?1")?
            .execute(params![id, owner.patient, facts.date, owner.version, kept])?;
        id
    } else {
        db.prepare_cached(
            "INSERT INTO resources(resource_type, logical_id, facility, patient, date, version, tokens)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            facts.resource_type,
            facts.id,
            owner.facility,
            owner.patient,
            facts.date,
            owner.version,
            kept
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

/// Takes a resource away, of which no version is to be seen. Its row stays, for the place that it has among its neighbours.
pub(super) fn hide(db: &Transaction<'_>, facts: &ResourceFacts) -> Result<()> {
    let (id, tokens): (i64, Vec<u8>) = db
        .prepare_cached("SELECT id, tokens FROM resources WHERE resource_type = ?1 AND logical_id = ?2")?
        .query_row(params![facts.resource_type, facts.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    leave(db, id, &tokens)?;
    db.prepare_cached("UPDATE resources SET patient = ?2 WHERE id = ?1")?.execute(params![id, NOBODY])?;
    Ok(())
}

/// Takes a resource out of its days and tokens: what its newest version does not say, it is not found by.
fn leave(db: &Transaction<'_>, resource: i64, tokens: &[u8]) -> Result<()> {
    db.prepare_cached(
        "DELETE FROM resource_days WHERE (facility, resource_type, date, resource) IN
         (SELECT t.facility, r.resource_type, r.date, r.id FROM resources r JOIN treated t ON t.patient = r.patient
          WHERE r.id = ?1)",
    )?
    .execute(params![resource])?;
    let tokens: Vec<Token> =
        minicbor::decode(tokens).map_err(|_| Error::Damaged("index: tokens that cannot be read".to_owned()))?;
    let mut delete = db.prepare_cached("DELETE FROM resource_tokens WHERE token = ?1 AND resource = ?2")?;
    for token in tokens {
        delete.execute(params![token.0, resource])?;
    }
    Ok(())
}
