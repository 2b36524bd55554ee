//! People with keys of their own, through the real command line.

use crate::Result;
use crate::process::{Archive, segel, segel_output};
use std::path::{Path, PathBuf};

/// Two approvers of an archive, and where their keys are.
pub struct Approvers {
    /// The private keys' files.
    pub keys: Vec<PathBuf>,
}

/// Rules whose delays do not hold a test up; what delays do is tested where the clock is a value.
pub const RULES: &str = "[quorum.access]\ndelay_seconds = 0\n[quorum.name]\ndelay_seconds = 0\n\
    [quorum.export]\ndelay_seconds = 0\n[quorum.settings]\ndelay_seconds = 0\n";

impl Approvers {
    /// Registers two people of a facility as approvers.
    ///
    /// # Errors
    /// If a command fails.
    pub fn register(archive: &Archive, facility: &str, folder: &Path) -> Result<Self> {
        let mut keys = Vec::new();
        for name in ["Ani", "Budi"] {
            let key = folder.join(format!("{name}.key"));
            segel(&archive.data, "approve", &["keygen", &key.display().to_string()])?;
            archive.admin(&["person", "add", name, "--facility", facility, "--role", "auditor"])?;
            let public = format!("{}.pub", key.display());
            archive.admin(&["approver", "add", name, "--key", &public])?;
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// Has both approve a proposal: the first through the key service's socket, the second through the archive's HTTP.
    ///
    /// # Errors
    /// If a command fails.
    pub fn approve(&self, archive: &Archive, id: &str) -> Result<()> {
        for (number, key) in self.keys.iter().enumerate() {
            let key = key.display().to_string();
            let at = format!("http://{}", archive.http);
            let mut arguments = vec!["sign", id, "--yes", "--key", &key];
            if number == 1 {
                arguments.extend(["--at", &at]);
            }
            segel(&archive.data, "approve", &arguments)?;
        }
        Ok(())
    }
}

/// Whether a command of `segel` was refused; what it said.
///
/// # Errors
/// If it could not be run, or was done.
pub fn refused(data: &Path, command: &str, arguments: &[&str]) -> Result<String> {
    let output = segel_output(data, command, arguments)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Err(format!("segel {command} {arguments:?} was done").into()) } else { Ok(said) }
}

/// The last line of what a command said: a proposal's number.
///
/// # Errors
/// If the command fails.
pub fn proposed(data: &Path, command: &str, arguments: &[&str]) -> Result<String> {
    let said = segel(data, command, arguments)?;
    Ok(said.lines().last().unwrap_or_default().to_owned())
}
