//! What was closed meanwhile: the keys at hand go when a patient is erased or an object is labelled, whoever ordered it and
//! through whichever node.
//!
//! While keys are at hand the key service is asked every second how often something was closed. The first question comes before
//! the first key, so that nothing is closed unheard between the two. While no keys are at hand nothing is asked.

use super::{KeyClient, unexpected};
use seal::message::{Answer, Failure, Request};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often it is asked.
const PERIOD: Duration = Duration::from_secs(1);

/// What was heard last, while somebody listens.
#[derive(Default)]
pub(super) struct Heard(Mutex<Option<u64>>);

impl Heard {
    /// Whether nothing was closed since this was heard.
    pub(super) fn stands(&self, heard: u64) -> bool {
        *self.last() == Some(heard)
    }

    fn last(&self) -> MutexGuard<'_, Option<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyClient {
    /// From now on the keys at hand go when something is closed. What was heard last: a key that was asked for later is put at
    /// hand only if that still stands.
    pub(super) async fn listen(&self) -> Result<u64, Failure> {
        if let Some(last) = *self.shared.heard.last() {
            return Ok(last);
        }
        let now = self.closings().await?;
        let mut last = self.shared.heard.last();
        if let Some(last) = *last {
            return Ok(last);
        }
        *last = Some(now);
        tokio::spawn(self.clone().go_on_listening());
        Ok(now)
    }

    async fn go_on_listening(self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let heard = self.closings().await;
            let mut last = self.shared.heard.last();
            match heard {
                // What was closed is not told: a node would learn of patients that it never asked about.
                Ok(now) if *last != Some(now) => {
                    self.shared.leases.forget_all();
                    *last = Some(now);
                }
                Ok(_) => {}
                // While the key service is away nobody is known, and what was closed meanwhile is not heard.
                Err(_) => self.shared.leases.forget_all(),
            }
            if self.shared.leases.is_empty() {
                *last = None;
                return;
            }
        }
    }

    async fn closings(&self) -> Result<u64, Failure> {
        match self.ask(Request::Closings).await? {
            Answer::Closings(count) => Ok(count),
            other => Err(unexpected(&other)),
        }
    }
}
