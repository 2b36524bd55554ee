//! DCMTK's archive, with as many empty storage areas as asked for.

use super::orthanc::DESTINATION;
use super::{Running, files_below, free_port};
use crate::bench::load::requestor::Door;
use anyhow::{Context as _, Result};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Without it DCMTK leaves Nagle's algorithm on, each message waits 40 ms for a delayed acknowledgement, and the
/// comparison is one of timers.
pub const AT_ONCE: (&str, &str) = ("TCP_NODELAY", "1");
/// Studies that one area holds at most.
const STUDIES_MAX: u32 = 500;

/// A running dcmqrscp.
pub struct Dcmqrscp {
    /// Its process; it makes one more for each association.
    pub running: Running,
    port: u16,
    areas: PathBuf,
    next: u32,
}

impl Dcmqrscp {
    /// Starts it. An area holds at most 500 studies, and two associations that store into the same area at once lose
    /// instances (DCMTK 3.6.7): both take a new area instead.
    pub fn start(folder: &Path, areas: u32, destination: u16) -> Result<Self> {
        let port = free_port()?;
        let root = folder;
        let mut table = String::new();
        for area in 0..areas {
            let path = root.join(title(area));
            std::fs::create_dir_all(&path)?;
            writeln!(table, "{} {} RW ({STUDIES_MAX}, 1024mb) ANY", title(area), path.display())?;
        }
        let configuration = root.join("dcmqrscp.cfg");
        std::fs::write(
            &configuration,
            format!(
                "NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\nHostTable BEGIN\n\
                 load = ({DESTINATION}, 127.0.0.1, {destination})\nHostTable END\n\
                 VendorTable BEGIN\nVendorTable END\nAETable BEGIN\n{table}AETable END\n"
            ),
        )?;
        let child = Command::new("dcmqrscp")
            .arg("--config")
            .arg(&configuration)
            .envs([AT_ONCE])
            .stdout(File::create(root.join("log.txt"))?)
            .stderr(Stdio::null())
            .spawn()
            .context("dcmqrscp could not be started; Debian: apt-get install dcmtk")?;
        let mut started = Self { running: Running { child }, port, areas: root.to_path_buf(), next: 1 };
        let door = started.door(0);
        started.running.wait_for(&door)?;
        Ok(started)
    }

    /// The door to the first storage area.
    pub fn first(&self) -> Door {
        self.door(0)
    }

    /// A door to a storage area that nobody has used, the first one apart.
    pub fn fresh(&mut self) -> Door {
        self.next += 1;
        self.door(self.next - 1)
    }

    fn door(&self, area: u32) -> Door {
        Door { called: title(area), port: self.port }
    }

    /// How many instances lie in an area.
    pub fn held(&self, door: &Door) -> Result<usize> {
        Ok(files_below(&self.areas.join(&door.called))?.saturating_sub(1))
    }
}

fn title(area: u32) -> String {
    format!("AREA{area}")
}
