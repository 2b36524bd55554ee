//! The way to the key service: its own socket on its host, or the archive's HTTP from anywhere.

use super::keys;
use crate::commands::Data;
use crate::embedded::must_be_founded;
use crate::register::AdminClient;
use anyhow::{Context as _, Result, bail};
use keyservice::outbound::{Bounds, Outbound, Settings};
use record::limits::MESSAGE_BYTES_MAX;
use seal::approval::reading_bytes;
use seal::frame;
use seal::message::quorum::{ProposalEntry, QuorumAnswer, QuorumCall, QuorumOrder, SignedReading, SignedVerdict};
use seal::message::{AdminAnswer, AdminRequest};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An archive that does not answer within this is not there.
const DEADLINE: Duration = Duration::from_secs(30);

/// One of both.
pub struct Way<'o> {
    data: &'o Data,
    at: Option<&'o str>,
    ca: Option<PathBuf>,
}

impl<'o> Way<'o> {
    /// By HTTP if an address is given.
    pub fn new(data: &'o Data, at: Option<&'o str>, ca: Option<&Path>) -> Self {
        Self { data, at, ca: ca.map(Path::to_owned) }
    }

    /// What there is.
    pub fn proposals(&self, key: Option<&Path>) -> Result<Vec<ProposalEntry>> {
        if self.at.is_none() {
            return match self.order(QuorumOrder::List)? {
                AdminAnswer::Quorum(QuorumAnswer::Proposals(entries)) => Ok(entries),
                _ => bail!("the key service answered another question"),
            };
        }
        let key = key.context("--at needs --key: proposals are shown to approvers alone")?;
        let pair = keys::read_private(key)?;
        let QuorumAnswer::Origin(origin) = self.call(&QuorumCall::Origin)? else {
            bail!("the archive answered another question")
        };
        let at = record::time::now();
        let signature = pair.sign(&reading_bytes(&origin, at))?;
        let reading = SignedReading { origin, at, key: pair.public()?.fingerprint(), signature };
        self.entries(&QuorumCall::List(reading))
    }

    /// Hands an approver's word in; answers the proposal as it is then.
    pub fn verdict(&self, signed: SignedVerdict) -> Result<ProposalEntry> {
        let mut entries = if self.at.is_some() {
            self.entries(&QuorumCall::Verdict(signed))?
        } else {
            match self.order(QuorumOrder::Verdict(signed))? {
                AdminAnswer::Quorum(QuorumAnswer::Proposals(entries)) => entries,
                _ => bail!("the key service answered another question"),
            }
        };
        entries.pop().context("the key service answered another question")
    }

    /// Asks the administrator's socket.
    pub fn order(&self, order: QuorumOrder) -> Result<AdminAnswer> {
        if self.at.is_some() {
            bail!("this is done on the key service's host, without --at");
        }
        let data = self.data.folder()?;
        must_be_founded(&data)?;
        let mut client = AdminClient::connect(&data.join("keyservice/admin.sock"))
            .context("the key service does not run: start the archive, or sign through it with --at")?;
        client.must(AdminRequest::Quorum(order))
    }

    fn entries(&self, call: &QuorumCall) -> Result<Vec<ProposalEntry>> {
        match self.call(call)? {
            QuorumAnswer::Proposals(entries) => Ok(entries),
            _ => bail!("the archive answered another question"),
        }
    }

    fn call(&self, call: &QuorumCall) -> Result<QuorumAnswer> {
        let url = format!("{}/auth/quorum", self.at.unwrap_or_default().trim_end_matches('/'));
        let body = minicbor::to_vec(call).ok().context("the question cannot be written")?;
        let outbound = Outbound::new(&Settings { ca: self.ca.clone() })?;
        let bounds = Bounds { deadline: DEADLINE, body_bytes_max: MESSAGE_BYTES_MAX };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let reply =
            runtime.block_on(outbound.post(&url, &[("content-type", crate::http::quorum::CBOR)], body, bounds))?;
        if !reply.is_success() {
            let problem: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            let detail = problem.get("detail").and_then(serde_json::Value::as_str).unwrap_or("it gave no reason");
            bail!("the archive answered {}: {detail}", reply.status);
        }
        Ok(frame::decode(&reply.body)?)
    }
}
