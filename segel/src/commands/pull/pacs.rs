//! The old PACS: one association for questions and retrieves, opened anew when it broke or when a study needs kinds of
//! instances that were not proposed.

use crate::dimse::requestor::{Association, Error, Kind, Peer, Proposal, Role};
use anyhow::{Result, anyhow};
use dicom_dictionary_std::uids;
use record::limits::PULL_STUDIES_MAX;
use std::time::Duration;
use wire::dataset::{Draft, Outline};
use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// The information model of everything here.
pub const FIND: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
/// See [`FIND`].
pub const GET: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET;
/// See [`FIND`].
pub const MOVE: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;

/// The pause before the first new attempt; each further one waits twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// A SOP class and a transfer syntax.
pub type Pair = (String, String);

/// The old PACS.
pub struct Pacs {
    peer: Peer,
    retries: u32,
    association: Option<Association>,
    /// What the association was proposed with, and is again.
    pairs: Vec<Pair>,
}

impl Pacs {
    /// Nothing is connected yet.
    pub fn new(peer: Peer, retries: u32) -> Self {
        Self { peer, retries, association: None, pairs: Vec::new() }
    }

    /// Its address, for people.
    pub fn name(&self) -> String {
        format!("{}@{}:{}", self.peer.ae_title, self.peer.host, self.peer.port)
    }

    /// Its AE title.
    pub fn ae_title(&self) -> &str {
        &self.peer.ae_title
    }

    /// How often something that failed is tried again.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// The association, able to carry these pairs as far as the PACS accepts them.
    pub async fn association(&mut self, pairs: &[Pair]) -> Result<&mut Association, Error> {
        let missing: Vec<Pair> = pairs.iter().filter(|pair| !self.pairs.contains(pair)).cloned().collect();
        let usable = self.association.is_some() && missing.is_empty();
        if !usable {
            self.leave().await;
            let mut proposal = base()?;
            if missing.len() + self.pairs.len() > proposal.room() {
                self.pairs.clear();
                self.pairs.extend(pairs.iter().take(proposal.room()).cloned());
            } else {
                self.pairs.extend(missing);
            }
            for (sop_class, transfer_syntax) in &self.pairs {
                proposal.add(sop_class, &[transfer_syntax], Role::Scp)?;
            }
            return Ok(self.association.insert(Association::request(&self.peer, &proposal).await?));
        }
        // INVARIANT: a usable association is there.
        self.association.as_mut().ok_or_else(Error::gone)
    }

    /// How many pairs one association holds.
    pub fn pairs_max() -> usize {
        base().map_or(0, |proposal| proposal.room())
    }

    /// Forgets an association that broke.
    pub fn forget(&mut self) {
        self.association = None;
    }

    /// Ends the association in good order.
    pub async fn leave(&mut self) {
        if let Some(association) = self.association.take()
            && let Err(error) = association.release().await
        {
            tracing::debug!(%error, "an association was not released in good order");
        }
    }

    /// Waits before attempt number `attempt`, which is 1 for the first repetition.
    pub async fn pause(attempt: u32) {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        tokio::time::sleep(PAUSE.saturating_mul(factor).min(PAUSE_MAX)).await;
    }

    /// Asks one question to its end, again if the PACS breaks off; what `take` makes of the answers, and whether the PACS
    /// says that it has more.
    pub async fn ask<T>(&mut self, identifier: &Draft, take: impl Fn(&Outline) -> Option<T>) -> Result<(Vec<T>, bool)> {
        let mut attempt = 0;
        loop {
            match self.ask_once(identifier, &take).await {
                Ok(answers) => return Ok(answers),
                Err(error) if error.is_transient() && attempt < self.retries => {
                    self.forget();
                    attempt += 1;
                    tracing::warn!(%error, attempt, "a question is asked again");
                    Self::pause(attempt).await;
                }
                Err(error) => return Err(anyhow!("{}: {error}", self.name())),
            }
        }
    }

    async fn ask_once<T>(
        &mut self,
        identifier: &Draft,
        take: impl Fn(&Outline) -> Option<T>,
    ) -> Result<(Vec<T>, bool), Error> {
        let mut answers = self.association(&[]).await?.find(FIND, identifier).await?;
        let mut all = Vec::new();
        while let Some(answer) = answers.next().await? {
            all.extend(take(&answer));
            if all.len() == PULL_STUDIES_MAX {
                answers.cancel().await?;
            }
        }
        let cut = answers.ended().is_some_and(|status| status.kind() != Kind::Success);
        Ok((all, cut))
    }
}

/// An echo, questions and retrieves, without kinds of instances.
fn base() -> Result<Proposal, Error> {
    let mut proposal = Proposal::new();
    for model in [uids::VERIFICATION, FIND, GET, MOVE] {
        proposal.add(model, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE], Role::Scu)?;
    }
    Ok(proposal)
}
