//! Segel as `segel serve` starts it: everything embedded, in release mode.

use super::Running;
use super::orthanc::DESTINATION;
use crate::bench::load::http::Web;
use crate::bench::load::requestor::{CALLING, Door};
use crate::run;
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

const PASSPHRASE: (&str, &str) = ("SEGEL_PASSPHRASE", "measured");
const FACILITY: &str = "BENCH";
const CLINICIAN: &str = "Reader";
const SYSTEM: &str = "Sender";

/// A running archive and its key service.
pub struct Segel {
    /// Both processes.
    pub running: Running,
    /// The plain-text DICOM door.
    pub door: Door,
    /// DICOMweb for a clinician.
    pub reader: Web,
    /// DICOMweb for a system that sends.
    pub sender: Web,
    _output: BufReader<ChildStdout>,
}

impl Segel {
    /// Builds it, so that nobody measures yesterday's, unless a program is named.
    pub fn program(named: Option<&Path>) -> Result<PathBuf> {
        if let Some(named) = named {
            return Ok(std::path::absolute(named)?);
        }
        run::must("cargo", &["build", "--quiet", "--release", "--package", "segel"])?;
        Ok(run::root()?.join("target/release/segel"))
    }

    /// Starts it on a data folder; a new one gets a facility, a peer, a clinician and a system.
    pub fn start(program: &Path, folder: &Path, destination: u16) -> Result<Self> {
        let data = folder.join("segel");
        let founded = data.join("keyservice/state.sqlite").exists();
        std::fs::create_dir_all(data.join("keyservice"))?;
        std::fs::write(data.join("keyservice/keyservice.toml"), settings())?;
        let mut child = Command::new(program)
            .args(["serve", "--http", "127.0.0.1:0", "--dimse", "127.0.0.1:0", "--dimse-tls", "127.0.0.1:0", "--data"])
            .arg(&data)
            .envs([PASSPHRASE])
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(folder.join("segel.log"))?)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let running = Running { child };
        let mut ready = String::new();
        while !ready.starts_with("ready ") {
            ready.clear();
            if output.read_line(&mut ready)? == 0 {
                bail!("segel serve: {}", std::fs::read_to_string(folder.join("segel.log"))?);
            }
        }
        let port = |name: &str| -> Result<u16> {
            let found = ready.split_whitespace().find_map(|word| word.strip_prefix(name)).context("no address")?;
            Ok(found.rsplit(':').next().context("no port")?.parse()?)
        };
        let admin = |arguments: &[&str]| admin(program, &data, arguments);
        if !founded {
            admin(&["facility", "add", FACILITY, "Measured"])?;
            admin(&["peer", "add", CALLING, "--facility", FACILITY])?;
            admin(&["peer", "add", DESTINATION, "--facility", FACILITY])?;
            admin(&["person", "add", CLINICIAN, "--facility", FACILITY, "--role", "clinician"])?;
            admin(&["person", "add", SYSTEM, "--facility", FACILITY, "--role", "system"])?;
        }
        // A free port of this run.
        let there = ["peer", "add", DESTINATION, "--replace", "--facility", FACILITY, "--host", "127.0.0.1", "--port"];
        admin(&[&there[..], &[&destination.to_string()]].concat())?;
        let web = |name: &str| -> Result<Web> {
            let token = admin(&["token", "--as", name])?;
            Ok(Web { port: port("http=")?, authorization: Some(format!("Bearer {token}")) })
        };
        let (reader, sender) = (web(CLINICIAN)?, web(SYSTEM)?);
        let door = Door { called: "SEGEL".into(), port: port("dimse=")? };
        Ok(Self { running, door, reader, sender, _output: output })
    }
}

/// A load tool is what budgets are there to stop. Everything is counted, held against numbers that it does not reach, and written
/// down as ever; what looks like a thief rings, and nobody is frozen for it.
fn settings() -> String {
    const MANY: &str = "{ hour = 4000000000, day = 4000000000 }";
    let budgets = ["actor.clinician", "feed", "device", "facility", "node", "system"];
    let budgets = budgets.map(|budget| format!("[budgets.{budget}]\ncontents = {MANY}\nsummaries = {MANY}\n"));
    format!("[alarms]\nfreeze = [\"canary\"]\n{}", budgets.concat())
}

fn admin(program: &Path, data: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(program).arg("admin").args(arguments).arg("--data").arg(data).envs([PASSPHRASE]).output()?;
    if !output.status.success() {
        bail!("segel admin {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
