//! DICOMDIR media (PS3.10 8): the files that the directory refers to.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use wire::dataset::{Outline, Scanner, Tag};
use wire::part10;

/// A DICOMDIR of a whole archive on disk is some MB; this is far above.
const DICOMDIR_BYTES_MAX: u64 = 256 * 1024 * 1024;

const DIRECTORY_RECORD_SEQUENCE: Tag = Tag(0x0004, 0x1220);
const REFERENCED_FILE_ID: Tag = Tag(0x0004, 0x1500);

/// The files that a DICOMDIR lists, below its own folder. A ReferencedFileID (0004,1500) is up to 8 components of `A-Z 0-9 _`
/// (PS3.10 8.2); anything else does not become a path.
pub fn referenced_files(dicomdir: &Path) -> Result<Vec<PathBuf>> {
    let length = std::fs::metadata(dicomdir)?.len();
    if length > DICOMDIR_BYTES_MAX {
        bail!("{} is too long for a DICOMDIR", dicomdir.display());
    }
    let bytes = std::fs::read(dicomdir).with_context(|| format!("cannot read {}", dicomdir.display()))?;
    let outline = outline(&bytes).with_context(|| format!("{} is not a DICOMDIR", dicomdir.display()))?;
    let folder = dicomdir.parent().unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for item in outline.sequence(DIRECTORY_RECORD_SEQUENCE) {
        let Some(id) = item.text(REFERENCED_FILE_ID) else { continue };
        match below(folder, &id) {
            Some(file) => files.push(file),
            None => bail!("{} refers to a file by a name that PS3.10 does not allow", dicomdir.display()),
        }
    }
    Ok(files)
}

fn outline(file: &[u8]) -> Result<Outline, wire::Error> {
    let mut prefix = part10::Prefix::new();
    let begun = match prefix.feed(file)? {
        Some(begun) => begun,
        None => prefix.finish()?,
    };
    let mut scanner = Scanner::new(&begun.meta.transfer_syntax);
    scanner.feed(&begun.data_set)?;
    scanner.finish()
}

fn below(folder: &Path, file_id: &str) -> Option<PathBuf> {
    let components: Vec<&str> = file_id.split('\\').map(str::trim).collect();
    let allowed = |part: &&str| {
        (1..=16).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
            && !part.starts_with('.')
    };
    (components.len() <= 8 && components.iter().all(allowed))
        .then(|| components.iter().fold(folder.to_path_buf(), |p, c| p.join(c)))
}

#[cfg(test)]
mod tests {
    use super::below;
    use std::path::Path;

    #[test]
    fn a_file_id_never_leaves_the_medium() {
        let folder = Path::new("/media");
        assert_eq!(below(folder, "DICOM\\ST1\\IM1").unwrap(), Path::new("/media/DICOM/ST1/IM1"));
        for bad in ["..\\etc\\passwd", "A\\..\\B", "/etc/passwd", "A/B", "", "A\\\\B", "\u{0}"] {
            assert!(below(folder, bad).is_none(), "{bad:?}");
        }
    }
}
