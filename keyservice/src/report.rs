//! A patient's access report: who opened the record, when, why and through which door, read from the sealed events.
//!
//! Each event has a tag of four bytes for every patient that it is about: HMAC-SHA-256 under a key of the root over pseudonym and
//! position. Two tags of one patient have nothing in common, so a copied state does not tell which openings belong together; who
//! has the key computes one hash for each event and opens those few that fit. A million events take about a second.

mod tags;

use crate::audit::{self, Action, Decision, Event};
use crate::error::{Error, Result};
use crate::identity;
use crate::keys::Keys;
use crate::register::Register;
use crate::request::{Caller, Ended, Stop, Turn};
use crate::shared::Shared;
use crate::store::patients::{self, Patient};
use crate::store::{self, events};
use record::limits::REPORT_ENTRIES_MAX;
use record::{FacilityCode, Identifier, ObjectId, Pseudonym, Purpose, Role};
use rusqlite::Connection;
use seal::message::Part;
use seal::message::report::{AccessReport, ReportAsk, ReportEntry};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, VecDeque};

use tags::positions;
pub use tags::{index, index_tags, prove_tags};

/// The section `[report]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether a report names the people who opened a record. Not by default: the facility and the role answer the patient's
    /// question, and whether a person's name goes with them is for each country's law to say.
    #[serde(default)]
    pub names: bool,
}

/// A local number as ingest writes it: with its issuer, which is the facility where none is named.
#[must_use]
pub fn bound(facility: &FacilityCode, identifier: &Identifier) -> Identifier {
    match identifier {
        Identifier::Local { issuer, value } if issuer.trim().is_empty() => {
            Identifier::Local { issuer: facility.to_string(), value: value.clone() }
        }
        other => other.clone(),
    }
}

/// Writes down that a report is made, and answers an empty one that says so. What happened is read afterwards, beside the
/// writer ([`fill`]).
///
/// # Errors
/// Refused, with its event, if the asker may not or there is no such patient.
pub fn begin(turn: &mut Turn<'_>, caller: &Caller, ask: &ReportAsk) -> Ended<AccessReport> {
    let facility = match caller.known.actor.role {
        Role::Auditor | Role::DataProtectionOfficer => {
            ask.facility.clone().unwrap_or_else(|| caller.known.actor.facility.clone())
        }
        _ => caller.known.actor.facility.clone(),
    };
    let patient = identity::find(turn.db, turn.keys, &facility, &[bound(&facility, &ask.patient)])?;
    let decision = decide(turn, caller, patient)?;
    let event = turn.event(caller, Action::Report, decision);
    match patient {
        Some(patient) if decision == Decision::Permitted => logged(turn, event, patient),
        _ => {
            let patient = patient.map(|patient| patient.pseudonym);
            Err(Stop::Refused(vec![Event { patient, ..event }]))
        }
    }
}

/// The same for whoever holds the administrator's socket.
///
/// # Errors
/// Invalid without a facility for a local number; Refused if there is no such patient.
pub fn begin_by_administrator(turn: &mut Turn<'_>, ask: &ReportAsk) -> Ended<AccessReport> {
    let event = Event {
        actor: Some("administrator".into()),
        facility: ask.facility.clone(),
        ..Event::new(turn.now, Action::Report, Decision::Permitted)
    };
    let facility = match &ask.facility {
        Some(facility) => facility.clone(),
        None if ask.patient.is_national() => FacilityCode::new("NONE").ok_or_else(Error::refused)?,
        None => return Err(Error::invalid("a local number goes with the facility that gave it").into()),
    };
    match identity::find(turn.db, turn.keys, &facility, &[bound(&facility, &ask.patient)])? {
        Some(patient) => logged(turn, event, patient),
        None => Err(Stop::Refused(vec![Event { decision: Decision::RefusedUnknown, ..event }])),
    }
}

fn logged(turn: &mut Turn<'_>, event: Event, patient: Patient) -> Ended<AccessReport> {
    let position = turn.append(&Event { patient: Some(patient.pseudonym), ..event })?;
    let origin = turn.issuer.to_owned();
    Ok(AccessReport { origin, made: turn.now, position, entries: Vec::new(), left_out: 0 })
}

/// Auditors and data protection officers read the log, for everybody's patients; a registrar answers patients of its own facility.
fn decide(turn: &Turn<'_>, caller: &Caller, patient: Option<Patient>) -> Result<Decision> {
    let is_granted = caller.known.actor.granted == caller.purpose;
    if !caller.known.by_token {
        return Ok(Decision::RefusedRole);
    }
    match caller.known.actor.role {
        Role::Auditor | Role::DataProtectionOfficer if is_granted => {}
        Role::Registrar if is_granted && caller.purpose == Purpose::PatientRequest => {}
        Role::Auditor | Role::DataProtectionOfficer | Role::Registrar => return Ok(Decision::RefusedPurpose),
        _ => return Ok(Decision::RefusedRole),
    }
    let Some(patient) = patient else { return Ok(Decision::RefusedUnknown) };
    let treated = patients::is_treated(turn.db, patient, caller.known.facility)?;
    Ok(if caller.known.actor.role != Role::Registrar || treated {
        Decision::Permitted
    } else {
        Decision::RefusedRelation
    })
}

/// Fills a report that was written down: reads the committed state beside the writer.
///
/// # Errors
/// Damaged for an event that is not what was written.
pub fn fill(shared: &Shared, settings: Settings, ask: &ReportAsk, mut report: AccessReport) -> Result<AccessReport> {
    let db = store::open_for_reading(&shared.folder)?;
    let own = read(&db, &shared.keys, report.position)?;
    let pseudonym = own.patient.ok_or_else(|| Error::damaged("a report's event names nobody"))?;
    let patient = patients::find(&db, pseudonym)?.ok_or_else(|| Error::damaged("a report's patient is not there"))?;
    let person: Vec<Pseudonym> = patients::person(&db, patient)?.into_iter().map(|p| p.pseudonym).collect();
    let register = shared.register();
    let mut kinds = HashMap::new();
    let mut entries: VecDeque<ReportEntry> = VecDeque::new();
    for position in positions(&db, &shared.keys, &person, report.position)? {
        let event = read(&db, &shared.keys, position)?;
        learn_kinds(&mut kinds, &event, &person);
        let in_time = ask.from.is_none_or(|from| event.at >= from) && ask.to.is_none_or(|to| event.at <= to);
        if !in_time {
            continue;
        }
        let Some(entry) = entry(&register, settings, &kinds, &person, position, &event) else { continue };
        if entries.len() >= REPORT_ENTRIES_MAX {
            entries.pop_front();
            report.left_out += 1;
        }
        entries.push_back(entry);
    }
    report.entries = entries.into_iter().rev().collect();
    Ok(report)
}

fn read(db: &Connection, keys: &Keys, position: u64) -> Result<Event> {
    let sealed = events::read(db, position, 1)?.pop().ok_or_else(|| Error::damaged("an event is not there"))?;
    audit::open(keys, position, &sealed)
}

/// What was taken in is later opened: the kind stands in the event of the admission.
fn learn_kinds(kinds: &mut HashMap<ObjectId, String>, event: &Event, person: &[Pseudonym]) {
    let is_admission = matches!(event.action, Action::Admit | Action::NewVersion);
    if is_admission && event.patient.is_some_and(|patient| person.contains(&patient)) {
        for touched in &event.objects {
            kinds.insert(touched.object, event.detail.clone().unwrap_or_default());
        }
    }
}

fn entry(
    register: &Register,
    settings: Settings,
    kinds: &HashMap<ObjectId, String>,
    person: &[Pseudonym],
    position: u64,
    event: &Event,
) -> Option<ReportEntry> {
    let is_theirs = |patient: &Pseudonym| person.contains(patient);
    let mut objects: Vec<&audit::Touched> = Vec::new();
    let mut concerns = event.patient.as_ref().is_some_and(is_theirs);
    if concerns {
        objects.extend(&event.objects);
    }
    for listed in event.patients.iter().flatten().filter(|listed| is_theirs(&listed.patient)) {
        concerns = true;
        objects.extend(&listed.objects);
    }
    // The archive compares what arrives again with what it keeps: nobody sees anything by it. An export's files follow the
    // opening that the report names.
    let is_detail = event.action == Action::Compare
        || (event.action == Action::Export
            && event.detail.as_ref().is_some_and(|detail| detail.contains(" disclosed ")));
    if !concerns || is_detail {
        return None;
    }
    let opened = objects.iter().filter(|touched| touched.decision == Decision::Permitted);
    let words = opened.clone().filter_map(|touched| kinds.get(&touched.object)).flat_map(|text| text.split(' '));
    let kinds: BTreeSet<&str> = words.filter(|word| !word.is_empty()).collect();
    let permitted = if objects.is_empty() { event.decision == Decision::Permitted } else { opened.clone().count() > 0 };
    let person = event.actor.as_ref().and_then(|actor| register.people.get(actor));
    let facility_name =
        event.facility.as_ref().and_then(|code| register.facilities.get(code)).map(|facility| facility.name.clone());
    Some(ReportEntry {
        position,
        at: event.at,
        action: format!("{:?}", event.action),
        permitted,
        facility: event.facility.clone(),
        facility_name,
        role: event.role,
        name: person.filter(|_| settings.names).map(|person| person.name.clone()),
        purpose: event.purpose,
        channel: event.channel.clone(),
        whole: event.part == Some(Part::Content),
        objects: u32::try_from(if permitted { opened.count() } else { objects.len() }).unwrap_or(u32::MAX),
        kinds: kinds.into_iter().map(str::to_owned).collect(),
        reason: reason(event),
    })
}

/// A reason that somebody stated. Details of other actions are the log's own.
fn reason(event: &Event) -> Option<String> {
    let detail = event.detail.clone().filter(|detail| !detail.is_empty());
    match event.action {
        Action::BreakGlass | Action::Erase => detail,
        Action::Export => detail.and_then(|text| text.split_once(" for ").map(|(_, recipient)| recipient.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Listed, Touched};
    use seal::root::Base;
    use seal::vault::Vault;

    const PATIENT: Pseudonym = Pseudonym([1; 16]);
    const OTHER: Pseudonym = Pseudonym([2; 16]);

    fn touched(number: u8) -> Vec<Touched> {
        vec![Touched { object: ObjectId([number; 16]), version: 1, decision: Decision::Permitted }]
    }

    fn event(action: Action, patient: Option<Pseudonym>, number: u8) -> Event {
        Event { patient, objects: touched(number), ..Event::new(0, action, Decision::Permitted) }
    }

    #[test]
    fn single_openings_and_lists_of_many_are_found_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let db = store::open(folder.path()).unwrap();
        let keys = Keys::derive(Base::generate().unwrap(), Vault::generate().unwrap().reserving(10)).unwrap();
        let list = Event {
            patients: Some(vec![
                Listed { patient: OTHER, objects: touched(8) },
                Listed { patient: PATIENT, objects: touched(7) },
            ]),
            part: Some(Part::Summary),
            ..Event::new(0, Action::Release, Decision::Permitted)
        };
        let events = [
            event(Action::Admit, Some(PATIENT), 7).detailed("dicom"),
            event(Action::Release, Some(OTHER), 8),
            list,
            event(Action::Start, None, 0),
            Event { part: Some(Part::Content), ..event(Action::Release, Some(PATIENT), 7) },
        ];
        for event in &events {
            audit::append(&db, &keys, event).unwrap();
        }
        let found = positions(&db, &keys, &[PATIENT], 4).unwrap();
        assert_eq!(found, [0, 2, 4]);
        assert_eq!(positions(&db, &keys, &[PATIENT, OTHER], 3).unwrap(), [0, 1, 2]);
        let mut kinds = HashMap::new();
        learn_kinds(&mut kinds, &events[0], &[PATIENT]);
        for (position, whole) in [(2, false), (4, true)] {
            let event = read(&db, &keys, position).unwrap();
            let register = Register::default();
            let entry = entry(&register, Settings::default(), &kinds, &[PATIENT], position, &event).unwrap();
            assert_eq!((entry.objects, entry.whole, entry.kinds.as_slice()), (1, whole, &["dicom".to_owned()][..]));
        }
        // A state from before there were tags: what has none is opened.
        db.execute_batch("DELETE FROM event_tag WHERE position < 2").unwrap();
        assert_eq!(positions(&db, &keys, &[PATIENT], 4).unwrap(), [0, 1, 2, 4]);
        // Tags that somebody took away or exchanged would leave an event out: no report then.
        for change in [
            "UPDATE event_tag SET tags = (SELECT tags FROM event_tag WHERE position = 3) WHERE position = 4",
            "DELETE FROM event_tag WHERE position = 4",
            "DELETE FROM event_tag WHERE position = 3",
        ] {
            db.execute_batch("SAVEPOINT s").unwrap();
            db.execute_batch(change).unwrap();
            assert!(positions(&db, &keys, &[PATIENT], 4).is_err(), "{change}");
            db.execute_batch("ROLLBACK TO s").unwrap();
        }
    }
}
