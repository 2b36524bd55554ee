//! Isolation in the archive node: it asks the key service now and then what is isolated, has the archive do it, and tells how
//! far it is. Nobody has to start it on both hosts: what one person orders at the key service is done wherever the archive runs.

use anyhow::Result;
use archive::Archive;
use std::time::Duration;

/// How often it asks while nothing is under way: an order is begun within this.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it tells while something is: whoever waits for it sees it go on.
const UNDER_WAY_PAUSE: Duration = Duration::from_millis(200);

/// Carries out what is ordered until the archive ends.
pub async fn tend(archive: Archive, stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let pause = match step(&archive).await {
            Ok(true) => UNDER_WAY_PAUSE,
            // While the key service is away nothing can be ordered; what the segments say goes on by itself.
            Ok(false) | Err(_) => PAUSE,
        };
        tokio::select! {
            () = &mut stopped => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Whether something is under way.
async fn step(archive: &Archive) -> Result<bool> {
    let reports = archive.isolations().await?;
    let is_under_way = reports.iter().any(|report| !report.is_done);
    let rules = archive.keys().isolations(reports.clone()).await?;
    let is_heard = |rule: &seal::message::isolation::IsolationRule| {
        reports.iter().any(|report| report.id == rule.id && report.is_lifted == rule.is_lifted)
    };
    if rules.iter().all(is_heard) {
        return Ok(is_under_way);
    }
    if let Err(error) = archive.isolate(&rules).await {
        tracing::warn!(%error, "an isolation could not be ordered yet");
    }
    Ok(true)
}
