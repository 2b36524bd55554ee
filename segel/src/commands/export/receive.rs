//! A bundle on its way: fetched whole, and opened whole.

use super::{PRIVATE, found, read_key};
use crate::client::HttpClient;
use crate::commands::Done;
use crate::export::open;
use anyhow::{Context as _, Result, bail, ensure};
use http_body_util::BodyExt as _;
use seal::approval::ProposalId;
use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of a refusal that are read.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;

/// Runs an export and writes its bundle; answers its length.
pub async fn fetch(client: &HttpClient, id: &ProposalId, to: &Path, accept: &str) -> Result<u64> {
    let answer = client.post_stream(&format!("/export/{}", id.to_hex()), accept).await?;
    let status = answer.status();
    let mut body = answer.into_body();
    if !status.is_success() {
        let mut text = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            text.extend(frame.into_data().unwrap_or_default());
            ensure!(text.len() <= PROBLEM_BYTES_MAX, "the archive answered {status}");
        }
        let problem: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let detail = problem.get("detail").and_then(serde_json::Value::as_str).unwrap_or("it gave no reason");
        bail!("the archive answered {status}: {detail}");
    }
    let beside = beside(to, ".part");
    let mut file = File::create(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            // Sealed bytes without their end open nowhere; what they were to be can be fetched again.
            drop(file);
            let _gone = fs::remove_file(&beside);
            bail!("the export was broken off: run it again while its time lasts");
        };
        if let Ok(piece) = frame.into_data() {
            file.write_all(&piece)?;
            bytes = bytes.saturating_add(u64::try_from(piece.len())?);
        }
    }
    file.sync_all()?;
    fs::rename(&beside, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(bytes)
}

/// Opens a bundle into a folder that appears when everything in it has been verified.
pub fn open(bundle: &Path, key: &Path, to: &Path, vkey: &str, as_json: bool) -> Result<Done> {
    ensure!(!to.exists(), "{} is there already", to.display());
    let private = read_key(key, PRIVATE)?;
    let file = File::open(bundle).with_context(|| format!("cannot read {}", bundle.display()))?;
    let beside = beside(to, ".part");
    if beside.exists() {
        fs::remove_dir_all(&beside).with_context(|| format!("cannot clear {}", beside.display()))?;
    }
    fs::create_dir_all(&beside).with_context(|| format!("cannot make {}", beside.display()))?;
    match open::open(BufReader::new(file), &private, &beside, vkey) {
        Ok(report) => {
            fs::rename(&beside, to).with_context(|| format!("cannot make {}", to.display()))?;
            found(&report, as_json);
            Ok(Done::Wholly)
        }
        Err(error) => {
            // Files of a bundle that was cut or changed must not look like those of a whole one.
            let _gone = fs::remove_dir_all(&beside);
            Err(error)
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
