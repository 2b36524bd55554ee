//! What time alone brings about: an alarm that nobody takes over goes on to the next person.

use super::rows::{self, Table};
use super::watch::Record;
use super::{Settings, hearing, outbox};
use crate::audit::{Action, Decision, Event};
use crate::error::Result;
use crate::request::Turn;
use record::Micros;
use seal::message::alarm::State;

const MINUTE_MICROS: Micros = 60_000_000;
/// The data protection officer; nobody comes after.
const LAST_STAGE: u8 = 2;

/// When an alarm that rings or escalates now escalates next.
pub(super) fn due(settings: &Settings, record: &Record, now: Micros) -> Micros {
    let minutes = settings.clock_minutes(record.kind, record.severity);
    now.saturating_add(Micros::from(minutes).saturating_mul(MINUTE_MICROS))
}

/// Has whoever's turn it is told of an alarm.
pub(super) fn tell(turn: &Turn<'_>, id: i64, record: &Record) -> Result<()> {
    outbox::enqueue(turn.db, turn.keys, &turn.watch.settings, turn.now, id, record)
}

/// Escalates what is due. A clock that jumped ahead escalates by one step at a time.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn tick(turn: &mut Turn<'_>) -> Result<()> {
    hearing::keep(turn)?;
    let is_due = |record: &Record| record.state == State::Open && record.stage < LAST_STAGE && turn.now >= record.due;
    let due_now: Vec<i64> = turn.watch.open.iter().filter(|(_, record)| is_due(record)).map(|(id, _)| *id).collect();
    for id in due_now {
        let Some(mut record) = turn.watch.open.get(&id).cloned() else { continue };
        record.stage += 1;
        record.due = due(&turn.watch.settings, &record, turn.now);
        let to = if record.stage == LAST_STAGE { "the data protection officer" } else { "the deputy" };
        let event = Event {
            actor: record.actor.clone(),
            facility: record.facility.clone(),
            ..Event::new(turn.now, Action::Alarm, Decision::Permitted)
        };
        crate::audit::append(turn.db, turn.keys, &event.detailed(format!("alarm {id} escalated to {to}")))?;
        tell(turn, id, &record)?;
        rows::put(turn.db, turn.keys, Table::Alarm, id, &record)?;
        turn.watch.open.insert(id, record);
    }
    Ok(())
}
