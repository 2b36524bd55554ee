//! Reports that peers have not taken yet: one durable file each, in `DATA/archive/commitments`.
//!
//! A file is named by chance and holds UIDs, an AE title and numbers: what lies in clear in the index as well.

use crate::durable;
use anyhow::{Context as _, Result, bail};
use aws_lc_rs::rand;
use record::Micros;
use record::limits::{COMMITMENT_REPORT_SECONDS_MAX, COMMITMENT_REPORTS_MAX};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The first pause after a report that was not taken; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(2);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(600);
const SUFFIX: &str = "report";

/// A report, and for whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// The peer that asked.
    pub ae_title: String,
    /// The certificate that it showed, in hexadecimal.
    pub certificate: Option<String>,
    /// When it asked.
    pub asked: Micros,
    /// EventTypeID.
    pub event: u16,
    /// The event's information, as DICOM JSON.
    pub report: Value,
}

impl Pending {
    /// A report made now.
    pub fn new(ae_title: &str, certificate: Option<[u8; 32]>, event: u16, report: Value) -> Self {
        let certificate = certificate.map(hex::encode);
        Self { ae_title: ae_title.to_owned(), certificate, asked: record::time::now(), event, report }
    }

    /// Whether the peer has let too much time pass.
    pub fn is_over(&self, now: Micros) -> bool {
        let age = now.saturating_sub(self.asked);
        u64::try_from(age).is_ok_and(|age| age / 1_000_000 >= COMMITMENT_REPORT_SECONDS_MAX)
    }
}

/// Where a report stands.
#[derive(Clone, Debug)]
struct Waiting {
    ae_title: String,
    /// Somebody is delivering it.
    held: bool,
    due: Instant,
    attempts: u32,
}

/// All reports of a data folder.
#[derive(Debug)]
pub struct Reports {
    folder: PathBuf,
    waiting: Mutex<BTreeMap<String, Waiting>>,
    changed: Notify,
}

impl Reports {
    /// Opens the folder and takes up what an earlier run has left.
    pub fn open(data: &Path) -> Result<Arc<Self>> {
        let folder = folder(data);
        durable::make_folder(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let reports = Self { folder, waiting: Mutex::default(), changed: Notify::new() };
        for entry in std::fs::read_dir(&reports.folder)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
            let is_report = path.extension().is_some_and(|suffix| suffix == SUFFIX);
            if let Some(id) = id.filter(|_| is_report) {
                match reports.read(&id) {
                    Ok(pending) => reports.lock().insert(id, waiting(&pending.ae_title, false)),
                    Err(error) => {
                        tracing::warn!("a report of storage commitment is unreadable and is left out: {error:#}");
                        None
                    }
                };
            }
        }
        Ok(Arc::new(reports))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a report durably. It is not delivered by others for as long as the answer lives.
    ///
    /// # Errors
    /// If the peer has not taken too many already, or the disk takes none.
    pub async fn add(self: &Arc<Self>, pending: Pending) -> Result<Held> {
        let mut random = [0; 16];
        rand::fill(&mut random).ok().context("the system gives no random numbers")?;
        let id = hex::encode(random);
        {
            let mut all = self.lock();
            let of_peer = all.values().filter(|waiting| waiting.ae_title == pending.ae_title).count();
            if of_peer >= COMMITMENT_REPORTS_MAX {
                bail!("{} has not taken {COMMITMENT_REPORTS_MAX} reports yet", pending.ae_title);
            }
            all.insert(id.clone(), waiting(&pending.ae_title, true));
        }
        let held = Held { reports: Arc::clone(self), id, is_over: false };
        let path = self.path(&held.id);
        let write = move || -> Result<()> { Ok(durable::write(&path, &serde_json::to_vec(&pending)?, 0o600)?) };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Ok(held),
            failed => {
                self.forget(&held.id);
                failed.context("the disk takes no report")?.context("the disk takes no report")?;
                bail!("the disk takes no report")
            }
        }
    }

    /// Takes the next report that is due, or waits until one may be.
    pub async fn next(self: &Arc<Self>) -> Held {
        loop {
            let changed = self.changed.notified();
            let due = {
                let mut all = self.lock();
                let next = all.iter_mut().filter(|(_, waiting)| !waiting.held).min_by_key(|(_, waiting)| waiting.due);
                match next {
                    Some((id, waiting)) if waiting.due <= Instant::now() => {
                        waiting.held = true;
                        return Held { reports: Arc::clone(self), id: id.clone(), is_over: false };
                    }
                    next => next.map(|(_, waiting)| waiting.due),
                }
            };
            match due {
                Some(due) => {
                    let _changed = tokio::time::timeout_at(due, changed).await;
                }
                None => changed.await,
            }
        }
    }

    fn read(&self, id: &str) -> Result<Pending> {
        let path = self.path(id);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not what was written", path.display()))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.{SUFFIX}"))
    }

    /// Nothing is done under this lock but looking at the table, so a poisoned one still holds a whole one.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: &str) {
        self.lock().remove(id);
    }
}

fn waiting(ae_title: &str, held: bool) -> Waiting {
    Waiting { ae_title: ae_title.to_owned(), held, due: Instant::now(), attempts: 0 }
}

/// The folder of commitments in a data folder.
pub fn folder(data: &Path) -> PathBuf {
    data.join("archive/commitments")
}

/// A report that is being delivered. Dropping it undelivered makes it due again.
pub struct Held {
    reports: Arc<Reports>,
    id: String,
    is_over: bool,
}

impl Held {
    /// The report.
    pub async fn read(&self) -> Result<Pending> {
        let (reports, id) = (Arc::clone(&self.reports), self.id.clone());
        tokio::task::spawn_blocking(move || reports.read(&id)).await?
    }

    /// The peer has taken it, or never will.
    pub async fn delivered(mut self) {
        self.is_over = true;
        let path = self.reports.path(&self.id);
        // A crash before this line delivers the report once more; the transaction's UID tells the peer.
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await;
        if !matches!(removed, Ok(Ok(()))) {
            tracing::warn!("a delivered report of storage commitment cannot be removed");
        }
        self.reports.forget(&self.id);
    }

    /// It was tried in vain: later.
    pub fn later(self) {
        if let Some(waiting) = self.reports.lock().get_mut(&self.id) {
            let pause = PAUSE.saturating_mul(2_u32.saturating_pow(waiting.attempts)).min(PAUSE_MAX);
            waiting.attempts = waiting.attempts.saturating_add(1);
            waiting.due = Instant::now() + pause;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(waiting) = self.reports.lock().get_mut(&self.id) {
            waiting.held = false;
        }
        self.reports.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pending(ae_title: &str) -> Pending {
        Pending::new(ae_title, Some([7; 32]), 1, json!({"00081195": {"vr": "UI", "Value": ["1.2.3"]}}))
    }

    #[tokio::test]
    async fn a_report_survives_until_it_is_delivered() {
        let data = tempfile::tempdir().unwrap();
        let reports = Reports::open(data.path()).unwrap();
        let held = reports.add(pending("CT1")).await.unwrap();
        let nothing = tokio::time::timeout(Duration::from_millis(50), reports.next()).await;
        assert!(nothing.is_err(), "one that is being delivered is nobody else's");
        // The process ends here.
        drop((held, reports));
        let reports = Reports::open(data.path()).unwrap();
        let again = reports.next().await;
        assert_eq!(again.read().await.unwrap().ae_title, "CT1");
        again.later();
        assert!(tokio::time::timeout(Duration::from_millis(50), reports.next()).await.is_err());
        drop(reports);
        let reports = Reports::open(data.path()).unwrap();
        reports.next().await.delivered().await;
        assert!(Reports::open(data.path()).unwrap().lock().is_empty());
    }

    #[tokio::test]
    async fn a_peer_that_takes_no_reports_is_bounded_and_others_are_not() {
        let data = tempfile::tempdir().unwrap();
        let reports = Reports::open(data.path()).unwrap();
        for _ in 0..COMMITMENT_REPORTS_MAX {
            reports.add(pending("CT1")).await.unwrap();
        }
        assert!(reports.add(pending("CT1")).await.is_err());
        assert!(reports.add(pending("CT2")).await.is_ok());
    }

    #[test]
    fn a_report_is_over_at_its_limit_and_not_before() {
        let report = pending("CT1");
        let limit = Micros::try_from(COMMITMENT_REPORT_SECONDS_MAX * 1_000_000).unwrap();
        assert!(!report.is_over(report.asked + limit - 1));
        assert!(report.is_over(report.asked + limit));
    }
}
