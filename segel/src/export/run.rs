//! The archive's side of an export.
//!
//! For each batch of files: open them under the export, compute what every file will be, have that written into the ledger, and only
//! then seal and send the bytes. An export that breaks off has disclosed what the ledger says and not a byte more; run again, it
//! finds the same disclosures.

use super::bundle::{Head, MANIFEST, RECEIPT, Writer};
use anyhow::{Context as _, Result, ensure};
use archive::Archive;
use archive::index::rows::DateRange;
use archive::retrieve::{Located, Opened, Selected};
use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use record::Outcome;
use record::limits::EXPORT_BATCH_FILES_MAX;
use seal::approval::ProposalId;
use seal::message::export::{DisclosedFile, DisclosureId, ExportAnswer, ExportAsk, ExportTerms};
use seal::message::quorum::{Proposal, Subject};
use seal::message::{Asker, Failure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// Plaintext that is read at a time.
const PIECE_BYTES: u64 = 256 * 1024;

/// How long the end of an export waits for a checkpoint that covers it; one is signed every second.
const PROOF_WAIT: Duration = Duration::from_secs(30);
/// Between two looks.
const PROOF_PAUSE: Duration = Duration::from_millis(300);

/// An export that may run.
pub struct Begun {
    export: ProposalId,
    proposal: Vec<u8>,
    terms: ExportTerms,
    selected: Selected,
}

/// Where a bundle goes.
type Outlet = Sender<std::io::Result<Bytes>>;

/// Asks whether an export may run.
///
/// # Errors
/// The key service's refusal, or that it is away.
pub async fn begin(archive: &Archive, asker: &Asker, export: ProposalId) -> Result<Begun, archive::Error> {
    let damaged = || archive::Error::Damaged("the key service answered something else than was asked".to_owned());
    let answer = archive.keys().export(asker, ExportAsk::Begin(export)).await?;
    let ExportAnswer::Begun { proposal, patients } = answer else { return Err(damaged()) };
    let known = Proposal::decode(&proposal).map_err(|_| damaged())?;
    let Subject::Export(terms) = known.subject else { return Err(damaged()) };
    if ProposalId::of(&proposal) != export {
        return Err(damaged());
    }
    // Patients were named, and none of them is known: that is an export of nobody, and not of everybody.
    if patients.is_empty() && !terms.selection.patients.is_empty() {
        return Err(archive::Error::Refused("none of the patients that the export names is known".to_owned()));
    }
    let selected = Selected {
        facility: terms.selection.facility.clone(),
        study_date: DateRange { from: terms.selection.from.clone(), to: terms.selection.to.clone() },
        modalities: terms.selection.modalities.clone(),
        patients,
        objects_max: usize::try_from(terms.objects_max).unwrap_or(usize::MAX),
    };
    Ok(Begun { export, proposal, terms, selected })
}

/// Runs it to its end.
pub async fn run(archive: &Archive, asker: &Asker, begun: Begun, outlet: &Outlet) -> Result<()> {
    let located = archive.select_export(begun.selected.clone()).await?;
    let head = Head { export: begun.export, recipient: begun.terms.recipient_key };
    let (writer, first) = Writer::begin(&head)?;
    send(outlet, first).await?;
    let mut run = Run { archive, asker, begun: &begun, outlet, writer, files: Vec::new(), refused: 0 };
    for batch in located.chunks(EXPORT_BATCH_FILES_MAX) {
        run.batch(batch).await?;
    }
    run.end().await
}

/// A run under way.
struct Run<'r> {
    archive: &'r Archive,
    asker: &'r Asker,
    begun: &'r Begun,
    outlet: &'r Outlet,
    writer: Writer,
    /// What the manifest says of each file.
    files: Vec<Value>,
    refused: u64,
}

impl Run<'_> {
    async fn batch(&mut self, located: &[Located]) -> Result<()> {
        let opened = self.archive.open_export(self.asker, self.begun.export, located).await?;
        self.refused += u64::try_from(opened.iter().filter(|one| one.is_none()).count())?;
        let mut files = Vec::new();
        for opened in opened.into_iter().flatten() {
            let (sha256, bytes) = measure(&opened).await?;
            let located = opened.located();
            let context = seal::message::Context {
                patient: located.patient(),
                object: located.object(),
                version: located.version(),
            };
            files.push((opened, DisclosedFile { context, sha256, bytes }));
        }
        if files.is_empty() {
            return Ok(());
        }
        let ask = ExportAsk::Disclose(self.begun.export, files.iter().map(|(_, file)| file.clone()).collect());
        let ExportAnswer::Disclosed(ids) = self.ask(ask).await? else {
            anyhow::bail!("the key service answered something else than was asked")
        };
        ensure!(ids.len() == files.len(), "the key service answered for other files");
        // From here on the bytes may leave: what they are is in the ledger.
        for ((opened, file), id) in files.into_iter().zip(ids) {
            self.file(&opened, &file, id).await?;
        }
        Ok(())
    }

    async fn file(&mut self, opened: &Opened, file: &DisclosedFile, id: DisclosureId) -> Result<()> {
        let facts = opened.located().instance().context("an export takes instances")?;
        let before = envelope(&facts.sop_class_uid, &facts.sop_instance_uid, &facts.transfer_syntax_uid, id)?;
        let name = format!("{}.dcm", hex::encode(id.0));
        let length = file.bytes.checked_add(u64::try_from(before.len())?).context("a file is too long")?;
        let mut whole = Context::new(&SHA256);
        whole.update(&before);
        let begun = self.writer.file(&name, length)?;
        self.send(begun).await?;
        let sealed = self.writer.content(&before)?;
        self.send(sealed).await?;
        let range = opened.dataset_range().await?;
        let mut at = range.start;
        while at < range.end {
            let piece = opened.read(at..range.end.min(at.saturating_add(PIECE_BYTES))).await?;
            ensure!(!piece.is_empty(), "a kept object is shorter than it was");
            whole.update(&piece);
            at = at.saturating_add(u64::try_from(piece.len())?);
            let sealed = self.writer.content(&piece)?;
            self.send(sealed).await?;
        }
        self.files.push(json!({
            "name": name,
            "disclosure": hex::encode(id.0),
            "bytes": length,
            "sha256": hex::encode(whole.finish().as_ref()),
            "dataSetSha256": hex::encode(file.sha256),
            "object": file.context.object.to_hex(),
            "version": file.context.version,
            "studyInstanceUid": facts.study_instance_uid,
            "seriesInstanceUid": facts.series_instance_uid,
            "sopInstanceUid": facts.sop_instance_uid,
            "sopClassUid": facts.sop_class_uid,
            "transferSyntaxUid": facts.transfer_syntax_uid,
        }));
        Ok(())
    }

    async fn end(mut self) -> Result<()> {
        let manifest = serde_json::to_vec_pretty(&json!({
            "format": "segel-bundle-manifest-1",
            "export": self.begun.export.to_hex(),
            "proposal": hex::encode(&self.begun.proposal),
            "recipient": self.begun.terms.recipient,
            "recipientKey": hex::encode(self.begun.terms.recipient_key),
            "purpose": self.begun.terms.purpose.code(),
            "refused": self.refused,
            "files": self.files,
        }))?;
        let mut sum = [0; 32];
        sum.copy_from_slice(digest(&SHA256, &manifest).as_ref());
        let files = u32::try_from(self.files.len())?;
        let ask = ExportAsk::End { export: self.begun.export, manifest: sum, files };
        let ExportAnswer::Ended { receipt, position, entry, at } = self.ask(ask).await? else {
            anyhow::bail!("the key service answered something else than was asked")
        };
        let proof = self.proof(position).await?;
        let receipt = serde_json::to_vec_pretty(&json!({
            "receipt": receipt,
            "entry": hex::encode(entry),
            "position": position,
            "atMicros": at,
            "tlogProof": proof,
        }))?;
        for (name, content) in [(MANIFEST, manifest), (RECEIPT, receipt)] {
            let mut bytes = self.writer.file(name, u64::try_from(content.len())?)?;
            bytes.extend(self.writer.content(&content)?);
            self.send(bytes).await?;
        }
        let Self { writer, outlet, .. } = self;
        send(outlet, writer.finish()?).await
    }

    /// The entry's proof: a checkpoint covers it within seconds.
    async fn proof(&self, position: u64) -> Result<String> {
        let until = Instant::now() + PROOF_WAIT;
        loop {
            match self.archive.keys().ledger_proof(self.asker, position).await {
                Ok(proof) => return Ok(proof.proof),
                Err(failure) if failure.outcome == Outcome::Busy && Instant::now() < until => {
                    tokio::time::sleep(PROOF_PAUSE).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    async fn ask(&self, ask: ExportAsk) -> Result<ExportAnswer, Failure> {
        self.archive.keys().export(self.asker, ask).await
    }

    async fn send(&self, bytes: Vec<u8>) -> Result<()> {
        send(self.outlet, bytes).await
    }
}

async fn send(outlet: &Outlet, bytes: Vec<u8>) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    outlet.send(Ok(Bytes::from(bytes))).await.ok().context("whoever took the bundle is gone")
}

/// Digest and length of the data set as it is kept.
async fn measure(opened: &Opened) -> Result<([u8; 32], u64)> {
    let range = opened.dataset_range().await?;
    let mut sum = Context::new(&SHA256);
    let mut at = range.start;
    while at < range.end {
        let piece = opened.read(at..range.end.min(at.saturating_add(PIECE_BYTES))).await?;
        ensure!(!piece.is_empty(), "a kept object is shorter than it was");
        sum.update(&piece);
        at = at.saturating_add(u64::try_from(piece.len())?);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(sum.finish().as_ref());
    Ok((sha256, range.end.saturating_sub(range.start)))
}

/// What stands before the data set (PS3.10 7.1): the disclosure's id in the preamble, which belongs to nobody else, and file meta
/// information. Printable text with zeros behind it is no program of any system.
fn envelope(class: &str, instance: &str, syntax: &str, id: DisclosureId) -> Result<Vec<u8>> {
    let mut before = wire::part10::file_meta(class, instance, syntax, None);
    let text = format!("SEGEL DISCLOSURE {}", hex::encode(id.0));
    before.get_mut(..text.len()).context("a preamble has 128 bytes")?.copy_from_slice(text.as_bytes());
    Ok(before)
}
