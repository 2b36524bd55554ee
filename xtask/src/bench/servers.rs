//! The archives that are compared, each as its own processes on loopback. Dropping one ends it.

use super::clients::{self, Door};
use crate::run;
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const PASSPHRASE: (&str, &str) = ("SEGEL_PASSPHRASE", "measured");
const FACILITY: &str = "BENCH";
const CLINICIAN: &str = "Reader";

/// Segel as `segel serve` starts it, in release mode.
pub struct Segel {
    /// The plain-text DICOM door.
    pub door: Door,
    /// The address of the HTTP doors.
    pub http: String,
    /// A token of a clinician.
    pub token: String,
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Segel {
    /// Starts it on an empty data folder, with a facility, a peer and a clinician.
    pub fn start(folder: &Path) -> Result<Self> {
        let data = folder.join("segel");
        let mut child = Command::new(program()?)
            .args(["serve", "--http", "127.0.0.1:0", "--dimse", "127.0.0.1:0", "--dimse-tls", "127.0.0.1:0", "--data"])
            .arg(&data)
            .envs([PASSPHRASE])
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("segel.log"))?)
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let mut ready = String::new();
        while !ready.starts_with("ready ") {
            ready.clear();
            if output.read_line(&mut ready)? == 0 {
                bail!("segel serve: {}", std::fs::read_to_string(folder.join("segel.log"))?);
            }
        }
        let word = |name: &str| ready.split_whitespace().find_map(|word| word.strip_prefix(name)).context("no address");
        let port = word("dimse=")?.rsplit(':').next().context("no port")?.to_owned();
        let http = word("http=")?.trim_start_matches("http://").to_owned();
        admin(&data, &["facility", "add", FACILITY, "Measured"])?;
        admin(&data, &["peer", "add", clients::CALLING, "--facility", FACILITY])?;
        admin(&data, &["person", "add", CLINICIAN, "--facility", FACILITY, "--role", "clinician"])?;
        let token = admin(&data, &["token", "--as", CLINICIAN])?;
        Ok(Self { door: Door { called: "SEGEL".into(), port }, http, token, child, _output: output })
    }
}

impl Drop for Segel {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Builds Segel in release mode, so that nobody measures yesterday's.
pub fn build() -> Result<()> {
    run::must("cargo", &["build", "--quiet", "--release", "--package", "segel"])
}

fn program() -> Result<PathBuf> {
    Ok(run::root()?.join("target/release/segel"))
}

fn admin(data: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(program()?).arg("admin").args(arguments).arg("--data").arg(data).envs([PASSPHRASE]).output()?;
    if !output.status.success() {
        bail!("segel admin {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// DCMTK's archive, with as many empty storage areas as asked for.
pub struct Dcmqrscp {
    port: String,
    areas: PathBuf,
    child: Child,
}

impl Dcmqrscp {
    /// Starts it. An area holds at most 500 studies, and two associations that store into the same area at once lose
    /// instances (DCMTK 3.6.7): both take a new area instead.
    pub fn start(folder: &Path, areas: u32) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let root = folder.join("dcmqrscp");
        let mut table = String::new();
        for area in 0..areas {
            let path = root.join(title(area));
            std::fs::create_dir_all(&path)?;
            writeln!(table, "{} {} RW (500, 1024mb) ANY", title(area), path.display())?;
        }
        let configuration = root.join("dcmqrscp.cfg");
        std::fs::write(
            &configuration,
            format!(
                "NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n\
                 VendorTable BEGIN\nVendorTable END\nAETable BEGIN\n{table}AETable END\n"
            ),
        )?;
        let child = Command::new("dcmqrscp")
            .arg("--config")
            .arg(&configuration)
            .envs([clients::AT_ONCE])
            .stdout(File::create(root.join("log.txt"))?)
            .stderr(Stdio::null())
            .spawn()
            .context("dcmqrscp could not be started; Debian: apt-get install dcmtk")?;
        let mut started = Self { port, areas: root, child };
        while clients::echo(&started.door(0)).is_err() {
            if let Some(status) = started.child.try_wait()? {
                bail!("dcmqrscp ended with {status}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(started)
    }

    /// The door to a storage area.
    pub fn door(&self, area: u32) -> Door {
        Door { called: title(area), port: self.port.clone() }
    }

    /// How many instances lie in an area.
    pub fn held(&self, area: u32) -> Result<usize> {
        let names = std::fs::read_dir(self.areas.join(title(area)))?;
        let names: Vec<_> = names.collect::<std::io::Result<_>>()?;
        Ok(names.iter().filter(|name| name.file_name() != "index.dat").count())
    }
}

impl Drop for Dcmqrscp {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn title(area: u32) -> String {
    format!("AREA{area}")
}

/// SIGTERM, so that a server ends its own children too.
fn end(child: &mut Child) {
    let _told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    let _ended = child.wait();
}
