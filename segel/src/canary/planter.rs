//! The archive's own hand: asks now and then whether a canary is due, draws its records in another patient's shape, and takes
//! them in as if their sender had sent them.

use super::{picture, uid::Uids};
use crate::demo::world::random::Random;
use anyhow::{Context as _, Result, bail};
use archive::Archive;
use record::Purpose;
use seal::message::canary::Planting;
use seal::message::{Asker, Proof};
use std::time::{Duration, Instant};

/// How often it asks while nothing is due. Real patients arrive at some an hour, so that a canary comes among them.
const PAUSE: Duration = Duration::from_secs(1);
/// A patient who came again after months is planted within minutes.
const GAP_MAX: Duration = Duration::from_secs(5);
/// How late a timer is on average.
const TIMER: Duration = Duration::from_micros(1_200);
/// Likenesses that are looked at until one can be drawn.
const LIKENESSES_TRIED: u32 = 16;

/// Plants what is due until the archive ends.
pub async fn tend(archive: Archive, stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let pause = match archive.keys().planting().await {
            Ok(Some(planting)) => {
                // What went wrong names nobody; the key service gives the same one out again.
                if let Err(error) = plant(&archive, &planting).await {
                    tracing::warn!("something that was due was not stored: {error:#}");
                }
                Duration::ZERO
            }
            Ok(None) | Err(_) => PAUSE,
        };
        tokio::select! {
            () = &mut stopped => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn plant(archive: &Archive, planting: &Planting) -> Result<()> {
    let mut random = Random::new(seed()?);
    for _ in 0..LIKENESSES_TRIED {
        let shapes = archive.likeness(&planting.facility, random.bits()).await?;
        if shapes.is_empty() || !shapes.iter().all(picture::is_drawn) {
            continue;
        }
        let today = jiff::Timestamp::from_microsecond(record::time::now())?.to_zoned(jiff::tz::TimeZone::UTC).date();
        let mut uids = Uids::new(random.child(1));
        let mut pace = Pace::default();
        for shape in shapes {
            let (instance, bytes) = picture::draw(&planting.identity, &shape, &mut uids, &mut random, today);
            if archive.has_instance(&planting.facility, &instance).await? {
                bail!("a drawn UID is somebody's");
            }
            let proof = Proof::Planting { number: planting.number, sender: shape.sender.clone() };
            let channel = if shape.facts.dataset_offset == 0 { "dimse" } else { "dicomweb" };
            let asker = Asker { proof, purpose: Purpose::SystemAdministration, channel: channel.to_owned() };
            pace.wait(shape.arrived).await;
            archive.plant(&asker, shape, &bytes).await.context("it was not taken in")?;
            pace.arrived();
        }
        return Ok(());
    }
    bail!("no patient of the facility has records that can be likened")
}

/// Instances come one after the other as the others did.
#[derive(Default)]
struct Pace {
    /// When the other's last one arrived.
    other: Option<record::Micros>,
    /// When ours began and when it had arrived.
    own: Option<(Instant, Instant)>,
}

impl Pace {
    /// Waits so long that the next one arrives as long after the last as the other's did, if it takes as long to take in.
    async fn wait(&mut self, other: record::Micros) {
        let gap = self.other.map_or(0, |before| other.saturating_sub(before));
        self.other = Some(other);
        let gap = Duration::from_micros(u64::try_from(gap).unwrap_or_default()).min(GAP_MAX);
        if let Some((began, arrived)) = self.own {
            let taken = arrived.saturating_duration_since(began) + TIMER;
            tokio::time::sleep_until((arrived + gap).checked_sub(taken).unwrap_or(arrived).into()).await;
        }
        let now = Instant::now();
        self.own = Some((now, now));
    }

    fn arrived(&mut self) {
        self.own = self.own.map(|(began, _)| (began, Instant::now()));
    }
}

fn seed() -> Result<u64> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).ok().context("no randomness to be had")?;
    Ok(u64::from_be_bytes(bytes))
}
