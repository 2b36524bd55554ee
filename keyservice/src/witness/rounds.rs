//! Rounds: the newest checkpoint goes to every witness at once, and counts as witnessed when enough have cosigned it.

use super::ask::Answered;
use super::history::{self, Relation};
use super::publish::{self, Cosigned};
use super::settings::{Settings, Witness};
use crate::error::{Error, Result};
use crate::outbound::Outbound;
use ledger::witness::AddCheckpoint;
use ledger::{SignedCheckpoint, Tiles, VerifierKey};
use record::Outcome;
use record::limits::{WITNESS_PAUSE_MS_MAX, WITNESS_REFRESH_SECONDS, WITNESS_ROUND_MS};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Between the starts of two rounds.
const ROUND: Duration = Duration::from_millis(WITNESS_ROUND_MS);
/// The longest rest of a witness that fails.
const REST_MAX: Duration = Duration::from_millis(WITNESS_PAUSE_MS_MAX);
/// When a ledger that does not grow is shown again: readers see by the time of the cosignatures that it is not withheld.
const REFRESH: Duration = Duration::from_secs(WITNESS_REFRESH_SECONDS);
/// Attempts of one witness in one round: it may stand elsewhere once, and be asked again from there.
const ATTEMPTS: usize = 3;

/// How the ledger stands with its witnesses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many must agree; 0 if no witness is asked for.
    pub needed: usize,
    /// The newest checkpoint that enough have cosigned.
    pub cosigned: Option<Arc<Cosigned>>,
    /// Whether a quorum has been missing for longer than is borne.
    pub is_late: bool,
    /// Each witness's name, the size that it cosigned last, and what is wrong with it.
    pub each: Vec<(String, Option<u64>, Option<String>)>,
}

/// Follows the ledger's checkpoints.
#[derive(Debug)]
pub struct Follower {
    settings: Settings,
    outbound: Outbound,
    own: VerifierKey,
    folder: PathBuf,
    seats: Vec<Seat>,
    checkpoints: watch::Receiver<Arc<str>>,
    standing: watch::Sender<Standing>,
    /// The checkpoint that is being shown.
    shown: String,
    /// Since when a checkpoint waits for its quorum.
    unmet_since: Option<Instant>,
}

/// A witness and what is known of it.
#[derive(Clone, Debug)]
struct Seat {
    witness: Witness,
    /// Where it stands; unknown until it was asked.
    stands: Option<u64>,
    cosigned: Option<u64>,
    /// Its cosignature of the checkpoint that is being shown.
    line: Option<String>,
    trouble: Option<String>,
    rest: Duration,
    not_before: Instant,
}

/// What came of asking one witness.
type Visit = std::result::Result<String, Error>;

impl Follower {
    /// A follower of the ledger in a folder.
    #[must_use]
    pub fn new(
        (settings, witnesses): (Settings, Vec<Witness>),
        outbound: Outbound,
        own: VerifierKey,
        folder: &Path,
        checkpoints: watch::Receiver<Arc<str>>,
        standing: watch::Sender<Standing>,
    ) -> Self {
        let now = Instant::now();
        let seat = |witness| Seat {
            witness,
            stands: None,
            cosigned: None,
            line: None,
            trouble: None,
            rest: ROUND,
            not_before: now,
        };
        let seats: Vec<Seat> = witnesses.into_iter().map(seat).collect();
        let folder = folder.to_owned();
        Self { settings, outbound, own, folder, seats, checkpoints, standing, shown: String::new(), unmet_since: None }
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// Damaged if a witness proves that the state was set back or copied.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<()> {
        if self.seats.is_empty() {
            let _stopped_or_gone = stop.wait_for(|stop| *stop).await;
            return Ok(());
        }
        loop {
            let begun = Instant::now();
            let note = Arc::clone(&self.checkpoints.borrow_and_update());
            let is_met = tokio::select! {
                met = self.round(&note) => met?,
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            let next = self.judge_time(is_met, begun);
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                () = sleep_until(begun + ROUND) => {}
            }
            // A sender that is gone means that the service ends.
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                changed = self.checkpoints.changed() => if changed.is_err() { return Ok(()) },
                () = sleep_until(next) => {}
            }
            if is_met && begun.elapsed() >= REFRESH {
                self.shown.clear();
            }
        }
    }

    /// Shows one checkpoint to every witness that is not resting. Whether enough have cosigned it.
    async fn round(&mut self, note: &str) -> Result<bool> {
        let Ok(signed) = SignedCheckpoint::open(note, &self.own) else { return Ok(false) };
        if self.shown != note {
            note.clone_into(&mut self.shown);
            self.seats.iter_mut().for_each(|seat| seat.line = None);
        }
        let now = Instant::now();
        let mut visits: JoinSet<(usize, Seat, Visit)> = JoinSet::new();
        for (place, seat) in self.seats.iter().enumerate() {
            if seat.line.is_none() && seat.not_before <= now {
                let visitor = self.visitor(&signed);
                let mut seat = seat.clone();
                visits.spawn(async move {
                    let visit = visitor.visit(&mut seat).await;
                    (place, seat, visit)
                });
            }
        }
        while let Some(visited) = visits.join_next().await {
            let (place, seat, visit) = visited.map_err(|_| Error::damaged("asking a witness failed"))?;
            let Some(kept) = self.seats.get_mut(place) else { continue };
            *kept = seat;
            match visit {
                Ok(line) => kept.succeeded(signed.checkpoint.size, line),
                Err(error) if error.outcome() == Outcome::Damaged => return Err(kept.contradicted(&error)),
                Err(error) => kept.failed(&error),
            }
            // Published as soon as enough have cosigned; whoever is slower is added.
            if kept.line.is_some() && self.count() >= self.settings.needed {
                self.publish().await?;
            }
        }
        Ok(self.count() >= self.settings.needed)
    }

    fn visitor(&self, signed: &SignedCheckpoint) -> Visitor {
        Visitor {
            outbound: self.outbound.clone(),
            own: self.own.clone(),
            folder: self.folder.clone(),
            signed: signed.clone(),
            newest: self.checkpoints.clone(),
        }
    }

    /// How many have cosigned what is being shown.
    fn count(&self) -> usize {
        self.seats.iter().filter(|seat| seat.line.is_some()).count()
    }

    async fn publish(&self) -> Result<()> {
        let lines = self.seats.iter().filter_map(|seat| seat.line.as_deref());
        let note = std::iter::once(self.shown.as_str()).chain(lines).collect::<String>();
        let witnesses: Vec<Witness> = self.seats.iter().map(|seat| seat.witness.clone()).collect();
        let cosigned = Cosigned::open(&note, &self.own, &witnesses, self.settings.needed)?;
        let folder = self.folder.clone();
        let written = tokio::task::spawn_blocking(move || publish::write(&folder, &note)).await;
        if let Err(error) = written.map_err(|_| Error::damaged("publishing failed"))? {
            // The file is for readers and can be had again; the witnesses have cosigned all the same.
            tracing::warn!("the cosigned checkpoint could not be published: {error}");
        }
        self.standing.send_modify(|standing| standing.cosigned = Some(Arc::new(cosigned)));
        Ok(())
    }

    /// Notes how the witnesses stand, and whether a quorum has been missing for too long. When the next round is due.
    fn judge_time(&mut self, is_met: bool, begun: Instant) -> Instant {
        let since = (!is_met).then(|| self.unmet_since.unwrap_or(begun));
        self.unmet_since = since;
        let late_at = since.map(|since| since + self.settings.late());
        let is_late = late_at.is_some_and(|late_at| Instant::now() >= late_at);
        let each: Vec<_> = self
            .seats
            .iter()
            .map(|seat| (seat.witness.key.name().to_owned(), seat.cosigned, seat.trouble.clone()))
            .collect();
        self.standing.send_modify(|standing| {
            match (standing.is_late, is_late) {
                (false, true) => tracing::error!("too few witnesses have cosigned the ledger for too long"),
                (true, false) => tracing::info!("enough witnesses cosign the ledger again"),
                _ => {}
            }
            (standing.needed, standing.is_late, standing.each) = (self.settings.needed, is_late, each);
        });
        let waiting = self.seats.iter().filter(|seat| seat.line.is_none()).map(|seat| seat.not_before);
        let late_at = late_at.filter(|_| !is_late);
        let refresh = (is_met).then(|| begun + REFRESH);
        waiting.chain(late_at).chain(refresh).min().unwrap_or(begun + REFRESH)
    }
}

impl Seat {
    fn succeeded(&mut self, size: u64, line: String) {
        (self.stands, self.cosigned, self.line) = (Some(size), Some(size), Some(line));
        if self.trouble.take().is_some() {
            tracing::info!("witness {} cosigns again", self.witness.key.name());
        }
        self.rest = ROUND;
    }

    /// Rests twice as long after each failure; told once.
    fn failed(&mut self, error: &Error) {
        let trouble = error.to_string();
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::warn!("witness {} does not cosign: {trouble}", self.witness.key.name());
        }
        self.trouble = Some(trouble);
        self.not_before = Instant::now() + self.rest;
        self.rest = (self.rest * 2).min(REST_MAX);
    }

    fn contradicted(&self, error: &Error) -> Error {
        let error = Error::damaged(format!("witness {}: {error}", self.witness.key.name()));
        tracing::error!("{error}");
        error
    }
}

/// Takes one checkpoint to one witness.
struct Visitor {
    outbound: Outbound,
    own: VerifierKey,
    folder: PathBuf,
    signed: SignedCheckpoint,
    newest: watch::Receiver<Arc<str>>,
}

impl Visitor {
    async fn visit(&self, seat: &mut Seat) -> Visit {
        let size = self.signed.checkpoint.size;
        for _ in 0..ATTEMPTS {
            let old = match seat.stands {
                Some(stands) => stands,
                // It may know more than this state does: that is looked at before anything is sent.
                None => self.ask(seat).await?.unwrap_or(0),
            };
            if old > size {
                return Err(self.ahead(seat, old).await);
            }
            let request = self.request(old).await?;
            match seat.witness.submit(&self.outbound, &request).await? {
                Answered::Cosigned(line) => return Ok(line),
                Answered::Stands(stands) if stands > size => return Err(self.ahead(seat, stands).await),
                Answered::Stands(stands) => seat.stands = Some(stands),
                Answered::Refused(status) => {
                    // 422: it has another history, or our tiles are damaged. What it shows tells which.
                    seat.stands = None;
                    self.ask(seat).await?;
                    return Err(Error::invalid(format!("it refused the checkpoint with status {status}")));
                }
            }
        }
        seat.stands = None;
        Err(Error::new(Outcome::Busy, "it stands elsewhere each time it is asked"))
    }

    /// Asks what it shows to monitors, and holds it against the newest checkpoint that this service has signed.
    async fn ask(&self, seat: &mut Seat) -> Result<Option<u64>> {
        let Some(note) = seat.witness.shows(&self.outbound, self.own.name()).await? else { return Ok(None) };
        let (own, folder, newest) = (self.own.clone(), self.folder.clone(), Arc::clone(&self.newest.borrow()));
        let newest = SignedCheckpoint::open(&newest, &own)?.checkpoint.size;
        let relating = tokio::task::spawn_blocking(move || {
            let tiles = Tiles::of(&folder, newest);
            history::relate(&note, &own, newest, |size| tiles.root(size))
        });
        match relating.await.map_err(|_| Error::damaged("reading the ledger's files failed"))?? {
            Relation::Known(size) => {
                seat.stands = Some(size);
                Ok(Some(size))
            }
            Relation::Unproven => Err(Error::invalid("it shows what this ledger's key did not sign")),
        }
    }

    /// It claims to have seen more than there is. That is proved by what it shows, or it is a claim.
    async fn ahead(&self, seat: &mut Seat, claimed: u64) -> Error {
        seat.stands = None;
        match self.ask(seat).await {
            Err(error) => error,
            Ok(_) => Error::invalid(format!("it claims to have seen {claimed} entries and does not show them")),
        }
    }

    async fn request(&self, old: u64) -> Result<AddCheckpoint> {
        let (folder, size, note) = (self.folder.clone(), self.signed.checkpoint.size, self.signed.note.clone());
        let proving = tokio::task::spawn_blocking(move || Tiles::of(&folder, size).consistency_proof(old));
        let proof = proving.await.map_err(|_| Error::damaged("reading the ledger's files failed"))?;
        // Tiles that cannot be read are no contradiction: what the witness shows is held against them next.
        let proof = proof.map_err(|error| Error::invalid(format!("the ledger's files: {error}")))?;
        Ok(AddCheckpoint { old, proof, note })
    }
}
