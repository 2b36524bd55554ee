//! Requests that take long: their proofs are shown to the key service again while they are under way, so that it knows that they are.
//!
//! A proof (RFC 9449) is made when a request begins. Of one that brings a study over a slow line the last instance arrives many
//! minutes later, and is admitted under the same proof. The key service takes that from this node, while it hears of the
//! request again and again, and within limits that it holds (`keyservice/src/authenticate/under_way.rs`).

use super::state::Doors;
use record::Outcome;
use record::limits::DPOP_REQUEST_SECONDS_MAX;
use seal::message::{Asker, Proof};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;

/// Three times within the moment that the key service waits: one of them may be late.
const AGAIN: Duration = Duration::from_secs(DPOP_REQUEST_SECONDS_MAX.unsigned_abs() / 3);

/// A request that is under way until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct UnderWay(#[expect(dead_code, reason = "what counts is when it is dropped")] Arc<Repeating>);

#[derive(Debug)]
struct Repeating(AbortHandle);

impl Drop for Repeating {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl UnderWay {
    /// A request that sends something, by an asker whom the key service has accepted; `None` for one that only asks, or shows no
    /// proof of its own.
    pub fn begin(doors: &Doors, asker: &Asker) -> Option<Self> {
        let Proof::Bound { proof, method, .. } = &asker.proof else { return None };
        if matches!(method.as_str(), "GET" | "HEAD") {
            return None;
        }
        let (doors, asker, proof) = (doors.clone(), asker.clone(), proof.clone());
        let repeating = tokio::spawn(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                // Nobody else may show it here for as long as it counts there.
                doors.used.remember(&proof, Instant::now());
                let said = doors.archive.authenticate(&asker).await;
                if said.is_err_and(|error| error.outcome() == Outcome::Refused) {
                    return;
                }
            }
        });
        Some(Self(Arc::new(Repeating(repeating.abort_handle()))))
    }
}
