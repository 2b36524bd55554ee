//! The key service as a program of its own.

use clap::Parser;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Holds the keys of a sealed archive, releases them to those who may, and writes down that it did.
#[derive(Parser)]
#[command(name = "segel-keyservice", version)]
struct Cli {
    #[command(flatten)]
    options: keyservice::Options,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A log that takes no line, on a full disk or a pipe that is gone, must not end the service: telling of it on the same
    // standard error would panic.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false).init();
    match keyservice::run(cli.options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("segel-keyservice: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        super::Cli::command().debug_assert();
    }
}
