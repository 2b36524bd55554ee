//! The world's records on their way: several senders at once, each through the door that its facility uses.

use super::modality::{Modality, kind_of};
use super::world::{Delivery, Door, World};
use crate::client::HttpClient;
use crate::dimse::requestor::Kind;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Patients under way at once; a group of durable writes is shared by what arrives together.
const SENDERS: usize = 8;

/// Where each facility's records go, and with what.
pub struct Doors {
    /// The plain-text DICOM door.
    pub dimse: SocketAddr,
    /// A client for each facility, with the token of its system.
    pub http: HashMap<String, HttpClient>,
}

/// What was sent.
#[derive(Default)]
pub struct Sent {
    /// Records by kind.
    pub by_kind: BTreeMap<String, usize>,
    /// Records by door.
    pub by_door: BTreeMap<&'static str, usize>,
    /// Bytes in all.
    pub bytes: u64,
}

/// Sends every record of the world. The first that is not taken ends it.
pub async fn everything(world: Arc<World>, doors: Arc<Doors>) -> Result<Sent> {
    let next = Arc::new(AtomicUsize::new(0));
    let bar = progress(world.patients.len() as u64);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..SENDERS {
        let (world, doors, next, bar) = (Arc::clone(&world), Arc::clone(&doors), Arc::clone(&next), bar.clone());
        senders.spawn(async move {
            let mut sent = Sent::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= world.patients.len() {
                    return Ok::<Sent, anyhow::Error>(sent);
                }
                let drawing = Arc::clone(&world);
                let deliveries =
                    tokio::task::spawn_blocking(move || drawing.deliveries_of(number).collect::<Vec<_>>()).await?;
                patient(deliveries, &doors, &mut sent).await?;
                bar.inc(1);
            }
        });
    }
    let mut all = Sent::default();
    while let Some(sent) = senders.join_next().await {
        let sent = sent??;
        all.bytes += sent.bytes;
        for (kind, count) in sent.by_kind {
            *all.by_kind.entry(kind).or_default() += count;
        }
        for (door, count) in sent.by_door {
            *all.by_door.entry(door).or_default() += count;
        }
    }
    bar.finish_and_clear();
    Ok(all)
}

/// The records of one patient, in order; those that come by DIMSE in one association each facility.
async fn patient(deliveries: Vec<Delivery>, doors: &Doors, sent: &mut Sent) -> Result<()> {
    let mut by_title: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
    for delivery in deliveries {
        sent.bytes += delivery.bytes.len() as u64;
        *sent.by_kind.entry(format!("{:?}", delivery.kind)).or_default() += 1;
        match delivery.door {
            Door::Dimse => {
                *sent.by_door.entry("C-STORE").or_default() += 1;
                by_title.entry(delivery.ae_title.clone()).or_default().push(delivery);
            }
            Door::DicomWeb => {
                *sent.by_door.entry("DICOMweb").or_default() += 1;
                post(&delivery, doors, "/dicom-web/studies", "application/dicom", "application/dicom+json").await?;
            }
            Door::Fhir => {
                *sent.by_door.entry("FHIR").or_default() += 1;
                post(&delivery, doors, "/fhir", "application/fhir+json", "application/fhir+json").await?;
            }
        }
    }
    for (title, deliveries) in by_title {
        store(doors.dimse, &title, deliveries).await?;
    }
    Ok(())
}

async fn post(delivery: &Delivery, doors: &Doors, path: &str, content_type: &str, accept: &str) -> Result<()> {
    let client = doors.http.get(delivery.facility.as_str()).context("a facility without a system")?;
    let answer = client.post(path, content_type, accept, Bytes::copy_from_slice(&delivery.bytes)).await?;
    if !answer.status.is_success() {
        bail!("{path} answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}

async fn store(address: SocketAddr, title: &str, deliveries: Vec<Delivery>) -> Result<()> {
    let mut pairs = deliveries.iter().map(|delivery| kind_of(&delivery.bytes)).collect::<Result<Vec<_>>>()?;
    pairs.sort();
    pairs.dedup();
    let mut modality = Modality::associate(address, title, &pairs).await?;
    for delivery in deliveries {
        let status = modality.store(delivery.bytes.into()).await?;
        if status.kind() != Kind::Success {
            bail!("a C-STORE of {:?} was answered {status}", delivery.kind);
        }
    }
    modality.release().await
}

fn progress(patients: u64) -> ProgressBar {
    let bar = ProgressBar::new(patients);
    match ProgressStyle::with_template("     {bar:30} {pos}/{len} patients") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
