//! The command line (`segel --help`): one enum, one match.

mod admin;
mod approve;
mod conformance;
mod custody;
mod erase;
mod export;
mod import;
mod ledger;
pub mod login;
mod pull;
mod report;
mod scrub;
mod send;
mod serve;
mod witness;

pub use serve::StopSignals;

use crate::{config, demo, pixels};
use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The sealed archive of patients' images, documents and results.
#[derive(Parser)]
#[command(name = "segel", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but something was refused.";

#[derive(Subcommand)]
enum Command {
    /// Shows the whole story in a temporary folder, then stays up to be looked at.
    Demo(demo::Options),
    /// Runs the archive; without a configuration file, on loopback with everything embedded.
    Serve(serve::Options),
    /// Brings DICOM files in: folders, zip files, DICOMDIR media.
    Import(import::Options),
    /// Empties an old PACS into this archive.
    Pull(Box<pull::Options>),
    /// Sends kept studies to a registered peer.
    Send(Box<send::Options>),
    /// Signs this machine in as somebody, with a key of its own; prints the headers that curl needs.
    Login(login::Options),
    /// Ends this machine's session.
    Logout(login::OutOptions),
    /// What takes two people: shows it in words, approves or rejects it with one's own key.
    Approve(Box<approve::Options>),
    /// Exports records for one recipient, as a bundle that only the recipient opens.
    Export(Box<export::Options>),
    /// Tells a patient who opened the record, when, why and through which door.
    Report(Box<report::Options>),
    /// Sets the archive up: facilities, peers, people, tokens.
    Admin(admin::Options),
    /// Ends a patient's record for good, and brings the certificate.
    Erase(erase::Options),
    /// Verifies the ledger: every tile, every entry, the signed checkpoint.
    Verify(ledger::Options),
    /// Proofs of entries of the ledger, to hand out, and how it stands with its witnesses.
    Ledger(ledger::ask::Options),
    /// Watches that ledgers only grow, and cosigns what it has seen: for an authority outside the archive.
    Witness(witness::Options),
    /// Reads every stored byte and finds any that changed.
    Scrub(scrub::Options),
    /// Prints the DICOM conformance statement of this build.
    Conformance,
    /// Runs the key service alone, as `segel serve` starts it.
    #[command(hide = true)]
    Keyservice(keyservice::Options),
    /// Decodes frames in a closed room, as `segel serve` starts it.
    #[command(hide = true)]
    Pixels,
}

/// The data folder, for every command that touches one.
#[derive(Args, Clone, Debug)]
pub struct Data {
    /// The data folder [default: ~/.local/share/segel].
    #[arg(long, value_name = "DIR", env = "SEGEL_DATA", global = true)]
    data: Option<PathBuf>,
}

impl Data {
    /// The folder that is meant.
    pub fn folder(&self) -> Result<PathBuf> {
        self.data.clone().map_or_else(config::default_data_dir, Ok)
    }
}

/// What a command ended with, beyond success and failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Everything asked was done.
    Wholly,
    /// Done, but something was refused and is listed.
    WithRefusals,
    /// Not done; what is wrong has been said.
    Not,
}

/// Parses the command line and runs the command.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(options) => demo::run(options),
        Command::Serve(options) => serve::run(options),
        Command::Import(options) => import::run(options),
        Command::Pull(options) => pull::run(*options),
        Command::Send(options) => send::run(*options),
        Command::Login(options) => login::run(options),
        Command::Logout(options) => login::out(options),
        Command::Approve(options) => approve::run(*options),
        Command::Export(options) => export::run(*options),
        Command::Report(options) => report::run(*options),
        Command::Admin(options) => admin::run(options),
        Command::Erase(options) => erase::run(options),
        Command::Verify(options) => ledger::run(options),
        Command::Ledger(options) => ledger::ask::run(options),
        Command::Witness(options) => witness::run(options),
        Command::Scrub(options) => scrub::run(options),
        Command::Conformance => conformance::run(),
        Command::Pixels => pixels::worker::run().map(|()| Done::Wholly).map_err(anyhow::Error::from),
        Command::Keyservice(options) => keyservice::run(options).map(|()| Done::Wholly).map_err(anyhow::Error::from),
    };
    match result {
        Ok(Done::Wholly) => ExitCode::SUCCESS,
        Ok(Done::WithRefusals) => ExitCode::from(3),
        Ok(Done::Not) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("segel: {error:#}");
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
