//! Sending what is imported to the archive's own DICOMweb door: to the one that runs on this data folder, or to one
//! that is started for the import alone.

use super::source::Item;
use crate::client::{HttpAnswer, HttpClient};
use crate::config::Config;
use crate::dicomweb::{DUPLICATE_WARNING, NEW_VERSION};
use crate::embedded::must_be_founded;
use crate::node::{Node, Passphrase};
use crate::register::AdminClient;
use crate::whereabouts::Whereabouts;
use anyhow::{Context as _, Result, bail};
use hyper::{StatusCode, header};
use record::{FacilityCode, Purpose, Role};
use seal::message::{AdminAnswer, AdminRequest};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;

/// The import's token outlives a long import.
const TOKEN_SECONDS: u32 = 7 * 24 * 3600;
/// ReferencedSOPSequence (0008,1199) lists what was kept (PS3.18 10.5.3).
const REFERENCED_SOP_SEQUENCE: &str = "00081199";
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
}

/// The way into the archive.
pub struct Sender {
    client: HttpClient,
    node: Option<Node>,
}

impl Sender {
    /// Finds the running archive or starts one, and signs in as the facility's import.
    pub async fn open(data: &Path, facility: Option<&FacilityCode>, passphrase_file: Option<&Path>) -> Result<Self> {
        let (address, node) = match Whereabouts::of_running(data) {
            Some(running) => (running.http.context("the running archive has no HTTP door")?, None),
            None => {
                must_be_founded(data)?;
                let node = start_alone(data, passphrase_file).await?;
                (node.http_address().context("no HTTP door")?, Some(node))
            }
        };
        let token = sign_in(data, facility);
        match token {
            Ok(token) => Ok(Self { client: HttpClient::new(address, token), node }),
            Err(error) => {
                if let Some(node) = node {
                    node.stop().await?;
                }
                Err(error)
            }
        }
    }

    /// Sends one file.
    pub async fn send(&self, item: Item) -> Result<Verdict> {
        let accept = "application/dicom+json";
        let answer = self.client.post_reader("/dicom-web/studies", "application/dicom", accept, item.content).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!("the archive does not take the import's token"),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => {
                bail!("the archive is busy or full: start the import again, it goes on where it was")
            }
            _ => Ok(verdict(&answer)),
        }
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

/// The import is a system of the facility, in the register and in the ledger like any other.
fn sign_in(data: &Path, facility: Option<&FacilityCode>) -> Result<String> {
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
    let name = format!("import {facility}");
    if !register.people.iter().any(|(known, _, _)| *known == name) {
        admin.must(AdminRequest::AddPerson { name: name.clone(), facility, role: Role::System })?;
    }
    let request = AdminRequest::Token { name, purpose: Purpose::HealthcareOperations, seconds: TOKEN_SECONDS };
    match admin.must(request)? {
        AdminAnswer::Token(token) => Ok(token),
        _ => bail!("the key service gives no token"),
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
