//! What an incident's actor did, read from the ledger's events beside the writer: a day of a busy archive is some hundred
//! thousand events, and nobody waits for their reading but who asked.

use super::Incident;
use crate::alarm::rows::{self, Table};
use crate::audit::{self, Event};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::{self, events};
use record::Micros;
use record::limits::INCIDENT_FACTS_MAX;
use rusqlite::Connection;
use seal::message::alarm::Fact;
use std::path::Path;

/// Events read at a time.
const BATCH: usize = 1_024;

/// An incident and what its actor did in the window before it; whether there was more than one answer holds.
///
/// # Errors
/// Invalid if there is no such incident, Damaged for an event that is not what was written.
pub fn gather(folder: &Path, keys: &Keys, incident: u64) -> Result<(Incident, Vec<Fact>, bool)> {
    let db = store::open_for_reading(folder)?;
    let id = i64::try_from(incident).unwrap_or(i64::MAX);
    let found: Incident =
        rows::get(&db, keys, Table::Incident, id)?.ok_or_else(|| Error::invalid("there is no such incident"))?;
    let mut position = first_since(&db, keys, found.since, found.position)?;
    let mut facts = Vec::new();
    while position < found.position {
        for sealed in events::read(&db, position, BATCH)? {
            if position >= found.position {
                break;
            }
            let event = audit::open(keys, position, &sealed)?;
            if event.actor.as_deref() == Some(found.actor.as_str()) {
                if facts.len() >= INCIDENT_FACTS_MAX {
                    return Ok((found, facts, true));
                }
                facts.push(fact(position, event));
            }
            position += 1;
        }
    }
    Ok((found, facts, false))
}

/// The first event at or after a time. Where a clock stepped back it may be a later one, never one beyond `end`.
fn first_since(db: &Connection, keys: &Keys, since: Micros, end: u64) -> Result<u64> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let sealed = events::read(db, middle, 1)?;
        let Some(sealed) = sealed.first() else { return Ok(low) };
        if audit::open(keys, middle, sealed)?.at < since {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn fact(position: u64, event: Event) -> Fact {
    Fact {
        at: event.at,
        action: format!("{:?}", event.action),
        decision: format!("{:?}", event.decision),
        patient: event.patient,
        part: event.part.map(|part| format!("{part:?}")),
        channel: event.channel,
        objects: u64::try_from(event.objects.len()).unwrap_or(u64::MAX),
        position,
    }
}
