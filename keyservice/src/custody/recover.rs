//! The passphrase in shares: printed once, kept by people, never by this program.

use super::{Folder, Passphrase, Settings, open, rotate};
use crate::audit::{self, Action, Decision, Event};
use crate::error::{Error, Result};
use seal::root::file;
use seal::split::{self, Share};
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

/// Splits the passphrase of the root in force; one line a share.
///
/// # Errors
/// Refused for a wrong passphrase: shares of it would open nothing on the day they are needed.
pub fn shares(folder: &Path, passphrase: &Passphrase, count: u8, needed: u8) -> Result<Vec<Zeroizing<String>>> {
    let path = Settings::root(folder);
    let bytes = fs::read(&path).map_err(|e| Error::io(path.display(), &e))?;
    file::open(&bytes, passphrase)?;
    Ok(split::split(passphrase, count, needed)?.iter().map(Share::to_text).collect())
}

/// Reads shares, a line each, until there are enough of them.
///
/// # Errors
/// Invalid for a line that is none, and for what the shares are not good for.
pub fn join(lines: &[Zeroizing<String>]) -> Result<Passphrase> {
    let mut shares = Vec::new();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let share = Share::parse(line).map_err(|e| Error::invalid(format!("line {}: {e}", number + 1)))?;
        shares.push(share);
    }
    Ok(split::join(&shares)?)
}

/// Sets a new passphrase with the old one, as the shares gave it back. The root stays the same, so the old shares open old copies
/// of `root.key`: rotate it and split again.
///
/// # Errors
/// Refused if the shares are of another passphrase, Busy while a service runs here.
pub fn set_passphrase(folder: &Path, old: &Passphrase, new: &Passphrase, settings: &Settings) -> Result<()> {
    let folder = Folder::take(folder)?;
    let path = Settings::root(folder.path());
    let bytes = fs::read(&path).map_err(|e| Error::io(path.display(), &e))?;
    let root = file::open(&bytes, old).map_err(|e| Error::new(e.outcome(), format!("{}: {e}", path.display())))?;
    rotate::change_passphrase(&folder, root, new)?;
    let opened = open(&folder, new, settings)?;
    let event = Event::new(record::time::now(), Action::RotateRoot, Decision::Permitted);
    audit::append(&opened.db, &opened.keys, &event.detailed("a new passphrase was set from shares")).map(|_| ())
}
