//! Tags of events: which of them are about whom, for whoever has the key.

use crate::audit::Event;
use crate::error::{Error, Result};
use crate::keys::Keys;
use aws_lc_rs::hmac;
use record::Pseudonym;
use rusqlite::Connection;

const TAG_BYTES: usize = 4;

/// Writes an event's tags, within the transaction that appends it.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn index(db: &Connection, keys: &Keys, position: u64, event: &Event) -> Result<()> {
    let listed = event.patients.iter().flatten().map(|listed| listed.patient);
    let tags: Vec<u8> = event.patient.into_iter().chain(listed).flat_map(|p| tag(keys, p, position)).collect();
    index_tags(db, keys, position, tags)
}

/// Writes an event's tags as they are. An event about nobody has a row as well: which events are about somebody is nobody's
/// business, and a missing row is a sign.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn index_tags(db: &Connection, keys: &Keys, position: u64, mut tags: Vec<u8>) -> Result<()> {
    let proof = prove(keys, position, &tags);
    tags.extend(proof);
    db.prepare_cached("INSERT OR IGNORE INTO event_tag (position, tags) VALUES (?1, ?2)")?
        .execute((signed(position)?, tags))?;
    Ok(())
}

/// Bytes of the proof that an event's tags are those that were written: without it an event could be left out of reports.
const PROOF_BYTES: usize = 8;

fn prove(keys: &Keys, position: u64, tags: &[u8]) -> [u8; PROOF_BYTES] {
    let mut context = hmac::Context::with_key(&keys.inventory);
    for part in [b"tags".as_slice(), &position.to_be_bytes(), tags] {
        context.update(part);
    }
    let mut proof = [0; PROOF_BYTES];
    for (to, from) in proof.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    proof
}

/// An event's tags, if they are those that were written.
fn proven<'r>(keys: &Keys, position: u64, row: &'r [u8]) -> Result<&'r [u8]> {
    let damaged = || Error::damaged(format!("the tags of event {position} are not what was written"));
    let (tags, proof) = row.split_last_chunk().ok_or_else(damaged)?;
    if &prove(keys, position, tags) == proof { Ok(tags) } else { Err(damaged()) }
}

/// Adds the proofs to tags that an earlier version wrote.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn prove_tags(db: &Connection, keys: &Keys) -> Result<()> {
    let mut update = db.prepare("UPDATE event_tag SET tags = ?2 WHERE position = ?1")?;
    let mut statement =
        db.prepare("SELECT position, tags FROM event_tag WHERE position > ?1 ORDER BY position LIMIT 4096")?;
    let mut last = -1;
    loop {
        let rows = statement.query_map([last], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let rows = rows.collect::<std::result::Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        for (at, mut tags) in rows {
            let position = u64::try_from(at).map_err(|_| Error::damaged("a position is below zero"))?;
            let proof = prove(keys, position, &tags);
            tags.extend(proof);
            update.execute((at, tags))?;
            last = at;
        }
    }
}

fn tag(keys: &Keys, patient: Pseudonym, position: u64) -> [u8; TAG_BYTES] {
    let mut context = hmac::Context::with_key(&keys.reports);
    context.update(&patient.0);
    context.update(&position.to_be_bytes());
    let mut tag = [0; TAG_BYTES];
    for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    tag
}

fn signed(position: u64) -> Result<i64> {
    i64::try_from(position).map_err(|_| Error::damaged("the ledger is longer than it can be"))
}

/// Positions of the events about a person, in order, up to the report's own. A tag that fits by chance (one in four billion)
/// is found out when its event is opened.
pub(super) fn positions(db: &Connection, keys: &Keys, person: &[Pseudonym], until: u64) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    let first: Option<i64> = db.query_row("SELECT MIN(position) FROM event_tag", [], |row| row.get(0))?;
    // Events from before there were tags are opened one by one; since then every event has a row.
    let mut next = first.map_or(until, |first| u64::try_from(first).unwrap_or(0));
    found.extend(0..next);
    let missing = || Error::damaged("tags of an event are missing from the state");
    let mut statement = db.prepare("SELECT position, tags FROM event_tag WHERE position <= ?1 ORDER BY position")?;
    let mut rows = statement.query([signed(until)?])?;
    while let Some(row) = rows.next()? {
        let position = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        if position != next {
            return Err(missing());
        }
        next += 1;
        let tags = row.get_ref(1)?.as_blob().map_err(|_| Error::damaged("tags are no bytes"))?;
        let tags = proven(keys, position, tags)?;
        if !tags.is_empty() && person.iter().any(|p| tags.chunks(TAG_BYTES).any(|t| t == tag(keys, *p, position))) {
            found.push(position);
        }
    }
    if next > until { Ok(found) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;
    use seal::root::Base;
    use seal::vault::Vault;
    use std::collections::BTreeSet;

    const PATIENT: Pseudonym = Pseudonym([1; 16]);
    const OTHER: Pseudonym = Pseudonym([2; 16]);

    #[test]
    fn tags_of_one_patient_have_nothing_in_common() {
        let keys = Keys::derive(Base::generate().unwrap(), Vault::generate().unwrap().reserving(10)).unwrap();
        let tags: BTreeSet<[u8; TAG_BYTES]> = (0..1_000).map(|position| tag(&keys, PATIENT, position)).collect();
        assert!(tags.len() > 995, "{} different tags", tags.len());
    }

    /// A million events of a ledger, of which a hundred are about the patient.
    #[test]
    fn a_million_events_are_searched_in_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let db = store::open(folder.path()).unwrap();
        let keys = Keys::derive(Base::generate().unwrap(), Vault::generate().unwrap().reserving(10)).unwrap();
        db.execute_batch("BEGIN").unwrap();
        for position in 0..1_000_000_u64 {
            let patient = if position % 10_000 == 0 { PATIENT } else { OTHER };
            index_tags(&db, &keys, position, tag(&keys, patient, position).to_vec()).unwrap();
        }
        db.execute_batch("COMMIT").unwrap();
        let begun = std::time::Instant::now();
        let found = positions(&db, &keys, &[PATIENT], 999_999).unwrap();
        println!("a million events searched in {:?}", begun.elapsed());
        assert!(found.len() >= 100 && found.len() < 105);
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }
}
