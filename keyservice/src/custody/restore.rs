//! An older state put in force deliberately: everybody erased since stays erased, and the ledger goes on where it was.
//!
//! What happened between the backup and now is lost but for its hashes, which the ledger's own files hold: they take the
//! places of the lost events, so that no witness ever sees the log shrink. Patients who came in that time are lost too, with
//! the keys of what they brought: that is why backups are made often.

use super::root::Custodian;
use super::vault::{self, VaultFile};
use super::{Folder, Passphrase, Settings, backup};
use crate::audit::{self, Action, Decision, Event};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::projection;
use crate::quorum::restored;
use crate::store::patients::Patient;
use crate::store::{self, erasures, events, patients};
use aws_lc_rs::rand;
use ledger::path::{TILE_WIDTH, entries};
use ledger::{SigningKey, tiles};
use record::{Outcome, Pseudonym};
use rusqlite::{Connection, OptionalExtension as _};
use std::fs::{self, File};
use std::path::Path;

/// What a restore did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Entries of the ledger that the backup had.
    pub entries: u64,
    /// Entries after them, now known by their hashes alone.
    pub lost: u64,
    /// Erasures that the backup had not seen, applied again.
    pub erased: usize,
    /// Whether it opens nothing until two people have put it in force.
    pub waits: bool,
}

/// Puts a backup's state in force.
///
/// # Errors
/// Invalid for a folder that is no backup, Damaged for one of another archive, Busy while a service runs here.
pub fn restore(folder: &Path, from: &Path, passphrase: &Passphrase, settings: &Settings) -> Result<Restored> {
    let header = backup::check(from)?;
    let folder = Folder::take(folder)?;
    let path = folder.path();
    let custodian = Custodian::open_folder(path, passphrase, settings)?;
    let Some(vault::Opened { base, vault, .. }) = VaultFile::open(&settings.vaults(path), &custodian)? else {
        return Err(Error::damaged("the vault is missing: without it no record opens, whichever state is restored"));
    };
    let keys = Keys::derive(base, vault)?;
    let staged = path.join("restore");
    clear(&staged)?;
    fs::create_dir(&staged).map_err(|e| Error::io(staged.display(), &e))?;
    fs::copy(from.join(store::FILE_NAME), staged.join(store::FILE_NAME))
        .map_err(|e| Error::io(staged.display(), &e))?;
    let db = store::open(&staged)?;
    store::check_root(&db, &keys)?;
    let restored = bring_up(&db, &keys, path, &header)?;
    store::truncate_log(&db)?;
    drop(db);
    put_in_force(path, &staged)?;
    clear(&staged)?;
    Ok(restored)
}

/// Brings an older state to where the ledger and the vault are.
fn bring_up(db: &Connection, keys: &Keys, folder: &Path, header: &backup::Header) -> Result<Restored> {
    let now = record::time::now();
    db.execute_batch("BEGIN IMMEDIATE")?;
    let entries = events::size(db)?;
    let lost = follow_ledger(db, keys, folder, header)?;
    let (generation, reserved) = keys.vault.stands();
    let mut erased = 0;
    if lost > 0 || generation > erasures::last_generation(db)? {
        for leaf in keys.vault.with(|vault| Ok(vault.erased()))? {
            erased += usize::from(erase_again(db, keys, leaf.into(), generation)?);
        }
        // A row of nobody: no new patient gets the leaf of one who came and was lost, and the state knows how far the vault is.
        let mut pseudonym = [0; 16];
        rand::fill(&mut pseudonym).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
        let last = reserved.saturating_sub(1).max(patients::last_leaf(db)?.saturating_add(1));
        db.execute("INSERT INTO patient (id, pseudonym, tree) VALUES (?1, ?2, 1)", (last, pseudonym))?;
        let nobody = Patient { id: last.into(), pseudonym: Pseudonym(pseudonym) };
        erasures::add(db, keys, nobody, generation, None)?;
    }
    let waits = restored::note(db, keys)?;
    let detail = format!("a state of {entries} entries was restored; {lost} lost, {erased} erased again");
    audit::append(db, keys, &Event::new(now, Action::Backup, Decision::Permitted).detailed(detail))?;
    db.execute_batch("COMMIT")?;
    Ok(Restored { entries, lost, erased, waits })
}

fn erase_again(db: &Connection, keys: &Keys, id: i64, generation: u64) -> Result<bool> {
    let found =
        db.query_row("SELECT pseudonym FROM patient WHERE id = ?1 AND secret IS NOT NULL", [id], |row| row.get(0));
    let Some(pseudonym) = found.optional()? else { return Ok(false) };
    let patient = Patient { id, pseudonym: Pseudonym(pseudonym) };
    patients::erase(db, patient)?;
    erasures::add(db, keys, patient, generation, None)?;
    let event =
        Event::new(record::time::now(), Action::Erase, Decision::Permitted).detailed("erased again after a restore");
    audit::append(db, keys, &Event { patient: Some(patient.pseudonym), ..event })?;
    Ok(true)
}

/// Appends the hashes of the entries that the ledger has and the state has not.
fn follow_ledger(db: &Connection, keys: &Keys, folder: &Path, header: &backup::Header) -> Result<u64> {
    let folder = folder.join(projection::FOLDER_NAME);
    if !folder.exists() {
        return Ok(0);
    }
    let key = SigningKey::from_seed(&header.origin, &keys.ledger_seed)?;
    let Some(signed) = tiles::published(&folder, key.verifier())? else { return Ok(0) };
    let (from, size) = (events::size(db)?, signed.checkpoint.size);
    let width = TILE_WIDTH as u64;
    let mut position = from;
    while position < size {
        let bundle = position / width;
        let whole = size / width > bundle;
        let rest = usize::try_from(size % width).unwrap_or(TILE_WIDTH);
        let path = folder.join(entries(bundle, if whole { TILE_WIDTH } else { rest }));
        let bytes = fs::read(&path).map_err(|e| Error::io(path.display(), &e))?;
        let hashes = hashes(&bytes).ok_or_else(|| Error::damaged(format!("{} is no bundle", path.display())))?;
        let skipped = usize::try_from(position % width).unwrap_or(usize::MAX);
        for hash in hashes.iter().skip(skipped) {
            audit::append_hash(db, keys, hash, header.made_micros)?;
            position += 1;
        }
    }
    Ok(size.saturating_sub(from))
}

/// The entries of a bundle, each after its length of two bytes; every one of ours has 32.
fn hashes(mut bytes: &[u8]) -> Option<Vec<[u8; 32]>> {
    let mut hashes = Vec::new();
    while !bytes.is_empty() {
        let (len, rest) = bytes.split_first_chunk()?;
        let (hash, rest) = rest.split_first_chunk()?;
        if u16::from_be_bytes(*len) != 32 {
            return None;
        }
        hashes.push(*hash);
        bytes = rest;
    }
    (!hashes.is_empty()).then_some(hashes)
}

/// Puts the staged state in the place of the one that was there, which stays beside it as `replaced.*` until the next restore. The
/// log of the old state goes first: beside the new one it would be read as its own. A crash on the way leaves no state beside a
/// vault and a ledger, which no start takes for a beginning; restoring again goes on.
fn put_in_force(folder: &Path, staged: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) =
            (folder.join(format!("{}{suffix}", store::FILE_NAME)), folder.join(format!("replaced.sqlite{suffix}")));
        if to.exists() {
            fs::remove_file(&to).map_err(|e| Error::io(to.display(), &e))?;
        }
        if from.exists() {
            fs::rename(&from, &to).map_err(|e| Error::io(from.display(), &e))?;
        }
    }
    let state = folder.join(store::FILE_NAME);
    let put = fs::rename(staged.join(store::FILE_NAME), &state).and_then(|()| File::open(folder)?.sync_all());
    put.map_err(|e| Error::io(state.display(), &e))
}

fn clear(staged: &Path) -> Result<()> {
    match fs::remove_dir_all(staged) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(staged.display(), &error)),
        _ => Ok(()),
    }
}
