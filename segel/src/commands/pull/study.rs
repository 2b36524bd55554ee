//! One study: what the PACS lists, what the archive keeps of it, what is fetched, and what is missing in the end.

use super::fetch::{self, Fetched, Way};
use super::listing::{self, Listed, Study};
use super::pacs::{Pacs, Pair};
use super::progress::Progress;
use super::{kinds, report::Pulled};
use crate::commands::import::send::Sender;
use anyhow::{Result, bail};
use std::collections::HashSet;

/// How a study is pulled.
pub struct Puller<'a> {
    pub pacs: Pacs,
    pub archive: &'a Sender,
    pub way: Way,
    /// Fetches also what the archive keeps.
    pub again: bool,
}

impl Puller<'_> {
    /// Pulls one study until nothing is missing, or nothing more comes.
    pub async fn pull(&mut self, study: &Study, progress: &mut Progress) -> Result<Pulled> {
        let listed = listing::instances(&mut self.pacs, &study.study).await?;
        let mut pulled = Pulled::default();
        let mut kept = self.kept(&listed).await?;
        let mut fetched = Fetched::default();
        let mut fetched_all = false;
        let pairs = kinds::pairs(&listed);
        let mut rounds = rounds(&pairs, &self.way).into_iter();
        let mut attempt = 0;
        let mut round = rounds.next().unwrap_or_default();
        loop {
            let wanted = |listed: &&Listed| {
                !fetched.refused.contains_key(&listed.instance)
                    && ((self.again && !fetched_all) || !kept.contains(&listed.instance))
            };
            let missing: Vec<Listed> = listed.iter().filter(wanted).cloned().collect();
            // A PACS that lists nothing of a study that has something is asked for the whole of it, once.
            let unlisted = listed.is_empty() && study.instances != Some(0) && !fetched_all;
            if missing.is_empty() && !unlisted {
                break;
            }
            let whole = missing.len() == listed.len();
            let before = kept.len();
            let ended = self.fetch_all(study, &missing, whole, &round, &mut fetched, progress).await;
            fetched_all = true;
            kept = self.kept(&listed).await?;
            match ended {
                // Some came: whatever was in the way, it did not stop everything.
                _ if kept.len() > before => attempt = 0,
                Ok(()) if !fetched.busy => match rounds.next() {
                    Some(next) => round = next,
                    None => break,
                },
                _ if attempt >= self.pacs.retries() => {
                    ended?;
                    bail!("the archive is busy or full: start the pull again, it goes on where it was");
                }
                ended => {
                    attempt += 1;
                    if let Err(error) = ended {
                        tracing::warn!(attempt, "{error:#}: trying again");
                    }
                    Pacs::pause(attempt).await;
                }
            }
            fetched.busy = false;
        }
        pulled.settle(study, &listed, &kept, fetched);
        Ok(pulled)
    }

    async fn fetch_all(
        &mut self,
        study: &Study,
        missing: &[Listed],
        whole: bool,
        pairs: &[Pair],
        fetched: &mut Fetched,
        progress: &mut Progress,
    ) -> Result<()> {
        for wanted in fetch::identifiers(&study.study, missing, whole) {
            let arrived = &mut |bytes| progress.instance(bytes);
            fetch::fetch(&mut self.pacs, self.archive, &self.way, &wanted, pairs, fetched, arrived).await?;
        }
        Ok(())
    }

    async fn kept(&self, listed: &[Listed]) -> Result<HashSet<String>> {
        let references: Vec<(Option<&str>, &str)> =
            listed.iter().map(|listed| (listed.sop_class.as_deref(), listed.instance.as_str())).collect();
        if references.is_empty() { Ok(HashSet::new()) } else { self.archive.kept(&references).await }
    }
}

/// The pairs of a study in as many associations as they need. A C-MOVE needs none.
fn rounds(pairs: &[Pair], way: &Way) -> Vec<Vec<Pair>> {
    match way {
        Way::Get => pairs.chunks(Pacs::pairs_max().max(1)).map(<[Pair]>::to_vec).collect(),
        Way::Move(_) => vec![Vec::new()],
    }
}
