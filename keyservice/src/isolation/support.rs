//! What holds a relation, a number or a link up: at least one admission that is not isolated.

use super::rows::Row;
use crate::error::Result;
use crate::store::patients::{self, Patient};
use record::Micros;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Whether a feed's admission for a facility at a time is isolated. The names in capitals are columns or parameters.
macro_rules! covered {
    ($feed:literal, $facility:literal, $at:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM isolation i WHERE i.lifted = 0 AND i.from_at <= ",
            $at,
            " AND i.until_at > ",
            $at,
            " AND (i.facility = ",
            $facility,
            " OR EXISTS (SELECT 1 FROM isolated_feed f WHERE f.isolation = i.number AND f.feed = ",
            $feed,
            ")))"
        )
    };
}

/// Whether an admission is isolated.
pub(super) fn is_covered(db: &Connection, feed: i64, facility: i64, at: Micros) -> Result<bool> {
    let sql = concat!("SELECT ", covered!("?1", "?2", "?3"));
    Ok(db.prepare_cached(sql)?.query_row((feed, facility, at), |row| row.get(0))?)
}

/// A relation that isolated admissions alone begin, unless there is one.
pub(super) fn suspend_new(db: &Connection, patient: Patient, facility: i64, since: Micros) -> Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO suspended (patient, facility, since) SELECT ?1, ?2, ?3
         WHERE NOT EXISTS (SELECT 1 FROM treated WHERE patient = ?1 AND facility = ?2)",
    )?
    .execute((patient.id, facility, since))?;
    Ok(())
}

/// Brings what a facility's admissions of a patient hold up to the isolations in force: relation, numbers and links. Answers
/// how many relations it has taken away; below zero, given back.
pub(super) fn settle(db: &Connection, patient: Patient, facility: i64) -> Result<i64> {
    settle_identifiers(db, patient)?;
    settle_links(db, patient)?;
    // An hour whose first or last admission is not isolated holds. What came between two that are isolated is not known, and
    // does not hold: whoever is really there comes again.
    let sql = concat!(
        "SELECT EXISTS (SELECT 1 FROM treating t WHERE t.patient = ?1 AND t.facility = ?2 AND NOT (",
        covered!("t.feed", "t.facility", "t.first"),
        " AND ",
        covered!("t.feed", "t.facility", "t.last"),
        "))"
    );
    let holds: bool = db.prepare_cached(sql)?.query_row((patient.id, facility), |row| row.get(0))?;
    let (from, to) = if holds { ("suspended", "treated") } else { ("treated", "suspended") };
    let since: Option<Micros> = db
        .prepare_cached(&format!("DELETE FROM {from} WHERE patient = ?1 AND facility = ?2 RETURNING since"))?
        .query_row((patient.id, facility), |row| row.get(0))
        .optional()?;
    let Some(since) = since else { return Ok(0) };
    db.prepare_cached(&format!(
        "INSERT INTO {to} (patient, facility, since) VALUES (?1, ?2, ?3)
         ON CONFLICT (patient, facility) DO UPDATE SET since = min(since, excluded.since)"
    ))?
    .execute((patient.id, facility, since))?;
    Ok(if holds { -1 } else { 1 })
}

fn settle_identifiers(db: &Connection, patient: Patient) -> Result<()> {
    db.prepare_cached(concat!(
        "INSERT OR REPLACE INTO suspended_identifier (tag, patient, scheme, feed, facility, at)
         SELECT tag, patient, scheme, feed, facility, at FROM identifier t WHERE patient = ?1 AND at IS NOT NULL AND ",
        covered!("t.feed", "t.facility", "t.at")
    ))?
    .execute([patient.id])?;
    db.prepare_cached(concat!(
        "DELETE FROM identifier AS t WHERE patient = ?1 AND at IS NOT NULL AND ",
        covered!("t.feed", "t.facility", "t.at")
    ))?
    .execute([patient.id])?;
    let mut statement = db.prepare_cached(concat!(
        "DELETE FROM suspended_identifier AS t WHERE patient = ?1 AND NOT ",
        covered!("t.feed", "t.facility", "t.at"),
        " RETURNING tag, scheme, feed, facility, at"
    ))?;
    let mut rows = statement.query([patient.id])?;
    let mut back = Vec::new();
    while let Some(row) = rows.next()? {
        let by: (i64, i64, Micros) = (row.get(2)?, row.get(3)?, row.get(4)?);
        back.push((row.get::<_, [u8; 32]>(0)?, row.get::<_, u8>(1)?, by));
    }
    for (tag, scheme, by) in back {
        match patients::by_identifier(db, &tag)? {
            None => {
                patients::add_identifier(db, patient, &tag, scheme)?;
                super::rows::stamp_identifier(db, &tag, by)?;
            }
            // The number came again meanwhile and made another patient of it: with both, it is one person.
            Some(other) if other != patient => {
                patients::link(db, patient, other)?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn settle_links(db: &Connection, patient: Patient) -> Result<()> {
    for (from, to, negation) in [("link", "suspended_link", ""), ("suspended_link", "link", "NOT ")] {
        let condition = format!(
            "(t.patient = ?1 OR t.other = ?1) AND t.at IS NOT NULL AND {negation}{}",
            covered!("t.feed", "t.facility", "t.at")
        );
        db.prepare_cached(&format!(
            "INSERT OR IGNORE INTO {to} (patient, other, feed, facility, at)
             SELECT patient, other, feed, facility, at FROM {from} t WHERE {condition}"
        ))?
        .execute([patient.id])?;
        db.prepare_cached(&format!("DELETE FROM {from} AS t WHERE {condition}"))?.execute([patient.id])?;
    }
    Ok(())
}

/// Brings what other facilities were given up to the isolations in force, as far as a window reaches.
pub(super) fn settle_gifts(db: &Connection, row: &Row) -> Result<()> {
    db.execute(
        concat!(
            "UPDATE relation AS t SET isolated = ",
            covered!("(SELECT id FROM feed WHERE actor = t.actor)", "t.giver", "t.since"),
            " WHERE t.since >= ?1 AND t.since < ?2"
        ),
        params![row.from, row.until],
    )?;
    Ok(())
}

/// Isolates what was given just now, if whoever gave it is isolated.
pub(crate) fn settle_gift(db: &Connection, relation: i64) -> Result<()> {
    db.prepare_cached(concat!(
        "UPDATE relation AS t SET isolated = 1 WHERE t.id = ?1 AND ",
        covered!("(SELECT id FROM feed WHERE actor = t.actor)", "t.giver", "t.since")
    ))?
    .execute([relation])?;
    Ok(())
}
