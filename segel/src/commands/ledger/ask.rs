//! `segel ledger`: proofs to hand out, and how the ledger stands with its witnesses.

use super::super::{Data, Done};
use crate::durable;
use crate::register::AdminClient;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use seal::message::ledger_proof::{LedgerAsk, LedgerStanding, LedgerTold};
use seal::message::{AdminAnswer, AdminRequest};
use serde_json::json;
use std::path::PathBuf;

/// `segel ledger`
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Writes the proof of one entry, with the event that it stands for: `segel verify` and `docs/verify_proof.py` check it
    /// offline.
    Proof {
        /// The entry's position.
        position: u64,
        /// Where to [default: POSITION.tlog-proof].
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Shows the ledger's size and how it stands with its witnesses.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Asks the running key service.
pub fn run(options: Options) -> Result<Done> {
    let mut client = AdminClient::connect(&options.data.folder()?.join("keyservice/admin.sock"))?;
    let mut ask = |ask| match client.must(AdminRequest::LedgerAsk(ask))? {
        AdminAnswer::LedgerTold(told) => Ok(told),
        _ => bail!("the key service answered another question"),
    };
    match options.action {
        Action::Proof { position, out } => {
            let LedgerTold::Proof(proof) = ask(LedgerAsk::Proof(position))? else { bail!("this is no proof") };
            let path = out.unwrap_or_else(|| PathBuf::from(format!("{position}.tlog-proof")));
            // It opens the event: for its owner's eyes.
            durable::write(&path, proof.proof.as_bytes(), 0o600).with_context(|| path.display().to_string())?;
            println!("{}", path.display());
            Ok(Done::Wholly)
        }
        Action::Status { json } => {
            let LedgerTold::Standing(standing) = ask(LedgerAsk::Standing)? else { bail!("this is no standing") };
            if json {
                print_json(&standing)
            } else {
                print(&standing)
            }
            Ok(if standing.is_late { Done::Not } else { Done::Wholly })
        }
    }
}

fn print_json(standing: &LedgerStanding) {
    let witness = |w: &seal::message::ledger_proof::WitnessStanding| json!({"name": w.name, "cosigned": w.cosigned, "trouble": w.trouble});
    let witnesses: Vec<_> = standing.witnesses.iter().map(witness).collect();
    println!(
        "{}",
        json!({"size": standing.size, "needed": standing.needed, "cosigned": standing.cosigned, "late": standing.is_late, "witnesses": witnesses})
    );
}

fn print(standing: &LedgerStanding) {
    println!("{} entries", standing.size);
    if standing.needed == 0 {
        println!("no witness is asked for: a ledger set back whole is noticed only by who kept a later checkpoint");
        return;
    }
    match standing.cosigned {
        Some(size) => println!("{size} entries are cosigned by {} witnesses or more", standing.needed),
        None => println!("no checkpoint is cosigned by {} witnesses", standing.needed),
    }
    for witness in &standing.witnesses {
        let cosigned = witness.cosigned.map_or_else(|| "nothing yet".to_owned(), |size| format!("{size} entries"));
        let trouble = witness.trouble.as_ref().map_or_else(String::new, |trouble| format!(": {trouble}"));
        println!("  {} cosigned {cosigned}{trouble}", witness.name);
    }
    if standing.is_late {
        println!("LATE: too few witnesses have cosigned for too long");
    }
}
