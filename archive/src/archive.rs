//! The archive as the doors see it.

use crate::error::{Error, Result};
use crate::find::{self, Page, Query, ResourceQuery, ResourceRow, Row};
use crate::ingest::{self, Declared, InstanceReceiver, ResourceDraft, StoredResource};
use crate::keys::KeyClient;
use crate::retrieve::{self, Commitment, Located, Opened, Reference, Target};
use crate::settings::Settings;
use crate::storage::{Progress, Storage};
use record::{Pseudonym, Version};
use seal::message::custody::Basis;
use seal::message::{Asker, Failure, Part, Who};
use std::sync::Arc;

/// The sealed archive. Clones share it.
///
/// Every method that touches a patient takes the [`Asker`] and lets the key service decide; the archive itself only knows
/// which facility has treated whom, so that it need not ask for what would be refused.
#[derive(Clone)]
pub struct Archive {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) storage: Storage,
    pub(crate) keys: KeyClient,
    pub(crate) sending: ingest::Sending,
}

impl Archive {
    /// Opens the archive's folder and brings the index up to what the segments hold; `progress` is told how far that is.
    /// Blocks for as long as it takes.
    ///
    /// # Errors
    /// Busy if another process has the folder, Damaged if what is there is not what was written.
    pub fn start(settings: &Settings, keys: KeyClient, progress: &mut dyn FnMut(Progress)) -> Result<Self> {
        let storage = Storage::open(settings, progress)?;
        Ok(Self { inner: Arc::new(Inner { storage, keys, sending: ingest::Sending::default() }) })
    }

    /// The client of the key service.
    #[must_use]
    pub fn keys(&self) -> &KeyClient {
        &self.inner.keys
    }

    pub(crate) fn shared(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// The storage beneath: scrub, counts, rebuilding.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    /// Who is this asker?
    ///
    /// # Errors
    /// Refused if the proof does not hold; Busy while the key service is away.
    pub async fn authenticate(&self, asker: &Asker) -> Result<Who> {
        Ok(self.inner.keys.authenticate(asker).await?)
    }

    /// Takes one instance in, as its bytes come. Dropping the receiver keeps nothing.
    #[must_use]
    pub fn receive(&self, asker: &Asker, declared: Declared) -> InstanceReceiver {
        InstanceReceiver::new(Arc::clone(&self.inner), asker.clone(), declared)
    }

    /// Takes resources in, all or none.
    ///
    /// # Errors
    /// Invalid for a version that does not follow the kept one, Refused if the sender may not, Busy while something is away.
    pub async fn store_resources(&self, asker: &Asker, drafts: Vec<ResourceDraft>) -> Result<Vec<StoredResource>> {
        ingest::store_resources(&self.inner, asker, drafts).await
    }

    /// Searches images. Only patients whom the asker's facility has treated are looked at.
    ///
    /// # Errors
    /// As [`Archive::find_page`].
    pub async fn find(&self, asker: &Asker, query: &Query) -> Result<Vec<Row>> {
        Ok(self.find_page(asker, query).await?.rows)
    }

    /// Searches images, and tells where to go on. A question with a limit is answered page by page, however broad it is: a page
    /// ends when it is full, or after `limits::SEARCH_OPENED_MAX` summaries.
    ///
    /// # Errors
    /// TooBroad if a question without a limit, or the way to its offset, would open more summaries than that; its text says
    /// how to narrow it.
    pub async fn find_page(&self, asker: &Asker, query: &Query) -> Result<Page> {
        find::page(&self.inner, asker, query).await
    }

    /// Searches results and documents.
    ///
    /// # Errors
    /// As [`Archive::find`].
    pub async fn find_resources(&self, asker: &Asker, query: &ResourceQuery) -> Result<Vec<ResourceRow>> {
        find::resources(&self.inner, asker, query).await
    }

    /// The newest versions of the instances that a target names, as far as the asker's facility has treated their
    /// patients. Nothing is opened.
    ///
    /// # Errors
    /// Invalid for a target without any UID or of more than `limits::LOCATED_MAX` instances.
    pub async fn locate(&self, asker: &Asker, target: &Target) -> Result<Vec<Located>> {
        retrieve::locate(&self.inner, asker, target).await
    }

    /// Whether instances that the asker's facility has sent are kept durably, in order. Opens nothing and logs nothing.
    ///
    /// # Errors
    /// Invalid for more than `limits::COMMITMENT_REFERENCES_MAX`; Refused if the asker is nobody.
    pub async fn committed(&self, asker: &Asker, references: Vec<Reference>) -> Result<Vec<Commitment>> {
        retrieve::committed(&self.inner, asker, references).await
    }

    /// A resource: the newest version, or the one named.
    ///
    /// # Errors
    /// Refused if it is not there or its patient is not the facility's.
    pub async fn locate_resource(
        &self,
        asker: &Asker,
        resource_type: &str,
        id: &str,
        version: Option<Version>,
    ) -> Result<Located> {
        retrieve::locate_resource(&self.inner, asker, resource_type, id, version).await
    }

    /// Has the key service open objects, in one logged decision each patient. Those that are refused are missing.
    ///
    /// # Errors
    /// Refused if the asker is nobody; Busy while the key service is away.
    pub async fn open(&self, asker: &Asker, part: Part, located: &[Located]) -> Result<Vec<Opened>> {
        retrieve::open(&self.inner, asker, part, located).await
    }

    /// A resource, opened.
    ///
    /// # Errors
    /// As [`Archive::locate_resource`] and [`Archive::open`].
    pub async fn read_resource(
        &self,
        asker: &Asker,
        resource_type: &str,
        id: &str,
        version: Option<Version>,
    ) -> Result<Opened> {
        let located = self.locate_resource(asker, resource_type, id, version).await?;
        self.open(asker, Part::Content, &[located]).await?.pop().ok_or_else(not_found)
    }

    /// The newest versions of the instances that an export selects. Nothing is opened: the key service decides about each.
    ///
    /// # Errors
    /// Invalid for more than the export may take.
    pub async fn select_export(&self, selected: retrieve::Selected) -> Result<Vec<Located>> {
        retrieve::select(&self.inner, selected).await
    }

    /// Opens objects under an export; in order, `None` for each that is refused.
    ///
    /// # Errors
    /// Refused if the export may not run, or no longer; Busy while the key service is away.
    pub async fn open_export(
        &self,
        asker: &Asker,
        export: seal::approval::ProposalId,
        located: &[Located],
    ) -> Result<Vec<Option<Opened>>> {
        retrieve::open_exported(&self.inner, asker, export, located).await
    }

    /// Destroys a patient's secret: nothing of the patient opens again, in any copy. The ledger entry that certifies it.
    ///
    /// # Errors
    /// Refused if the asker may not; Busy while the key service is away.
    pub async fn erase(&self, asker: &Asker, patient: Pseudonym, reason: &str, basis: Option<Basis>) -> Result<u64> {
        Ok(self.inner.keys.erase(asker, patient, reason, basis).await?)
    }
}

impl Inner {
    /// Runs what waits for the disk where waiting is allowed.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Storage) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let storage = self.storage.clone();
        // The runtime refuses only while it shuts down; a panic inside is a bug that ends the same way for the caller.
        tokio::task::spawn_blocking(move || work(&storage)).await.map_err(|_| Error::Closed)?
    }
}

/// One answer for what is not there and what is not allowed.
pub(crate) fn not_found() -> Error {
    Error::Refused("there is no such object, or it is not yours to open".to_owned())
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        use record::Outcome;
        match failure.outcome {
            Outcome::Invalid => Self::Invalid(failure.text),
            Outcome::Refused => Self::Refused(failure.text),
            Outcome::Busy => Self::busy(failure.text),
            Outcome::Damaged => Self::Damaged(failure.text),
            Outcome::Closed => Self::busy(failure.text),
            Outcome::Exhausted => {
                Self::Exhausted { text: failure.text, retry_after_seconds: failure.retry_after_seconds }
            }
        }
    }
}

impl From<seal::Error> for Error {
    fn from(error: seal::Error) -> Self {
        use record::Outcome;
        match error.outcome() {
            Outcome::Invalid => Self::Invalid(error.to_string()),
            Outcome::Busy => Self::busy(error.to_string()),
            // A key that the key service released does not fit what lies on the disk: the sealed bytes were changed.
            Outcome::Refused | Outcome::Damaged | Outcome::Closed | Outcome::Exhausted => {
                Self::Damaged(error.to_string())
            }
        }
    }
}

impl From<wire::error::Error> for Error {
    fn from(error: wire::error::Error) -> Self {
        match error.outcome() {
            record::Outcome::Refused => Self::Refused(error.to_string()),
            _ => Self::Invalid(error.to_string()),
        }
    }
}
