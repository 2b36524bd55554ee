//! The one client that drives both archives: DCMTK's programs, and curl for DICOMweb.

use super::servers::Segel;
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// For every DCMTK program, client and server: without it DCMTK leaves Nagle's algorithm on, each message waits 40 ms for
/// a delayed acknowledgement, and the comparison is one of timers.
pub const AT_ONCE: (&str, &str) = ("TCP_NODELAY", "1");

/// The AE title of the client.
pub const CALLING: &str = "MODALITY";

/// A DICOM peer on loopback.
#[derive(Clone)]
pub struct Door {
    /// Its AE title.
    pub called: String,
    /// Its port.
    pub port: String,
}

impl Door {
    fn command(&self, program: &str, options: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.envs([AT_ONCE]).args(options).args(["-aet", CALLING, "-aec", &self.called, "127.0.0.1", &self.port]);
        command
    }
}

/// Sends files in one association for each door, all at once, a process each; how long until the last one ended.
pub fn store(doors: &[Door], files: &[PathBuf]) -> Result<Duration> {
    let share = files.len().div_ceil(doors.len());
    let begun = Instant::now();
    let mut senders = Vec::new();
    for (door, files) in doors.iter().zip(files.chunks(share)) {
        senders.push(door.command("storescu", &[]).args(files).stdout(Stdio::null()).spawn()?);
    }
    for mut sender in senders {
        // storescu stops at the first instance that is not stored.
        let status = sender.wait()?;
        if !status.success() {
            bail!("storescu ended with {status}");
        }
    }
    Ok(begun.elapsed())
}

/// A study-level C-FIND by PatientID that must find one study; how long the process took.
pub fn find(door: &Door, number: &str) -> Result<Duration> {
    let mut command = door.command("findscu", &["-v", "-S"]);
    let key = format!("PatientID={number}");
    command.args(["-k", "QueryRetrieveLevel=STUDY", "-k", &key, "-k", "StudyInstanceUID", "-k", "PatientName"]);
    let (took, output) = timed(command)?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let found = said.matches("(Pending)").count();
    if found != 1 {
        bail!("{} found {found} studies of one patient: {said}", door.called);
    }
    Ok(took)
}

/// A C-ECHO: what a process, an association and a message cost without a search.
pub fn echo(door: &Door) -> Result<Duration> {
    Ok(timed(door.command("echoscu", &[]))?.0)
}

fn timed(mut command: Command) -> Result<(Duration, Output)> {
    let begun = Instant::now();
    let output = command.output()?;
    let took = begun.elapsed();
    if !output.status.success() {
        bail!("{} ended with {}", command.get_program().to_string_lossy(), output.status);
    }
    Ok((took, output))
}

/// A DICOMweb study search (PS3.18 10.6) that must find so many; seconds as curl counts them, from connecting on.
pub fn search(segel: &Segel, query: &str, found: usize) -> Result<f64> {
    let url = format!("http://{}/dicom-web/studies?{query}", segel.http);
    let authorization = format!("Authorization: Bearer {}", segel.token);
    let arguments =
        ["-s", "-S", "-f", "-g", "-w", "\n%{time_total}", "-H", &authorization, "-H", "Accept: application/dicom+json"];
    let output = Command::new("curl").args(arguments).arg(&url).output()?;
    if !output.status.success() {
        bail!("{url}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let (body, seconds) = text.rsplit_once('\n').context("curl told no time")?;
    // PS3.18 10.6.3: nothing found is 200 with an empty list, or 204 without a body.
    let count = if body.is_empty() { 0 } else { serde_json::from_str::<Vec<serde_json::Value>>(body)?.len() };
    if count != found {
        bail!("{url} found {count} studies instead of {found}");
    }
    Ok(seconds.trim().parse()?)
}
