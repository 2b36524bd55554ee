//! An archive as its own processes, in a temporary data folder, on free ports of loopback.

use crate::{Result, program};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The passphrase of every archive here; given by the environment, so that no file holds it.
pub const PASSPHRASE: &str = "the tests' own passphrase";

/// A start takes a second; a loaded machine several.
const START_MAX: Duration = Duration::from_secs(60);
/// So much of the log of an archive that did not start is shown.
const LOG_SHOWN_BYTES: u64 = 64 * 1024;

/// A running archive. Dropping it ends both processes.
pub struct Archive {
    /// The data folder.
    pub data: PathBuf,
    /// The HTTP doors.
    pub http: SocketAddr,
    /// The plain-text DICOM door.
    pub dimse: SocketAddr,
    /// The DICOM door over TLS.
    pub dimse_tls: SocketAddr,
    /// How long it took from the start to `ready`.
    pub started_in: Duration,
    child: Child,
}

/// Settings under which a test may read like a thief: budgets are counted and refuse nothing, and nobody is frozen but for canaries.
pub const UNBOUNDED: &str = "[budgets]\nmode = \"observe\"\n";

impl Archive {
    /// Starts an archive on a data folder.
    ///
    /// # Errors
    /// If it does not print `ready`.
    pub fn start(data: &Path) -> Result<Self> {
        Self::start_with(data, &[])
    }

    /// As [`Archive::start`], with the key service's settings (`keyservice.toml`).
    ///
    /// # Errors
    /// If it does not print `ready`.
    pub fn start_with_keyservice(data: &Path, settings: &str) -> Result<Self> {
        let folder = data.join("keyservice");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("keyservice.toml"), settings)?;
        Self::start(data)
    }

    /// As [`Archive::start`], with further arguments of `segel serve`.
    ///
    /// # Errors
    /// If it does not print `ready`.
    pub fn start_with(data: &Path, further: &[&str]) -> Result<Self> {
        Self::start_in(data, further, &[("SEGEL_PASSPHRASE".to_owned(), PASSPHRASE.to_owned())])
    }

    /// As [`Archive::start_with`], in an environment that names the passphrase or does not.
    ///
    /// # Errors
    /// If it does not print `ready`.
    pub fn start_in(data: &Path, further: &[&str], environment: &[(String, String)]) -> Result<Self> {
        Self::start_logging(data, further, environment, &log_file(data)?)
    }

    /// As [`Archive::start_in`], with its log elsewhere: the data folder need not be there.
    ///
    /// # Errors
    /// If it does not print `ready`.
    pub fn start_logging(
        data: &Path,
        further: &[&str],
        environment: &[(String, String)],
        log_path: &Path,
    ) -> Result<Self> {
        let begun = Instant::now();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log_path)?;
        let mut child = Command::new(program::ours("segel")?)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--http", "127.0.0.1:0", "--dimse", "127.0.0.1:0", "--dimse-tls", "127.0.0.1:0"])
            .args(further)
            .env_remove("SEGEL_PASSPHRASE")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let line = match ready_line(&mut child) {
            Ok(line) => line,
            Err(error) => {
                let _gone = child.kill();
                let _gone = child.wait();
                // Its beginning is enough, and what stands in a test for a log may have no end.
                let mut log = String::new();
                std::fs::File::open(log_path)?.take(LOG_SHOWN_BYTES).read_to_string(&mut log)?;
                return Err(format!("{error}; its log:\n{log}").into());
            }
        };
        let address = |name: &str| -> Result<SocketAddr> {
            let found = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            let text = found.ok_or_else(|| format!("no {name} in: {line}"))?;
            Ok(text.trim_start_matches("http://").trim_start_matches("https://").parse()?)
        };
        Ok(Self {
            data: data.to_path_buf(),
            http: address("http=")?,
            dimse: address("dimse=")?,
            dimse_tls: address("dimse-tls=")?,
            started_in: begun.elapsed(),
            child,
        })
    }

    /// The archive's process id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// The key service's process id. Whichever thread started it is its parent, and it may have brothers: pixel workers.
    ///
    /// # Errors
    /// If there is none at the moment.
    pub fn keyservice_process_id(&self) -> Result<u32> {
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may end while this looks.
            let children = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace() {
                let command = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
                if command.split(|byte| *byte == 0).nth(1) == Some(b"keyservice".as_slice()) {
                    return Ok(child.parse()?);
                }
            }
        }
        Err("the key service does not run".into())
    }

    /// SIGKILL: no goodbye.
    ///
    /// # Errors
    /// If the process cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for the end; the exit status must be 0.
    ///
    /// # Errors
    /// If it ends otherwise.
    pub fn stop(mut self) -> Result<()> {
        program::must("kill", &["-TERM", &self.child.id().to_string()])?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the archive ended with {status}").into()) }
    }

    /// Runs `segel admin ...` on this archive; its standard output, trimmed.
    ///
    /// # Errors
    /// If it fails.
    pub fn admin(&self, arguments: &[&str]) -> Result<String> {
        segel(&self.data, "admin", arguments)
    }

    /// Adds a facility, a clinician of it, and a system of it; the tokens of both.
    ///
    /// # Errors
    /// If the key service refuses.
    pub fn facility(&self, code: &str) -> Result<Tokens> {
        self.admin(&["facility", "add", code, &format!("Hospital {code}")])?;
        let token = |role: &str| -> Result<String> {
            let name = format!("{role} {code}");
            self.admin(&["person", "add", &name, "--facility", code, "--role", role])?;
            self.admin(&["token", "--as", &name])
        };
        Ok(Tokens { clinician: token("clinician")?, system: token("system")? })
    }

    /// Adds a plain-text DICOM peer.
    ///
    /// # Errors
    /// If the key service refuses.
    pub fn peer(&self, ae_title: &str, facility: &str) -> Result<()> {
        self.admin(&["peer", "add", ae_title, "--facility", facility]).map(|_| ())
    }

    /// A request to the HTTP doors by `curl`: status and body.
    ///
    /// # Errors
    /// If curl cannot speak with the archive.
    pub fn curl(&self, token: &str, arguments: &[&str], path: &str) -> Result<(u16, Vec<u8>)> {
        let url = format!("http://{}{path}", self.http);
        let authorization = format!("Authorization: Bearer {token}");
        let mut all = vec!["-s", "-S", "-g", "-w", "\n%{http_code}", "-H", authorization.as_str()];
        all.extend(arguments);
        all.push(&url);
        let output = program::run("curl", &all)?;
        if !output.status.success() {
            return Err(format!("curl: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let split = output.stdout.iter().rposition(|byte| *byte == b'\n').ok_or("curl printed no status")?;
        let (body, status) = output.stdout.split_at(split);
        Ok((String::from_utf8_lossy(status).trim().parse()?, body.to_vec()))
    }

    /// A GET that must answer 200 with JSON.
    ///
    /// # Errors
    /// If it answers anything else.
    pub fn json(&self, token: &str, path: &str) -> Result<Value> {
        let (status, body) = self.curl(token, &[], path)?;
        if status != 200 {
            return Err(format!("{path} answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The tokens of a facility's people.
pub struct Tokens {
    /// A clinician.
    pub clinician: String,
    /// A system that sends.
    pub system: String,
}

/// Runs a command of `segel` on a data folder; its standard output, trimmed. It must succeed.
///
/// # Errors
/// If it fails, with what it printed.
pub fn segel<S: AsRef<OsStr>>(data: &Path, command: &str, arguments: &[S]) -> Result<String> {
    let output = segel_output(data, command, arguments)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("segel {command} ended with {}: {said}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// As [`segel`], whatever its end.
///
/// # Errors
/// If it cannot be started.
pub fn segel_output<S: AsRef<OsStr>>(data: &Path, command: &str, arguments: &[S]) -> Result<std::process::Output> {
    segel_in(data, command, arguments, &[])
}

/// As [`segel_output`], with more in its environment.
///
/// # Errors
/// If it cannot be started.
pub fn segel_in<S: AsRef<OsStr>>(
    data: &Path,
    command: &str,
    arguments: &[S],
    environment: &[(String, String)],
) -> Result<std::process::Output> {
    let mut segel = Command::new(program::ours("segel")?);
    segel.arg(command).args(arguments).arg("--data").arg(data).env("SEGEL_PASSPHRASE", PASSPHRASE);
    segel.envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(segel.output()?)
}

/// Where the processes' log goes: beside the data folder's own files, so that scans of the folder read it as well.
fn log_file(data: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(data)?;
    Ok(data.join("log.txt"))
}

fn ready_line(child: &mut Child) -> Result<String> {
    let output = child.stdout.take().ok_or("no output")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if line.starts_with("ready ") {
                let _waiting = sender.send(line);
            }
        }
    });
    receiver.recv_timeout(START_MAX).map_err(|_| "the archive did not become ready".into())
}
