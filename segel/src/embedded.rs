//! The key service as a second process of this host, started and watched by this one.
//!
//! The child reads the passphrase from its standard input and ends when that input closes, so that it never outlives
//! its parent, however the parent ended.

use crate::passphrase;
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A start that takes longer has failed: the state of 6 million patients opens in seconds.
const START_SECONDS_MAX: u64 = 60;
/// Pause before a key service that died is started again. One that does not start again, because its disk is full, waits
/// twice as long each time: an attempt costs the opening of the root key, which is made to be expensive.
const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause: once there is room again the next attempt is near.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The key service's settings in its own folder. They are read if they are there, so that an archive whose key service is a
/// process of the same host has the same settings as one whose key service is another host.
const SETTINGS_FILE_NAME: &str = "keyservice.toml";
/// Where this program's own file is found although an upgrade has put another in its place: a key service that is started
/// again is the one that this archive was built with.
#[cfg(target_os = "linux")]
const OWN_PROGRAM: &str = "/proc/self/exe";

/// A running key service; dropping it ends the process.
pub struct Embedded {
    watch: Arc<Watch>,
    watcher: Option<thread::JoinHandle<()>>,
    /// Where its passphrase came from, for people.
    pub passphrase_source: String,
}

struct Watch {
    folder: PathBuf,
    secret: Zeroizing<Vec<u8>>,
    child: Mutex<Option<Child>>,
    closing: AtomicBool,
}

impl Embedded {
    /// Starts the key service of a data folder and waits until it answers. A folder without one gets a new one, unless
    /// it holds objects: a new key service could never open them.
    pub fn start(data: &Path, passphrase_file: Option<&Path>) -> Result<Self> {
        if !is_founded(data) && holds_objects(data) {
            bail!(
                "{0} holds sealed objects, but {0}/keyservice with their keys is gone: restore that folder from a backup",
                data.display()
            );
        }
        let found = passphrase::find(data, passphrase_file)?;
        Self::start_with(data, found.secret, found.source)
    }

    /// As [`Embedded::start`], with a passphrase that is nowhere on a disk.
    pub fn start_with(data: &Path, secret: Zeroizing<Vec<u8>>, passphrase_source: String) -> Result<Self> {
        let watch = Arc::new(Watch {
            folder: data.join("keyservice"),
            secret,
            child: Mutex::new(None),
            closing: AtomicBool::new(false),
        });
        let child = watch.spawn()?;
        *watch.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let watching = Arc::clone(&watch);
        let watcher = thread::Builder::new().name("keyservice-watch".into()).spawn(move || watching.keep())?;
        Ok(Self { watch, watcher: Some(watcher), passphrase_source })
    }

    /// The child's process id, for the start-up message.
    pub fn process_id(&self) -> Option<u32> {
        self.watch.child.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Child::id)
    }
}

/// Whether a key service has ever been started for a data folder.
pub fn is_founded(data: &Path) -> bool {
    data.join("keyservice/state.sqlite").is_file()
}

/// An error for commands that read or change an archive and must not found one by a slip of the keyboard.
pub fn must_be_founded(data: &Path) -> Result<()> {
    if is_founded(data) {
        return Ok(());
    }
    let data = data.display();
    bail!("there is no archive in {data}: name another with --data, or begin one here with `segel serve --data {data}`")
}

fn holds_objects(data: &Path) -> bool {
    let Ok(segments) = std::fs::read_dir(data.join("archive/segments")) else { return false };
    segments.flatten().any(|segment| segment.metadata().is_ok_and(|found| found.len() > 0))
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.watch.closing.store(true, Ordering::SeqCst);
        if let Some(child) = self.watch.child.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // Closing its input asks it to finish what it has answered for and to sign a last checkpoint.
            drop(child.stdin.take());
        }
        if let Some(watcher) = self.watcher.take() {
            let _ended = watcher.join();
        }
    }
}

impl Watch {
    fn spawn(&self) -> Result<Child> {
        let program = own_program()?;
        let mut command = Command::new(program);
        command.arg("keyservice").arg("--data").arg(&self.folder);
        let settings = self.folder.join(SETTINGS_FILE_NAME);
        if settings.is_file() {
            command.arg("--config").arg(settings);
        }
        let mut child = command
            .args(["--passphrase-stdin", "--exit-with-stdin"])
            // Ctrl-C goes to a whole process group; the key service ends when this process closes its input, not before.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the key service")?;
        let mut line = Zeroizing::new(self.secret.to_vec());
        line.push(b'\n');
        let input = child.stdin.as_mut().context("the key service has no input")?;
        input.write_all(&line).and_then(|()| input.flush()).context("the key service does not take its passphrase")?;
        wait_ready(&mut child)?;
        Ok(child)
    }

    /// A pause that an end of the archive cuts short.
    fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while Instant::now() < until && !self.closing.load(Ordering::SeqCst) {
            thread::sleep(RESTART_PAUSE.min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// Starts the key service again whenever it dies. Its state survives any death, so nothing else needs doing.
    fn keep(&self) {
        let mut pause = RESTART_PAUSE;
        loop {
            thread::sleep(Duration::from_millis(50));
            let mut slot = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = slot.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if !ended {
                continue;
            }
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            *slot = None;
            drop(slot);
            tracing::error!("the key service ended; starting it again");
            self.rest(pause);
            match self.spawn() {
                Ok(child) => {
                    *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
                    pause = RESTART_PAUSE;
                }
                Err(error) => {
                    tracing::error!("the key service does not start: {error:#}");
                    pause = pause.saturating_mul(2).min(RESTART_PAUSE_MAX);
                }
            }
        }
    }
}

fn own_program() -> Result<PathBuf> {
    #[cfg(target_os = "linux")]
    if Path::new(OWN_PROGRAM).exists() {
        return Ok(OWN_PROGRAM.into());
    }
    std::env::current_exe().context("cannot find this program's own file")
}

/// Waits for the line `ready` on the child's output; afterwards the output is read away so that it never blocks.
fn wait_ready(child: &mut Child) -> Result<()> {
    let output = child.stdout.take().context("the key service has no output")?;
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::Builder::new().name("keyservice-output".into()).spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if line.starts_with("ready") {
                let _waiting = sender.send(());
            }
        }
    })?;
    let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
    while Instant::now() < until {
        if receiver.recv_timeout(Duration::from_millis(20)).is_ok() {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            bail!("the key service did not start ({status}); its own message is above");
        }
    }
    let _killed = child.kill();
    bail!("the key service did not start within {START_SECONDS_MAX} s")
}
