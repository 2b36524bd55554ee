//! One DICOM instance on its way in.
//!
//! Its bytes are in one of three places: waiting in memory until the patient is known, sealed in a draft, or nowhere.
//! Nothing of it is on the disk in clear, whenever it ends.

use super::draft::{Declared, StoreOutcome, Stored};
use super::seal::{ContentSealer, Digest, Keys};
use super::sending::Turn;
use super::{facts, identify, joins, seal as sealing, summary};
use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::index::rows::Kept;
use crate::object::{Kind, ObjectRecord};
use crate::plant::Shape;
use crate::segment::draft::Draft;
use record::{FacilityCode, ObjectId, Term, Version, limits};
use seal::context::PartName;
use seal::message::{AdmitItem, Admitted, Asker, Context, ReleaseItem, Who};
use std::sync::{Arc, OnceLock};
use wire::dataset::{Outline, Scanner, Tag};
use wire::part10::{Begun, Prefix};
use wire::syntax::TransferSyntax;

/// Bytes that are taken in one step: what waits in memory grows by no more than this beyond what is needed.
const STEP_BYTES: usize = 64 * 1024;

/// Takes one instance in. Dropping it at any point keeps nothing.
pub struct InstanceReceiver {
    archive: Arc<Inner>,
    asker: Asker,
    declared: Declared,
    stage: Stage,
    /// Another instance's shape, which a canary takes.
    shape: Option<Box<Shape>>,
    /// SOPClassUID and SOPInstanceUID, once they are known: a report of a failure names them.
    identity: OnceLock<(String, String)>,
}

impl std::fmt::Debug for InstanceReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InstanceReceiver({})", self.stage.name())
    }
}

enum Stage {
    /// What comes first is a file's beginning, or not; its bytes are held.
    Prefix { prefix: Box<Prefix>, held: Vec<u8> },
    /// The data set has begun and the patient is not known; its bytes are held.
    Early { reading: Box<Reading>, held: Vec<u8> },
    /// The patient is known: what comes is sealed at once.
    Sealing { reading: Box<Reading>, sealing: Box<Sealing> },
    /// Something failed; nothing is held.
    Failed,
}

impl Stage {
    fn name(&self) -> &'static str {
        match self {
            Self::Prefix { .. } => "prefix",
            Self::Early { .. } => "early",
            Self::Sealing { .. } => "sealing",
            Self::Failed => "failed",
        }
    }
}

/// The structural pass over the data set.
struct Reading {
    scanner: Scanner,
    syntax: TransferSyntax,
    dataset_offset: u64,
    warnings: Vec<String>,
}

impl Reading {
    fn new(syntax: TransferSyntax, dataset_offset: u64, warnings: Vec<String>) -> Self {
        Self { scanner: Scanner::new(&syntax), syntax, dataset_offset, warnings }
    }

    /// Starts with a file's data set. What the meta information says of the instance is not held against it: files whose
    /// meta information names another instance than their data set are common, and the data set counts.
    fn begin(begun: Begun) -> Result<Self> {
        let Begun { meta, data_set } = begun;
        let mut reading = Self::new(meta.transfer_syntax, meta.data_set_offset, meta.warnings);
        reading.scanner.feed(&data_set)?;
        Ok(reading)
    }
}

/// The object under way.
struct Sealing {
    who: Who,
    // Held until the object is committed or dropped, so that the same instance arrives once at a time.
    _turn: Turn,
    kept: Option<Kept>,
    object: ObjectId,
    version: Version,
    keys: Keys,
    admitted: Admitted,
    context: Context,
    draft: Draft,
    content: ContentSealer,
    digest: Digest,
}

impl InstanceReceiver {
    pub(crate) fn new(archive: Arc<Inner>, asker: Asker, declared: Declared) -> Self {
        let stage = match &declared.transfer_syntax {
            None => Stage::Prefix { prefix: Box::default(), held: Vec::new() },
            Some(uid) => {
                let reading = Reading::new(TransferSyntax::of(uid.trim_end_matches(['\0', ' '])), 0, Vec::new());
                Stage::Early { reading: Box::new(reading), held: Vec::new() }
            }
        };
        Self { archive, asker, declared, stage, shape: None, identity: OnceLock::new() }
    }

    /// Gives the instance another's shape in everything that stands in clear.
    pub(crate) fn shaped(mut self, shape: Shape) -> Self {
        self.shape = Some(Box::new(shape));
        self
    }

    /// SOPClassUID and SOPInstanceUID as far as they have been read, also after a failure.
    #[must_use]
    pub fn identity(&self) -> Option<(String, String)> {
        self.identity.get().cloned()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Invalid at the first byte that cannot be right; Busy while the key service is away; Refused if the sender may not
    /// store. The receiver is of no more use then and holds nothing.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        for step in bytes.chunks(STEP_BYTES) {
            // Whatever fails below, or is cancelled, leaves the receiver failed: what it held is dropped with the stage.
            let stage = std::mem::replace(&mut self.stage, Stage::Failed);
            self.stage = self.advance(stage, step).await?;
        }
        Ok(())
    }

    async fn advance(&self, stage: Stage, bytes: &[u8]) -> Result<Stage> {
        match stage {
            Stage::Prefix { mut prefix, mut held } => {
                held.extend_from_slice(bytes);
                match prefix.feed(bytes)? {
                    None => Ok(Stage::Prefix { prefix, held }),
                    Some(begun) => self.early(Box::new(Reading::begin(begun)?), held).await,
                }
            }
            Stage::Early { mut reading, mut held } => {
                held.extend_from_slice(bytes);
                reading.scanner.feed(bytes)?;
                self.early(reading, held).await
            }
            Stage::Sealing { mut reading, mut sealing } => {
                reading.scanner.feed(bytes)?;
                sealing.take(bytes)?;
                Ok(Stage::Sealing { reading, sealing })
            }
            Stage::Failed => Err(failed()),
        }
    }

    /// Goes on to sealing once the patient is known.
    async fn early(&self, mut reading: Box<Reading>, held: Vec<u8>) -> Result<Stage> {
        if !is_ready(reading.scanner.outline()) {
            if held.len() > limits::PREAMBLE_BYTES_MAX {
                return Err(Error::Invalid(format!(
                    "more than {} bytes before the patient is known",
                    limits::PREAMBLE_BYTES_MAX
                )));
            }
            return Ok(Stage::Early { reading, held });
        }
        let (sealing, warnings) = self.admit(reading.scanner.outline(), reading.dataset_offset, &held).await?;
        reading.warnings.extend(warnings);
        Ok(Stage::Sealing { reading, sealing: Box::new(sealing) })
    }

    /// Ends the instance. Returns when a power cut cannot take it away any more.
    ///
    /// # Errors
    /// Invalid if the data set ends too early or lacks a UID; else as [`InstanceReceiver::write`].
    pub async fn finish(mut self) -> Result<Stored> {
        let (mut reading, held_or_sealing) = match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Prefix { prefix, held } => (Box::new(Reading::begin(prefix.finish()?)?), Err(held)),
            Stage::Early { reading, held } => (reading, Err(held)),
            Stage::Sealing { reading, sealing } => (reading, Ok(sealing)),
            Stage::Failed => return Err(failed()),
        };
        let outline = std::mem::replace(&mut reading.scanner, Scanner::new(&reading.syntax)).finish()?;
        // What can be said against the data set is said before anybody is asked for a key.
        let (facts, warnings) = facts::facts(&outline, &self.declared, &reading.syntax, reading.dataset_offset)?;
        let sealing = match held_or_sealing {
            Ok(sealing) => *sealing,
            Err(held) => {
                let (sealing, warnings) = self.admit(&outline, reading.dataset_offset, &held).await?;
                reading.warnings.extend(warnings);
                sealing
            }
        };
        let warnings = [outline.warnings(), &reading.warnings, &warnings].concat();
        self.keep(sealing, outline, facts, warnings).await
    }

    /// Has the key service say whose the instance is, and begins to seal it. Also gives warnings about the identity.
    async fn admit(&self, outline: &Outline, dataset_offset: u64, held: &[u8]) -> Result<(Sealing, Vec<String>)> {
        let (sop_instance_uid, sop_class_uid) = facts::sop(outline, &self.declared)?;
        let _known_before = self.identity.set((sop_class_uid, sop_instance_uid.clone()));
        // INVARIANT: a patient whom group 0010 does not name is asked for only when the study's UID has been read.
        let study = if identify::names_patient(outline) {
            String::new()
        } else {
            facts::uid(outline, facts::STUDY_INSTANCE_UID)?
        };
        let who = self.archive.keys.authenticate(&self.asker).await?;
        let identity = identify::identity(outline, &who.facility, &study);
        let turn = self.archive.sending.turn(&who.facility, &sop_instance_uid).await?;
        let kept = self.last(&who.facility, sop_instance_uid).await?;
        let (object, version) = match &kept {
            Some(kept) => (kept.record.object, next_version(kept.record.version)?),
            None => (sealing::object_id()?, 1),
        };
        let keys = Keys::random()?;
        let item = AdmitItem {
            object,
            version,
            kind: "dicom".to_owned(),
            identifiers: identity.identifiers,
            patient: None,
            terms: self.terms(identity.terms, outline),
            summary: keys.summary.clone(),
            content: keys.content.clone(),
            says: None,
        };
        let mut admitted = self.archive.keys.admit(&self.asker, vec![item]).await?;
        let admitted = admitted.pop().ok_or_else(failed)?;
        // The identifiers were bound to the facility that the sender was known under a moment ago.
        if admitted.facility != who.facility {
            return Err(Error::busy("the sender's registration has just changed"));
        }
        let context = Context { patient: admitted.patient, object, version };
        let mut draft = self.archive.storage.draft();
        let content = ContentSealer::new(&keys, &context, &mut draft)?;
        let digest = Digest::new();
        let mut sealing =
            Sealing { who, _turn: turn, kept, object, version, keys, admitted, context, draft, content, digest };
        // The preamble and file meta information are kept, and not compared: every program writes its own.
        let (before, dataset) =
            held.split_at_checked(usize::try_from(dataset_offset).unwrap_or(0)).unwrap_or((&[], held));
        sealing.content.update(before, &mut sealing.draft)?;
        sealing.take(dataset)?;
        Ok((sealing, identity.warnings))
    }

    /// What it is found by: as much as the one whose shape it takes.
    fn terms(&self, terms: Vec<Term>, outline: &Outline) -> Vec<Term> {
        let Some(shape) = &self.shape else { return terms };
        shape.fit_terms(terms, &outline.text(facts::STUDY_INSTANCE_UID).unwrap_or_default())
    }

    /// The last version of the instance that ever came, if there is one.
    async fn last(&self, facility: &FacilityCode, sop_instance_uid: String) -> Result<Option<Kept>> {
        let index = self.archive.storage.index();
        if index.is_settled(facility, &sop_instance_uid) {
            // One look-up of some 20 µs in pages that are in memory: handing it to another thread would cost more.
            return index.last_instance(facility, &sop_instance_uid);
        }
        let facility = facility.clone();
        self.archive.blocking(move |storage| storage.index().last_instance(&facility, &sop_instance_uid)).await
    }

    async fn keep(
        &self,
        sealing: Sealing,
        outline: Outline,
        facts: crate::object::InstanceFacts,
        mut warnings: Vec<String>,
    ) -> Result<Stored> {
        let Sealing { who, _turn, kept, object, version, keys, admitted, context, mut draft, content, digest } =
            sealing;
        let arrived = digest.finish();
        if kept.is_some()
            && let Some((version, newest)) = self.version_of(object, &facts.transfer_syntax_uid, arrived).await?
        {
            if version != newest {
                warnings.push(format!("these bytes are kept as version {version}; version {newest} is the newest"));
            }
            return Ok(Stored { outcome: StoreOutcome::Duplicate, facts, warnings });
        }
        let content = content.finish(&mut draft)?;
        let (mut metadata, mut summary) = (outline.json_text(), summary::of(&outline).to_string().into_bytes());
        if let Some(shape) = &self.shape {
            (metadata, summary) = (shape.fit_metadata(metadata), shape.fit_summary(summary));
        }
        let metadata = sealing::part(&keys.content, &context, PartName::Metadata, metadata, &mut draft)?;
        let summary = sealing::part(&keys.summary, &context, PartName::Summary, summary, &mut draft)?;
        drop(outline);
        let record = ObjectRecord {
            object,
            version,
            patient: admitted.patient,
            linked: admitted.linked,
            facility: admitted.facility,
            sender: who.actor,
            arrived: record::time::now(),
            tokens: admitted.tokens,
            summary_key: admitted.summary,
            content_key: admitted.content,
            commitment: seal::digest::commit(&keys.content, &arrived)?,
            summary,
            metadata,
            content,
            kind: Kind::Instance(facts.clone()),
            given: Vec::new(),
        };
        // From here on the keys exist only wrapped.
        drop(keys);
        if version == 1 && admitted.is_labelled {
            joins::label(&self.archive, &self.asker, &record, &facts.study_instance_uid).await?;
        }
        self.archive.storage.commit(draft, vec![record]).await?;
        let outcome = if version == 1 { StoreOutcome::New } else { StoreOutcome::NewVersion(version) };
        if version > 1 {
            warnings.push(format!("other bytes are kept under the same SOPInstanceUID; these are version {version}"));
        }
        Ok(Stored { outcome, facts, warnings })
    }

    /// Which of the newest versions has the bytes that arrived, if any: two senders that repeat different bytes under one UID
    /// must not make versions for ever. Also tells which is the newest. What is isolated is none: the same bytes from an honest
    /// sender are kept anew.
    async fn version_of(
        &self,
        object: ObjectId,
        transfer_syntax_uid: &str,
        arrived: [u8; 32],
    ) -> Result<Option<(Version, Version)>> {
        let storage = self.archive.storage.clone();
        let versions = tokio::task::spawn_blocking(move || storage.index().versions(object)).await;
        let versions = versions.map_err(|_| Error::Closed)??;
        for kept in versions.iter().rev().take(limits::VERSIONS_COMPARED_MAX) {
            let in_same_syntax =
                kept.instance().is_some_and(|before| before.transfer_syntax_uid == transfer_syntax_uid);
            if in_same_syntax && self.is_same(kept, arrived).await? {
                return Ok(versions.last().map(|newest| (kept.record.version, newest.record.version)));
            }
        }
        Ok(None)
    }

    /// Whether the kept version has the bytes that arrived. A kept version that the key service does not compare, because
    /// its patient was erased, is another one.
    async fn is_same(&self, kept: &Kept, arrived: [u8; 32]) -> Result<bool> {
        let item = ReleaseItem { context: kept.record.context(), wrapped: kept.record.content_key.clone() };
        match self.archive.keys.compare(&self.asker, item, kept.record.commitment, arrived).await {
            Ok(same) => Ok(same),
            Err(failure) if failure.outcome == record::Outcome::Refused => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl Sealing {
    /// Takes bytes of the data set.
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        self.content.update(bytes, &mut self.draft)
    }
}

/// Whether enough is known to ask whose the instance is.
fn is_ready(outline: &Outline) -> bool {
    if !outline.identified() {
        return false;
    }
    // The study's UID is whole once something stands behind it.
    let beyond = |last: Tag| {
        (last.group(), last.element()) > (facts::STUDY_INSTANCE_UID.group(), facts::STUDY_INSTANCE_UID.element())
    };
    identify::names_patient(outline) || outline.root().elements().last().is_some_and(|element| beyond(element.tag()))
}

fn next_version(version: Version) -> Result<Version> {
    version.checked_add(1).ok_or_else(|| Error::Invalid("the instance has too many versions".to_owned()))
}

fn failed() -> Error {
    Error::Invalid("the instance has failed already".to_owned())
}
