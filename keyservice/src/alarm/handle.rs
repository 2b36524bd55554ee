//! What people do with alarms: read, take over, close, freeze, thaw. Everything but reading is in the ledger.

use super::frozen;
use super::incident::{self, Incident};
use super::outbox::{Message, To};
use super::rows::{self, Table};
use super::watch::Record;
use crate::audit::{Action, Decision, Event};
use crate::error::{Error, Result};
use crate::register::{self, Register};
use crate::request::Turn;
use crate::shared::Shared;
use seal::message::AdminAnswer;
use seal::message::alarm::{AlarmAnswer, AlarmEntry, AlarmRequest, Delivery, FrozenEntry, IncidentEntry, State};

/// An incident with its facts. It is read beside the writer.
///
/// # Errors
/// Invalid if there is no such incident, Damaged for an event that is not what was written.
pub fn facts(shared: &Shared, incident: u64) -> Result<AdminAnswer> {
    let (found, facts, is_cut) = incident::gather(&shared.folder, &shared.keys, incident)?;
    let (name, is_frozen) = (name_of(&shared.register(), &found.actor), shared.frozen().holds(&found.actor));
    let id = i64::try_from(incident).unwrap_or_default();
    let incident = incident_entry(id, found, name, is_frozen);
    Ok(AdminAnswer::Alarm(AlarmAnswer::Facts { incident, facts, is_cut }))
}

/// Carries out what an administrator asks about alarms.
///
/// # Errors
/// Invalid for a number, name or person that is not there; Refused for whoever would thaw itself.
pub fn request(turn: &mut Turn<'_>, request: &AlarmRequest) -> Result<AdminAnswer> {
    Ok(AdminAnswer::Alarm(match request {
        AlarmRequest::List { all } => AlarmAnswer::Alarms(alarms(turn, *all)?),
        AlarmRequest::Incidents => AlarmAnswer::Incidents(incidents(turn)?),
        AlarmRequest::Frozen => AlarmAnswer::Frozen(frozen_list(turn)),
        AlarmRequest::Outbox => AlarmAnswer::Outbox(outbox(turn)?),
        AlarmRequest::Facts { .. } => return Err(Error::invalid("facts are read beside the writer")),
        AlarmRequest::Take { alarm, by, note } => return handle(turn, *alarm, by, note, State::Taken),
        AlarmRequest::Close { alarm, by, note } => return handle(turn, *alarm, by, note, State::Closed),
        AlarmRequest::Freeze { name, by, reason } => {
            let (subject, by, reason) =
                (subject(turn.register, name)?, person(turn.register, by)?, register::name(reason)?);
            frozen::freeze(turn, &subject, &by, &reason)?;
            return Ok(AdminAnswer::Done);
        }
        AlarmRequest::Thaw { name, by, note } => {
            // An archive node is in no register.
            let subject = if turn.watch.is_frozen(name) { name.clone() } else { subject(turn.register, name)? };
            let (by, note) = (person(turn.register, by)?, register::name(note)?);
            if !turn.watch.is_frozen(&subject) {
                return Err(Error::invalid("nobody of this name is frozen"));
            }
            // Whoever was stopped does not say that it was a mistake; nor does anybody else who is stopped.
            if subject == by || turn.watch.is_frozen(&by) {
                return Err(Error::new(record::Outcome::Refused, "nobody who is frozen lets anybody go on"));
            }
            frozen::thaw(turn, &subject, &by, &note)?;
            return Ok(AdminAnswer::Done);
        }
    }))
}

fn handle(turn: &mut Turn<'_>, alarm: u64, by: &str, note: &str, state: State) -> Result<AdminAnswer> {
    let (by, note) = (person(turn.register, by)?, register::name(note)?);
    let unknown = || Error::invalid("there is no such alarm, or it is closed");
    let id = i64::try_from(alarm).map_err(|_| unknown())?;
    let mut record = turn.watch.open.get(&id).cloned().ok_or_else(unknown)?;
    // A frozen login may be in a thief's hands, and an alarm is not closed by the one that it is about.
    if record.actor.as_deref() == Some(by.as_str()) || turn.watch.is_frozen(&by) {
        return Err(Error::new(record::Outcome::Refused, "somebody else has to look at this alarm"));
    }
    let what = if state == State::Taken { "taken over" } else { "closed" };
    let event = Event { actor: Some(by.clone()), ..Event::new(turn.now, Action::Alarm, Decision::Permitted) };
    crate::audit::append(turn.db, turn.keys, &event.detailed(format!("alarm {id} {what}: {note}")))?;
    (record.state, record.by, record.note) = (state, Some(by), Some(note));
    rows::put(turn.db, turn.keys, Table::Alarm, id, &record)?;
    if state == State::Closed {
        turn.watch.open.remove(&id);
    } else {
        turn.watch.open.insert(id, record);
    }
    Ok(AdminAnswer::Done)
}

/// The actor id of a registered person.
fn person(register: &Register, name: &str) -> Result<String> {
    let actor = register.actor_of(name).ok_or_else(|| Error::invalid("nobody of this name is registered"))?;
    Ok(actor.to_owned())
}

/// The actor id of a person's or system's name, an AE title, or an id itself.
fn subject(register: &Register, name: &str) -> Result<String> {
    let by_name = register.actor_of(name).map(str::to_owned);
    let by_title = || register.peers.get(name.trim_matches(' ')).map(|peer| peer.actor.clone());
    let by_id = || {
        let is_known = register.people.contains_key(name) || register.peers.values().any(|peer| peer.actor == name);
        is_known.then(|| name.to_owned())
    };
    by_name.or_else(by_title).or_else(by_id).ok_or_else(|| Error::invalid("nobody of this name is registered"))
}

/// What an actor is called.
fn name_of(register: &Register, actor: &str) -> Option<String> {
    let person = register.people.get(actor).map(|person| person.name.clone());
    person.or_else(|| register.peers.iter().find(|(_, peer)| peer.actor == actor).map(|(ae_title, _)| ae_title.clone()))
}

fn alarms(turn: &Turn<'_>, all: bool) -> Result<Vec<AlarmEntry>> {
    let records = if all {
        rows::all::<Record>(turn.db, turn.keys, Table::Alarm)?
    } else {
        turn.watch.open.iter().map(|(id, record)| (*id, record.clone())).collect()
    };
    let name = |actor: &Option<String>| actor.as_deref().and_then(|actor| name_of(turn.register, actor));
    let entry = |(id, record): (i64, Record)| AlarmEntry {
        alarm: number(id),
        kind: record.kind,
        severity: record.severity,
        at: record.at,
        last: record.last,
        count: record.count,
        name: name(&record.actor),
        actor: record.actor,
        facility: record.facility,
        text: record.text,
        state: record.state,
        stage: record.stage,
        due: record.due,
        by: name(&record.by).or(record.by),
        note: record.note,
        incident: record.incident,
        position: record.position,
    };
    Ok(records.into_iter().map(entry).collect())
}

fn incidents(turn: &Turn<'_>) -> Result<Vec<IncidentEntry>> {
    let incidents = rows::all::<Incident>(turn.db, turn.keys, Table::Incident)?;
    let entry = |(id, incident): (i64, Incident)| {
        let (name, is_frozen) = (name_of(turn.register, &incident.actor), turn.watch.is_frozen(&incident.actor));
        incident_entry(id, incident, name, is_frozen)
    };
    Ok(incidents.into_iter().map(entry).collect())
}

fn incident_entry(id: i64, incident: Incident, name: Option<String>, is_frozen: bool) -> IncidentEntry {
    IncidentEntry {
        incident: number(id),
        at: incident.at,
        alarm: number(incident.alarm),
        kind: incident.kind,
        actor: incident.actor,
        name,
        facility: incident.facility,
        channel: incident.channel,
        since: incident.since,
        position: incident.position,
        is_frozen,
        device: incident.device,
    }
}

fn frozen_list(turn: &Turn<'_>) -> Vec<FrozenEntry> {
    let entry = |(actor, cause): (&String, &super::Cause)| FrozenEntry {
        actor: actor.clone(),
        name: name_of(turn.register, actor),
        since: cause.since,
        by: name_of(turn.register, &cause.by).unwrap_or_else(|| cause.by.clone()),
        reason: cause.reason.clone(),
    };
    turn.watch.frozen.0.iter().map(entry).collect()
}

fn outbox(turn: &Turn<'_>) -> Result<Vec<Delivery>> {
    let entry = |(id, message): (i64, Message)| Delivery {
        id: number(id),
        alarm: number(message.alarm),
        to: match message.to {
            To::Webhook(url) => format!("webhook {url}"),
            To::Mail(address) => format!("mail {address}"),
        },
        attempts: message.attempts,
        is_dead: message.is_dead,
        error: message.error,
        next: message.next,
    };
    Ok(rows::all::<Message>(turn.db, turn.keys, Table::Outbox)?.into_iter().map(entry).collect())
}

fn number(id: i64) -> u64 {
    u64::try_from(id).unwrap_or_default()
}
