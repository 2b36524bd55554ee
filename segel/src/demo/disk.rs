//! What a thief of the disk would see: a search for names through every byte below a folder.

use aho_corasick::AhoCorasick;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// What a search found.
pub struct Found {
    /// Files read.
    pub files: usize,
    /// Bytes read.
    pub bytes: u64,
    /// Files that hold one of the texts, and which.
    pub hits: Vec<(PathBuf, String)>,
}

/// Searches every file below a folder for texts, in UTF-8 and in UTF-16.
pub fn search(folder: &Path, texts: &[String]) -> Result<Found> {
    let wide = texts.iter().map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let needles: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).chain(wide).collect();
    let searcher = AhoCorasick::new(needles).context("too many texts to look for")?;
    let mut found = Found { files: 0, bytes: 0, hits: Vec::new() };
    below(folder, texts, &searcher, &mut found)?;
    Ok(found)
}

fn below(folder: &Path, texts: &[String], searcher: &AhoCorasick, found: &mut Found) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            below(&entry.path(), texts, searcher, found)?;
        } else if kind.is_file() {
            let file = File::open(entry.path())?;
            found.files += 1;
            found.bytes += file.metadata()?.len();
            if let Some(hit) = searcher.stream_find_iter(BufReader::new(file)).next().transpose()? {
                let text = texts.iter().cycle().nth(hit.pattern().as_usize()).cloned().unwrap_or_default();
                found.hits.push((entry.path(), text));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::search;

    #[test]
    fn a_name_is_found_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/file"), "....Siti Rahayu....").unwrap();
        std::fs::write(folder.path().join("other"), "S.i.t.i").unwrap();
        let found = search(folder.path(), &["Siti Rahayu".into()]).unwrap();
        assert_eq!((found.files, found.hits.len()), (2, 1));
    }
}
