//! What is to be imported: plain files as they lie, and the files inside zip files.

use super::media;
use anyhow::{Context as _, Result};
use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Depth of folders.
const FOLDER_DEPTH_MAX: usize = 64;
/// Files of one zip file.
const ZIP_ENTRIES_MAX: usize = 1_000_000;
/// One file of a zip file, because it is inflated in memory. Whole-slide and long cine files come unpacked.
const ZIP_ENTRY_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Inflated over deflated size of one file in a zip file. DICOM in zip files stays below 100.
const ZIP_RATIO_MAX: u64 = 400;
/// A file below this size may exceed the ratio: short files compress without bound.
const ZIP_RATIO_GRACE_BYTES: u64 = 4 * 1024 * 1024;

/// A name for people and why it is not imported.
pub type Refusal = (String, String);

/// One file of the disk.
pub struct Source {
    path: PathBuf,
    bytes: u64,
    modified: i64,
    zip: bool,
}

/// One file to send.
pub struct Item {
    /// For people.
    pub name: String,
    /// Its bytes.
    pub content: Box<dyn Read + Send>,
}

impl Source {
    fn new(path: &Path) -> Result<Self, Refusal> {
        let name = || shown(path.as_os_str().to_string_lossy());
        let found = std::fs::metadata(path).map_err(|error| (name(), error.to_string()))?;
        // Opening a pipe waits for somebody who writes into it, and a device may have no end.
        if !found.is_file() {
            return Err((name(), "is not a file".into()));
        }
        let zip = starts_with(path, b"PK\x03\x04") || starts_with(path, b"PK\x05\x06");
        Ok(Self { path: path.to_path_buf(), bytes: found.len(), modified: found.mtime_nsec() ^ found.mtime(), zip })
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What tells this file in this state from any other.
    pub fn fingerprint(&self) -> Vec<u8> {
        let mut bytes = self.path.canonicalize().unwrap_or_else(|_| self.path.clone()).as_os_str().as_bytes().to_vec();
        bytes.push(0);
        bytes.extend(self.bytes.to_be_bytes());
        bytes.extend(self.modified.to_be_bytes());
        bytes
    }

    /// The files to send: itself, or the files of a zip file one after the other.
    pub fn items(&self) -> Box<dyn Iterator<Item = Result<Item, Refusal>> + Send> {
        let name = shown(self.path.as_os_str().to_string_lossy());
        let opened = File::open(&self.path).map_err(|error| (name.clone(), error.to_string()));
        match opened {
            Err(refusal) => Box::new(std::iter::once(Err(refusal))),
            Ok(file) if self.zip => zip_items(name, file),
            Ok(file) => Box::new(std::iter::once(Ok(Item { name, content: Box::new(file) }))),
        }
    }
}

/// A stranger's name as a terminal may show it: without what would steer the terminal.
fn shown(name: Cow<'_, str>) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn starts_with(path: &Path, magic: &[u8; 4]) -> bool {
    let mut head = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *magic
}

fn zip_items(name: String, file: File) -> Box<dyn Iterator<Item = Result<Item, Refusal>> + Send> {
    let archive = match zip::ZipArchive::new(file) {
        Ok(archive) if archive.len() <= ZIP_ENTRIES_MAX => archive,
        Ok(_) => return Box::new(std::iter::once(Err((name, format!("more than {ZIP_ENTRIES_MAX} files"))))),
        Err(error) => return Box::new(std::iter::once(Err((name, format!("not a readable zip file: {error}"))))),
    };
    let mut archive = archive;
    let items = (0..archive.len()).filter_map(move |index| zip_item(&name, &mut archive, index).transpose());
    Box::new(items)
}

/// One file of a zip file, inflated in memory: nothing in clear may touch the disk.
fn zip_item(zip_name: &str, archive: &mut zip::ZipArchive<File>, index: usize) -> Result<Option<Item>, Refusal> {
    let whole = || format!("{zip_name}#{index}");
    let entry = archive.by_index(index).map_err(|error| (whole(), error.to_string()))?;
    let inside = entry.name().map_err(|error| (whole(), error.to_string()))?.into_owned();
    if entry.is_dir() || Path::new(&inside).file_name().is_some_and(|file| file == "DICOMDIR") {
        return Ok(None);
    }
    let name = format!("{zip_name}#{}", shown(inside.into()));
    let (inflated, deflated) = (entry.size(), entry.compressed_size().max(1));
    if inflated > ZIP_ENTRY_BYTES_MAX {
        return Err((name, format!("is longer than {ZIP_ENTRY_BYTES_MAX} bytes: unpack the zip file first")));
    }
    if inflated > ZIP_RATIO_GRACE_BYTES && inflated / deflated > ZIP_RATIO_MAX {
        return Err((name, format!("inflates more than {ZIP_RATIO_MAX} times")));
    }
    let mut content = Vec::new();
    let read = entry.take(inflated.saturating_add(1)).read_to_end(&mut content);
    match read {
        Ok(_) if content.len() as u64 == inflated => {
            Ok(Some(Item { name, content: Box::new(std::io::Cursor::new(content)) }))
        }
        Ok(_) => Err((name, "is not as long as the zip file says".into())),
        Err(error) => Err((name, error.to_string())),
    }
}

/// Every file below the given paths, in a stable order.
pub struct Walk {
    waiting: VecDeque<Result<Source, Refusal>>,
    bytes: u64,
}

impl Walk {
    /// Lists what there is. A path that does not exist is an error of usage, found before anything is sent.
    pub fn new(paths: &[PathBuf]) -> Result<Self> {
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        for path in paths {
            let found = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
            if found.is_dir() {
                collect(path, 0, &mut seen, &mut files);
            } else if path.file_name().is_some_and(|name| name == "DICOMDIR") {
                files.extend(media::referenced_files(path)?.into_iter().map(Ok));
            } else {
                files.push(Ok(path.clone()));
            }
        }
        let waiting: VecDeque<_> = files.into_iter().map(|file| file.and_then(|path| Source::new(&path))).collect();
        let bytes = waiting.iter().filter_map(|source| source.as_ref().ok()).map(Source::bytes).sum();
        Ok(Self { waiting, bytes })
    }

    /// All bytes, for the progress bar.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Iterator for Walk {
    type Item = Result<Source, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        self.waiting.pop_front()
    }
}

/// Files of a folder and those below it, sorted by name. A DICOMDIR lists what lies beside it, so it is passed over.
/// `seen` has the folders' devices and inodes: two links back to their own folder would be walked 2^64 times.
fn collect(folder: &Path, depth: usize, seen: &mut HashSet<(u64, u64)>, files: &mut Vec<Result<PathBuf, Refusal>>) {
    let name = || shown(folder.as_os_str().to_string_lossy());
    match std::fs::metadata(folder) {
        Ok(found) if !seen.insert((found.dev(), found.ino())) => return,
        Ok(_) => {}
        Err(error) => {
            files.push(Err((name(), error.to_string())));
            return;
        }
    }
    if depth > FOLDER_DEPTH_MAX {
        files.push(Err((name(), format!("more than {FOLDER_DEPTH_MAX} folders deep"))));
        return;
    }
    let mut entries: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect(),
        Err(error) => {
            files.push(Err((name(), error.to_string())));
            return;
        }
    };
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, depth + 1, seen, files);
        } else if path.file_name().is_some_and(|name| name != "DICOMDIR") {
            files.push(Ok(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(paths: &[PathBuf]) -> Vec<String> {
        let items = Walk::new(paths).unwrap().flat_map(|source| source.unwrap().items());
        items.map(|item| item.map_or_else(|(name, why)| format!("{name}: {why}"), |item| item.name)).collect()
    }

    #[test]
    fn folders_are_walked_in_order_and_zip_files_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        std::fs::write(folder.path().join("b/2"), "x").unwrap();
        std::fs::write(folder.path().join("a"), "x").unwrap();
        std::fs::write(folder.path().join("DICOMDIR"), "x").unwrap();
        let mut zip = zip::ZipWriter::new(File::create(folder.path().join("c.zip")).unwrap());
        zip.start_file("in/side", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
        zip.finish().unwrap();
        let found = names(&[folder.path().to_path_buf()]);
        let short: Vec<&str> = found.iter().map(|name| name.rsplit('/').next().unwrap()).collect();
        assert_eq!(short, ["a", "2", "side"]);
    }

    #[test]
    fn links_that_go_round_end_and_what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a\u{1b}[2J"), "x").unwrap();
        for link in ["l", "m"] {
            std::os::unix::fs::symlink(folder.path(), folder.path().join(link)).unwrap();
        }
        // A name that a link gives to something without an end, as a pipe or a device is.
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("z")).unwrap();
        let mut found = Walk::new(&[folder.path().to_path_buf()]).unwrap();
        let file = found.next().unwrap().unwrap().items().next().unwrap().unwrap();
        assert!(file.name.ends_with("/a[2J"), "a name steers no terminal: {:?}", file.name);
        let (name, why) = found.next().unwrap().err().unwrap();
        assert!(name.ends_with("/z") && why == "is not a file", "{name}: {why}");
        assert!(found.next().is_none());
    }

    #[test]
    fn a_zip_bomb_is_refused_by_its_ratio() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.zip");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        zip.start_file("zeros", zip::write::SimpleFileOptions::default()).unwrap();
        for _ in 0..64 {
            zip.write_all(&vec![0; 1 << 20]).unwrap();
        }
        zip.finish().unwrap();
        let found = names(&[path]);
        assert!(found[0].ends_with("inflates more than 400 times"), "{found:?}");
    }
}
