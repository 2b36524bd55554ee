//! `segel send`: kept studies to a registered peer, as the act of whoever's token or login is shown.
//!
//! A walkthrough: the running archive opens each study for the token, in one logged release, and streams it ([`parts`]);
//! each instance goes on to the peer as it comes ([`forward`]); with `--commit` the peer is asked in the end what it keeps
//! ([`commit`]).

mod commit;
mod forward;
mod parts;

use super::{Data, Done};
use crate::client::{HttpClient, Shown};
use crate::commands::login::Login;
use crate::dimse::requestor::Peer;
use crate::tls::Identity;
use crate::whereabouts::Whereabouts;
use anyhow::{Context as _, Result, bail};
use archive::keys::{Endpoint, KeyClient};
use clap::Args;
use forward::{Forwarder, Sent};
use record::Purpose;
use seal::message::{Asker, Proof};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// `segel send`
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The registered peer.
    #[arg(long, value_name = "AETITLE")]
    to: String,
    /// StudyInstanceUID; may be repeated.
    #[arg(long, value_name = "UID", required = true, value_parser = uid)]
    study: Vec<String>,
    /// The login of this machine that sends: `segel login`.
    #[arg(long, value_name = "NAME", conflicts_with = "token")]
    login: Option<String>,
    /// The bearer token of whoever sends: `segel admin token`.
    #[arg(long, env = "SEGEL_TOKEN", hide_env_values = true, required_unless_present = "login")]
    token: Option<String>,
    /// Our AE title, as the peer knows it.
    #[arg(long = "as", value_name = "AETITLE", default_value = "SEGEL")]
    calling: String,
    /// Asks the peer to commit itself to keeping what was sent, and waits for its report.
    #[arg(long)]
    commit: bool,
    /// How long to wait for that report.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    commit_wait: u64,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

fn uid(text: &str) -> Result<String, String> {
    if wire::uid::is_uid(text) { Ok(text.to_owned()) } else { Err(format!("{text} is no UID")) }
}

/// What became of everything.
#[derive(Default)]
struct Report {
    sent: Sent,
    /// Studies that are not there, or not this token's to open.
    unknown: Vec<String>,
    /// Instances that the peer did not commit itself to, and why.
    uncommitted: Vec<(String, String)>,
    committed: Option<usize>,
}

/// Sends.
pub fn run(options: Options) -> Result<Done> {
    crate::observe::start_at("warn");
    let data = options.data.folder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(send(&options, &data))?;
    report.print(options.json);
    let whole = report.sent.refused.is_empty() && report.unknown.is_empty() && report.uncommitted.is_empty();
    Ok(if whole { Done::Wholly } else { Done::WithRefusals })
}

async fn send(options: &Options, data: &Path) -> Result<Report> {
    let running = Whereabouts::of_running(data).and_then(|running| running.http);
    let http = running.context("the archive must be running, with its HTTP door: segel serve")?;
    let shown = match &options.login {
        Some(name) => Shown::Login(Arc::new(Login::open(name)?)),
        None => Shown::Bearer(options.token.clone().unwrap_or_default()),
    };
    let client = HttpClient::showing(http, shown.clone());
    let peer = peer(options, &shown, data).await?;
    let mut forwarder = Forwarder::new(peer.clone());
    let mut report = Report::default();
    for study in &options.study {
        match parts::open(&client, study).await? {
            Some(parts) => forwarder.forward(parts, &mut report.sent).await?,
            None => report.unknown.push(study.clone()),
        }
    }
    forwarder.leave().await;
    if options.commit && !report.sent.stored.is_empty() {
        let wait = Duration::from_secs(options.commit_wait);
        let outcome = commit::commit(data, &peer, &report.sent.stored, wait).await?;
        report.committed = Some(outcome.committed);
        report.uncommitted = outcome.uncommitted;
    }
    Ok(report)
}

/// The peer's registered address; the key service tells it to those whom it knows.
async fn peer(options: &Options, shown: &Shown, data: &Path) -> Result<Peer> {
    let socket = data.join("keyservice/node.sock");
    if !socket.exists() {
        bail!("the key service of this archive is on another host; send from where the archive node runs embedded");
    }
    let proof = match shown {
        Shown::Bearer(token) => Proof::Bearer(token.clone()),
        Shown::Login(login) => {
            // No HTTP request carries this question; its proof names what it is for all the same.
            let uri = format!("{}/peers", login.archive());
            let (token, proof) = login.shown("GET", &uri).await?;
            Proof::Bound { token, proof, method: "GET".to_owned(), uri }
        }
    };
    let asker = Asker { proof, purpose: Purpose::Treat, channel: "dimse".to_owned() };
    let address = KeyClient::new(Endpoint::Unix(socket)).peer(&asker, &options.to).await;
    let address = address.with_context(|| {
        let to = &options.to;
        format!("no peer {to} with an address, or the token is not valid: segel admin peer add {to} --host H --port P")
    })?;
    let mut peer = Peer::plain(&options.calling, &address.ae_title, &address.host, address.port);
    if let Some(certificate) = address.certificate {
        peer.tls = Some(crate::dimse::pinned(Identity::own(&data.join("archive/tls"), "dicom")?, certificate)?);
    }
    Ok(peer)
}

impl Report {
    fn print(&self, as_json: bool) {
        if as_json {
            let refused = self.sent.refused.iter().map(|(uid, why)| json!({"instance": uid, "reason": why}));
            let uncommitted = self.uncommitted.iter().map(|(uid, why)| json!({"instance": uid, "reason": why}));
            println!(
                "{}",
                json!({"sent": self.sent.stored.len(), "bytes": self.sent.bytes, "refused": refused.collect::<Vec<_>>(),
                       "unknown": self.unknown, "committed": self.committed,
                       "uncommitted": uncommitted.collect::<Vec<_>>()})
            );
            return;
        }
        for (instance, why) in &self.sent.refused {
            println!("refused {instance}: {why}");
        }
        for study in &self.unknown {
            println!("there is no study {study}, or it is not this sender's to open");
        }
        for (instance, why) in &self.uncommitted {
            println!("not committed {instance}: {why}");
        }
        let committed = self.committed.map(|count| format!(", committed {count}")).unwrap_or_default();
        println!("sent {}, refused {}{committed}", self.sent.stored.len(), self.sent.refused.len());
    }
}
