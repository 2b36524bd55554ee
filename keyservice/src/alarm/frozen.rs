//! Who is frozen. Whoever is, is refused everything, and it looks like every other refusal.

use super::rows;
use crate::audit::{Action, Decision, Event};
use crate::error::Result;
use crate::request::Turn;
use minicbor::{Decode, Encode};
use record::Micros;
use std::collections::BTreeMap;

/// Why one is frozen, sealed in the state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cause {
    /// Since when.
    #[n(0)]
    pub since: Micros,
    /// Who decided it: a registered name, or `alarm`.
    #[n(1)]
    pub by: String,
    /// Why.
    #[n(2)]
    pub reason: String,
    /// Through which archive node it had come, if an alarm decided it.
    #[n(3)]
    pub node: Option<String>,
}

/// Everybody who is frozen, by the register's id: people, systems and feeds alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen(pub(super) BTreeMap<String, Cause>);

impl Frozen {
    /// Whether one is.
    #[must_use]
    pub fn holds(&self, actor: &str) -> bool {
        self.0.contains_key(actor)
    }
}

/// Freezes an actor. One who is frozen already stays so for the first reason.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn freeze(turn: &mut Turn<'_>, actor: &str, by: &str, reason: &str) -> Result<()> {
    if turn.watch.frozen.holds(actor) {
        return Ok(());
    }
    let node = turn.watch.node.clone().filter(|_| by == "alarm");
    let cause = Cause { since: turn.now, by: by.to_owned(), reason: reason.to_owned(), node };
    rows::put_frozen(turn.db, turn.keys, actor, &cause)?;
    log(turn, actor, &format!("frozen by {by}: {reason}"))?;
    turn.watch.frozen.0.insert(actor.to_owned(), cause);
    turn.watch.has_refrozen = true;
    Ok(())
}

/// Lets an actor go on.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn thaw(turn: &mut Turn<'_>, actor: &str, by: &str, note: &str) -> Result<()> {
    rows::remove_frozen(turn.db, actor)?;
    log(turn, actor, &format!("thawed by {by}: {note}"))?;
    turn.watch.frozen.0.remove(actor);
    turn.watch.has_refrozen = true;
    Ok(())
}

fn log(turn: &Turn<'_>, actor: &str, detail: &str) -> Result<()> {
    let event = Event { actor: Some(actor.to_owned()), ..Event::new(turn.now, Action::Freeze, Decision::Permitted) };
    crate::audit::append(turn.db, turn.keys, &event.detailed(detail)).map(|_| ())
}
