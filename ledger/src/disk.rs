//! Files of the log's folder, written so that a power cut leaves the old or the new, never a mixture.

use crate::Error;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The log's folder.
pub(crate) struct Disk {
    root: PathBuf,
    /// Folders with new names in them that no fsync has covered yet.
    unsynced: BTreeSet<PathBuf>,
    #[cfg(test)]
    pub(crate) fault: tests::Fault,
}

impl Disk {
    /// A folder that is there.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            unsynced: BTreeSet::new(),
            #[cfg(test)]
            fault: tests::Fault::default(),
        }
    }

    /// A folder that is made if it is not there, so that a power cut does not take it away again.
    pub(crate) fn create(root: &Path) -> Result<Self, Error> {
        let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(root)
            .and_then(|()| File::open(parent)?.sync_all())
            .map_err(|error| Error::io(root.to_string_lossy(), error))?;
        Ok(Self::new(root))
    }

    /// Writes a file under a temporary name, syncs it, and gives it its name. The name itself survives a power cut only
    /// after `sync_folders`.
    pub(crate) fn write(&mut self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.root.join(relative);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::Invalid("a file of the log has a name"));
        };
        let temporary = folder.join(format!(".{}.tmp", name.to_string_lossy()));
        self.create_folder(folder, relative)?;
        // A crash here leaves a temporary file, which the next attempt overwrites.
        self.step(relative, || {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()
        })?;
        self.unsynced.insert(folder.to_owned());
        #[cfg(test)]
        self.fault.will_name(&path);
        // A crash here leaves the old file, or the new one, whole.
        self.step(relative, || fs::rename(&temporary, &path))
    }

    fn create_folder(&mut self, folder: &Path, relative: &str) -> Result<(), Error> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.create_folder(parent, relative)?;
            self.unsynced.insert(parent.to_owned());
        }
        #[cfg(test)]
        self.fault.will_name(folder);
        self.step(relative, || match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        })
    }

    /// Makes every name given so far survive a power cut.
    pub(crate) fn sync_folders(&mut self) -> Result<(), Error> {
        for folder in std::mem::take(&mut self.unsynced) {
            let relative = folder.strip_prefix(&self.root).unwrap_or(&folder).to_string_lossy().into_owned();
            self.step(&relative, || File::open(&folder)?.sync_all())?;
            #[cfg(test)]
            self.fault.has_synced(&folder);
        }
        Ok(())
    }

    /// Removes a folder of partial tiles whose full tile stands.
    pub(crate) fn remove_folder(&self, relative: &str) -> Result<(), Error> {
        let path = self.root.join(relative);
        self.step(relative, || match fs::remove_dir_all(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        })
    }

    /// Reads a whole file of at most `bytes_max`; `None` if there is none.
    pub(crate) fn read(&self, relative: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Error> {
        let file = match File::open(self.root.join(relative)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(relative, error)),
        };
        let mut bytes = Vec::new();
        file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(|error| Error::io(relative, error))?;
        if bytes.len() > bytes_max {
            return Err(Error::damaged(relative, "it is longer than such a file can be"));
        }
        Ok(Some(bytes))
    }

    /// The names in a folder, in order; none if there is no such folder.
    pub(crate) fn names(&self, relative: &str) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(self.root.join(relative)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(relative, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| Error::io(relative, error))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Every change of the disk passes here, so that a test can make any one of them the last.
    fn step(&self, relative: &str, change: impl FnOnce() -> io::Result<()>) -> Result<(), Error> {
        #[cfg(test)]
        let change = self.fault.around(change);
        change().map_err(|error| Error::io(relative, error))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::{Cell, RefCell};
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};

    /// Lets some steps through, then fails one, which may have taken effect all the same, and all after it.
    #[derive(Default)]
    pub(crate) struct Fault {
        pub(crate) steps: Cell<u64>,
        pub(crate) fails_at: Cell<Option<u64>>,
        pub(crate) persists: Cell<bool>,
        /// Names given since their folder was last synced, with what they named before.
        volatile: RefCell<Vec<(PathBuf, Option<Vec<u8>>)>>,
    }

    impl Fault {
        pub(crate) fn around(&self, change: impl FnOnce() -> io::Result<()>) -> impl FnOnce() -> io::Result<()> {
            let step = self.steps.get();
            self.steps.set(step + 1);
            let (failed, persists) = match self.fails_at.get() {
                Some(at) if step == at => (true, self.persists.get()),
                Some(at) if step > at => (true, false),
                _ => (false, true),
            };
            move || {
                if persists {
                    change()?;
                }
                if failed { Err(io::Error::other("simulated fault")) } else { Ok(()) }
            }
        }

        pub(crate) fn will_name(&self, path: &Path) {
            self.volatile.borrow_mut().push((path.to_owned(), fs::read(path).ok()));
        }

        pub(crate) fn has_synced(&self, folder: &Path) {
            self.volatile.borrow_mut().retain(|(path, _)| path.parent() != Some(folder));
        }

        /// The worst power cut: every name that no fsync covered is lost.
        pub(crate) fn cut_power(&self) {
            for (path, before) in self.volatile.take().into_iter().rev() {
                let _ = match before {
                    Some(bytes) => fs::write(&path, bytes),
                    None if path.is_dir() => fs::remove_dir_all(&path),
                    None => fs::remove_file(&path),
                };
            }
        }
    }
}
