//! The watch: what rang, who is frozen, and what each request adds to it. All of it can be read again from the state.

use super::detect::Detector;
use super::frozen::{self, Frozen};
use super::incident::{self, Way};
use super::rows::{self, Table};
use super::{Alarm, Kind, Settings, Severity, hearing, node, tick};
use crate::audit::{Action, Decision, Event};
use crate::canary::{self, Canaries};
use crate::error::Result;
use crate::keys::Keys;
use crate::request::{Caller, Node, Turn};
use minicbor::{Decode, Encode};
use record::limits::FAILED_PROOFS_LOGGED_PER_MINUTE;
use record::{FacilityCode, Micros, Pseudonym};
use rusqlite::Connection;
use seal::message::alarm::State;
use std::collections::BTreeMap;
use std::sync::Arc;

const MINUTE_MICROS: Micros = 60_000_000;
/// Repeats of an alarm within this time are not written one by one.
const REPEAT_MICROS: Micros = 1_000_000;

/// An alarm as it is sealed in the state.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Record {
    /// What it is about.
    #[n(0)]
    pub kind: Kind,
    /// How soon somebody must look.
    #[n(1)]
    pub severity: Severity,
    /// When it rang first.
    #[n(2)]
    pub at: Micros,
    /// When it rang last.
    #[n(3)]
    pub last: Micros,
    /// How often.
    #[n(4)]
    pub count: u64,
    /// Who made it ring.
    #[n(5)]
    pub actor: Option<String>,
    /// That one's facility.
    #[n(6)]
    pub facility: Option<FacilityCode>,
    /// Whose record it is about.
    #[n(7)]
    pub patient: Option<Pseudonym>,
    /// One sentence.
    #[n(8)]
    pub text: String,
    /// Where it stands.
    #[n(9)]
    pub state: State,
    /// Whose turn it is.
    #[n(10)]
    pub stage: u8,
    /// When it escalates.
    #[n(11)]
    pub due: Micros,
    /// Who has it or closed it.
    #[n(12)]
    pub by: Option<String>,
    /// What that one wrote.
    #[n(13)]
    pub note: Option<String>,
    /// Its incident.
    #[n(14)]
    pub incident: Option<u64>,
    /// Its entry in the ledger.
    #[n(15)]
    pub position: u64,
}

/// The watch's state.
#[derive(Debug, Default)]
pub struct Watch {
    pub(super) settings: Arc<Settings>,
    pub(super) frozen: Frozen,
    /// Whether somebody was frozen or thawed since that was last published.
    pub(super) has_refrozen: bool,
    /// Alarms that are not closed.
    pub(super) open: BTreeMap<i64, Record>,
    /// Records that no honest work opens.
    pub canaries: Canaries,
    pub(super) detector: Detector,
    /// When habits were last written down.
    pub(super) kept_at: Micros,
    ringing: Vec<Alarm>,
    heard: Vec<Event>,
    /// The device of whoever asks now.
    device: Option<String>,
    /// The archive node that passes it on.
    pub(super) node: Option<String>,
    /// The canary that the archive plants now.
    planting: Option<i64>,
    /// The minute, and refusals of frozen actors that were written down in it.
    refused: (Micros, u32),
}

impl Watch {
    /// As it was committed.
    ///
    /// # Errors
    /// Damaged for a row that does not open.
    pub fn load(db: &Connection, keys: &Keys, settings: Arc<Settings>, planting: canary::Settings) -> Result<Self> {
        let open = rows::all::<Record>(db, keys, Table::Alarm)?;
        let detector = hearing::load(db, keys, &settings)?;
        Ok(Self {
            settings,
            detector,
            canaries: Canaries::load(db, keys, planting)?,
            frozen: rows::load_frozen(db, keys)?,
            has_refrozen: true,
            open: open.into_iter().filter(|(_, record)| record.state != State::Closed).collect(),
            ..Self::default()
        })
    }

    /// Reads it again, after a group that did not come to stand.
    ///
    /// # Errors
    /// Damaged for a row that does not open.
    pub fn reload(&mut self, db: &Connection, keys: &Keys) -> Result<()> {
        let open = rows::all::<Record>(db, keys, Table::Alarm)?;
        self.open = open.into_iter().filter(|(_, record)| record.state != State::Closed).collect();
        self.frozen = rows::load_frozen(db, keys)?;
        self.has_refrozen = true;
        self.canaries.reload(db, keys)?;
        // What was heard of the group stays heard: it was asked for, though nobody was answered.
        Ok(())
    }

    /// Whether an actor is frozen.
    #[must_use]
    pub fn is_frozen(&self, actor: &str) -> bool {
        self.frozen.holds(actor)
    }

    /// Who is frozen, if that has changed since it was last asked.
    pub fn refrozen(&mut self) -> Option<Frozen> {
        std::mem::take(&mut self.has_refrozen).then(|| self.frozen.clone())
    }

    /// Who is frozen.
    #[must_use]
    pub fn frozen(&self) -> Frozen {
        self.frozen.clone()
    }

    /// The event of a frozen actor's request, up to a rate: whoever is stopped must not be able to fill the disk.
    pub fn refusal(&mut self, caller: &Caller, now: Micros) -> Option<Event> {
        let minute = now.div_euclid(MINUTE_MICROS);
        if minute != self.refused.0 {
            self.refused = (minute, 0);
        }
        if self.refused.1 >= FAILED_PROOFS_LOGGED_PER_MINUTE {
            return None;
        }
        self.refused.1 += 1;
        Some(Event {
            actor: Some(caller.known.id.clone()),
            facility: Some(caller.known.actor.facility.clone()),
            role: Some(caller.known.actor.role),
            purpose: Some(caller.purpose),
            channel: Some(caller.channel.clone()),
            ..Event::new(now, Action::Authenticate, Decision::RefusedFrozen)
        })
    }

    /// Learns from which device and node the request comes that is carried out now.
    pub fn face(&mut self, device: Option<&str>, node: Node, planting: Option<i64>) {
        self.device = device.map(str::to_owned);
        self.node = Some(node.to_string());
        self.planting = planting;
    }

    /// The canary that the archive plants by the request that is carried out now.
    #[must_use]
    pub fn planting(&self) -> Option<i64> {
        self.planting
    }

    /// Hears of an event that is being written down.
    pub fn hear(&mut self, event: &Event) {
        self.heard.push(event.clone());
    }

    /// Forgets what a request that was rolled back had written down. What it rang stays.
    pub fn unhear(&mut self) {
        self.heard.clear();
    }

    pub(super) fn ring(&mut self, alarm: Alarm) {
        self.ringing.push(alarm);
    }
}

/// Writes down what the request made ring, and stops whom it must, in the request's transaction.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn attend(turn: &mut Turn<'_>) -> Result<()> {
    let heard = std::mem::take(&mut turn.watch.heard);
    hearing::listen(turn, &heard)?;
    for alarm in std::mem::take(&mut turn.watch.ringing) {
        let channel = heard.iter().find(|event| event.actor == alarm.actor).and_then(|event| event.channel.clone());
        let frozen = turn.watch.frozen.0.len();
        sound(turn, alarm, Way { channel: channel.clone(), device: turn.watch.device.clone() })?;
        if turn.watch.frozen.0.len() > frozen
            && let Some(alarm) = node::suspected(turn)
        {
            sound(turn, alarm, Way { channel, device: None })?;
        }
    }
    Ok(())
}

fn sound(turn: &mut Turn<'_>, alarm: Alarm, way: Way) -> Result<()> {
    if turn.watch.settings.is_off(alarm.kind) {
        return Ok(());
    }
    let must_freeze = alarm.severity == Severity::Critical && turn.watch.settings.freezes(alarm.kind);
    let (id, mut record) = match same(turn.watch, &alarm) {
        // While somebody still has to look at it, more of the same is one alarm: a thief must not bury the first under the rest.
        Some((id, mut record)) => {
            record.count += 1;
            let is_flood = turn.now.saturating_sub(record.last) < REPEAT_MICROS && alarm.severity <= record.severity;
            if is_flood && (!must_freeze || record.incident.is_some()) {
                // What rings a thousand times a second is counted here, and written down with the next one that is.
                turn.watch.open.insert(id, record);
                return Ok(());
            }
            record.last = turn.now;
            if alarm.severity > record.severity {
                (record.severity, record.text) = (alarm.severity, alarm.text.clone());
                record.due = record.due.min(tick::due(&turn.watch.settings, &record, turn.now));
                tick::tell(turn, id, &record)?;
            }
            (id, record)
        }
        None => begin(turn, &alarm)?,
    };
    if let (true, Some(actor)) = (must_freeze, &alarm.actor)
        && !turn.watch.is_frozen(actor)
    {
        record.incident = Some(incident::begin(turn, id, &record, actor, way)?);
        frozen::freeze(turn, actor, "alarm", &format!("alarm {id}: {}", record.kind.name()))?;
    }
    rows::put(turn.db, turn.keys, Table::Alarm, id, &record)?;
    turn.watch.open.insert(id, record);
    Ok(())
}

fn same(watch: &Watch, alarm: &Alarm) -> Option<(i64, Record)> {
    let is_same =
        |record: &Record| record.kind == alarm.kind && record.actor == alarm.actor && record.facility == alarm.facility;
    watch.open.iter().find(|(_, record)| is_same(record)).map(|(id, record)| (*id, record.clone()))
}

fn begin(turn: &mut Turn<'_>, alarm: &Alarm) -> Result<(i64, Record)> {
    let event = Event {
        actor: alarm.actor.clone(),
        facility: alarm.facility.clone(),
        patient: alarm.patient,
        ..Event::new(turn.now, Action::Alarm, Decision::Permitted)
    };
    let detail = format!("rang, {} {}: {}", alarm.severity.name(), alarm.kind.name(), alarm.text);
    let position = crate::audit::append(turn.db, turn.keys, &event.detailed(detail))?;
    let mut record = Record {
        kind: alarm.kind,
        severity: alarm.severity,
        at: turn.now,
        last: turn.now,
        count: 1,
        actor: alarm.actor.clone(),
        facility: alarm.facility.clone(),
        patient: alarm.patient,
        text: alarm.text.clone(),
        state: State::Open,
        stage: 0,
        due: 0,
        by: None,
        note: None,
        incident: None,
        position,
    };
    record.due = tick::due(&turn.watch.settings, &record, turn.now);
    let id = rows::insert(turn.db, turn.keys, Table::Alarm, &record)?;
    tick::tell(turn, id, &record)?;
    tracing::warn!(alarm = id, kind = record.kind.name(), severity = record.severity.name(), "an alarm rang");
    Ok((id, record))
}
