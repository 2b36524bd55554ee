//! The commands for whoever keeps the keys.

use super::rotate::{self, Next};
use super::{Passphrase, backup, recover, restore};
use crate::command::passphrase_in;
use crate::config::Config;
use crate::error::{Error, Result};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is done with root, vault and state instead of serving them.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Command {
    /// Puts a new root in force. The service must not run; afterwards the old passphrase opens nothing.
    Rotate {
        /// File with the new passphrase.
        #[arg(long, value_name = "FILE", required_unless_present = "to_token", conflicts_with = "to_token")]
        new_passphrase_file: Option<PathBuf>,
        /// Makes the new root in the token of the settings (`[root] pkcs11`).
        #[arg(long)]
        to_token: bool,
    },
    /// Seals every patient's secret anew, for when the vault's file may have been copied. Older backups of the state then open no patient.
    RenewVault,
    /// Prints the passphrase in shares, once. Any NEEDED of them give it back with `recover`.
    Split {
        /// How many shares.
        #[arg(long)]
        shares: u8,
        /// How many of them are needed.
        #[arg(long)]
        needed: u8,
    },
    /// Sets a new passphrase with shares, which are read from the standard input, one a line.
    Recover {
        /// File with the new passphrase.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: PathBuf,
    },
    /// Copies the state into a folder, beside a running service or without one. The vault is never copied.
    Backup {
        /// The folder.
        to: PathBuf,
    },
    /// Puts a backup's state in force. The service must not run; whoever was erased since stays erased.
    Restore {
        /// The backup's folder.
        from: PathBuf,
    },
}

impl Command {
    /// Whether the passphrase of the root is needed.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        !matches!(self, Self::Backup { .. } | Self::Recover { .. })
    }

    /// Does it, and says what was done.
    ///
    /// # Errors
    /// Why it was not done.
    pub fn run(&self, folder: &Path, passphrase: &Passphrase, config: &Config) -> Result<()> {
        let root = &config.root;
        match self {
            Self::Rotate { new_passphrase_file: Some(file), .. } => {
                rotate::rotate(folder, passphrase, &Next::Passphrase(&passphrase_in(file)?), root)?;
                say("a new root is in force; the old passphrase opens nothing of this state any more")
            }
            Self::Rotate { new_passphrase_file: None, .. } => {
                rotate::rotate(folder, passphrase, &Next::Token, root)?;
                say("the token's key is in force; the old passphrase opens nothing of this state any more")
            }
            Self::RenewVault => {
                rotate::renew_vault(folder, passphrase, root)?;
                say("every patient's secret is sealed anew; make a backup of the state now")
            }
            Self::Split { shares, needed } => {
                let lines = recover::shares(folder, passphrase, *shares, *needed)?;
                lines.iter().try_for_each(|line| say(line))
            }
            Self::Recover { new_passphrase_file } => {
                let new = passphrase_in(new_passphrase_file)?;
                let old = recover::join(&lines()?)?;
                recover::set_passphrase(folder, &old, &new, root)?;
                say(
                    "the new passphrase is set; rotate the root and split again, for the old shares still open old copies",
                )
            }
            Self::Backup { to } => {
                let header = backup::back_up(folder, to)?;
                let is_logged = if backup::tell(folder, &header) {
                    "written down in the ledger"
                } else {
                    "no service wrote it down"
                };
                let (entries, generation) = (header.entries, header.vault_generation);
                say(&format!("{entries} entries; needs the vault of generation {generation} or later; {is_logged}"))
            }
            Self::Restore { from } => {
                let done = restore::restore(folder, from, passphrase, root)?;
                say(&format!("restored {} entries; {} lost, {} erased again", done.entries, done.lost, done.erased))?;
                let next = "it opens nothing until two have approved `segel admin in-force --propose REASON`";
                if done.waits { say(next) } else { Ok(()) }
            }
        }
    }
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| Error::io("the standard output", &e))
}

fn lines() -> Result<Vec<Zeroizing<String>>> {
    let input = std::io::stdin();
    if input.is_terminal() {
        tracing::info!("type the shares, one a line, and end with Ctrl-D");
    }
    let lines = input.lock().lines().map(|line| line.map(Zeroizing::new)).collect::<std::io::Result<_>>();
    lines.map_err(|e| Error::io("the standard input", &e))
}
