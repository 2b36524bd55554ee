//! One send of an instance at a time: two peers that send the same UID at once must not both become version 1.

use crate::error::{Error, Result};
use record::{FacilityCode, limits};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// Which facility's instance.
type Name = (FacilityCode, String);
type Turns = Arc<Mutex<HashMap<Name, Arc<tokio::sync::Mutex<()>>>>>;

/// The instances that are arriving.
#[derive(Default)]
pub(crate) struct Sending {
    turns: Turns,
}

/// The right to store one instance. Dropping it lets the next sender go on.
pub(super) struct Turn {
    turns: Turns,
    name: Name,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Sending {
    /// Waits until nobody else sends this instance.
    pub(super) async fn turn(&self, facility: &FacilityCode, sop_instance_uid: &str) -> Result<Turn> {
        let name = (facility.clone(), sop_instance_uid.to_owned());
        let lock = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(name.clone()).or_default())
        };
        // Made before waiting, so that a sender who gives up cleans the table as well.
        let mut turn = Turn { turns: Arc::clone(&self.turns), name, guard: None };
        let waiting = tokio::time::timeout(Duration::from_millis(limits::SAME_INSTANCE_WAIT_MS_MAX), lock.lock_owned());
        turn.guard = Some(waiting.await.map_err(|_| Error::busy("another send of the same instance has not ended"))?);
        Ok(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // INVARIANT: the locks are cloned under the table's mutex only, so a count of one means that nobody waits.
        if turns.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_second_sender_waits_and_the_table_empties() {
        let sending = Sending::default();
        let one = FacilityCode::new("A").unwrap();
        let other = FacilityCode::new("B").unwrap();
        let first = sending.turn(&one, "1.2").await.unwrap();
        let apart = sending.turn(&other, "1.2").await.unwrap();
        assert_eq!(sending.turn(&one, "1.2").await.err().unwrap().outcome(), record::Outcome::Busy);
        let (second, ()) = tokio::join!(sending.turn(&one, "1.2"), async move { drop(first) });
        assert_eq!(sending.turns.lock().unwrap().len(), 2);
        drop((second, apart));
        assert!(sending.turns.lock().unwrap().is_empty());
    }
}
