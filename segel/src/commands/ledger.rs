//! `segel verify`: the ledger, with nothing but its public key.

use super::{Data, Done};
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// `segel verify`
#[derive(Args)]
#[command(
    after_help = "Recomputes every tile from the entries up and checks the signed checkpoint. Who does not trust the \
                        machine brings the public key along (--vkey), as it was written down when the archive was set up."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The ledger's folder [default: the one in the data folder].
    log: Option<PathBuf>,
    /// The ledger's public key (C2SP vkey) [default: the file `vkey` beside the tiles].
    #[arg(long, value_name = "VKEY")]
    vkey: Option<String>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Verifies, and says what holds or what is wrong where.
pub fn run(options: Options) -> Result<Done> {
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
    match ledger::verify(&folder, vkey.trim()) {
        Ok(report) if options.json => {
            println!("{}", json!({"verified": true, "size": report.size, "root": report.root.to_base64()}));
            Ok(Done::Wholly)
        }
        Ok(report) => {
            println!("verified: {} entries, root {}", report.size, report.root.to_base64());
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
