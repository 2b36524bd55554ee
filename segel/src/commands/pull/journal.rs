//! Which studies an earlier pull has finished: a line each, written once the archive has acknowledged every instance.
//!
//! A line holds where the study came from, whose it is, its UID and how many instances the PACS said it has: a study that
//! has grown since is pulled again. UIDs lie in clear in the index as well; nothing else of a patient is here.

use super::listing::Study;
use anyhow::{Context as _, Result};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// The journal of one data folder, as one source and facility see it.
pub struct Journal {
    prefix: String,
    finished: HashSet<String>,
    file: File,
}

impl Journal {
    /// Opens the journal, or begins one.
    pub fn open(data: &Path, source: &str, facility: &str) -> Result<Self> {
        let path = data.join("pull-journal");
        let text = match std::fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let prefix = format!("{source}\t{facility}\t");
        let finished = text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect();
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        let mut file = opened.with_context(|| format!("cannot write {}", path.display()))?;
        if !text.is_empty() && !text.ends_with('\n') {
            // A crash tore the last line; its study is looked at again.
            file.write_all(b"\n")?;
        }
        Ok(Self { prefix, finished, file })
    }

    /// Whether a study is finished, and has not grown since.
    pub fn has(&self, study: &Study) -> bool {
        self.finished.contains(&entry(study))
    }

    /// Notes that every instance of a study is kept. A crash before this line costs a question to the archive, which has
    /// the instances.
    pub fn add(&mut self, study: &Study) -> Result<()> {
        let entry = entry(study);
        self.file
            .write_all(format!("{}{entry}\n", self.prefix).as_bytes())
            .context("cannot write the pull's journal")?;
        self.finished.insert(entry);
        Ok(())
    }
}

fn entry(study: &Study) -> String {
    let count = study.instances.map_or_else(|| "-".to_owned(), |count| count.to_string());
    format!("{}\t{count}", study.study)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_and_a_grown_study_are_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let study = |uid: &str, instances| Study { study: uid.into(), instances, ..Study::default() };
        let mut journal = Journal::open(folder.path(), "OLD@h:104", "RSA").unwrap();
        journal.add(&study("1.2.3", Some(5))).unwrap();
        journal.add(&study("1.2.4", None)).unwrap();
        let path = folder.path().join("pull-journal");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"OLD@h:104\tRSA\t1.2");
        std::fs::write(&path, bytes).unwrap();
        let mut again = Journal::open(folder.path(), "OLD@h:104", "RSA").unwrap();
        assert!(again.has(&study("1.2.3", Some(5))) && again.has(&study("1.2.4", None)));
        assert!(!again.has(&study("1.2.3", Some(6))) && !again.has(&study("1.2", None)));
        again.add(&study("1.2.5", None)).unwrap();
        let other = Journal::open(folder.path(), "OLD@h:104", "RSB").unwrap();
        assert!(!other.has(&study("1.2.3", Some(5))));
        let after = Journal::open(folder.path(), "OLD@h:104", "RSA").unwrap();
        assert!(after.has(&study("1.2.5", None)));
    }
}
