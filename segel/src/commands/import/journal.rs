//! Which files an earlier import has finished, so that one that was interrupted goes on where it was.
//!
//! Paths often hold patients' names, so the journal holds none: an entry is the first 16 bytes of an HMAC under a key
//! made for this journal. Whoever has the journal can at most ask whether a file that they already have was imported.

use super::source::Source;
use anyhow::{Context as _, Result};
use aws_lc_rs::{hmac, rand};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

const KEY_BYTES: usize = 32;
const ENTRY_BYTES: usize = 16;

/// The journal of one data folder.
pub struct Journal {
    key: hmac::Key,
    finished: HashSet<[u8; ENTRY_BYTES]>,
    file: BufWriter<File>,
}

impl Journal {
    /// Opens the journal, or begins one. A torn last entry is a file that is sent again.
    pub fn open(data: &Path) -> Result<Self> {
        let path = data.join("import-journal");
        let mut bytes = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() >= KEY_BYTES => bytes,
            _ => {
                let mut key = vec![0; KEY_BYTES];
                rand::fill(&mut key).ok().context("the system gives no random numbers")?;
                key
            }
        };
        let entries = bytes.split_off(KEY_BYTES);
        let finished: HashSet<[u8; ENTRY_BYTES]> =
            entries.chunks_exact(ENTRY_BYTES).filter_map(|entry| entry.try_into().ok()).collect();
        let mut file = BufWriter::new(File::create(&path).with_context(|| format!("cannot write {}", path.display()))?);
        file.write_all(&bytes)?;
        for entry in &finished {
            file.write_all(entry)?;
        }
        file.flush()?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), finished, file })
    }

    /// Whether a source was finished, unchanged since.
    pub fn has(&self, source: &Source) -> Result<bool> {
        Ok(self.finished.contains(&self.entry(source)?))
    }

    /// Notes that a source is finished.
    pub fn add(&mut self, source: &Source) -> Result<()> {
        let entry = self.entry(source)?;
        if self.finished.insert(entry) {
            self.file.write_all(&entry)?;
        }
        Ok(())
    }

    /// Writes what is noted.
    pub fn flush(&mut self) -> Result<()> {
        Ok(self.file.flush()?)
    }

    fn entry(&self, source: &Source) -> Result<[u8; ENTRY_BYTES]> {
        let tag = hmac::sign(&self.key, &source.fingerprint());
        tag.as_ref().get(..ENTRY_BYTES).and_then(|bytes| bytes.try_into().ok()).context("an HMAC has 32 bytes")
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _too_late_to_say = self.file.flush();
    }
}
