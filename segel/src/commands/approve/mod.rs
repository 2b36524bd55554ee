//! `segel approve`: what takes two people, in words, and each one's own signature under it.
//!
//! What is shown is decoded from the bytes whose hash is signed, on the machine of whoever signs: an archive in between can hide
//! a proposal, and can neither change one nor an approval.

mod keys;
mod propose;
mod way;

use super::{Data, Done};
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use record::Micros;
use seal::approval::{ProposalId, Verdict, approval_bytes};
use seal::message::AdminAnswer;
use seal::message::quorum::{Proposal, ProposalEntry, QuorumAnswer, QuorumOrder, SignedVerdict, Standing, words};
use serde_json::json;
use std::path::PathBuf;
use way::Way;

pub use keys::read_public;
pub use propose::{propose as propose_subject, proposed};

/// `segel approve`
#[derive(Args)]
#[command(
    after_help = "An approver on another machine names the archive with --at and signs there with a key that the archive \
                        never sees. What is approved is done by `segel approve enact`, once its delay is over."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The archive's address (http://127.0.0.1:8080 or https://...), for approvers on another machine.
    #[arg(long, value_name = "URL", global = true)]
    at: Option<String>,
    /// With --at https://: the authority that the archive's certificate is checked against (PEM).
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes an approver's key: FILE stays with the approver, FILE.pub goes to the administrator.
    Keygen {
        /// Where the private key goes.
        file: PathBuf,
    },
    /// Lists proposals, the newest first.
    List {
        /// With --at: the approver's private key.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Shows what a proposal will do.
    Show {
        /// The proposal's number, or its first digits.
        id: String,
        /// With --at: the approver's private key.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Shows what a proposal will do and approves it.
    Sign {
        /// The proposal's number, or its first digits.
        id: String,
        /// The approver's private key (PKCS#8: Ed25519 or P-256).
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Approves without asking, for whoever has read it with `show`.
        #[arg(long)]
        yes: bool,
    },
    /// Rejects a proposal: that ends it.
    Reject {
        /// The proposal's number, or its first digits.
        id: String,
        /// The approver's private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Does what was approved, on the key service's host.
    Enact {
        /// The proposal's number, or its first digits.
        id: String,
    },
    /// Proposes something, on the key service's host. People, peers and tokens: `segel admin --propose REASON ...`.
    #[command(subcommand)]
    Propose(propose::What),
    /// Who approves, and by which rules.
    Approvers,
}

/// Does what was asked.
pub fn run(options: Options) -> Result<Done> {
    let mut way = Way::new(&options.data, options.at.as_deref(), options.ca.as_deref());
    match options.action {
        Action::Keygen { file } => keys::make(&file),
        Action::List { key } => list(&way.proposals(key.as_deref())?, options.json),
        Action::Show { id, key } => {
            let found = find(&way.proposals(key.as_deref())?, &id)?;
            show(&found, options.json)
        }
        Action::Sign { id, key, yes } => {
            let found = find(&way.proposals(Some(&key))?, &id)?;
            show(&found, false)?;
            ensure!(yes || confirmed()?, "nothing was approved");
            say(&mut way, &found, Verdict::Approve, &key)
        }
        Action::Reject { id, key } => {
            let found = find(&way.proposals(Some(&key))?, &id)?;
            say(&mut way, &found, Verdict::Reject, &key)
        }
        Action::Enact { id } => {
            let found = find(&way.proposals(None)?, &id)?;
            print(way.order(QuorumOrder::Enact(found.id))?, options.json)
        }
        Action::Propose(what) => propose::run(what, &mut way, options.json),
        Action::Approvers => print(way.order(QuorumOrder::Approvers)?, options.json),
    }
}

/// A proposal whose bytes were read here.
pub struct Read {
    id: ProposalId,
    proposal: Proposal,
    entry: ProposalEntry,
}

impl Read {
    /// Decodes it, and computes its id from the bytes that are decoded.
    pub fn of(entry: ProposalEntry) -> Result<Self> {
        let (id, proposal) = (ProposalId::of(&entry.proposal), Proposal::decode(&entry.proposal)?);
        Ok(Self { id, proposal, entry })
    }
}

fn find(entries: &[ProposalEntry], digits: &str) -> Result<Read> {
    ensure!(digits.len() >= 4, "a proposal's number has at least four digits here");
    let mut found =
        entries.iter().filter(|entry| ProposalId::of(&entry.proposal).to_hex().starts_with(&digits.to_lowercase()));
    let one = found.next().with_context(|| format!("there is no proposal {digits}"))?;
    ensure!(found.next().is_none(), "more than one proposal begins with {digits}");
    Read::of(one.clone())
}

fn list(entries: &[ProposalEntry], as_json: bool) -> Result<Done> {
    let read: Vec<Read> = entries.iter().cloned().map(Read::of).collect::<Result<_>>()?;
    if as_json {
        let all: Vec<_> = read.iter().map(to_json).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Done::Wholly);
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["number", "stands", "missing", "will do", "until"]);
    for read in &read {
        let number: String = read.id.to_hex().chars().take(12).collect();
        table.add_row([
            number,
            standing(read.entry.standing),
            read.entry.missing.to_string(),
            words::title(&read.proposal.subject),
            time(read.proposal.until),
        ]);
    }
    println!("{table}");
    Ok(Done::Wholly)
}

fn show(read: &Read, as_json: bool) -> Result<Done> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(&to_json(read))?);
        return Ok(Done::Wholly);
    }
    println!("proposal   {}", read.id.to_hex());
    for line in words::lines(&read.proposal, &time) {
        println!("{line}");
    }
    println!("stands:    {}, {} approvals missing", standing(read.entry.standing), read.entry.missing);
    for (name, at) in &read.entry.approved {
        println!("approved:  {} at {}", words::quoted(name), time(*at));
    }
    Ok(Done::Wholly)
}

fn to_json(read: &Read) -> serde_json::Value {
    let approved: Vec<_> =
        read.entry.approved.iter().map(|(name, at)| json!({"name": name, "at": time(*at)})).collect();
    json!({
        "id": read.id.to_hex(),
        "kind": read.proposal.rule.kind.name(),
        "willDo": words::title(&read.proposal.subject),
        "text": words::lines(&read.proposal, &time),
        "proposer": read.proposal.proposer,
        "reason": read.proposal.reason,
        "until": time(read.proposal.until),
        "standing": standing(read.entry.standing),
        "approved": approved,
        "missing": read.entry.missing,
    })
}

fn confirmed() -> Result<bool> {
    use std::io::Write as _;
    print!("approve exactly this? Type yes: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

fn say(way: &mut Way, read: &Read, verdict: Verdict, key: &std::path::Path) -> Result<Done> {
    let pair = keys::read_private(key)?;
    let at = record::time::now();
    // INVARIANT: the id was computed from the bytes that were shown.
    let signature = pair.sign(&approval_bytes(&read.id, verdict, at))?;
    let signed = SignedVerdict { proposal: read.id, verdict, at, key: pair.public()?.fingerprint(), signature };
    let now = Read::of(way.verdict(signed)?)?;
    println!("{}: {} approvals missing", standing(now.entry.standing), now.entry.missing);
    Ok(Done::Wholly)
}

/// Prints an answer of the key service.
pub fn print(answer: AdminAnswer, as_json: bool) -> Result<Done> {
    match answer {
        AdminAnswer::Done => println!("done"),
        AdminAnswer::Token(token) => println!("{token}"),
        AdminAnswer::Invitation(code) => println!("{code}"),
        AdminAnswer::Quorum(QuorumAnswer::Name { name, facility }) => {
            println!("{} of {facility}", words::quoted(&name))
        }
        AdminAnswer::Quorum(QuorumAnswer::Proposals(entries)) => {
            let [entry] =
                <[ProposalEntry; 1]>::try_from(entries).ok().context("the key service answered another question")?;
            return proposed(entry, as_json);
        }
        AdminAnswer::Quorum(QuorumAnswer::Approvers { approvers, rules, in_force }) => {
            let people = approvers
                .iter()
                .map(|a| json!({"name": a.name, "actor": a.actor, "key": hex::encode(a.key), "since": time(a.since)}));
            let rules = rules.iter().map(|rule| {
                json!({"kind": rule.kind.name(), "approvals": rule.approvals, "delaySeconds": rule.delay_seconds,
                       "openSeconds": rule.open_seconds})
            });
            let all = json!({"inForce": in_force, "approvers": people.collect::<Vec<_>>(), "rules": rules.collect::<Vec<_>>()});
            println!("{}", serde_json::to_string_pretty(&all)?);
        }
        AdminAnswer::Failed(failure) => bail!("{failure}"),
        _ => println!("done"),
    }
    Ok(Done::Wholly)
}

fn standing(standing: Standing) -> String {
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Approved(0) => "approved, to be enacted".to_owned(),
        Standing::Approved(left) => format!("approved, waits {left} s"),
        Standing::Enacted(at) => format!("enacted at {}", time(at)),
        Standing::Rejected => "rejected".to_owned(),
        Standing::Expired => "expired".to_owned(),
    }
}

/// A time as people write it, in UTC.
pub fn time(at: Micros) -> String {
    Timestamp::from_microsecond(at)
        .map_or_else(|_| at.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
