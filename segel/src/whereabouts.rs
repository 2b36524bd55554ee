//! Where a running archive is, for the other commands on its host: `run.json` in the data folder.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The addresses of a running archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Its process.
    pub process_id: u32,
    /// The HTTP doors.
    pub http: Option<SocketAddr>,
    /// Whether they speak HTTPS.
    pub https: bool,
    /// The plain-text DICOM door.
    pub dimse: Option<SocketAddr>,
    /// The DICOM door over TLS.
    pub dimse_tls: Option<SocketAddr>,
}

impl Whereabouts {
    /// What the archive that runs on a data folder wrote down; `None` if none runs.
    pub fn of_running(data: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(file(data)).ok()?;
        let whereabouts: Self = serde_json::from_str(&text).ok()?;
        // One that was killed leaves the file behind; its process is gone.
        Path::new("/proc").join(whereabouts.process_id.to_string()).exists().then_some(whereabouts)
    }

    /// Writes it down, whole or not at all.
    pub fn write(&self, data: &Path) -> Result<()> {
        let (path, new) = (file(data), data.join("run.json.new"));
        std::fs::write(&new, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", new.display()))?;
        std::fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Forgets it, at the end.
    pub fn remove(data: &Path) {
        let _already_gone = std::fs::remove_file(file(data));
    }

    /// `http=... dimse=... dimse-tls=...`, as scripts read it after `ready`.
    pub fn line(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let http = self.http.map(|address| format!("http={scheme}://{address}"));
        let dimse = self.dimse.map(|address| format!("dimse={address}"));
        let tls = self.dimse_tls.map(|address| format!("dimse-tls={address}"));
        [http, dimse, tls].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("run.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_was_killed_is_not_running() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = Whereabouts { process_id: std::process::id(), ..Whereabouts::default() };
        here.write(folder.path()).unwrap();
        assert_eq!(Whereabouts::of_running(folder.path()), Some(here.clone()));
        here.process_id = u32::MAX;
        here.write(folder.path()).unwrap();
        assert_eq!(Whereabouts::of_running(folder.path()), None);
    }
}
