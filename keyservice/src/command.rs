//! The command line, for the stand-alone program and for the archive's own.

use crate::audit::{Event, Listed, Touched};
use crate::config::Config;
use crate::custody::{Command, Passphrase};
use crate::error::{Error, Result};
use crate::service::{Service, Settings, read_events_under};
use record::limits::PASSPHRASE_BYTES_MAX;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Flags of the key service.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The service's own folder: state, root key, ledger, sockets.
    #[arg(long, value_name = "DIR", env = "SEGEL_KEYSERVICE_DATA")]
    data: PathBuf,
    /// Settings (TOML): the ledger's origin, addresses under mutual TLS. Without it both sockets are Unix sockets in DIR.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Reads the passphrase from a file.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_stdin")]
    passphrase_file: Option<PathBuf>,
    /// Reads the passphrase from the first line of the standard input. Without this flag and a file, it is taken from the
    /// variable SEGEL_PASSPHRASE.
    #[arg(long)]
    passphrase_stdin: bool,
    /// Ends when the standard input closes, so that the service never outlives the program that started it.
    #[arg(long)]
    exit_with_stdin: bool,
    /// Prints every audit event as a line of JSON and ends, beside a running service or without one.
    #[arg(long)]
    events: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Does what the flags say: serves until SIGTERM or SIGINT, printing one line that starts with `ready` once it serves.
///
/// # Errors
/// Why it could not start or go on.
pub fn run(options: Options) -> Result<()> {
    harden()?;
    let config = options.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    if let Some(command) = options.command.as_ref().filter(|command| !command.needs_passphrase()) {
        return command.run(&options.data, &Passphrase::default(), &config);
    }
    let passphrase = passphrase(&options)?;
    if let Some(command) = &options.command {
        return command.run(&options.data, &passphrase, &config);
    }
    if options.events {
        let mut print = |position, event: Event| print_event(position, &event);
        return read_events_under(&options.data, &passphrase, &config.root, &mut print);
    }
    let settings = Settings { folder: options.data, passphrase, config };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| Error::io("the runtime", &e))?;
    runtime.block_on(serve(settings, options.exit_with_stdin))
}

async fn serve(settings: Settings, exit_with_stdin: bool) -> Result<()> {
    // Before the start: a signal during recovery must end the process as cleanly as one after it.
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| Error::io("SIGTERM", &e))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| Error::io("SIGINT", &e))?;
    // The sender is kept without the flag, so that the input's end then never comes.
    let (closed, input) = oneshot::channel();
    let _kept = if exit_with_stdin {
        watch_input(closed)?;
        None
    } else {
        Some(closed)
    };
    let mut service = Service::start(settings).await?;
    announce(&format!("ready node={} admin={}", service.node(), service.admin()))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = input => {}
        error = service.failed() => return Err(error),
    }
    service.stop().await
}

fn announce(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| Error::io("the standard output", &e))
}

/// Reads the standard input away until it ends.
fn watch_input(closed: oneshot::Sender<()>) -> Result<()> {
    let body = move || {
        let mut waste = [0; 256];
        while let Ok(1..) = std::io::stdin().read(&mut waste) {}
        let _ended = closed.send(());
    };
    std::thread::Builder::new().name("input".into()).spawn(body).map_err(|e| Error::io("a thread", &e)).map(|_| ())
}

/// Keys must not reach a disk or another user by a core dump, a debugger or a generous file mode.
fn harden() -> Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit, umask};
    let failed = |e: rustix::io::Errno| Error::io("the process's own limits", &e.into());
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(failed)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).map_err(failed)?;
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    Ok(())
}

/// The passphrase in a file.
///
/// # Errors
/// Invalid for a file that cannot be read or is empty.
pub fn passphrase_in(path: &Path) -> Result<Passphrase> {
    trimmed(&Zeroizing::new(std::fs::read(path).map_err(|e| Error::io(path.display(), &e))?))
}

fn passphrase(options: &Options) -> Result<Passphrase> {
    let bytes = if let Some(path) = &options.passphrase_file {
        return passphrase_in(path);
    } else if options.passphrase_stdin {
        first_line()?
    } else if let Some(text) = std::env::var_os("SEGEL_PASSPHRASE") {
        Zeroizing::new(text.into_encoded_bytes())
    } else {
        let text = "no passphrase: give --passphrase-file or --passphrase-stdin, or set SEGEL_PASSPHRASE";
        return Err(Error::invalid(text));
    };
    trimmed(&bytes)
}

/// One passphrase is the same wherever it comes from: files and lines end in a line feed.
fn trimmed(bytes: &[u8]) -> Result<Passphrase> {
    let passphrase = Zeroizing::new(bytes.trim_ascii().to_vec());
    if passphrase.is_empty() {
        return Err(Error::invalid("the passphrase is empty"));
    }
    Ok(passphrase)
}

/// The first line and nothing after it, which may be somebody else's.
fn first_line() -> Result<Passphrase> {
    let mut line = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX));
    let mut input = std::io::stdin().lock();
    let mut byte = [0; 1];
    while line.len() <= PASSPHRASE_BYTES_MAX {
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) if byte == [b'\n'] => break,
            Ok(_) => line.extend_from_slice(&byte),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("the standard input", &e)),
        }
    }
    Ok(line)
}

fn touched(one: &Touched) -> serde_json::Value {
    serde_json::json!({
        "object": one.object.to_hex(),
        "version": one.version,
        "decision": format!("{:?}", one.decision),
    })
}

fn print_event(position: u64, event: &Event) -> Result<()> {
    announce(&event_json(position, event).to_string())
}

/// An event as JSON, for people and their tools.
#[must_use]
pub fn event_json(position: u64, event: &Event) -> serde_json::Value {
    let objects: Vec<_> = event.objects.iter().map(touched).collect();
    let patients: Option<Vec<_>> = event.patients.as_ref().map(|listed| {
        let one = |l: &Listed| {
            let objects: Vec<_> = l.objects.iter().map(touched).collect();
            serde_json::json!({"patient": l.patient.to_hex(), "objects": objects})
        };
        listed.iter().map(one).collect()
    });
    serde_json::json!({
        "position": position,
        "at": event.at,
        "action": format!("{:?}", event.action),
        "decision": format!("{:?}", event.decision),
        "actor": event.actor,
        "facility": event.facility.as_ref().map(record::FacilityCode::as_str),
        "role": event.role.map(record::Role::name),
        "purpose": event.purpose.map(record::Purpose::code),
        "channel": event.channel,
        "patient": event.patient.map(|p| p.to_hex()),
        "part": event.part.map(|p| format!("{p:?}")),
        "objects": objects,
        "patients_hour": event.patients_hour,
        "patients_day": event.patients_day,
        "detail": event.detail,
        "patients": patients,
    })
}
