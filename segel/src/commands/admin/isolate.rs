//! `segel admin isolate`: what a stolen certificate wrote is set apart, and put back.

use crate::commands::{Done, approve};
use crate::register::AdminClient;
use crate::whereabouts::Whereabouts;
use anyhow::{Context as _, Result, bail};
use archive::isolation::{Extent, preview};
use archive::settings::Settings;
use clap::Args;
use record::{FacilityCode, Micros};
use seal::message::isolation::{
    IsolationAnswer, IsolationEntry, IsolationId, IsolationOrder, IsolationRequest, IsolationRule, Whom,
};
use seal::message::quorum::Subject;
use seal::message::{AdminAnswer, AdminRequest};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How often it is asked how far it is.
const ASK_PAUSE: Duration = Duration::from_millis(250);

/// `segel admin isolate`
#[derive(Args)]
#[command(
    group = clap::ArgGroup::new("whom").args(["facility", "peer", "cert", "sender"]),
    group = clap::ArgGroup::new("what").args(["facility", "peer", "cert", "sender", "list", "lift"]).required(true),
    after_help = "A record says which facility and which peer or system sent it and when it arrived, so that is what an \
                  isolation can be about; a peer that was given another certificate is the same sender. An earlier version \
                  of what was replaced is the current one again, and a facility that treats a patient by isolated records \
                  alone does not open the patient's other records. One person isolates; lifting takes two where two \
                  approvers are registered (--propose). Isolate first, then remove the peer: segel admin peer remove."
)]
pub struct Options {
    /// What everybody at this facility wrote.
    #[arg(long, value_name = "CODE", value_parser = super::facility)]
    facility: Option<FacilityCode>,
    /// What the peer of this AE title wrote.
    #[arg(long, value_name = "AETITLE")]
    peer: Option<String>,
    /// What the peers of this certificate wrote: a file (PEM or DER), or its SHA-256 in hexadecimal digits.
    #[arg(long, value_name = "FILE-OR-FINGERPRINT")]
    cert: Option<String>,
    /// What this person or system wrote, by name; or whoever has this id, also after its removal (--dry-run lists the ids).
    #[arg(long, value_name = "NAME-OR-ID")]
    sender: Option<String>,
    /// Arrived at this time or later: 2026-03-01T08:00:00+07:00, or without a zone this machine's own.
    #[arg(long, value_name = "TIME", requires = "whom", value_parser = time)]
    from: Option<Micros>,
    /// Arrived before this time [default: now]. What arrives within it later is isolated as well.
    #[arg(long, value_name = "TIME", requires = "whom", value_parser = time)]
    until: Option<Micros>,
    /// Why, for the ledger. It is sealed there.
    #[arg(long, default_value = "not stated")]
    reason: String,
    /// Says how much it would be, and changes nothing.
    #[arg(long, requires = "whom")]
    dry_run: bool,
    /// Does not wait for the end; it goes on by itself.
    #[arg(long)]
    no_wait: bool,
    /// Lists the isolations.
    #[arg(long)]
    list: bool,
    /// Lifts one: everything of it is as it was.
    #[arg(long, value_name = "ID", value_parser = number)]
    lift: Option<IsolationId>,
}

fn time(text: &str) -> Result<Micros, String> {
    let wrong = |_| "a time is written 2026-03-01T08:00:00+07:00, or without a zone".to_owned();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.as_microsecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().map_err(wrong)?;
    Ok(civil.to_zoned(jiff::tz::TimeZone::system()).map_err(wrong)?.timestamp().as_microsecond())
}

fn number(text: &str) -> Result<IsolationId, String> {
    let mut bytes = [0; 8];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "an isolation has 16 hexadecimal digits".to_owned())?;
    Ok(IsolationId(bytes))
}

/// Isolates, lifts or lists.
pub fn act(
    options: Options,
    client: &mut AdminClient,
    data: &Path,
    as_json: bool,
    propose: Option<String>,
) -> Result<Done> {
    if options.list {
        print_list(&all(client)?, as_json);
        return Ok(Done::Wholly);
    }
    let (dry_run, waits) = (options.dry_run, !options.no_wait);
    let request = match options.lift {
        Some(id) => IsolationRequest::Lift { id, reason: propose.clone().unwrap_or(options.reason) },
        None => {
            let order = order(options)?;
            if dry_run { IsolationRequest::Preview(order) } else { IsolationRequest::Isolate(order) }
        }
    };
    let request = AdminRequest::Isolation(request);
    if let Some(reason) = propose {
        let order = approve::propose_subject(Subject::administer(&request)?, reason);
        return approve::print(client.must(AdminRequest::Quorum(order))?, as_json);
    }
    match client.must(request)? {
        AdminAnswer::Isolation(IsolationAnswer::Preview(rule)) => {
            print_preview(&rule, &preview(&Settings::new(data), &rule).context("no archive's index here")?, as_json);
        }
        AdminAnswer::Isolation(IsolationAnswer::Ordered(entry)) => {
            let entry = if waits { wait(client, data, entry)? } else { entry };
            if as_json {
                println!("{}", entry_json(&entry));
            } else {
                println!("{}", sentence(&entry));
            }
        }
        _ => bail!("the key service answers something else than was asked"),
    }
    Ok(Done::Wholly)
}

fn order(options: Options) -> Result<IsolationOrder> {
    let Options { facility, peer, cert, sender, from, until, reason, .. } = options;
    let whom = match (facility, peer, cert, sender) {
        (Some(code), ..) => Whom::Facility(code),
        (_, Some(title), ..) => Whom::Peer(title),
        (_, _, Some(text), _) => Whom::Certificate(certificate(&text)?),
        (_, _, _, Some(name)) => Whom::Sender(name),
        _ => bail!("whose writes? --facility, --peer, --cert or --sender"),
    };
    let from = from.context("from when on? --from TIME")?;
    Ok(IsolationOrder { whom, from, until: until.unwrap_or_else(record::time::now), reason })
}

/// A fingerprint as it is, or that of a file.
fn certificate(text: &str) -> Result<[u8; 32]> {
    let mut digest = [0; 32];
    match hex::decode_to_slice(text.replace(':', ""), &mut digest) {
        Ok(()) => Ok(digest),
        Err(_) => super::fingerprint(Path::new(text)),
    }
}

fn all(client: &mut AdminClient) -> Result<Vec<IsolationEntry>> {
    match client.must(AdminRequest::Isolation(IsolationRequest::List))? {
        AdminAnswer::Isolation(IsolationAnswer::List(entries)) => Ok(entries),
        _ => bail!("the key service answers something else than was asked"),
    }
}

/// Waits until both programs have done their parts, and tells how far they are.
fn wait(client: &mut AdminClient, data: &Path, mut entry: IsolationEntry) -> Result<IsolationEntry> {
    let mut told = None;
    while !entry.is_done() {
        if entry.is_settled && Whereabouts::of_running(data).is_none() && entry.archive.is_none() {
            crate::observe::tell(format_args!("no archive runs here: it does its part as soon as it runs\n"));
            return Ok(entry);
        }
        let now = entry.archive.map(|report| report.versions);
        if now != told {
            told = now;
            let (versions, relations) = (now.unwrap_or_default(), entry.relations);
            crate::observe::tell(format_args!("{versions} object versions isolated, {relations} relations\n"));
        }
        std::thread::sleep(ASK_PAUSE);
        let id = entry.rule.id;
        entry = all(client)?.into_iter().find(|one| one.rule.id == id).context("the isolation is gone")?;
    }
    Ok(entry)
}

fn written(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| "?".into(), |at| at.to_string())
}

fn whom(whom: &Whom) -> String {
    match whom {
        Whom::Facility(code) => format!("facility {code}"),
        Whom::Peer(title) => format!("peer {title}"),
        Whom::Certificate(digest) => format!("certificate {}", hex::encode(digest)),
        Whom::Sender(name) => format!("sender {name}"),
    }
}

fn state(entry: &IsolationEntry) -> &'static str {
    match (entry.rule.is_lifted, entry.is_done()) {
        (false, false) => "isolating",
        (false, true) => "isolated",
        (true, false) => "lifting",
        (true, true) => "lifted",
    }
}

fn sentence(entry: &IsolationEntry) -> String {
    let versions = entry.archive.map_or(0, |report| report.versions);
    let (id, relations) = (entry.rule.id.to_hex(), entry.relations);
    format!("{id} {}: {versions} object versions, {relations} relations", state(entry))
}

fn entry_json(entry: &IsolationEntry) -> Value {
    json!({
        "id": entry.rule.id.to_hex(), "whom": whom(&entry.whom), "state": state(entry), "reason": entry.reason,
        "facility": entry.rule.facility.as_ref().map(FacilityCode::as_str), "senders": entry.rule.senders,
        "from": written(entry.rule.from), "until": written(entry.rule.until), "ordered": written(entry.ordered),
        "versions": entry.archive.map(|report| report.versions), "relations": entry.relations,
    })
}

fn print_list(entries: &[IsolationEntry], as_json: bool) {
    if as_json {
        println!("{}", json!(entries.iter().map(entry_json).collect::<Vec<_>>()));
        return;
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["id", "state", "whose", "from", "until", "object versions", "relations", "why"]);
    for entry in entries {
        table.add_row([
            entry.rule.id.to_hex(),
            state(entry).to_owned(),
            whom(&entry.whom),
            written(entry.rule.from),
            written(entry.rule.until),
            entry.archive.map_or_else(|| "-".to_owned(), |report| report.versions.to_string()),
            entry.relations.to_string(),
            entry.reason.clone(),
        ]);
    }
    println!("{table}");
}

fn print_preview(rule: &IsolationRule, extent: &Extent, as_json: bool) {
    let Extent { versions, replacing, instances, patients, senders } = extent;
    if as_json {
        let resources = versions.saturating_sub(*instances);
        println!(
            "{}",
            json!({"versions": versions, "replacing": replacing, "instances": instances, "resources": resources,
                   "patients": patients, "senders": senders, "from": written(rule.from), "until": written(rule.until)})
        );
        return;
    }
    println!("{versions} object versions of {patients} patients; {replacing} of them had replaced an earlier version");
    for (sender, count) in senders {
        println!("    {sender}: {count}");
    }
}
