//! Isolation as an archive node carries it out: the key service says what is isolated, the node writes an order into its
//! segments, and the index follows (`index::isolate`).

use crate::archive::Archive;
use crate::error::Result;
pub use crate::index::isolate::Extent;
use crate::index::isolate::extent;
use crate::index::schema::open_reader;
use crate::object::{Isolation, Order};
use crate::settings::Settings;
use seal::message::isolation::{IsolationReport, IsolationRule};

impl From<&IsolationRule> for Isolation {
    fn from(rule: &IsolationRule) -> Self {
        Self {
            id: rule.id,
            facility: rule.facility.clone(),
            senders: rule.senders.clone(),
            from: rule.from,
            until: rule.until,
        }
    }
}

impl Archive {
    /// How far this archive is with each isolation that it has heard of.
    ///
    /// # Errors
    /// Damaged or Busy as the index.
    pub async fn isolations(&self) -> Result<Vec<IsolationReport>> {
        let found = self.shared().blocking(|storage| storage.index().isolations()).await?;
        let report = |of: crate::index::isolate::Progress| IsolationReport {
            id: of.id,
            is_lifted: of.is_lifted,
            is_done: of.is_done,
            versions: of.versions,
        };
        Ok(found.into_iter().map(report).collect())
    }

    /// Orders what of these isolations is not ordered yet. Returns when the orders are durable; the index goes through what
    /// they are about afterwards, and after a crash at the next start.
    ///
    /// # Errors
    /// Busy if the disk takes nothing.
    pub async fn isolate(&self, rules: &[IsolationRule]) -> Result<()> {
        let known = self.isolations().await?;
        let storage = self.storage();
        for rule in rules {
            let known = known.iter().find(|report| report.id == rule.id);
            // One that was lifted before this archive heard of it is ordered all the same: a lifted one changes nothing.
            if known.is_none() {
                storage.order(Order::Isolate(Isolation::from(rule))).await?;
            }
            if rule.is_lifted && !known.is_some_and(|report| report.is_lifted) {
                storage.order(Order::Lift { id: rule.id }).await?;
            }
        }
        Ok(())
    }
}

/// What a rule is about, of what the index of an archive on this machine has now, whether it runs or not.
///
/// # Errors
/// Damaged if there is no index that this program reads.
pub fn preview(settings: &Settings, rule: &IsolationRule) -> Result<Extent> {
    extent(&open_reader(&settings.index_path())?, &Isolation::from(rule))
}
