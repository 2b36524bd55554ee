//! Sending what is imported or pulled to the archive's own DICOMweb door: to the one that runs on this data folder, or to
//! one that is started for this alone.

use crate::client::{HttpAnswer, HttpClient};
use crate::config::Config;
use crate::dicomweb::{DUPLICATE_WARNING, NEW_VERSION};
use crate::embedded::must_be_founded;
use crate::node::{Node, Passphrase};
use crate::register::AdminClient;
use crate::whereabouts::Whereabouts;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use hyper::{StatusCode, header};
use record::{FacilityCode, Outcome, Purpose, Role};
use seal::message::{AdminAnswer, AdminRequest};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use tokio::sync::mpsc;

/// A feed's token outlives a long import.
const TOKEN_SECONDS: u32 = 7 * 24 * 3600;
const STUDIES: &str = "/dicom-web/studies";
const DICOM: &str = "application/dicom";
const DICOM_JSON: &str = "application/dicom+json";
/// ReferencedSOPSequence (0008,1199) lists what was kept (PS3.18 10.5.3).
const REFERENCED_SOP_SEQUENCE: &str = "00081199";
/// What it lists.
const COMMITTED: &str = "/00081199/Value";
/// The instances of one question for commitment: some hundred kB of JSON.
const COMMITMENT_REFERENCES: usize = 2_000;
/// WarningReason (0008,1196) of its first item.
const WARNING_REASON: &str = "/Value/0/00081196/Value/0";

/// What became of one file.
pub enum Verdict {
    /// Kept.
    Stored,
    /// Kept beside other bytes that the archive had under the same UID.
    NewVersion,
    /// The archive had these bytes.
    Duplicate,
    /// Not kept, and why.
    Refused(String),
    /// The archive is busy or full: later.
    Busy,
}

/// The way into the archive.
pub struct Sender {
    client: HttpClient,
    node: Option<Node>,
    facility: FacilityCode,
}

impl Sender {
    /// Finds the running archive or starts one, and signs in as the facility's feed of this name.
    pub async fn open(
        data: &Path,
        feed: &str,
        facility: Option<&FacilityCode>,
        passphrase_file: Option<&Path>,
    ) -> Result<Self> {
        let (address, node) = match Whereabouts::of_running(data) {
            Some(running) => (running.http.context("the running archive has no HTTP door")?, None),
            None => {
                must_be_founded(data)?;
                let node = start_alone(data, passphrase_file).await?;
                (node.http_address().context("no HTTP door")?, Some(node))
            }
        };
        match sign_in(data, feed, facility) {
            Ok((token, facility)) => Ok(Self { client: HttpClient::new(address, token), node, facility }),
            Err(error) => {
                if let Some(node) = node {
                    node.stop().await?;
                }
                Err(error)
            }
        }
    }

    /// Whose records they are.
    pub fn facility(&self) -> &FacilityCode {
        &self.facility
    }

    /// Sends one file.
    pub async fn send(&self, content: Box<dyn Read + Send>) -> Result<Verdict> {
        judge(&self.client.post_reader(STUDIES, DICOM, DICOM_JSON, content).await?)
    }

    /// Sends one file as it comes. An error in the channel breaks the request off, and nothing of the file is kept.
    pub async fn send_channel(&self, pieces: mpsc::Receiver<std::io::Result<Bytes>>) -> Result<Verdict> {
        judge(&self.client.post_channel(STUDIES, DICOM, DICOM_JSON, pieces).await?)
    }

    /// Which of these instances (SOP class if known, SOP instance) the archive keeps for the facility. Opens nothing.
    pub async fn kept(&self, instances: &[(Option<&str>, &str)]) -> Result<HashSet<String>> {
        let mut kept = HashSet::new();
        for instances in instances.chunks(COMMITMENT_REFERENCES) {
            let uid = |uid: &str| json!({"vr": "UI", "Value": [uid]});
            let references: Vec<Value> = instances
                .iter()
                .map(|(sop_class, instance)| match sop_class {
                    Some(sop_class) => json!({"00081150": uid(sop_class), "00081155": uid(instance)}),
                    None => json!({"00081155": uid(instance)}),
                })
                .collect();
            let body = json!({REFERENCED_SOP_SEQUENCE: {"vr": "SQ", "Value": references}}).to_string();
            let path = format!("/dicom-web/commitment-requests/{}", crate::dimse::new_uid()?);
            let answer = self.client.post(&path, DICOM_JSON, DICOM_JSON, body.into()).await?;
            if !answer.status.is_success() {
                bail!("the archive does not say what it keeps: {}", answer.status);
            }
            let body: Value = serde_json::from_slice(&answer.body)?;
            let committed = body.pointer(COMMITTED).and_then(Value::as_array).into_iter().flatten();
            kept.extend(
                committed
                    .filter_map(|item| item.pointer("/00081155/Value/0").and_then(Value::as_str))
                    .map(str::to_owned),
            );
        }
        Ok(kept)
    }

    /// Ends an archive that was started for the import.
    pub async fn close(self) -> Result<()> {
        match self.node {
            Some(node) => node.stop().await,
            None => Ok(()),
        }
    }
}

async fn start_alone(data: &Path, passphrase_file: Option<&Path>) -> Result<Node> {
    let mut config = Config::default();
    config.http.address = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    Node::start(data, &config, Passphrase::Found(passphrase_file.map(Path::to_path_buf)), true).await
}

/// The feed is a system of the facility, in the register and in the ledger like any other.
fn sign_in(data: &Path, feed: &str, facility: Option<&FacilityCode>) -> Result<(String, FacilityCode)> {
    let mut admin = AdminClient::connect(&data.join("keyservice/admin.sock"))?;
    let AdminAnswer::Register(register) = admin.must(AdminRequest::List)? else {
        bail!("the key service lists nothing")
    };
    let codes: Vec<&FacilityCode> = register.facilities.iter().map(|(code, _)| code).collect();
    let facility = match (facility, codes.as_slice()) {
        (Some(facility), known) if known.contains(&facility) => facility.clone(),
        (Some(facility), _) => bail!("facility {facility} is not registered: segel admin facility add {facility} NAME"),
        (None, [only]) => (*only).clone(),
        (None, []) => bail!("no facility is registered yet: segel admin facility add CODE NAME"),
        (None, several) => {
            let codes: Vec<&str> = several.iter().map(|code| code.as_str()).collect();
            bail!("say whose records these are: --facility, one of {}", codes.join(", "))
        }
    };
    let name = format!("{feed} {facility}");
    if !register.people.iter().any(|(known, _, _)| *known == name) {
        let facility = facility.clone();
        admin.must(AdminRequest::AddPerson { name: name.clone(), facility, role: Role::System })?;
    }
    let request = |purpose| AdminRequest::Token { name: name.clone(), purpose, seconds: TOKEN_SECONDS };
    let answer = match admin.call(request(Purpose::HealthcareOperations))? {
        // Since there are two approvers, one person gets a token that puts records in and opens none.
        AdminAnswer::Failed(failure) if failure.outcome == Outcome::Refused => {
            admin.must(request(Purpose::SystemAdministration))?
        }
        AdminAnswer::Failed(failure) => bail!("{failure}"),
        answer => answer,
    };
    match answer {
        AdminAnswer::Token(token) => Ok((token, facility)),
        _ => bail!("the key service gives no token"),
    }
}

fn judge(answer: &HttpAnswer) -> Result<Verdict> {
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!("the archive does not take the feed's token"),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => Ok(Verdict::Busy),
        _ => Ok(verdict(answer)),
    }
}

fn verdict(answer: &HttpAnswer) -> Verdict {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let Some(kept) = body.get(REFERENCED_SOP_SEQUENCE) {
        let warning = kept.pointer(WARNING_REASON).and_then(Value::as_u64);
        return match warning {
            Some(DUPLICATE_WARNING) => Verdict::Duplicate,
            Some(NEW_VERSION) => Verdict::NewVersion,
            _ => Verdict::Stored,
        };
    }
    let reason = answer.headers.get(header::WARNING).and_then(|value| value.to_str().ok()?.split('"').nth(1));
    let detail = reason.or_else(|| body.get("detail").and_then(Value::as_str));
    Verdict::Refused(detail.map_or_else(|| format!("the archive answered {}", answer.status), str::to_owned))
}
