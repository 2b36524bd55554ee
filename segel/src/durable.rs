//! Files and folders that a power cut leaves whole or not at all, and that are there once their making has returned.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Makes a folder and those above it. A name survives a power cut only after a flush of the folder that holds it, and a
/// program killed in between may have left a name unflushed: so this flushes also what was there already.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let made = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).count();
    fs::create_dir_all(path)?;
    path.ancestors().take(made.max(1)).try_for_each(flush_name)
}

/// Writes a file with this mode under its name, or leaves what was there.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    // A crash before the rename leaves only the file beside it, which the next attempt overwrites.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    flush_name(path)
}

/// Flushes the folder that holds a name.
fn flush_name(path: &Path) -> io::Result<()> {
    let holder = match path.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    match File::open(holder) {
        // A folder that may be entered and not listed is not ours; whoever made it answers for the names in it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_to_the_last_and_made_again_without_harm() {
        let outer = tempfile::tempdir().unwrap();
        let deep = outer.path().join("a/b/c");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert!(deep.is_dir());
        assert!(make_folder(Path::new("/proc/none/such")).is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("file");
        write(&path, b"first, and longer", 0o600).unwrap();
        write(&path, b"second", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    }
}
