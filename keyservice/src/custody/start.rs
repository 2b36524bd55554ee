//! Opening everything, in an order in which a crash between any two steps is finished by the next start.
//!
//! | step | a crash after it leaves |
//! |---|---|
//! | the root's file is there | a root that opens nothing yet; the next start goes on with it |
//! | the vault's file is there, with the base | the same, with a vault without patients |
//! | the state is there | all of it |
//!
//! Later starts find the three and only settle what was begun: a root that was replaced, erasures that the vault has not
//! seen, secrets that lie under an older key.

use super::root::Custodian;
use super::vault::{self, VaultFile};
use super::{Folder, Passphrase, Settings};
use crate::audit::{self, Action, Decision, Event};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::{self, erasures, patients};
use record::Outcome;
use rusqlite::Connection;
use seal::root::{Base, Root};
use seal::vault::Vault;
use std::path::Path;

/// Secrets sealed anew in one commit: a second of work that a crash repeats.
const SECRETS_PER_COMMIT: usize = 16_384;
/// The name under which the state keeps the number of the tree that every secret lies under: a start with the same tree need not
/// look at each patient. New secrets lie under it anyway.
const SECRETS_TREE: &str = "secrets-tree";
/// The name under which the state keeps the id of the root that last opened it.
const ROOT_ID: &str = "root-id";

/// What a start opened.
pub struct Opened {
    /// The keys.
    pub keys: Keys,
    /// The vault's file.
    pub vault: VaultFile,
    /// The state.
    pub db: Connection,
}

/// Opens root, vault and state, or makes them where there has never been a state.
///
/// # Errors
/// Refused for a wrong passphrase, Damaged for a state without its root or vault, or one that was set back.
pub fn open(folder: &Folder, passphrase: &Passphrase, settings: &Settings) -> Result<Opened> {
    let custodian = root(folder, passphrase, settings)?;
    let path = folder.path();
    let paths = settings.vaults(path);
    let found = match VaultFile::open(&paths, &custodian)? {
        Some(found) => found,
        None => begin(path, &paths, &custodian)?,
    };
    let vault::Opened { file: mut vault, base, vault: seeds } = found;
    let keys = Keys::derive(base, seeds)?;
    let db = store::open(path)?;
    store::check_root(&db, &keys)?;
    settle_root(&db, &keys, &mut vault, &custodian)?;
    check_generation(&db, &keys)?;
    // Erasures that were committed and not completed, and the first leaves of a new vault.
    vault.settle(&db, &keys)?;
    vault.complete(&keys)?;
    move_secrets(&db, &keys, &mut vault)?;
    Ok(Opened { keys, vault, db })
}

/// The base alone, for readers of what was written, beside a running service or without one.
///
/// # Errors
/// Refused for a wrong passphrase, Invalid if there is nothing.
pub fn read_base(folder: &Path, passphrase: &Passphrase, settings: &Settings) -> Result<Base> {
    let custodian = Custodian::open_folder(folder, passphrase, settings)?;
    VaultFile::read_base(&settings.vaults(folder), &custodian)
}

fn root(folder: &Folder, passphrase: &Passphrase, settings: &Settings) -> Result<Custodian> {
    let path = Settings::root(folder.path());
    match Custodian::open_folder(folder.path(), passphrase, settings) {
        Err(error) if error.outcome() == Outcome::Invalid && !path.exists() => {}
        opened => return opened,
    }
    let is_begun = folder.path().join(store::FILE_NAME).exists() || folder.path().join(vault::FILE_NAME).exists();
    if is_begun {
        // A new root would look like a start and be the loss of everything.
        let text = format!("{} is missing and the state beside it cannot be opened without it", path.display());
        return Err(Error::damaged(text));
    }
    let custodian = Custodian::File(Root::generate()?);
    folder.write_durable(super::root::FILE_NAME, &custodian.file(passphrase)?)?;
    tracing::info!("made a new root; keep a copy of {} apart from the passphrase", path.display());
    Ok(custodian)
}

/// A first vault. A state that was begun when the root was also the base goes on with what the root was.
fn begin(folder: &Path, paths: &[std::path::PathBuf], custodian: &Custodian) -> Result<vault::Opened> {
    let base = if folder.join(store::FILE_NAME).exists() {
        let db = store::open(folder)?;
        if store::has_meta(&db, ROOT_ID)? {
            let text =
                format!("{} is missing: without it no record opens", paths.first().map_or(folder, |p| p).display());
            return Err(Error::damaged(text));
        }
        if store::has_meta(&db, store::CHECK)? { custodian.as_base()? } else { Base::generate()? }
    } else {
        Base::generate()?
    };
    let (mut file, vault) = (VaultFile::new(paths, custodian)?, Vault::generate()?);
    file.write(&base, &vault)?;
    let path = paths.first().map_or(folder, |path| path);
    tracing::info!("made a new vault; {} must be in no backup", path.display());
    Ok(vault::Opened { file, base, vault })
}

/// Ends a replacement of the root, whichever of the two roots is now in force: the other opens nothing any more.
fn settle_root(db: &Connection, keys: &Keys, vault: &mut VaultFile, custodian: &Custodian) -> Result<()> {
    let id = custodian.id()?;
    let before = store::meta(db, ROOT_ID, || Ok(id.to_vec()))?;
    if before != id {
        let event = Event::new(record::time::now(), Action::RotateRoot, Decision::Permitted);
        // One commit: the entry stands exactly once, however often this is begun.
        db.execute_batch("BEGIN IMMEDIATE")?;
        store::set_meta(db, ROOT_ID, &id)?;
        audit::append(db, keys, &event.detailed("another root is in force"))?;
        db.execute_batch("COMMIT")?;
    }
    if vault.roots() != [id] {
        vault.leave(id);
        keys.vault.with(|seeds| vault.write(&keys.base, seeds))?;
    }
    Ok(())
}

/// A state that knows of fewer erasures than the vault is an older one: going on with it would show the erased as lost.
fn check_generation(db: &Connection, keys: &Keys) -> Result<()> {
    let (known, (generation, _)) = (erasures::last_generation(db)?, keys.vault.stands());
    if generation <= known {
        return Ok(());
    }
    let text = format!(
        "the vault is of generation {generation} and the state of {known}: the state was set back; use `restore`"
    );
    Err(Error::damaged(text))
}

/// Seals anew what lies under an older key, a part at a time; a crash goes on where it was.
pub(super) fn move_secrets(db: &Connection, keys: &Keys, vault: &mut VaultFile) -> Result<()> {
    let tree = keys.vault.tree().to_be_bytes();
    if store::meta(db, SECRETS_TREE, || Ok(Vec::new()))? == tree {
        return Ok(());
    }
    let mut moved = 0_usize;
    loop {
        db.execute_batch("BEGIN IMMEDIATE")?;
        let count = patients::move_secrets(db, keys, SECRETS_PER_COMMIT)?;
        db.execute_batch("COMMIT")?;
        if count == 0 {
            break;
        }
        moved += count;
        store::move_log(db)?;
        tracing::info!("sealed {moved} patients' secrets anew");
    }
    if moved > 0 {
        // What they were sealed under before must not be found in the log either.
        store::truncate_log(db)?;
    }
    if keys.vault.with(|seeds| Ok(seeds.trees()))? > 1 {
        let next = keys.vault.derived(|seeds| Ok(seeds.without_predecessor()))?;
        vault.write(&keys.base, &next)?;
        keys.vault.replace(next);
    }
    // Last: a crash before it looks at everybody once more.
    store::set_meta(db, SECRETS_TREE, &tree)
}
