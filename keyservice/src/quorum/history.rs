//! The decisions of the state, held against those of the ledger.
//!
//! Whoever can change the state's file cannot forge an approver or an approval, for they are sealed; but could put older rows
//! back, from before there were any. The rows are summed up in one of them, and the ledger's events tell how many decisions there
//! have been: so a start finds out both some old rows among new ones and old rows throughout.

use crate::audit::{self, Event};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::request::Turn;
use crate::store::{events, quorum as stored};
use rusqlite::Connection;

/// What the details of decisions begin with.
pub const MARK: &str = "quorum ";

/// Appends a decision's event, and counts it in the same transaction.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn decided(turn: &mut Turn<'_>, mut event: Event) -> Result<u64> {
    let mut history = stored::history(turn.db, turn.keys)?;
    history.decided += 1;
    stored::put_history(turn.db, turn.keys, &history)?;
    event.detail = Some(format!("{MARK}{}", event.detail.unwrap_or_default()));
    turn.append(&event)
}

/// Holds the state against the ledger at a start, from where the last start has counted to.
///
/// # Errors
/// Damaged if the ledger knows of other decisions than the state.
pub fn check(db: &Connection, keys: &Keys) -> Result<()> {
    const BATCH: usize = 1_024;
    let mut history = stored::history(db, keys)?;
    if stored::sum_of_rows(db)? != history.rows {
        return Err(Error::damaged(
            "approvers, rules or proposals are not those that were written: the state was changed",
        ));
    }
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
        stored::put_history(db, keys, &history)?;
    }
    Ok(())
}
