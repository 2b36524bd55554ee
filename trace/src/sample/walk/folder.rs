//! Folders: every file once, in order of names, without leaving the sample.

use super::{Layers, Place, Walk};
use crate::sample::limits::{FOLDER_DEPTH_MAX, FOLDER_SORTED_MAX};
use crate::sample::piece::Flow;
use crate::sample::progress::Progress;
use crate::sample::remark::Fault;
use rustix::fs::OFlags;
use std::fs::{DirEntry, File, OpenOptions, read_dir};
use std::io::{Read, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

impl Walk<'_> {
    /// Reads what lies at the path that the caller named; if that is a link, what it points to.
    pub(super) fn start(&mut self, path: &Path) -> Flow {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => self.folder(path, "", 0),
            Ok(found) if found.is_file() => self.opened(open(path, OFlags::empty()), &name),
            Ok(_) => {
                self.emit.remark(&name, Fault::NotAFile);
                Flow::Continue(())
            }
            Err(error) => {
                self.emit.remark(&name, Fault::from(&error));
                Flow::Continue(())
            }
        }
    }

    fn folder(&mut self, folder: &Path, path: &str, depth: usize) -> Flow {
        if depth > FOLDER_DEPTH_MAX {
            self.emit.remark(path, Fault::TooDeep);
            return Flow::Continue(());
        }
        let mut entries = match read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.emit.remark(path, Fault::from(&error));
                return Flow::Continue(());
            }
        };
        loop {
            // Order makes two runs alike; a folder of millions is ordered part by part.
            let mut part: Vec<Result<DirEntry>> = entries.by_ref().take(FOLDER_SORTED_MAX).collect();
            if part.is_empty() {
                return Flow::Continue(());
            }
            part.sort_by_key(|entry| entry.as_ref().map(DirEntry::file_name).unwrap_or_default());
            for entry in part {
                match entry {
                    Ok(entry) => self.entry(&entry, path, depth)?,
                    Err(error) => self.emit.remark(path, Fault::from(&error)),
                }
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry, path: &str, depth: usize) -> Flow {
        let name = entry.file_name();
        let inside = if path.is_empty() { String::new() } else { format!("{path}/") };
        let path = format!("{inside}{}", name.to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => self.folder(&entry.path(), &path, depth + 1),
            Ok(kind) if kind.is_file() => self.opened(open(&entry.path(), OFlags::NOFOLLOW), &path),
            Ok(_) => {
                self.emit.remark(&path, Fault::NotAFile);
                Flow::Continue(())
            }
            Err(error) => {
                self.emit.remark(&path, Fault::from(&error));
                Flow::Continue(())
            }
        }
    }

    fn opened(&mut self, file: Result<File>, path: &str) -> Flow {
        // It is asked again what it is: between the two looks it may have become another.
        let size = file.and_then(|file| file.metadata().map(|found| (file, found)));
        match size {
            Ok((file, found)) if found.is_file() => {
                let layers = Layers::new(found.len());
                let mut input = Metered { file: &file, progress: self.emit.progress };
                self.piece(&mut input, Place { path, depth: 0, layers: &layers, file: Some(&file) })
            }
            Ok(_) => {
                self.emit.remark(path, Fault::NotAFile);
                Flow::Continue(())
            }
            Err(error) => {
                self.emit.remark(path, Fault::from(&error));
                Flow::Continue(())
            }
        }
    }
}

/// Opens for reading; neither a pipe without a writer nor a device that waits holds it up.
fn open(path: &Path, more: OFlags) -> Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | more).bits();
    OpenOptions::new().read(true).custom_flags(i32::try_from(flags).unwrap_or_default()).open(path)
}

/// A file of the sample; what is read of it counts as progress.
struct Metered<'a> {
    file: &'a File,
    progress: &'a Progress,
}

impl Read for Metered<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let count = self.file.read(room)?;
        self.progress.read(count);
        Ok(count)
    }
}

/// The bytes of all files of a sample, by what their folders say.
pub(super) fn size(path: &Path) -> u64 {
    let Ok(found) = std::fs::metadata(path) else { return 0 };
    if !found.is_dir() {
        return found.len();
    }
    let (mut bytes, mut folders) = (0_u64, vec![(path.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        for entry in read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < FOLDER_DEPTH_MAX => folders.push((entry.path(), depth + 1)),
                Ok(kind) if kind.is_file() => {
                    bytes = bytes.saturating_add(entry.metadata().map(|found| found.len()).unwrap_or_default());
                }
                _ => {}
            }
        }
    }
    bytes
}
