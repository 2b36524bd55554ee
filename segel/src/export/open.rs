//! The recipient's side: every file against the manifest, the manifest against the receipt, the receipt against the archive's key.

use super::bundle::{MANIFEST, RECEIPT, Reader};
use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::digest::{Context, SHA256, digest};
use ledger::{TlogProof, VerifierKey};
use seal::approval::ProposalId;
use seal::message::quorum::{Proposal, Subject};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;

/// Bytes of a manifest or receipt: some 700 for each of 100,000 files.
const LIST_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Bytes of the envelope that belong to Segel: a label and the disclosure's id.
const LABEL: &str = "SEGEL DISCLOSURE ";

/// What was found.
pub struct Report {
    /// The export.
    pub export: ProposalId,
    /// Who it was for, as the approvers read it.
    pub recipient: String,
    /// Files, manifest and receipt not counted.
    pub files: usize,
    /// Objects that the archive refused to the export.
    pub refused: u64,
    /// Position of the ledger's entry.
    pub position: u64,
}

impl Report {
    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({"verified": true, "export": self.export.to_hex(), "recipient": self.recipient, "files": self.files,
               "refused": self.refused, "position": self.position})
    }
}

/// A file as it was written: its digest and length, and how it begins.
struct Written {
    sha256: String,
    bytes: u64,
    beginning: Vec<u8>,
}

/// Opens a bundle into a folder and verifies it.
///
/// # Errors
/// Whatever does not hold: then nothing in the folder is worth anything.
pub fn open(source: impl Read, private: &[u8], folder: &Path, vkey: &str) -> Result<Report> {
    let key: VerifierKey = vkey.trim().parse().context("this is no archive's public key (vkey)")?;
    let mut reader = Reader::begin(source, private)?;
    let mut written: HashMap<String, Written> = HashMap::new();
    let (mut manifest, mut receipt) = (None, None);
    while let Some((name, bytes)) = reader.file()? {
        if name == MANIFEST || name == RECEIPT {
            let content = whole(&mut reader, bytes)?;
            std::fs::write(folder.join(&name), &content)?;
            let list = if name == MANIFEST { &mut manifest } else { &mut receipt };
            ensure!(list.replace(content).is_none(), "the bundle has {name} twice");
        } else {
            let one = write(&mut reader, &folder.join(&name), bytes)?;
            ensure!(written.insert(name.clone(), one).is_none(), "the bundle has {name} twice");
        }
    }
    let (manifest, receipt) =
        (manifest.context("the bundle has no manifest")?, receipt.context("the bundle has no receipt")?);
    let position = verify_receipt(&receipt, &manifest, &reader.head.export, &key)?;
    let list: Value = serde_json::from_slice(&manifest).context("the manifest is no JSON")?;
    let recipient = verify_terms(&list, &reader.head.export, &reader.head.recipient)?;
    let files = list.get("files").and_then(Value::as_array).context("the manifest lists no files")?;
    ensure!(files.len() == written.len(), "the manifest lists {} files, the bundle has {}", files.len(), written.len());
    for file in files {
        verify_file(file, &written)?;
    }
    let refused = list.get("refused").and_then(Value::as_u64).unwrap_or(0);
    Ok(Report { export: reader.head.export, recipient, files: files.len(), refused, position })
}

fn whole<R: Read>(reader: &mut Reader<R>, bytes: u64) -> Result<Vec<u8>> {
    ensure!(bytes <= LIST_BYTES_MAX, "a list of the bundle is longer than one may be");
    let mut content = Vec::new();
    let mut missing = bytes;
    while missing > 0 {
        let piece = reader.piece(missing)?;
        missing -= u64::try_from(piece.len())?;
        content.extend(piece);
    }
    Ok(content)
}

fn write<R: Read>(reader: &mut Reader<R>, path: &Path, bytes: u64) -> Result<Written> {
    let mut file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let (mut sum, mut beginning, mut missing) = (Context::new(&SHA256), Vec::new(), bytes);
    while missing > 0 {
        let piece = reader.piece(missing)?;
        missing -= u64::try_from(piece.len())?;
        sum.update(&piece);
        let room = (LABEL.len() + 32).saturating_sub(beginning.len());
        beginning.extend(piece.iter().take(room));
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    Ok(Written { sha256: hex::encode(sum.finish().as_ref()), bytes, beginning })
}

/// The receipt is a note of the archive's key: it names the export, the manifest and the ledger's entry.
fn verify_receipt(receipt: &[u8], manifest: &[u8], export: &ProposalId, key: &VerifierKey) -> Result<u64> {
    let receipt: Value = serde_json::from_slice(receipt).context("the receipt is no JSON")?;
    let note = receipt.get("receipt").and_then(Value::as_str).context("the receipt has no note")?;
    let text = key.open(note).ok().context("the receipt is not signed by this archive")?;
    let mut lines = text.lines();
    ensure!(lines.next() == Some("segel/export-receipt@v1"), "the note is no receipt");
    ensure!(lines.next() == Some(key.name()), "the receipt is of another archive");
    let mut field = |name: &str| {
        let line = lines.next().and_then(|line| line.strip_prefix(name)).and_then(|rest| rest.strip_prefix(' '));
        line.map(str::to_owned).with_context(|| format!("the receipt has no {name}"))
    };
    ensure!(field("export")? == export.to_hex(), "the receipt is of another export");
    let sum = hex::encode(digest(&SHA256, manifest).as_ref());
    ensure!(field("manifest")? == sum, "the manifest is not the one that is in the ledger");
    let _files = field("files")?;
    let position: u64 = field("position")?.parse().context("the receipt names no entry")?;
    let entry = field("entry")?;
    ensure!(receipt.get("entry").and_then(Value::as_str) == Some(entry.as_str()), "the receipt names two entries");
    let proof = receipt.get("tlogProof").and_then(Value::as_str).context("the receipt has no proof of its entry")?;
    let proof = TlogProof::parse(proof).context("the receipt's proof is none")?;
    ensure!(proof.index == position, "the receipt's proof is of another entry");
    let entry = hex::decode(entry).context("the receipt names no entry")?;
    proof.verify(&entry, key).context("the entry is not in the archive's ledger")?;
    Ok(position)
}

/// The terms are those of the proposal that was approved: its hash is the export's id.
fn verify_terms(list: &Value, export: &ProposalId, recipient: &[u8; 32]) -> Result<String> {
    let text =
        |name: &str| list.get(name).and_then(Value::as_str).with_context(|| format!("the manifest has no {name}"));
    let proposal = hex::decode(text("proposal")?).context("the manifest's proposal is none")?;
    ensure!(ProposalId::of(&proposal) == *export, "the manifest is of another export");
    let Subject::Export(terms) = Proposal::decode(&proposal)?.subject else { bail!("what was approved is no export") };
    ensure!(terms.recipient_key == *recipient, "what was approved is for another recipient");
    Ok(terms.recipient)
}

fn verify_file(file: &Value, written: &HashMap<String, Written>) -> Result<()> {
    let text = |name: &str| file.get(name).and_then(Value::as_str).context("the manifest lacks something of a file");
    let name = text("name")?;
    let found = written.get(name).with_context(|| format!("{name} is not in the bundle"))?;
    let disclosure = text("disclosure")?;
    ensure!(found.sha256 == text("sha256")?, "{name} is not what the archive disclosed");
    ensure!(Some(found.bytes) == file.get("bytes").and_then(Value::as_u64), "{name} has another length");
    ensure!(name == format!("{disclosure}.dcm"), "{name} does not carry its disclosure's id");
    ensure!(found.beginning == format!("{LABEL}{disclosure}").as_bytes(), "{name} does not carry its disclosure's id");
    Ok(())
}
