//! DCMTK's `dcmqrscp` as its own process: the archive that comes with Debian's dcmtk.

use crate::{Result, program};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A start takes a moment; a loaded machine many.
const START_MAX: Duration = Duration::from_secs(60);

/// A running dcmqrscp. Dropping it ends it; a process that it started for an association ends with that.
pub struct Dcmqrscp {
    /// Its port.
    pub dimse: u16,
    /// Its data folder.
    pub data: PathBuf,
    child: Child,
}

impl Dcmqrscp {
    /// Starts one with this AE title, set up as its own documentation does: any peer may store and ask.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(folder: &Path, ae_title: &str) -> Result<Self> {
        let data = folder.join("dcmqrscp");
        std::fs::create_dir_all(&data)?;
        // It takes no port 0: one that was free a moment ago.
        let dimse = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.join("dcmqrscp.cfg");
        let text = format!(
            "NetworkTCPPort = {dimse}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\nHostTable BEGIN\nHostTable END\n\n\
             VendorTable BEGIN\nVendorTable END\n\nAETable BEGIN\n{ae_title} {} RW (500, 1024mb) ANY\nAETable END\n",
            data.display()
        );
        std::fs::write(&config, text)?;
        let log = std::fs::File::create(folder.join("dcmqrscp.log"))?;
        let started = Command::new("dcmqrscp").arg("-c").arg(&config).stdout(log.try_clone()?).stderr(log).spawn();
        let child = started.map_err(|error| format!("dcmqrscp does not start ({error}): run `cargo xtask tools`"))?;
        let mut running = Self { dimse, data, child };
        let begun = Instant::now();
        while begun.elapsed() < START_MAX && running.child.try_wait()?.is_none() {
            let port = dimse.to_string();
            if program::run("echoscu", &["-aec", ae_title, "127.0.0.1", &port])?.status.success() {
                return Ok(running);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("dcmqrscp does not answer: {}", std::fs::read_to_string(folder.join("dcmqrscp.log"))?).into())
    }
}

impl Drop for Dcmqrscp {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
