//! Witnesses and key services as processes of their own.

use crate::process::PASSPHRASE;
use crate::{Result, program};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A start takes a second; a loaded machine several.
const START_MAX: Duration = Duration::from_secs(60);

/// A process that is ended with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// A running witness.
pub struct Witness {
    /// Its address.
    pub url: String,
    /// Its public key.
    pub vkey: String,
    process: Process,
}

impl Witness {
    /// Starts `segel witness` in a folder, for one log.
    ///
    /// # Errors
    /// If it does not print `ready`.
    pub fn start(folder: &Path, log: &str, further: &[&str]) -> Result<Self> {
        let mut command = Command::new(program::ours("segel")?);
        command.arg("witness").arg("--data").arg(folder).args(["--log", log]).args(further);
        if !further.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let (process, line) = started(command, &folder.with_extension("log"), false)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let url = words.get(1).ok_or("the witness has no address")?.to_string();
        let vkey = words.get(2).and_then(|word| word.strip_prefix("vkey=")).ok_or("the witness has no key")?.to_owned();
        Ok(Self { url, vkey, process })
    }

    /// Starts the independent witness (PyPI `aics-witness`) in a folder, for one log.
    ///
    /// # Errors
    /// If it does not listen.
    pub fn independent(folder: &Path, log: &str) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let config = folder.join("witness.json");
        let origin = log.split('+').next().ok_or("the log's key has no name")?;
        let run = |arguments: &[&str]| -> Result<String> {
            let mut command = Command::new(program::python()?);
            let output = command.args(["-m", "aics_witness"]).args(arguments).arg("--config").arg(&config).output()?;
            if !output.status.success() {
                return Err(format!("aics-witness: {}", String::from_utf8_lossy(&output.stderr)).into());
            }
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        };
        let vkey = run(&["init", "--name", "independent.example/w"])?;
        run(&["add-log", "--origin", origin, "--vkey", log])?;
        let mut command = Command::new(program::python()?);
        command.args(["-m", "aics_witness", "serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
        let (process, line) = started(command, &folder.join("log.txt"), true)?;
        let url = line.split("listening on ").nth(1).and_then(|rest| rest.split_whitespace().next());
        Ok(Self { url: url.ok_or("the witness has no address")?.to_owned(), vkey, process })
    }

    /// Its line in `[witnesses]`.
    #[must_use]
    pub fn setting(&self) -> String {
        format!("{{ vkey = \"{}\", url = \"{}\" }}", self.vkey, self.url)
    }

    /// SIGKILL: no goodbye.
    pub fn kill(self) {
        drop(self.process);
    }
}

/// A key service on its own, with a data folder around it for `segel admin` and `segel ledger`.
pub struct KeyService {
    /// The data folder.
    pub data: PathBuf,
    process: Process,
}

impl KeyService {
    /// Starts it with these settings.
    ///
    /// # Errors
    /// If it does not print `ready`; with its log.
    pub fn start(data: &Path, settings: &str) -> Result<Self> {
        let folder = data.join("keyservice");
        std::fs::create_dir_all(&folder)?;
        let config = data.join("keyservice.toml");
        std::fs::write(&config, settings)?;
        let mut command = Command::new(program::ours("segel-keyservice")?);
        command.arg("--data").arg(&folder).arg("--config").arg(&config).env("SEGEL_PASSPHRASE", PASSPHRASE);
        let (process, _) = started(command, &data.join("keyservice.log"), false)?;
        Ok(Self { data: data.to_owned(), process })
    }

    /// The ledger's public key.
    ///
    /// # Errors
    /// If it is not there.
    pub fn vkey(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.data.join("keyservice/ledger/vkey"))?.trim().to_owned())
    }

    /// Whether it still runs; if not, it has ended by itself.
    ///
    /// # Errors
    /// If the system does not know.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.process.0.try_wait()?.is_none())
    }

    /// What it has logged.
    ///
    /// # Errors
    /// If there is no log.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.data.join("keyservice.log"))?)
    }

    /// SIGTERM, and waits for a clean end.
    ///
    /// # Errors
    /// If it ends otherwise.
    pub fn stop(mut self) -> Result<()> {
        program::must("kill", &["-TERM", &self.process.0.id().to_string()])?;
        let status = self.process.0.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the key service ended with {status}").into()) }
    }
}

/// Starts a process and reads until the line that says that it serves; the rest of its output goes to a file.
fn started(mut command: Command, log: &Path, says_on_error: bool) -> Result<(Process, String)> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = if says_on_error {
        Process(command.stderr(Stdio::piped()).spawn()?)
    } else {
        Process(command.stderr(file).spawn()?)
    };
    let lines: Box<dyn std::io::Read + Send> = if says_on_error {
        Box::new(process.0.stderr.take().ok_or("no error output")?)
    } else {
        Box::new(process.0.stdout.take().ok_or("no output")?)
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(lines).lines() {
            let Ok(line) = line else { return };
            if line.starts_with("ready") || line.contains("listening on ") {
                let _waiting = sender.send(line);
            }
        }
    });
    receiver.recv_timeout(START_MAX).map(|line| (process, line)).map_err(|_| {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        format!("it does not serve: {said}").into()
    })
}

/// One request to a witness, and everything that it answers.
///
/// # Errors
/// If the connection breaks.
pub fn exchange(url: &str, head: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    let request = format!("{head} HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
