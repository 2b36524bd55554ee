//! Another root, in three steps of which the middle one decides.
//!
//! | step | a crash after it leaves |
//! |---|---|
//! | the vault's file opens under both roots | the old root in force; the next start takes the new one out again |
//! | `root.key` is exchanged | the new root in force; the next start takes the old one out and writes the entry |
//! | the vault's file opens under the new root alone, the entry is written | all of it |
//!
//! No patient, token, name or object is touched, and every backup of the state opens as before.

use super::root::Custodian;
use super::token::Token;
use super::vault::overwrite;
use super::{Folder, Opened, Passphrase, Settings, open, start};
use crate::error::{Error, Result};
use seal::root::Root;
use std::fs;
use std::path::Path;

/// Where the next root is kept.
pub enum Next<'n> {
    /// In a file under this passphrase.
    Passphrase(&'n Passphrase),
    /// In the token of the settings.
    Token,
}

/// Puts a new root in force. `passphrase` opens the one that is in force.
///
/// # Errors
/// Refused for a wrong passphrase, Invalid without a token, Busy while a service runs here.
pub fn rotate(folder: &Path, passphrase: &Passphrase, next: &Next<'_>, settings: &Settings) -> Result<()> {
    let folder = Folder::take(folder)?;
    let opened = open(&folder, passphrase, settings)?;
    let before = Custodian::open_folder(folder.path(), passphrase, settings)?;
    let (root, new_passphrase) = match next {
        Next::Passphrase(new) => (Custodian::File(before.successor()?), (*new).clone()),
        Next::Token => {
            let token = settings.pkcs11.as_ref().ok_or_else(|| Error::invalid("the settings name no token"))?;
            (Custodian::Token(Token::generate(token)?), passphrase.clone())
        }
    };
    drop(before);
    prepare(opened, &root)?;
    put_in_force(&folder, &root, &new_passphrase)?;
    // The start that follows is what ends it, here as after a crash.
    open(&folder, &new_passphrase, settings).map(|_| ())
}

/// Lets both roots open the vault.
fn prepare(opened: Opened, root: &Custodian) -> Result<()> {
    let Opened { keys, mut vault, .. } = opened;
    vault.admit(root)?;
    keys.vault.with(|seeds| vault.write(&keys.base, seeds))
}

/// Exchanges `root.key`, and destroys the one before: whoever knows the old passphrase finds no file to try it on.
fn put_in_force(folder: &Folder, root: &Custodian, passphrase: &Passphrase) -> Result<()> {
    let path = Settings::root(folder.path());
    let old = folder.path().join("root.key.old");
    if old.exists() {
        fs::remove_file(&old).map_err(|e| Error::io(old.display(), &e))?;
    }
    fs::hard_link(&path, &old).map_err(|e| Error::io(old.display(), &e))?;
    folder.write_durable(super::root::FILE_NAME, &root.file(passphrase)?)?;
    // A crash here leaves the old file beside the new one: it opens nothing once the next start has settled the vault.
    overwrite(&old)?;
    fs::remove_file(&old).map_err(|e| Error::io(old.display(), &e))
}

/// Seals every patient's secret anew under a new tree, for when the vault's file itself may have been copied. Backups of the
/// state that were made before open no patient afterwards.
///
/// # Errors
/// Refused for a wrong passphrase, Busy while a service runs here.
pub fn renew_vault(folder: &Path, passphrase: &Passphrase, settings: &Settings) -> Result<()> {
    let folder = Folder::take(folder)?;
    let Opened { keys, mut vault, db } = open(&folder, passphrase, settings)?;
    let next = keys.vault.derived(seal::vault::Vault::with_successor)?;
    // A crash after this line leaves two trees: the next start moves the rest of the secrets.
    vault.write(&keys.base, &next)?;
    keys.vault.replace(next);
    start::move_secrets(&db, &keys, &mut vault)
}

/// Gives the root another passphrase; the root stays the same.
///
/// # Errors
/// Invalid for a root in a token.
pub fn change_passphrase(folder: &Folder, root: Root, passphrase: &Passphrase) -> Result<()> {
    put_in_force(folder, &Custodian::File(root), passphrase)
}

#[cfg(test)]
mod tests;
