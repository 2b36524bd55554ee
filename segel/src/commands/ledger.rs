//! `segel verify`: the ledger, with nothing but its public key.

pub mod ask;
mod proof;

use super::{Data, Done};
use anyhow::{Context as _, Result};
use clap::Args;
use ledger::{Report, WitnessKey};
use serde_json::json;
use std::path::{Path, PathBuf};

/// `segel verify`
#[derive(Args)]
#[command(
    after_help = "Recomputes every tile from the entries up and checks the signed checkpoint. Who does not trust the \
                        machine brings the public key along (--vkey), as it was written down when the archive was set up."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The ledger's folder, or one entry's proof (FILE.tlog-proof) [default: the one in the data folder].
    log: Option<PathBuf>,
    /// The ledger's public key (C2SP vkey) [default: the file `vkey` beside the tiles].
    #[arg(long, value_name = "VKEY")]
    vkey: Option<String>,
    /// A witness's public key (vkey); may be given often. Then the checkpoint must be cosigned.
    #[arg(long = "witness", value_name = "VKEY")]
    witnesses: Vec<WitnessKey>,
    /// How many of the witnesses must have cosigned [default: all that are given].
    #[arg(long, value_name = "N", requires = "witnesses")]
    needed: Option<usize>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Verifies, and says what holds or what is wrong where.
pub fn run(options: Options) -> Result<Done> {
    if let Some(file) = options.log.as_deref().filter(|file| super::erase::certificate::is_one(file)) {
        return super::erase::certificate::verify(file, options.vkey.as_deref(), options.json);
    }
    if let Some(file) = options.log.as_deref().filter(|file| proof::is_one(file)) {
        let vkey = options.vkey.as_deref().context("a proof is verified with the ledger's public key: give --vkey")?;
        let needed = options.needed.unwrap_or(options.witnesses.len());
        return proof::verify(file, vkey, &options.witnesses, needed, options.json);
    }
    let folder = match options.log {
        Some(folder) => folder,
        None => options.data.folder()?.join("keyservice/ledger"),
    };
    let vkey = match options.vkey {
        Some(vkey) => vkey,
        None => {
            let file = folder.join("vkey");
            std::fs::read_to_string(&file)
                .with_context(|| format!("no public key in {}: give --vkey", file.display()))?
        }
    };
    let needed = options.needed.unwrap_or(options.witnesses.len());
    match verified(&folder, vkey.trim(), &options.witnesses, needed) {
        Ok((report, cosigned)) if options.json => {
            let report = json!({
                "verified": true,
                "size": report.size,
                "root": report.root.to_base64(),
                "cosigned": cosigned.as_ref().map(|(size, _)| size),
                "witnesses": cosigned.as_ref().map_or(0, |(_, count)| *count),
            });
            println!("{report}");
            Ok(Done::Wholly)
        }
        Ok((report, cosigned)) => {
            println!("verified: {} entries, root {}", report.size, report.root.to_base64());
            if let Some((size, count)) = cosigned {
                println!("of these, {size} are cosigned by {count} of the {} witnesses given", options.witnesses.len());
            }
            Ok(Done::Wholly)
        }
        Err(error) => {
            if options.json {
                println!("{}", json!({"verified": false, "error": error.to_string()}));
            } else {
                println!("NOT verified: {error}");
            }
            Ok(Done::Not)
        }
    }
}

/// Verifies the whole folder, and what witnesses have cosigned of it.
fn verified(
    folder: &Path,
    vkey: &str,
    witnesses: &[WitnessKey],
    needed: usize,
) -> Result<(Report, Option<(u64, usize)>), ledger::Error> {
    // Read first: a ledger that grows meanwhile has more than what was cosigned, never less. What is wrong with its files is
    // told by the verification of them all.
    let cosigned = ledger::tiles::cosigned(folder, &vkey.parse()?, witnesses);
    let report = ledger::verify(folder, vkey)?;
    let cosigned = cosigned?.map(|(signed, count)| (signed.checkpoint.size, count));
    if cosigned.as_ref().is_none_or(|(_, count)| *count < needed) && needed > 0 {
        return Err(ledger::Error::Invalid("too few of the witnesses cosigned its checkpoint"));
    }
    if cosigned.as_ref().is_some_and(|(size, _)| *size > report.size) {
        return Err(ledger::Error::Invalid("witnesses have cosigned more entries than there are: the ledger was cut"));
    }
    Ok((report, cosigned.filter(|_| !witnesses.is_empty())))
}
