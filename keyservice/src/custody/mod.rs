//! The service's folder, the root and the vault in it, and what is done with them: begun, opened, replaced, split, backed up.

mod admin;
mod backup;
mod certificate;
mod command;
mod recover;
mod restore;
mod root;
mod rotate;
mod settings;
mod start;
mod token;
mod vault;

pub use admin::administer;
pub use certificate::certify;
pub use command::Command;
pub use settings::{Retention, Settings};
pub use start::{Opened, open, read_base};
pub use vault::VaultFile;

use crate::error::{Error, Result};
use record::Outcome;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The passphrase of the root's file; overwritten when dropped, and never printed.
pub type Passphrase = Zeroizing<Vec<u8>>;

/// Where the ledger's public key lies.
const VKEY: &str = "ledger/vkey";

/// How long a start waits for a service that is just ending to let go of the folder.
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// A folder that this process alone serves, for as long as this value lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held, not read: the kernel lets the lock go however the process ends.
    _lock: File,
}

impl Folder {
    /// Takes the folder, making it if it is not there.
    ///
    /// # Errors
    /// Busy if another process serves it.
    pub fn take(path: &Path) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| Error::io(path.display(), &e))?;
        // All that is written here is lost with the folder's name, and that is durable only after a flush of its holder.
        let holder = path.parent().filter(|holder| !holder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(holder).and_then(|holder| holder.sync_all()).map_err(|e| Error::io(holder.display(), &e))?;
        // It may have been made by somebody with a more generous mask.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(|e| Error::io(path.display(), &e))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|e| Error::io(lock_path.display(), &e))?;
        let started = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: path.to_owned(), _lock: lock }),
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_WAIT => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => {
                    let text = format!("another process serves {}", path.display());
                    return Err(Error::new(Outcome::Busy, text));
                }
                Err(TryLockError::Error(e)) => return Err(Error::io(lock_path.display(), &e)),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lays the ledger's public key beside its tiles, for whoever verifies on this machine. Who does not trust the machine
    /// brings the key along, so nothing depends on this file.
    ///
    /// # Errors
    /// Busy if it cannot be written.
    pub fn publish_vkey(&self, vkey: &str) -> Result<()> {
        let line = format!("{vkey}\n");
        if fs::read(self.path.join(VKEY)).is_ok_and(|there| there == line.as_bytes()) {
            return Ok(());
        }
        self.write_durable(VKEY, line.as_bytes())
    }

    /// Writes a file that is there whole or not at all. A crash before the rename leaves only the file beside it.
    fn write_durable(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, beside) = (self.path.join(name), self.path.join(format!("{name}.new")));
        write_new(&beside, bytes)?;
        let put = || {
            fs::rename(&beside, &path)?;
            File::open(path.parent().unwrap_or(&self.path))?.sync_all()
        };
        put().map_err(|e| Error::io(path.display(), &e))
    }
}

/// Writes a private file anew, durably but for its name.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut new = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        new.write_all(bytes)?;
        new.sync_all()
    };
    write().map_err(|e| Error::io(path.display(), &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Zeroizing::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_folder_has_one_master_and_private_files() -> Result<()> {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a/b");
        let folder = Folder::take(&path)?;
        assert_eq!(Folder::take(&path).unwrap_err().outcome(), Outcome::Busy);
        drop(open(&folder, &passphrase("satu"), &Settings::default())?);
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        for entry in fs::read_dir(&path).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        drop(folder);
        Folder::take(&path).map(|_| ())
    }
}
