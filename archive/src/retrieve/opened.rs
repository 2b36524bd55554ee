//! An object whose key the key service has released, for as long as this value lives.

use super::part::{self, PartReader};
use super::{Located, frames, inflate};
use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::storage::Storage;
use record::{ObjectId, Pseudonym};
use seal::context::PartName;
use seal::message::{Asker, DataKey, Part, Proof, Released};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// An open object. Its key is overwritten when the last clone is dropped; nothing is read before it is asked for.
#[derive(Clone)]
pub struct Opened {
    inner: Arc<Open>,
}

struct Open {
    archive: Arc<Inner>,
    located: Located,
    part: Part,
    key: DataKey,
    content: OnceLock<Arc<PartReader>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({:?})", self.inner.located)
    }
}

pub(crate) async fn open(archive: &Arc<Inner>, asker: &Asker, part: Part, located: &[Located]) -> Result<Vec<Opened>> {
    let located = for_machine(archive, asker, located).await?;
    let item = |located: &Located| match part {
        Part::Summary => located.summary_item(),
        Part::Content => located.content_item(),
    };
    let items: Vec<_> = located.iter().map(item).collect();
    let released = archive.keys.release(asker, part, &items).await?;
    let opened = located.iter().zip(released).filter_map(|(located, released)| match released {
        Released::Key(key) => Some(Opened {
            inner: Arc::new(Open {
                archive: Arc::clone(archive),
                located: located.clone(),
                part,
                key,
                content: OnceLock::new(),
            }),
        }),
        Released::Refused => None,
    });
    Ok(opened.collect())
}

/// What a machine that shows its certificate alone may ask to open: what its own facility sent, and of what others sent that of
/// patients whom it has not claimed itself. What is left out is missing, as if it were refused.
async fn for_machine(archive: &Inner, asker: &Asker, located: &[Located]) -> Result<Vec<Located>> {
    if !matches!(asker.proof, Proof::Peer { .. }) {
        return Ok(located.to_vec());
    }
    let own = archive.keys.authenticate(asker).await?.facility;
    let mut others: Vec<Pseudonym> =
        located.iter().filter(|one| *one.facility() != own).map(Located::patient).collect();
    others.sort_unstable();
    others.dedup();
    if others.is_empty() {
        return Ok(located.to_vec());
    }
    let confirmed = archive.keys.confirmed(asker, &others).await?;
    let claimed: HashSet<Pseudonym> =
        others.into_iter().zip(confirmed).filter(|(_, confirmed)| !confirmed).map(|(patient, _)| patient).collect();
    let may_ask = |one: &&Located| *one.facility() == own || !claimed.contains(&one.patient());
    Ok(located.iter().filter(may_ask).cloned().collect())
}

/// The summaries of many objects, read in one step where waiting for the disk is allowed. A damaged one fails the search:
/// leaving it out would be a wrong answer.
pub(crate) async fn summaries(archive: &Inner, opened: Vec<Opened>) -> Result<HashMap<ObjectId, Value>> {
    let read = move |storage: &Storage| {
        let one = |opened: &Opened| {
            Ok((opened.inner.located.kept.record.object, opened.inner.document(storage, PartName::Summary)?))
        };
        opened.iter().map(one).collect()
    };
    archive.blocking(read).await
}

impl Opened {
    pub(super) fn new(archive: &Arc<Inner>, located: &Located, part: Part, key: DataKey) -> Self {
        let (archive, located) = (Arc::clone(archive), located.clone());
        Self { inner: Arc::new(Open { archive, located, part, key, content: OnceLock::new() }) }
    }

    /// What was located.
    #[must_use]
    pub fn located(&self) -> &Located {
        &self.inner.located
    }

    /// The summary, if it was opened as [`Part::Summary`].
    ///
    /// # Errors
    /// Invalid if the content was opened instead; Damaged if the bytes on the disk are not those that were sealed.
    pub async fn summary(&self) -> Result<Value> {
        self.document(PartName::Summary).await
    }

    /// The metadata, if it was opened as [`Part::Content`]: DICOM JSON with places for bulk values, or what the door stored.
    ///
    /// # Errors
    /// Invalid if only the summary was opened; Damaged if the bytes on the disk are not those that were sealed.
    pub async fn metadata(&self) -> Result<Value> {
        self.document(PartName::Metadata).await
    }

    /// The metadata of many objects as the text that is kept, read in one step where waiting for the disk is allowed.
    ///
    /// # Errors
    /// As [`Opened::metadata`], for the first of them that fails.
    pub async fn metadata_texts(opened: Vec<Self>) -> Result<Vec<Vec<u8>>> {
        let Some(first) = opened.first() else { return Ok(Vec::new()) };
        let archive = Arc::clone(&first.inner.archive);
        let read = move |storage: &Storage| {
            opened.iter().map(|opened| opened.inner.text(storage, PartName::Metadata)).collect()
        };
        archive.blocking(read).await
    }

    /// Length of the content in bytes, as it arrived.
    ///
    /// # Errors
    /// As [`Opened::metadata`].
    pub async fn content_len(&self) -> Result<u64> {
        Ok(self.content().await?.len())
    }

    /// Where the data set lies in the content: after preamble and file meta information, if it came as a file.
    ///
    /// # Errors
    /// As [`Opened::metadata`].
    pub async fn dataset_range(&self) -> Result<Range<u64>> {
        let start = self.inner.located.instance().map_or(0, |facts| facts.dataset_offset);
        let end = self.content_len().await?;
        if start > end {
            Err(Error::Damaged("the data set begins behind the end of the content".to_owned()))
        } else {
            Ok(start..end)
        }
    }

    /// Bytes of the content; what lies behind its end is left out. Only the chunks that hold them are read and opened.
    ///
    /// # Errors
    /// As [`Opened::metadata`].
    pub async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let content = self.content().await?;
        self.inner.archive.blocking(move |storage| content.read(storage, range)).await
    }

    /// Bytes of the data set by the offsets that the metadata speaks of: of the inflated stream if the data set is
    /// deflated, which is then inflated from its start.
    ///
    /// # Errors
    /// As [`Opened::metadata`].
    pub async fn read_dataset(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let dataset = self.dataset_range().await?;
        let content = self.content().await?;
        if self.is_deflated() {
            return self.inner.archive.blocking(move |storage| inflate::read(&content, storage, dataset, &range)).await;
        }
        let place = |offset: u64| dataset.start.saturating_add(offset);
        let range = place(range.start)..place(range.end);
        self.inner.archive.blocking(move |storage| content.read(storage, range)).await
    }

    /// Where each frame of the pixel data lies, as ranges for [`Opened::read_dataset`]; a frame of several fragments has
    /// several (PS3.5 A.4). `metadata` is this object's own.
    ///
    /// # Errors
    /// Invalid if there is no pixel data, or it does not say where its frames begin.
    pub async fn frames(&self, metadata: &Value) -> Result<Vec<Vec<Range<u64>>>> {
        let offsets = match frames::offset_table(metadata) {
            Some(frames::Table::At(range)) => frames::offsets_of(&self.read_dataset(range.clone()).await?, 4),
            Some(frames::Table::ExtendedAt(range)) => frames::offsets_of(&self.read_dataset(range.clone()).await?, 8),
            Some(frames::Table::Extended(offsets)) => offsets,
            None => Vec::new(),
        };
        frames::ranges(metadata, &offsets)
    }

    /// Whether offsets in the metadata count in the inflated stream.
    #[must_use]
    pub fn is_deflated(&self) -> bool {
        self.inner
            .located
            .instance()
            .is_some_and(|facts| wire::syntax::TransferSyntax::of(&facts.transfer_syntax_uid).is_deflated())
    }

    async fn document(&self, name: PartName) -> Result<Value> {
        let open = Arc::clone(&self.inner);
        self.inner.archive.blocking(move |storage| open.document(storage, name)).await
    }

    async fn content(&self) -> Result<Arc<PartReader>> {
        if let Some(content) = self.inner.content.get() {
            return Ok(Arc::clone(content));
        }
        let open = Arc::clone(&self.inner);
        let content = self.inner.archive.blocking(move |storage| open.reader(storage, PartName::Content)).await?;
        Ok(Arc::clone(self.inner.content.get_or_init(|| Arc::new(content))))
    }
}

impl Open {
    fn document(&self, storage: &Storage, name: PartName) -> Result<Value> {
        let text = self.text(storage, name)?;
        // Sequences may be nested deeper than the library reads by itself.
        wire::dataset::read_json(&text).map_err(|_| Error::Damaged("a sealed document is not JSON".to_owned()))
    }

    fn text(&self, storage: &Storage, name: PartName) -> Result<Vec<u8>> {
        self.must_be_open(name)?;
        part::read_all(storage, &self.located.kept, name, &self.key)
    }

    fn reader(&self, storage: &Storage, name: PartName) -> Result<PartReader> {
        self.must_be_open(name)?;
        PartReader::open(storage, self.located.kept.clone(), name, &self.key)
    }

    fn must_be_open(&self, name: PartName) -> Result<()> {
        if name.part() == self.part {
            Ok(())
        } else {
            Err(Error::Invalid("the other half of the object was opened".to_owned()))
        }
    }
}
