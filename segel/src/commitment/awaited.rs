//! Reports that `segel send` waits for. The program that asked and the archive that the peer reports to are two
//! processes; a file for each transaction is what they share. A report for a transaction that nobody asked for is refused.

use crate::commitment::{self, Reported};
use crate::durable;
use anyhow::Result;
use aws_lc_rs::digest;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A transaction that was asked for; dropping it forgets it.
pub struct Awaited {
    asked: PathBuf,
    answered: PathBuf,
}

impl Awaited {
    /// Notes that this peer is asked; before it is asked, because it may answer at once.
    pub fn begin(data: &Path, transaction: &str, ae_title: &str) -> Result<Self> {
        let folder = super::pending::folder(data);
        durable::make_folder(&folder)?;
        let (asked, answered) = files(&folder, transaction);
        durable::write(&asked, json!({"ae_title": ae_title}).to_string().as_bytes(), 0o600)?;
        Ok(Self { asked, answered })
    }

    /// The report, once it is there.
    pub fn report(&self) -> Option<Reported> {
        let bytes = std::fs::read(&self.answered).ok()?;
        commitment::reported(&serde_json::from_slice(&bytes).ok()?)
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        for file in [&self.asked, &self.answered] {
            // The report may not have come; a file that stays costs a few bytes.
            let _gone = std::fs::remove_file(file);
        }
    }
}

/// Takes a report; false if this peer was not asked for it.
pub fn take(folder: &Path, ae_title: &str, body: &Value) -> Result<bool> {
    let Some(reported) = commitment::reported(body) else { return Ok(false) };
    let (asked, answered) = files(folder, &reported.transaction);
    let Ok(bytes) = std::fs::read(asked) else { return Ok(false) };
    let of: Value = serde_json::from_slice(&bytes)?;
    if of.get("ae_title").and_then(Value::as_str) != Some(ae_title) {
        return Ok(false);
    }
    durable::write(&answered, body.to_string().as_bytes(), 0o600)?;
    Ok(true)
}

/// The peer's text never becomes a path: its hash does.
fn files(folder: &Path, transaction: &str) -> (PathBuf, PathBuf) {
    let name = hex::encode(digest::digest(&digest::SHA256, transaction.as_bytes()));
    (folder.join(format!("{name}.asked")), folder.join(format!("{name}.answered")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_peer_that_was_asked_may_answer_and_only_what_was_asked() {
        let data = tempfile::tempdir().unwrap();
        let folder = super::super::pending::folder(data.path());
        let asked = Awaited::begin(data.path(), "2.25.7", "PACS").unwrap();
        let report = |transaction: &str| commitment::request(transaction, &[("1.2".into(), "1.3".into())]);
        assert!(!take(&folder, "OTHER", &report("2.25.7")).unwrap());
        assert!(!take(&folder, "PACS", &report("2.25.8")).unwrap());
        assert!(!take(&folder, "PACS", &json!({})).unwrap());
        assert_eq!(asked.report(), None);
        assert!(take(&folder, "PACS", &report("2.25.7")).unwrap());
        assert_eq!(asked.report().unwrap().committed, ["1.3"]);
        drop(asked);
        assert!(!take(&folder, "PACS", &report("2.25.7")).unwrap());
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }
}
