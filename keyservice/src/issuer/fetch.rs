//! Fetching outside issuers' keys (OpenID Connect Discovery 3, `jwks_uri`), beside everything else: a sign-in never waits for another
//! host, and one whose host is away goes on with the keys that were fetched last.

use crate::outbound::{Bounds, Outbound};
use crate::shared::Shared;
use record::limits::ASSERTION_BYTES_MAX;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often keys are fetched: an issuer announces a new one well before it signs by it.
const INTERVAL: Duration = Duration::from_secs(600);
/// How soon again where it failed.
const AGAIN: Duration = Duration::from_secs(15);
/// What one call may cost. A set of a handful of keys with their certificates has some 20 kB.
const BOUNDS: Bounds = Bounds { deadline: Duration::from_secs(10), body_bytes_max: 8 * ASSERTION_BYTES_MAX };

/// Fetches until the service stops.
pub async fn keep_keys(shared: Arc<Shared>, outbound: Outbound, mut stop: watch::Receiver<bool>) {
    let issuers = shared.sign_in.fetched();
    if issuers.is_empty() {
        return;
    }
    loop {
        let mut pause = INTERVAL;
        for (name, url) in &issuers {
            match outbound.get(url, &[("accept", "application/json")], BOUNDS).await {
                Ok(reply) if reply.is_success() && shared.sign_in.take_keys(name, &reply.body) => {}
                Ok(reply) => {
                    tracing::warn!("the keys of {name} were not to be had: status {}", reply.status);
                    pause = AGAIN;
                }
                Err(error) => {
                    tracing::warn!("the keys of {name} were not to be had: {error}");
                    pause = AGAIN;
                }
            }
        }
        if tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}
