//! The alarm of a quorum that is missing.

use super::rounds::Standing;
use crate::alarm::{Alarm, Kind, Severity};
use crate::writer::{Order, Orders};
use tokio::sync::watch;

/// Rings once each time that a quorum has been missing for too long.
pub async fn ring_when_late(mut standing: watch::Receiver<Standing>, orders: Orders, mut stop: watch::Receiver<bool>) {
    let mut has_rung = false;
    loop {
        let now = standing.borrow_and_update().clone();
        if now.is_late && !has_rung {
            let away = now.each.iter().filter(|(_, _, trouble)| trouble.is_some());
            let away: Vec<&str> = away.map(|(name, _, _)| name.as_str()).collect();
            let needed = now.needed;
            let alarm = Alarm {
                kind: Kind::Ledger,
                severity: Severity::Critical,
                actor: None,
                facility: None,
                text: format!("fewer than {needed} witnesses cosign the ledger; these do not: {}", away.join(", ")),
                patient: None,
            };
            if let Err(error) = orders.carry_out(Order::Ring(alarm)).await {
                tracing::error!("the alarm of a missing quorum could not be written down: {error}");
            }
        }
        has_rung = now.is_late;
        tokio::select! {
            changed = standing.changed() => if changed.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
