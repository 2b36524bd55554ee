//! Proposing.

use super::way::Way;
use super::{Done, Read, keys, print, show, to_json};
use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use seal::message::quorum::{Kind, ProposalEntry, QuorumOrder, Rule, Subject};
use std::path::PathBuf;

/// What is proposed.
#[derive(Subcommand)]
pub enum What {
    /// The settings of the key service that two people hold: budgets, alarms, rules.
    Settings {
        /// A keyservice.toml; names and addresses (origin, node, admin) are not part of it.
        file: PathBuf,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Telling the person's name behind an actor's id in the log.
    Name {
        /// The id, as the log has it.
        actor: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Another approver, or another key of one.
    Approver {
        /// The person's name in the register.
        name: String,
        /// The person's public key, as `segel approve keygen` wrote it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// One approver less.
    NoApprover {
        /// The person's name in the register.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Another rule for a kind of decision.
    Rule {
        /// settings, root, access, name, hold, export or approvers.
        kind: String,
        /// Different people who must approve.
        #[arg(long)]
        approvals: u8,
        /// Seconds between the last approval and the enactment.
        #[arg(long)]
        delay_seconds: u32,
        /// Seconds that a proposal stays open.
        #[arg(long)]
        open_seconds: u32,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(what: What, way: &mut Way<'_>, as_json: bool) -> Result<Done> {
    let (subject, reason) = match what {
        What::Settings { file, reason } => {
            let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            (Subject::Settings(text), reason)
        }
        What::Name { actor, reason } => (Subject::OpenName(actor), reason),
        What::Approver { name, key, reason } => (Subject::AddApprover { name, key: keys::read_public(&key)? }, reason),
        What::NoApprover { name, reason } => (Subject::RemoveApprover(name), reason),
        What::Rule { kind, approvals, delay_seconds, open_seconds, reason } => {
            let known = Kind::ALL.iter().find(|(_, name)| *name == kind).map(|(kind, _)| *kind);
            let Some(kind) = known else { bail!("{kind} is no kind of decision") };
            (Subject::ChangeRule(Rule { kind, approvals, delay_seconds, open_seconds }), reason)
        }
    };
    print(way.order(propose(subject, reason))?, as_json)
}

/// The order that proposes a subject for as long as its rule lets it be open.
pub fn propose(subject: Subject, reason: String) -> QuorumOrder {
    QuorumOrder::Propose { subject, reason, open_seconds: 0 }
}

/// Prints a new proposal: what it will do, and its number alone on the last line, for scripts.
pub fn proposed(entry: ProposalEntry, as_json: bool) -> Result<Done> {
    let read = Read::of(entry)?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&to_json(&read))?);
    } else {
        show(&read, false)?;
        println!("{}", read.id.to_hex());
    }
    Ok(Done::Wholly)
}
