//! Entries whose text lies elsewhere or was lost: a row of the state says the hash and the time, and proves that this service wrote it.

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::events;
use aws_lc_rs::{constant_time, hmac};
use record::Micros;
use rusqlite::Connection;

/// Appends an entry whose text is kept elsewhere, or was lost: the hash and a time alone. Answers its position.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn append_hash(db: &Connection, keys: &Keys, entry: &[u8; 32], at: Micros) -> Result<u64> {
    let position = events::size(db)?;
    events::append(db, position, &prove(keys, position, &[entry.as_slice(), &at.to_be_bytes()].concat()))?;
    crate::report::index_tags(db, keys, position, Vec::new())?;
    Ok(position)
}

/// Bytes of the proof that an entry without its text was written by this service: otherwise any event could be put out of the
/// way by its own hash.
const PROOF_BYTES: usize = 16;

fn prove(keys: &Keys, position: u64, row: &[u8]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&keys.inventory);
    for part in [b"hash".as_slice(), &position.to_be_bytes(), row] {
        context.update(part);
    }
    row.iter().chain(context.sign().as_ref().iter().take(PROOF_BYTES)).copied().collect()
}

/// Adds the proofs to what an earlier version wrote without.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn prove_hashes(db: &Connection, keys: &Keys) -> Result<()> {
    let mut statement = db.prepare("SELECT position, sealed FROM event WHERE length(sealed) = 40")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    for row in rows.collect::<std::result::Result<Vec<_>, _>>()? {
        let position = u64::try_from(row.0).map_err(|_| Error::damaged("a position is below zero"))?;
        let proven = prove(keys, position, &row.1);
        db.execute("UPDATE event SET sealed = ?2 WHERE position = ?1", (row.0, proven))?;
        crate::report::index_tags(db, keys, position, Vec::new())?;
    }
    Ok(())
}

/// What a row says that is no sealed event: an entry (32 bytes), a time (8) and a proof. No sealed event is as short.
pub(super) fn bare(row: &[u8]) -> Option<([u8; 32], Micros)> {
    let (entry, rest) = row.split_first_chunk()?;
    let (at, proof) = rest.split_first_chunk()?;
    (proof.len() == PROOF_BYTES).then_some((*entry, Micros::from_be_bytes(*at)))
}

/// The same, if this service wrote it.
pub(super) fn proven(keys: &Keys, position: u64, row: &[u8]) -> Result<Option<([u8; 32], Micros)>> {
    let Some(found) = bare(row) else { return Ok(None) };
    let (body, _) = row.split_at(row.len().saturating_sub(PROOF_BYTES));
    let is_ours = constant_time::verify_slices_are_equal(&prove(keys, position, body), row).is_ok();
    let damaged = || Error::damaged(format!("audit event {position} was put out of the way by its hash"));
    if is_ours { Ok(Some(found)) } else { Err(damaged()) }
}
