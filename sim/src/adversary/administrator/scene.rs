//! A copy of the archive, an abuse of it, and everybody who looks afterwards.

use super::base::{Base, PATIENTS, copy, uids};
use super::{Abuse, Attempt, Noticed, Outcome};
use crate::Result;
use crate::adversary::readable::Readers;
use crate::http::get;
use crate::process::{Archive, PASSPHRASE, segel_output};
use crate::program::ours;
use crate::sample::Uids;
use crate::witness::Witness;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// The key service looks every second, if nobody asks it anything.
const LOOKED_AT: Duration = Duration::from_millis(2_500);

/// A copy of the archive for one abuse.
pub struct Scene<'b> {
    /// What it is a copy of.
    pub base: &'b Base,
    /// Its folder, where other things may lie as well.
    pub folder: PathBuf,
    /// The data folder.
    pub data: PathBuf,
}

fn run(data: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(ours("segel")?);
    command.arg("keyservice").arg("--data").arg(data.join("keyservice")).args(arguments);
    Ok(command.env("SEGEL_PASSPHRASE", PASSPHRASE).stdin(Stdio::null()).output()?)
}

pub(super) fn events(data: &Path) -> Result<Output> {
    run(data, &["--events"])
}

/// A command of the key service on a data folder; what it printed.
///
/// # Errors
/// If it fails.
pub fn keyservice(data: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(data, arguments)?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

impl<'b> Scene<'b> {
    /// A fresh copy in a folder that is not there yet.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn new(base: &'b Base, folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        copy(&base.now, &data)?;
        Ok(Self { base, folder: folder.to_owned(), data })
    }

    /// Writes to the key service's state; the older one is there as `older`.
    ///
    /// # Errors
    /// If SQLite refuses, or nothing was changed.
    pub fn state(&self, statements: &str) -> Result<()> {
        let db = Connection::open(self.data.join("keyservice/state.sqlite"))?;
        let older = self.base.older.join("keyservice/state.sqlite");
        db.execute("ATTACH ?1 AS older", [older.display().to_string()])?;
        db.busy_timeout(Duration::from_secs(5))?;
        let before = db.total_changes();
        db.execute_batch(statements)?;
        if db.total_changes() == before && !statements.contains("CREATE") && !statements.contains("PRAGMA") {
            return Err(format!("nothing was changed: {statements}").into());
        }
        Ok(())
    }

    /// Writes to the archive's index.
    ///
    /// # Errors
    /// If SQLite refuses, or nothing was changed.
    pub fn index(&self, statements: &str) -> Result<()> {
        let db = Connection::open(self.data.join("archive/index.sqlite"))?;
        let before = db.total_changes();
        db.execute_batch(statements)?;
        if db.total_changes() == before { Err("nothing was changed".into()) } else { Ok(()) }
    }

    /// Puts a file or folder of the data folder back to what it was.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn put_back(&self, name: &str) -> Result<()> {
        let (from, to) = (self.base.older.join(name), self.data.join(name));
        if from.is_file() {
            for suffix in ["-wal", "-shm"] {
                let _absent = std::fs::remove_file(format!("{}{suffix}", to.display()));
            }
            std::fs::copy(from, to)?;
            return Ok(());
        }
        std::fs::remove_dir_all(&to)?;
        copy(&from, &to)
    }

    /// Whether a command is refused; any that is done is not.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn is_refused(&self, command: &str, arguments: &[&str]) -> Result<bool> {
        Ok(!segel_output(&self.data, command, arguments)?.status.success())
    }

    /// Tries an abuse, reads as everybody who must not, and looks who notices.
    ///
    /// # Errors
    /// If the abuse itself could not be tried.
    pub fn try_out(&self, abuse: &Abuse) -> Result<Outcome> {
        match abuse.attempt {
            Attempt::Files(meddle) => {
                meddle(self)?;
                self.look()
            }
            Attempt::Witnessed(meddle) => {
                meddle(self)?;
                let folder = self.folder.join("witness");
                copy(&self.base.witness, &folder)?;
                let listen = format!("127.0.0.1:{}", self.base.witness_port);
                let witness = Witness::start(&folder, &self.base.vkey, &["--listen", &listen])?;
                let outcome = self.look();
                witness.kill();
                outcome
            }
            Attempt::Running(meddle) => {
                let archive = Archive::start(&self.data)?;
                let is_refused = meddle(self, &archive)?;
                let mut read = self.read(&archive);
                if !is_refused {
                    std::thread::sleep(LOOKED_AT);
                }
                let has_failed = archive.stop().is_err();
                // The archive starts its key service again, which refuses.
                let log = std::fs::read_to_string(self.data.join("log.txt"))?;
                let has_ended = has_failed || log.contains("the key service ended");
                let after = self.look()?;
                read.extend(after.said.split(", ").map(str::to_owned).filter(|_| after.read > 0));
                let noticed = match (is_refused, has_ended) {
                    (true, _) => Noticed::Refused,
                    (false, true) => Noticed::Service,
                    (false, false) => after.noticed,
                };
                Ok(Outcome { read: read.len().max(after.read), noticed, said: after.said })
            }
            Attempt::Starting(start) => match start(self) {
                Err(said) => Ok(Outcome { read: 0, noticed: Noticed::Start, said: said.to_string() }),
                Ok(archive) => {
                    let read = self.read(&archive);
                    drop(archive);
                    let after = self.look()?;
                    Ok(Outcome { read: read.len().max(after.read), ..after })
                }
            },
        }
    }

    /// Patients read by those who must not, each named with who read.
    fn read(&self, archive: &Archive) -> Vec<String> {
        let opened = self.base.opened(archive);
        opened.into_iter().flat_map(|(who, read)| read.into_iter().map(move |n| format!("{who} read {n}"))).collect()
    }

    /// Starts, reads as everybody, and looks who notices.
    ///
    /// # Errors
    /// If it cannot look.
    pub fn look(&self) -> Result<Outcome> {
        let archive = match Archive::start(&self.data) {
            Ok(archive) => archive,
            Err(error) => {
                let said = error.to_string().lines().rev().take(3).collect::<Vec<_>>().join(" | ");
                return Ok(Outcome { read: self.on_disk()?, noticed: Noticed::Start, said });
            }
        };
        let read = self.read(&archive);
        let missing = (0..PATIENTS).filter(|n| !self.is_whole(&archive, *n)).count();
        let report = ["--patient", &self.base.people.first().ok_or("nobody")?.number, "--facility", "RSUD-A"];
        let report = [&report[..], &["--token", &self.base.auditor, "--purpose", "PATRQT"]].concat();
        let is_reported = segel_output(&self.data, "report", &report)?.status.success();
        let has_ended = archive.stop().is_err();
        let works =
            |command: &str| segel_output(&self.data, command, &["--json"]).map(|output| output.status.success());
        let noticed = if has_ended {
            Noticed::Service
        } else if !works("scrub")? {
            Noticed::Scrub
        } else if missing > 0 {
            Noticed::Reader
        } else if !works("verify")? {
            Noticed::Verify
        } else if !events(&self.data)?.status.success() {
            Noticed::Events
        } else if !is_reported {
            Noticed::Report
        } else {
            Noticed::Nothing
        };
        Ok(Outcome { read: read.len().max(self.on_disk()?), noticed, said: read.join(", ") })
    }

    /// Whether the honest clinician reads a patient as it was stored.
    fn is_whole(&self, archive: &Archive, n: usize) -> bool {
        let Some(person) = self.base.people.get(n) else { return false };
        let Uids { study, series, instance } = uids(n);
        let look = |path: &str| get(archive.http, &self.base.clinician, path).filter(|(status, _)| *status == 200);
        let text = look(&format!("/dicom-web/studies/{study}/metadata"));
        let pixels = look(&format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/1"));
        let listed = look(&format!("/dicom-web/studies?StudyInstanceUID={study}&includefield=PatientID"));
        let names = |found: Option<(u16, Vec<u8>)>| {
            found.is_some_and(|(_, body)| memchr::memmem::find(&body, person.number.as_bytes()).is_some())
        };
        names(text)
            && names(listed)
            && pixels.is_some_and(|(_, body)| body.windows(16).any(|w| w == [1; 16] || w == [2; 16]))
    }

    /// Patients that can be read in any file, logs among them.
    fn on_disk(&self) -> Result<usize> {
        Ok(Readers::new(&self.base.people)?.in_folder(&self.data)?.len())
    }
}
