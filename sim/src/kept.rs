//! What lies on the disk: every byte of every file below a folder, as a thief would read it.

use crate::Result;
use std::path::{Path, PathBuf};

/// Every file below a folder.
///
/// # Errors
/// If a folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Something planted, in one of its encodings.
pub struct Needle {
    /// What was planted, for the report of a hit.
    pub name: String,
    /// The bytes to look for.
    pub bytes: Vec<u8>,
}

/// A text in eight encodings: as it is, upper case, UTF-16 both ways, hexadecimal, URL escapes, DICOM's `^` for spaces,
/// and base64 at each of its three phases.
#[must_use]
pub fn encodings(text: &str) -> Vec<Needle> {
    let needle = |how: &str, bytes: Vec<u8>| Needle { name: format!("{text} as {how}"), bytes };
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
    let mut all = vec![
        needle("UTF-8", text.as_bytes().to_vec()),
        needle("upper case", text.to_uppercase().into_bytes()),
        needle("UTF-16 LE", utf16(u16::to_le_bytes)),
        needle("UTF-16 BE", utf16(u16::to_be_bytes)),
        needle("hexadecimal", hex::encode(text).into_bytes()),
        needle("URL escapes", text.replace(' ', "%20").into_bytes()),
        needle("a DICOM name", text.replace(' ', "^").into_bytes()),
    ];
    all.extend(base64_phases(text.as_bytes()).into_iter().map(|bytes| needle("base64", bytes)));
    all.retain(|needle| needle.bytes.len() >= 6);
    all.sort_by(|a, b| a.bytes.cmp(&b.bytes));
    all.dedup_by(|a, b| a.bytes == b.bytes);
    all
}

/// What base64 of a longer text contains wherever this one stands in it: the middle of its three alignments.
fn base64_phases(bytes: &[u8]) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let phase = |before: usize| {
        let mut padded = vec![0; before];
        padded.extend_from_slice(bytes);
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
        let from = (before * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        text.as_bytes().get(from..to).unwrap_or_default().to_vec()
    };
    (0..3).map(phase).collect()
}

/// Every needle that any file holds: `(needle, file)`.
///
/// # Errors
/// If a file cannot be read.
pub fn search(folder: &Path, needles: &[Needle]) -> Result<Vec<(String, PathBuf)>> {
    let searcher = aho_corasick::AhoCorasick::new(needles.iter().map(|needle| &needle.bytes))?;
    let mut hits = Vec::new();
    for file in files(folder)? {
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            // A live archive gives files their names when they are whole: under the old one there is nothing any more.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let found = searcher.find_overlapping_iter(&bytes).filter_map(|hit| needles.get(hit.pattern().as_usize()));
        hits.extend(found.map(|needle| (needle.name.clone(), file.clone())));
    }
    Ok(hits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_text_is_found_in_each_of_its_encodings() {
        let needles = encodings("Siti Rahayu");
        assert!(needles.len() >= 8, "{}", needles.len());
        let folder = tempfile::tempdir().unwrap();
        for needle in &needles {
            let mut bytes = vec![7; 1000];
            bytes.extend_from_slice(&needle.bytes);
            std::fs::write(folder.path().join("file"), bytes).unwrap();
            let hits = search(folder.path(), &needles).unwrap();
            assert!(hits.iter().any(|(name, _)| *name == needle.name), "{}", needle.name);
        }
        std::fs::write(folder.path().join("file"), vec![7; 1000]).unwrap();
        assert!(search(folder.path(), &needles).unwrap().is_empty());
    }

    #[test]
    fn base64_of_a_text_around_it_is_found_at_every_phase() {
        use base64::Engine as _;
        for before in 0..6 {
            let around = format!("{}Siti Rahayu and more", "x".repeat(before));
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("file"), base64::engine::general_purpose::STANDARD.encode(around))
                .unwrap();
            assert!(!search(folder.path(), &encodings("Siti Rahayu")).unwrap().is_empty(), "{before}");
        }
    }
}
