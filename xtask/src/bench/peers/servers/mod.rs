//! The archives that are compared, each as its own processes on loopback. Dropping one ends it.

mod dcmqrscp;
mod orthanc;
mod segel;

use super::process;
use crate::bench::load::requestor::{Association, Door};
use anyhow::{Context as _, Result, bail};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

pub use dcmqrscp::{AT_ONCE, Dcmqrscp};
pub use orthanc::{DESTINATION, Orthanc};
pub use segel::Segel;

/// Verification (PS3.4 A).
const VERIFICATION: (&str, &str) = ("1.2.840.10008.1.1", "1.2.840.10008.1.2");
/// A start takes a second; with a large index and a loaded machine several.
const START_MAX: Duration = Duration::from_secs(120);

/// A server that runs.
pub struct Running {
    child: Child,
}

impl Running {
    /// Its first process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time of all its processes until now.
    pub fn cpu_ms(&self) -> Result<f64> {
        process::server_cpu_ms(self.id())
    }

    /// Waits until it accepts associations.
    fn wait_for(&mut self, door: &Door) -> Result<()> {
        let begun = Instant::now();
        while Association::open(door, &[VERIFICATION]).and_then(Association::release).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}", door.called);
            }
            if begun.elapsed() > START_MAX {
                bail!("{} does not accept associations", door.called);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, so that a server ends its own children and closes its files.
        let _told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ended = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// How many files lie below a folder.
fn files_below(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { files_below(&entry.path())? } else { 1 };
    }
    Ok(count)
}
