//! The vault's file: replaced as a whole, and the one before it destroyed.
//!
//! Everything else of the key service may be copied as often as one likes. This file must not outlive its own replacement, so
//! each replacement ends with the old file's bytes overwritten. On a disk that keeps old blocks (copy on write, an
//! SSD's spare area) that is the best that a program can do; who reads those blocks still needs the root.

use super::root::Custodian;
use super::write_new;
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::{erasures, patients};
use record::Outcome;
use rusqlite::Connection;
use seal::root::Base;
use seal::vault::file::{self, FileKey, RootId, Slot};
use seal::vault::{Leaf, Vault};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file's name in the service's folder.
pub const FILE_NAME: &str = "vault.key";

/// Leaves that one group of requests may use at most: 256 requests of 4,096 patients.
const LEAVES_PER_GROUP_MAX: Leaf = 1 << 20;
/// Leaves that are reserved at once. The file is rewritten for it, so it is rare; a restore passes over as many.
const LEAVES_RESERVED: Leaf = 1 << 22;
/// What the key of the file is called under the root.
const KEY_PLACE: &[u8] = b"vault-key";

/// The file and its copies, and what is needed to write them: never the root.
pub struct VaultFile {
    paths: Vec<PathBuf>,
    key: FileKey,
    slots: Vec<Slot>,
    /// The vault that lies ready beside the file.
    next: Option<Vault>,
}

/// What a vault's file holds.
pub struct Opened {
    /// The file.
    pub file: VaultFile,
    /// The base.
    pub base: Base,
    /// The vault.
    pub vault: Vault,
}

impl VaultFile {
    /// Opens the file, or the copy that is furthest; `None` if there is none at all. Whatever a crash left beside them goes.
    ///
    /// # Errors
    /// Refused if this root does not open it, Damaged for a file that is not what was written.
    pub fn open(paths: &[PathBuf], custodian: &Custodian) -> Result<Option<Opened>> {
        let mut best: Option<Opened> = None;
        let mut is_uniform = true;
        for path in paths {
            // A crash after the exchange left the old file beside the new one: it ends here.
            destroy_old(path)?;
            remove(&beside(path, "new"))?;
            let Some(found) = Self::read(path, paths, custodian)? else {
                if !is_present(path) {
                    tracing::warn!("the copy of the vault at {} is away: nobody can be erased", path.display());
                }
                is_uniform = false;
                continue;
            };
            let rank = |opened: &Opened| (opened.vault.generation(), opened.vault.reserved());
            match &best {
                Some(before) if rank(before) >= rank(&found) => is_uniform &= rank(before) == rank(&found),
                before => {
                    is_uniform &= before.is_none();
                    best = Some(found);
                }
            }
        }
        if let Some(opened) = best.as_mut().filter(|_| !is_uniform) {
            // A copy that lags still opens who was erased since.
            opened.file.write(&opened.base, &opened.vault)?;
        }
        Ok(best)
    }

    /// The base, from whichever copy opens; nothing is changed.
    ///
    /// # Errors
    /// Invalid if there is no file.
    pub fn read_base(paths: &[PathBuf], custodian: &Custodian) -> Result<Base> {
        for path in paths {
            if let Some(found) = Self::read(path, paths, custodian)? {
                return Ok(found.base);
            }
        }
        Err(Error::invalid("there is no vault here"))
    }

    fn read(path: &Path, paths: &[PathBuf], custodian: &Custodian) -> Result<Option<Opened>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path.display(), &error)),
        };
        let told = |e: seal::Error| Error::new(e.outcome(), format!("{}: {e}", path.display()));
        let slots = file::header(&bytes).map_err(told)?.slots;
        let id = custodian.id()?;
        let slot = slots
            .iter()
            .find(|slot| slot.root == id)
            .ok_or_else(|| Error::damaged(format!("{} belongs to another root than this one", path.display())))?;
        let plain = custodian.open(KEY_PLACE, &slot.wrapped)?;
        let key = FileKey(plain.as_slice().try_into().map_err(|_| Error::damaged("the vault's key has no 32 bytes"))?);
        let (base, vault) = file::open(&bytes, &key).map_err(told)?;
        Ok(Some(Opened { file: Self { paths: paths.to_vec(), key, slots, next: None }, base, vault }))
    }

    /// A new file under one root, not yet written.
    ///
    /// # Errors
    /// Busy if there is no randomness to be had.
    pub fn new(paths: &[PathBuf], custodian: &Custodian) -> Result<Self> {
        let key = FileKey::generate()?;
        let slots = vec![slot(custodian, &key)?];
        Ok(Self { paths: paths.to_vec(), key, slots, next: None })
    }

    /// The roots that open it, the newest last.
    pub fn roots(&self) -> Vec<RootId> {
        self.slots.iter().map(|slot| slot.root).collect()
    }

    /// Lets a second root open it, once it is written.
    ///
    /// # Errors
    /// Whatever the root's keeper answers.
    pub fn admit(&mut self, custodian: &Custodian) -> Result<()> {
        self.slots.push(slot(custodian, &self.key)?);
        Ok(())
    }

    /// Leaves one root alone, once it is written.
    pub fn leave(&mut self, root: RootId) {
        self.slots.retain(|slot| slot.root == root);
    }

    /// Replaces the file now.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn write(&mut self, base: &Base, vault: &Vault) -> Result<()> {
        self.lay_ready(base, vault)?;
        self.exchange()
    }

    /// Lays the next vault ready, if this transaction erases anybody or has used up the leaves; before it is committed. A crash
    /// before the commit leaves a file that nobody reads.
    ///
    /// # Errors
    /// Busy for a full disk or a copy that is away: then nothing may be committed.
    pub fn prepare(&mut self, db: &Connection, keys: &Keys) -> Result<()> {
        let away = self.paths.iter().find(|path| !is_present(path));
        if let Some(away) =
            away.filter(|_| erasures::after(db, keys.vault.stands().0).is_ok_and(|erased| !erased.is_empty()))
        {
            // It would still open whoever is erased now.
            let text = format!("the copy of the vault at {} is away: nobody can be erased", away.display());
            return Err(Error::new(Outcome::Busy, text));
        }
        self.settle(db, keys)
    }

    /// As [`Self::prepare`], for what was committed already: a copy that is away follows when it is back.
    ///
    /// # Errors
    /// Busy for a full disk.
    pub fn settle(&mut self, db: &Connection, keys: &Keys) -> Result<()> {
        self.next = None;
        let (generation, reserved) = keys.vault.stands();
        let erased = erasures::after(db, generation)?;
        let used = patients::last_leaf(db)?;
        let is_short = used.saturating_add(LEAVES_PER_GROUP_MAX) >= reserved;
        if erased.is_empty() && !is_short {
            return Ok(());
        }
        let mut next = keys
            .vault
            .derived(|vault| if erased.is_empty() { Ok(vault.reserving(reserved)) } else { vault.without(&erased) })?;
        if is_short {
            next = next.reserving(used.saturating_add(LEAVES_RESERVED));
        }
        self.lay_ready(&keys.base, &next)?;
        self.next = Some(next);
        Ok(())
    }

    /// Exchanges the files and destroys the old one; after the commit and before anybody is answered. A crash before it leaves
    /// erasures in the state that the vault has not seen: the next start prepares and completes them again.
    ///
    /// # Errors
    /// Damaged if the disk fails: then only a new start tells what it holds.
    pub fn complete(&mut self, keys: &Keys) -> Result<()> {
        let Some(next) = self.next.take() else { return Ok(()) };
        self.exchange()?;
        keys.vault.replace(next);
        Ok(())
    }

    fn lay_ready(&self, base: &Base, vault: &Vault) -> Result<()> {
        let bytes = file::seal(&self.slots, &self.key, base, vault)?;
        for path in self.present() {
            write_new(&beside(path, "new"), &bytes)?;
        }
        Ok(())
    }

    /// The file, and those of its copies whose disk is there.
    fn present(&self) -> impl Iterator<Item = &PathBuf> {
        self.paths.iter().enumerate().filter(|(number, path)| *number == 0 || is_present(path)).map(|(_, path)| path)
    }

    fn exchange(&self) -> Result<()> {
        for path in self.present().filter(|path| beside(path, "new").exists()) {
            for step in EXCHANGE {
                step(path)?;
            }
        }
        Ok(())
    }
}

/// The steps by which what lies ready takes the place of the file. After each of them a crash leaves the old vault or the new
/// one in place, and [`VaultFile::open`] finishes the rest.
const EXCHANGE: [fn(&Path) -> Result<()>; 3] = [keep_old, put_new, destroy_old];

/// A second name for the old file, so that it can still be found once the new one has its name.
fn keep_old(path: &Path) -> Result<()> {
    let old = beside(path, "old");
    remove(&old)?;
    match fs::hard_link(path, &old) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(old.display(), &error)),
        _ => sync_folder(path),
    }
}

fn put_new(path: &Path) -> Result<()> {
    let rename = fs::rename(beside(path, "new"), path);
    rename.map_err(|e| Error::io(path.display(), &e))?;
    sync_folder(path)
}

/// Overwrites and removes the old file, unless it is still the file itself.
fn destroy_old(path: &Path) -> Result<()> {
    let old = beside(path, "old");
    if !old.exists() {
        return Ok(());
    }
    if !is_same(path, &old)? {
        overwrite(&old)?;
    }
    remove(&old)?;
    sync_folder(path)
}

fn is_same(one: &Path, other: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let inode = |path: &Path| match fs::metadata(path) {
        Ok(found) => Ok(Some((found.dev(), found.ino()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path.display(), &error)),
    };
    Ok(inode(one)? == inode(other)?)
}

/// Puts zeros over a file's bytes, durably.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn overwrite(path: &Path) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let len = usize::try_from(file.metadata()?.len()).map_err(std::io::Error::other)?;
        file.write_all(&vec![0; len])?;
        file.sync_all()
    };
    write().map_err(|e| Error::io(path.display(), &e))
}

fn is_present(path: &Path) -> bool {
    path.parent().is_none_or(Path::is_dir)
}

fn slot(custodian: &Custodian, key: &FileKey) -> Result<Slot> {
    Ok(Slot { root: custodian.id()?, wrapped: custodian.seal(KEY_PLACE, &key.0)? })
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path.display(), &error)),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    // The name of the new file, or the old one's end, may not be on the disk: only a new start tells.
    synced.map_err(|e| Error::new(Outcome::Damaged, format!("{}: {e}", folder.display())))
}

#[cfg(test)]
mod tests;
