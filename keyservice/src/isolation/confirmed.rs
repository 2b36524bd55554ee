//! Whether a relation stands by others than whoever asks.
//!
//! A facility treats whoever it sends something of, because that is how records follow a patient. A machine that shows a
//! certificate and nothing else must not help itself by it: whoever has stolen the certificate would claim a patient by a number,
//! and read what every hospital keeps of that person. So what other facilities sent is shown to a machine only where its
//! facility's relation stands without the machine's own word: by another feed of the facility, or because it was given.

use super::support::is_covered;
use crate::error::Result;
use crate::request::{Caller, Turn};
use crate::store::patients::{self, Patient};
use crate::store::relations;
use record::limits::LINKED_PATIENTS_MAX;
use record::{Micros, Pseudonym};
use rusqlite::Connection;

/// For each patient, in order, whether others than the caller hold the relation up.
///
/// # Errors
/// Damaged if the state fails.
pub fn confirmed(turn: &Turn<'_>, caller: &Caller, of: &[Pseudonym]) -> Result<Vec<bool>> {
    let feed = super::rows::feed(turn.db, &caller.known.id)?;
    of.iter()
        .map(|pseudonym| match patients::find(turn.db, *pseudonym)? {
            Some(patient) => Ok(relations::is_given(turn.db, patient, caller.known.facility, turn.now)?
                || is_held_by_others(turn.db, patient, caller.known.facility, feed)?),
            None => Ok(false),
        })
        .collect()
}

fn is_held_by_others(db: &Connection, patient: Patient, facility: i64, feed: i64) -> Result<bool> {
    // Whoever says that two numbers are one person joins somebody else's records to its own patient.
    let mut brought = db
        .prepare_cached("SELECT 1 FROM identifier WHERE patient = ?1 AND scheme > 0 AND feed = ?2 AND facility = ?3")?;
    let mut others = db.prepare_cached(
        "SELECT feed, first FROM treating WHERE patient = ?1 AND facility = ?2 AND feed <> ?3 ORDER BY first",
    )?;
    for id in linked_by_others(db, patient, feed)? {
        if brought.exists((id, feed, facility))? {
            return Ok(false);
        }
        let mut rows = others.query((id, facility, feed))?;
        while let Some(row) = rows.next()? {
            let (by, first): (i64, Micros) = (row.get(0)?, row.get(1)?);
            if !is_covered(db, by, facility, first)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The person's pseudonyms, as far as others than a feed linked them.
fn linked_by_others(db: &Connection, patient: Patient, feed: i64) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached("SELECT other FROM link WHERE patient = ?1 AND feed IS NOT ?2 ORDER BY 1")?;
    let mut known = vec![patient.id];
    let mut next = 0;
    while let Some(from) = known.get(next).copied() {
        next += 1;
        let mut rows = statement.query((from, feed))?;
        while let Some(row) = rows.next()? {
            let other = row.get(0)?;
            if known.len() <= LINKED_PATIENTS_MAX && !known.contains(&other) {
                known.push(other);
            }
        }
    }
    Ok(known)
}
