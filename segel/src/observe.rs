//! The log: one line an event on standard error, never with patient data. `SEGEL_LOG` sets the level (`info` by default).

use std::fmt::Arguments;
use std::io::{IsTerminal as _, Write as _};
use tracing_subscriber::EnvFilter;

/// Starts logging; a second call does nothing.
pub fn start() {
    start_at("info");
}

/// Starts logging at a level that `SEGEL_LOG` may override.
pub fn start_at(level: &str) {
    let filter = EnvFilter::try_from_env("SEGEL_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let _already_started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        // A log that takes no line, on a full disk or a pipe that is gone, must not end what was to be logged: telling of
        // it on the same standard error would panic.
        .log_internal_errors(false)
        .try_init();
}

/// Tells whoever started the command, on standard error; goes on if nobody can be told.
pub fn tell(text: Arguments<'_>) {
    let _nobody_listens = std::io::stderr().write_fmt(text);
}
