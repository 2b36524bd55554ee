//! The key service as a process of its own, and what it costs.

use super::support::{Result, settings};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often memory is looked at.
const LOOKED: Duration = Duration::from_millis(50);
const MIB: f64 = 1_048_576.0;

/// A running key service; dropping it ends it.
pub struct Service {
    child: Child,
    folder: PathBuf,
    _output: BufReader<ChildStdout>,
    /// From the start of the process to the line that says that it serves.
    pub start_ms: f64,
}

impl Service {
    /// Starts the program on a folder.
    pub fn start(program: &Path, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let config = folder.join("measured.toml");
        std::fs::write(&config, settings())?;
        let begun = Instant::now();
        let mut child = Command::new(program)
            .arg("--data")
            .arg(folder)
            .arg("--config")
            .arg(&config)
            .env("SEGEL_PASSPHRASE", "measured")
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(folder.join("measured.log"))?)
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if !line.starts_with("ready ") {
            return Err(format!("the key service did not start: {}", folder.join("measured.log").display()).into());
        }
        let start_ms = begun.elapsed().as_secs_f64() * 1_000.0;
        Ok(Self { child, folder: folder.into(), _output: output, start_ms })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its memory now, shared pages counted once (PSS), in MiB.
    pub fn memory_mib(&self) -> Result<f64> {
        Ok(mib(pss(self.child.id())?))
    }

    /// Looks at its memory from now on.
    pub fn watch(&self) -> Watch {
        let (is_over, id) = (Arc::new(AtomicBool::new(false)), self.child.id());
        let looking = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let mut most = 0;
            while !looking.load(Ordering::SeqCst) {
                most = most.max(pss(id).unwrap_or(0));
                thread::sleep(LOOKED);
            }
            most
        });
        Watch { is_over, thread }
    }
}

/// Looks at a process's memory.
pub struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    /// The most that it had since, in MiB.
    pub fn most(self) -> f64 {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().map_or(f64::NAN, mib)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SIGTERM: it signs a last checkpoint and moves its log into its file.
        let _told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ended = self.child.wait();
    }
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) * 1_024.0 / MIB
}

fn pss(process: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no PSS: run as root or its user")?;
    Ok(line.split_whitespace().next().ok_or("no number")?.parse()?)
}
