//! The decisions of the state, held against those of the ledger.
//!
//! Whoever can change the state's file cannot forge an approver or an approval, for they are sealed; but could put older rows
//! back, from before there were any. The ledger's events tell how many decisions there have been, so a start finds that out.

use crate::audit::{self, Event};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::request::Turn;
use crate::store::{events, quorum as stored};
use minicbor::{Decode, Encode};
use rusqlite::Connection;

const HISTORY: &str = "history";
/// What the details of decisions begin with.
pub const MARK: &str = "quorum ";

/// How many decisions there have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct History {
    /// In all.
    #[n(0)]
    decided: u64,
    /// Of them before `position`, counted in the ledger's events.
    #[n(1)]
    counted: u64,
    /// The size of the ledger when they were counted.
    #[n(2)]
    position: u64,
}

/// Appends a decision's event, and counts it in the same transaction.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn decided(turn: &mut Turn<'_>, mut event: Event) -> Result<u64> {
    let mut history: History = stored::fact(turn.db, turn.keys, HISTORY)?.unwrap_or_default();
    history.decided += 1;
    stored::put_fact(turn.db, turn.keys, HISTORY, &history)?;
    event.detail = Some(format!("{MARK}{}", event.detail.unwrap_or_default()));
    turn.append(&event)
}

/// Holds the state against the ledger at a start, from where the last start has counted to.
///
/// # Errors
/// Damaged if the ledger knows of other decisions than the state.
pub fn check(db: &Connection, keys: &Keys) -> Result<()> {
    const BATCH: usize = 1_024;
    let mut history: History = stored::fact(db, keys, HISTORY)?.unwrap_or_default();
    let mut counted = history.counted;
    let mut position = history.position;
    loop {
        let batch = events::read(db, position, BATCH)?;
        if batch.is_empty() {
            break;
        }
        for sealed in batch {
            let event = audit::open(keys, position, &sealed)?;
            let is_decision = event.decision == audit::Decision::Permitted
                && event.detail.as_ref().is_some_and(|detail| detail.starts_with(MARK));
            counted += u64::from(is_decision);
            position += 1;
        }
    }
    if counted != history.decided {
        return Err(Error::damaged(format!(
            "the ledger has {counted} decisions of approvers and the state {}: the state was changed",
            history.decided
        )));
    }
    if history.position != position {
        (history.counted, history.position) = (counted, position);
        stored::put_fact(db, keys, HISTORY, &history)?;
    }
    Ok(())
}
