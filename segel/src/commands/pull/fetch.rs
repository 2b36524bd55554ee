//! Instances from the old PACS into the archive: by C-GET through our own association, or by C-MOVE to the archive that
//! runs.

use super::listing::{Listed, SERIES_INSTANCE_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID, identifier};
use super::pacs::{GET, MOVE, Pacs, Pair};
use crate::commands::import::send::{Sender, Verdict};
use crate::dimse::requestor::{Error, Incoming, Retrieval, Step};
use crate::outcome;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use tokio::sync::mpsc;
use wire::dataset::{Draft, VR};
use wire::part10;

/// Pieces of an instance that wait for the archive; the PACS waits with them.
const PIECES_WAITING_MAX: usize = 8;
/// Instances that one request names: UIDs of 64 characters of 200 instances are 13 kB.
const NAMED_MAX: usize = 200;

/// How instances come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// C-GET.
    Get,
    /// C-MOVE to this AE title.
    Move(String),
}

/// What came of a retrieve.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Instances that arrived here, whatever became of them.
    pub instances: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that the archive did not take, and why.
    pub refused: BTreeMap<String, String>,
    /// The archive was busy or full.
    pub busy: bool,
    /// What the PACS said at the end, if it was no success.
    pub said: Option<String>,
}

/// What to ask for: the whole study, or the instances that are missing of it.
pub fn identifiers(study: &str, missing: &[Listed], whole: bool) -> Vec<Draft> {
    if whole {
        return vec![identifier("STUDY", &[(STUDY_INSTANCE_UID, VR::UI, study)])];
    }
    let mut by_series: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for listed in missing {
        by_series.entry(&listed.series).or_default().push(&listed.instance);
    }
    let named = by_series.iter().flat_map(|(series, instances)| {
        instances.chunks(NAMED_MAX).map(|instances| {
            let keys = [
                (STUDY_INSTANCE_UID, VR::UI, study),
                (SERIES_INSTANCE_UID, VR::UI, *series),
                (SOP_INSTANCE_UID, VR::UI, &instances.join("\\")),
            ];
            identifier("IMAGE", &keys)
        })
    });
    named.collect()
}

/// Fetches what an identifier names.
pub async fn fetch(
    pacs: &mut Pacs,
    archive: &Sender,
    way: &Way,
    wanted: &Draft,
    pairs: &[Pair],
    fetched: &mut Fetched,
    arrived: &mut dyn FnMut(u64),
) -> Result<()> {
    let title = pacs.ae_title().to_owned();
    let retrieving = async {
        let mut retrieval = match way {
            Way::Get => pacs.association(pairs).await?.get(GET, wanted).await?,
            Way::Move(destination) => pacs.association(&[]).await?.send_to(MOVE, wanted, destination).await?,
        };
        loop {
            match retrieval.next().await? {
                Step::Instance(incoming) => {
                    let bytes = take(&mut retrieval, archive, &incoming, &title, fetched).await?;
                    arrived(bytes);
                }
                Step::Pending(counts) => {
                    tracing::debug!(remaining = counts.remaining, warning = counts.warning, "under way")
                }
                Step::Done(ending) => {
                    fetched.said = ending.check().err().map(|error| error.to_string());
                    // A peer that is out of resources is asked again; everything else shows in what is missing.
                    return match ending.check() {
                        Err(error) if error.is_transient() => Err(error),
                        _ => Ok(()),
                    };
                }
            }
        }
    };
    let ended: Result<(), Error> = retrieving.await;
    if ended.is_err() {
        pacs.forget();
    }
    ended.map_err(anyhow::Error::from).with_context(|| format!("the retrieve from {title} broke off"))
}

/// Takes one instance: its bytes go to the archive as they come, and the PACS hears what became of it.
async fn take(
    retrieval: &mut Retrieval<'_>,
    archive: &Sender,
    incoming: &Incoming,
    source: &str,
    fetched: &mut Fetched,
) -> Result<u64, Error> {
    let (pieces, content) = mpsc::channel::<io::Result<Bytes>>(PIECES_WAITING_MAX);
    let meta = part10::file_meta(&incoming.sop_class, &incoming.sop_instance, &incoming.transfer_syntax, Some(source));
    let mut bytes = 0;
    let reading = async {
        // Once the archive has refused an instance it takes no more of it; the rest is read away.
        let mut takes = pieces.send(Ok(Bytes::from(meta))).await.is_ok();
        loop {
            match retrieval.data_set(incoming).await {
                Ok(Some(piece)) => {
                    bytes += piece.len() as u64;
                    takes = takes && pieces.send(Ok(piece)).await.is_ok();
                }
                Ok(None) => break,
                Err(error) => {
                    // The request is broken off, so that the archive keeps nothing of a half.
                    let _ended = pieces.send(Err(io::Error::from(io::ErrorKind::UnexpectedEof))).await;
                    return Err(error);
                }
            }
        }
        drop(pieces);
        Ok(())
    };
    let (verdict, read) = tokio::join!(archive.send_channel(content), reading);
    read?;
    fetched.instances += 1;
    fetched.bytes += bytes;
    let status = match verdict {
        Ok(Verdict::Stored | Verdict::Duplicate) => outcome::SUCCESS,
        Ok(Verdict::NewVersion) => outcome::KEPT_BESIDE_OTHERS,
        Ok(Verdict::Refused(why)) => {
            fetched.refused.insert(incoming.sop_instance.clone(), why);
            outcome::words(record::Outcome::Invalid).c_store
        }
        Ok(Verdict::Busy) | Err(_) => {
            fetched.busy = true;
            outcome::words(record::Outcome::Busy).c_store
        }
    };
    retrieval.answer(incoming, status).await?;
    Ok(bytes)
}
