//! Taking objects in: identities become pseudonyms, terms become tokens, data keys become wrapped keys.

use super::{Caller, Ended, Stop, Turn, label, relate, situation};
use crate::audit::{Action, Decision, Event, Touched};
use crate::canary;
use crate::error::{Error, Result};
use crate::identity::{self, Settled};
use crate::isolation;
use crate::store::patients::{self, Patient};
use crate::store::relations;
use policy::{Relation, Right};
use record::Label;
use record::limits::{IDENTIFIER_BYTES_MAX, LABEL_BYTES_MAX, MESSAGE_ITEMS_MAX, MESSAGE_TERMS_MAX};
use seal::message::{AdmitItem, Admitted, Context, Part};
use seal::wrap::wrap;
use std::collections::BTreeSet;
use std::sync::PoisonError;

/// Objects of one patient and action, for one event.
struct Group {
    patient: Patient,
    action: Action,
    objects: Vec<Touched>,
    kinds: BTreeSet<String>,
}

/// Checks what can be checked without the state.
///
/// # Errors
/// Invalid beyond a limit.
pub fn check(items: &[AdmitItem]) -> Result<()> {
    if items.len() > MESSAGE_ITEMS_MAX {
        return Err(Error::invalid("a message has too many items"));
    }
    if items.iter().map(|item| item.terms.len()).sum::<usize>() > MESSAGE_TERMS_MAX {
        return Err(Error::invalid("a message has too many terms"));
    }
    for item in items {
        if item.identifiers.is_empty() && item.patient.is_none() {
            return Err(Error::invalid("an object names no patient"));
        }
        if item.version == 0 {
            return Err(Error::invalid("versions count from 1"));
        }
        if item.kind.is_empty() || item.kind.len() > LABEL_BYTES_MAX || !item.kind.is_ascii() {
            return Err(Error::invalid("a kind is a short word"));
        }
        if item.says.as_ref().is_some_and(|says| says.labels.len() > Label::all().len()) {
            return Err(Error::invalid("an object has each label once"));
        }
        if item.terms.iter().any(|term| term.text.len() > IDENTIFIER_BYTES_MAX) {
            return Err(Error::invalid("a term has at most 512 bytes"));
        }
    }
    Ok(())
}

/// Takes objects in, all or none.
///
/// # Errors
/// Refused, with its event, if the actor may not put in or names a patient that its facility has not treated.
pub fn admit(turn: &mut Turn<'_>, caller: &Caller, items: &[AdmitItem]) -> Ended<Vec<Admitted>> {
    // Putting in needs no relation: it is how one begins.
    let situation = situation(caller.purpose, false, turn.now);
    let right = turn.engine.decide(&caller.known.actor, Right::Input, Relation::NONE.into(), situation);
    if let policy::Decision::Deny(reason) = right {
        return Err(refused(turn, caller, items, reason.into()));
    }
    canary::check(turn, caller, items)?;
    let mut groups: Vec<Group> = Vec::new();
    let mut admitted = Vec::with_capacity(items.len());
    for item in items {
        let Some(settled) = settle(turn, caller, item)? else {
            return Err(refused(turn, caller, items, Decision::RefusedRelation));
        };
        // Erased patients are found by no identifier, but a pseudonym may still be named.
        let Some(one) = seal_item(turn, caller, item, settled.patient)? else {
            return Err(refused(turn, caller, items, Decision::RefusedUnknown));
        };
        admitted.push(one);
        canary::admitted(turn, caller, &settled)?;
        log_conflicts(turn, caller, item, &settled)?;
        hear(turn, caller, item, settled.patient)?;
        gather(&mut groups, item, settled.patient);
    }
    for group in groups {
        let kinds: Vec<String> = group.kinds.into_iter().collect();
        let event = Event {
            patient: Some(group.patient.pseudonym),
            objects: group.objects,
            ..turn.event(caller, group.action, Decision::Permitted).detailed(kinds.join(" "))
        };
        turn.append(&event)?;
    }
    Ok(admitted)
}

/// Whose the item is; `None` if it names a patient that is not the facility's to name.
fn settle(turn: &Turn<'_>, caller: &Caller, item: &AdmitItem) -> Result<Option<Settled>> {
    let known = match item.patient {
        None => None,
        Some(pseudonym) => match patients::find(turn.db, pseudonym)? {
            Some(patient) if patients::is_treated(turn.db, patient, caller.known.facility)? => Some(patient),
            _ => return Ok(None),
        },
    };
    let settled = identity::settle(turn.db, turn.keys, &caller.known.actor.facility, &item.identifiers, known)?;
    isolation::admitted(turn, caller, &settled)?;
    Ok(Some(settled))
}

/// What the object says beside itself comes into force with it.
fn hear(turn: &mut Turn<'_>, caller: &Caller, item: &AdmitItem, patient: Patient) -> Ended<()> {
    if item.version > 1 {
        relate::follow(turn, caller, patient, item.object)?;
    }
    let Some(says) = &item.says else { return Ok(()) };
    if !says.labels.is_empty() {
        label::admit(turn, caller, patient, item.object, &says.labels)?;
    }
    if let Some(change) = &says.relation {
        relate::change_of(turn, caller, patient, change, Some(item.object))?;
    }
    Ok(())
}

/// Wraps the item's keys under its patient; `None` if the patient is erased.
fn seal_item(turn: &Turn<'_>, caller: &Caller, item: &AdmitItem, patient: Patient) -> Result<Option<Admitted>> {
    let Some(key) = patients::key(turn.db, turn.keys, patient)? else { return Ok(None) };
    let context = Context { patient: patient.pseudonym, object: item.object, version: item.version };
    let epoch = turn.keys.base.epoch();
    let mut names = turn.names.write().unwrap_or_else(PoisonError::into_inner);
    names.learn(turn.db, turn.keys, patient, &item.terms)?;
    Ok(Some(Admitted {
        patient: patient.pseudonym,
        linked: patients::linked(turn.db, patient)?.into_iter().map(|other| other.pseudonym).collect(),
        tokens: item.terms.iter().map(|term| names.stored(&turn.keys.tokens, patient, term)).collect(),
        summary: wrap(&key, epoch, &context, Part::Summary, &item.summary)?,
        content: wrap(&key, epoch, &context, Part::Content, &item.content)?,
        facility: caller.known.actor.facility.clone(),
        is_labelled: relations::has_labels(turn.db, patient)?,
    }))
}

fn log_conflicts(turn: &mut Turn<'_>, caller: &Caller, item: &AdmitItem, settled: &Settled) -> Result<()> {
    for conflict in &settled.conflicts {
        let outcome = if conflict.is_linked { "linked with" } else { "left apart from" };
        let other = conflict.other.map_or_else(|| "a number of nobody".to_owned(), |other| other.pseudonym.to_hex());
        let event = Event {
            patient: Some(settled.patient.pseudonym),
            objects: vec![Touched { object: item.object, version: item.version, decision: Decision::Permitted }],
            ..turn.event(caller, Action::IdentityConflict, Decision::Permitted).detailed(format!("{outcome} {other}"))
        };
        turn.append(&event)?;
    }
    Ok(())
}

fn gather(groups: &mut Vec<Group>, item: &AdmitItem, patient: Patient) {
    let action = if item.version > 1 { Action::NewVersion } else { Action::Admit };
    let touched = Touched { object: item.object, version: item.version, decision: Decision::Permitted };
    let position = groups.iter().rposition(|group| group.patient == patient && group.action == action);
    match position.and_then(|at| groups.get_mut(at)) {
        Some(group) => {
            group.objects.push(touched);
            group.kinds.insert(item.kind.clone());
        }
        None => {
            groups.push(Group { patient, action, objects: vec![touched], kinds: BTreeSet::from([item.kind.clone()]) });
        }
    }
}

fn refused(turn: &Turn<'_>, caller: &Caller, items: &[AdmitItem], decision: Decision) -> Stop {
    let objects = items.iter().map(|item| Touched { object: item.object, version: item.version, decision }).collect();
    Stop::Refused(vec![Event { objects, ..turn.event(caller, Action::Admit, decision) }])
}
