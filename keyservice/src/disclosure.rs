//! Bulk exports as the key service sees them: what may be opened under an export, and what is disclosed by it.
//!
//! An export's rights come from its proposal alone: the terms that different people signed. Patients are counted against those
//! terms and against nobody's budget, each opening is an event under the export's id, and every object version has a disclosure of
//! its own, whose id every copy of the file carries. A file's digest is in the ledger before its bytes leave.

use crate::audit::{Action, Decision, Event, Touched, leaf};
use crate::error::{Error, Result};
use crate::identity;
use crate::metering::Click;
use crate::quorum::proposals::Known;
use crate::quorum::{self};
use crate::request::{Caller, Ended, Stop, Turn, release};
use crate::store::patients::{self, Patient};
use crate::store::{events, quorum as stored, relations};
use aws_lc_rs::rand;
use ledger::SigningKey;
use record::limits::{
    EXPORT_ALONE_PATIENTS_MAX, EXPORT_BATCH_FILES_MAX, EXPORT_NAMED_MAX, EXPORT_PATIENTS_MAX, MESSAGE_ITEMS_MAX,
};
use record::{Outcome, Pseudonym};
use seal::approval::ProposalId;
use seal::message::export::{DisclosedFile, DisclosureId, ExportAnswer, ExportAsk, ExportTerms};
use seal::message::quorum::Subject;
use seal::message::{Part, ReleaseItem, Released};
use seal::wrap::unwrap;
use std::collections::HashMap;

/// Whether an export is so small that its runner needs nobody's approval, and has no right but its own.
#[must_use]
pub fn is_small(terms: &ExportTerms) -> bool {
    terms.patients_max <= EXPORT_ALONE_PATIENTS_MAX
}

/// Checks what can be checked of terms before anybody approves them.
///
/// # Errors
/// Invalid for terms that cannot be met.
pub fn check_terms(turn: &Turn<'_>, terms: &ExportTerms) -> Result<()> {
    let selection = &terms.selection;
    if terms.recipient_key == [0; 32] || terms.recipient.trim().is_empty() {
        return Err(Error::invalid("an export names its recipient and the recipient's key"));
    }
    if !(1..=EXPORT_PATIENTS_MAX).contains(&terms.patients_max) || terms.objects_max == 0 || terms.bytes_max == 0 {
        return Err(Error::invalid("an export is of 1 to 100,000 patients, at least one object and one byte"));
    }
    if !turn.register.facilities.contains_key(&selection.facility) {
        return Err(Error::invalid("there is no such facility"));
    }
    let is_day = |day: &String| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit());
    if !selection.from.iter().chain(&selection.to).all(is_day) {
        return Err(Error::invalid("a day is written YYYYMMDD"));
    }
    if selection.patients.len() > EXPORT_NAMED_MAX || selection.modalities.len() > EXPORT_NAMED_MAX {
        return Err(Error::invalid("an export names at most 256 patients and modalities"));
    }
    Ok(())
}

/// Checks what can be checked without the state.
///
/// # Errors
/// Invalid beyond a limit.
pub fn check(ask: &ExportAsk) -> Result<()> {
    let fits = match ask {
        ExportAsk::Release(_, items) => items.len() <= MESSAGE_ITEMS_MAX,
        ExportAsk::Disclose(_, files) => files.len() <= EXPORT_BATCH_FILES_MAX,
        ExportAsk::Begin(_) | ExportAsk::End { .. } => true,
    };
    fits.then_some(()).ok_or_else(|| Error::invalid("a message has too many items"))
}

/// One step of an export.
///
/// # Errors
/// Refused, with its event, if the export may not run, or no longer, or not by whoever asks.
pub fn step(turn: &mut Turn<'_>, caller: &Caller, ask: &ExportAsk) -> Ended<ExportAnswer> {
    let id = ask.export();
    // A machine's certificate is no person's order.
    if !caller.known.by_token {
        let event = turn.event(caller, Action::Export, Decision::RefusedRole).detailed(id.to_hex());
        return Err(Stop::Refused(vec![event]));
    }
    let known = quorum::enact_export(turn, &id, &caller.known.id)?;
    let Subject::Export(terms) = &known.proposal.subject else { return Err(Error::refused().into()) };
    match ask {
        ExportAsk::Begin(_) => begin(turn, caller, &known, terms),
        ExportAsk::Release(_, items) => {
            let reach = Reach::of(turn, id, terms)?;
            let is_granted = known.proposal.rule.approvals > 0;
            let released = if is_granted {
                granted(turn, caller, &reach, items)?
            } else {
                own_rights(turn, caller, &reach, items)?
            };
            Ok(ExportAnswer::Released(released))
        }
        ExportAsk::Disclose(_, files) => disclose(turn, caller, &id, terms, files),
        ExportAsk::End { manifest, files, .. } => end(turn, caller, &known, manifest, *files),
    }
}

/// What an export may take, looked up once for each of its steps.
struct Reach<'t> {
    id: ProposalId,
    terms: &'t ExportTerms,
    /// The facility's row.
    facility: i64,
    /// The patients that the terms name, if they name any.
    named: Option<Vec<Patient>>,
}

impl<'t> Reach<'t> {
    fn of(turn: &Turn<'_>, id: ProposalId, terms: &'t ExportTerms) -> Result<Self> {
        let facility = turn.register.facilities.get(&terms.selection.facility);
        let facility = facility.ok_or_else(|| Error::invalid("there is no such facility any more"))?.id;
        Ok(Self { id, terms, facility, named: named(turn, terms)? })
    }
}

fn begin(turn: &mut Turn<'_>, caller: &Caller, known: &Known, terms: &ExportTerms) -> Ended<ExportAnswer> {
    let event = turn.event(caller, Action::Export, Decision::Permitted);
    turn.append(&event.detailed(format!("{} begun, to key {}", known.id.to_hex(), hex::encode(terms.recipient_key))))?;
    let patients = named(turn, terms)?.unwrap_or_default().into_iter().map(|patient| patient.pseudonym).collect();
    Ok(ExportAnswer::Begun { proposal: known.stored.bytes.clone(), patients })
}

/// The patients that the terms name; `None` if they name none. An unknown number is nobody.
fn named(turn: &Turn<'_>, terms: &ExportTerms) -> Result<Option<Vec<Patient>>> {
    if terms.selection.patients.is_empty() {
        return Ok(None);
    }
    let mut named = Vec::new();
    let facility = &terms.selection.facility;
    for identifier in &terms.selection.patients {
        let identifier = crate::report::bound(facility, identifier);
        if let Some(patient) = identity::find(turn.db, turn.keys, facility, &[identifier])? {
            named.extend(patients::person(turn.db, patient)?);
        }
    }
    Ok(Some(named))
}

/// A small export: its runner opens by its own rights and within its own budgets, like any reader.
fn own_rights(turn: &mut Turn<'_>, caller: &Caller, reach: &Reach<'_>, items: &[ReleaseItem]) -> Ended<Vec<Released>> {
    let mut within = Vec::with_capacity(items.len());
    for item in items {
        // A canary goes along with approved exports alone: here it would ring for whoever runs this one.
        let is_real = !turn.watch.canaries.holds(item.context.patient);
        within.push(is_real && is_within(turn, reach, item)?.is_some());
    }
    let asked: Vec<ReleaseItem> =
        items.iter().zip(&within).filter(|(_, within)| **within).map(|(item, _)| item.clone()).collect();
    let mut opened = release::release(turn, caller, &Click::List, Part::Content, &asked)?.into_iter();
    let mut answers = Vec::with_capacity(items.len());
    for (item, within) in items.iter().zip(within) {
        let mut answer = if within { opened.next().unwrap_or(Released::Refused) } else { Released::Refused };
        if matches!(answer, Released::Key(_)) && !take(turn, reach, item)? {
            answer = Released::Refused;
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// An approved export: what its terms hold, and no record that carries a label of its own.
fn granted(turn: &mut Turn<'_>, caller: &Caller, reach: &Reach<'_>, items: &[ReleaseItem]) -> Result<Vec<Released>> {
    let mut answers = Vec::with_capacity(items.len());
    let mut events: Vec<Event> = Vec::new();
    let mut at: HashMap<Pseudonym, usize> = HashMap::new();
    for item in items {
        let (answer, decision) = match grant(turn, reach, item)? {
            Ok(key) => (Released::Key(key), Decision::Permitted),
            Err(decision) => (Released::Refused, decision),
        };
        answers.push(answer);
        let touched = Touched { object: item.context.object, version: item.context.version, decision };
        let place = *at.entry(item.context.patient).or_insert(events.len());
        if place == events.len() {
            events.push(Event {
                patient: Some(item.context.patient),
                part: Some(Part::Content),
                purpose: Some(reach.terms.purpose),
                ..turn.event(caller, Action::Export, decision).detailed(opened_for(reach))
            });
        }
        if let Some(event) = events.get_mut(place) {
            if decision == Decision::Permitted {
                event.decision = decision;
            }
            event.objects.push(touched);
        }
    }
    for event in events {
        turn.append(&event)?;
    }
    Ok(answers)
}

/// As an export's openings stand in the log; a patient's report reads the recipient from it.
fn opened_for(reach: &Reach<'_>) -> String {
    format!("{} opened for {}", reach.id.to_hex(), reach.terms.recipient)
}

fn grant(
    turn: &Turn<'_>,
    reach: &Reach<'_>,
    item: &ReleaseItem,
) -> Result<std::result::Result<seal::message::DataKey, Decision>> {
    let Some(patient) = is_within(turn, reach, item)? else { return Ok(Err(Decision::RefusedRelation)) };
    // A canary goes to the one recipient that it is for, and a sleeping one to nobody.
    if !turn.watch.canaries.may_go_to(item.context.patient, &reach.terms.recipient) {
        return Ok(Err(Decision::RefusedUnknown));
    }
    // What is labelled as sensitive leaves in no bulk.
    if relations::has_labels(turn.db, patient)? {
        let (labels, _) = relations::labels(turn.db, turn.keys, patient, item.context.object, reach.facility)?;
        if !labels.is_empty() {
            return Ok(Err(Decision::RefusedPolicy));
        }
    }
    let Some(key) = patients::key(turn.db, turn.keys, patient)? else { return Ok(Err(Decision::RefusedUnknown)) };
    let Ok(opened) = unwrap(&key, &item.context, Part::Content, &item.wrapped) else {
        return Ok(Err(Decision::RefusedForged));
    };
    // The terms are charged before the answer leaves, in the same commit.
    Ok(if take(turn, reach, item)? { Ok(opened) } else { Err(Decision::RefusedBudget) })
}

/// The patient, if the terms cover it: treated by the facility, and named if any is.
fn is_within(turn: &Turn<'_>, reach: &Reach<'_>, item: &ReleaseItem) -> Result<Option<Patient>> {
    let Some(patient) = patients::find(turn.db, item.context.patient)? else { return Ok(None) };
    if !patients::is_treated(turn.db, patient, reach.facility)? {
        return Ok(None);
    }
    match &reach.named {
        Some(named) if !named.contains(&patient) => Ok(None),
        _ => Ok(Some(patient)),
    }
}

/// Counts one object against the terms; `false` if they do not hold it any more. What was counted before counts once.
fn take(turn: &Turn<'_>, reach: &Reach<'_>, item: &ReleaseItem) -> Result<bool> {
    let Reach { id, terms, .. } = reach;
    let Some(patient) = patients::find(turn.db, item.context.patient)? else { return Ok(false) };
    if stored::disclosure(turn.db, id, item.context.object, item.context.version)?.is_some() {
        return Ok(true);
    }
    let [patients, objects, _] = stored::exported(turn.db, id)?;
    let is_new = !stored::is_exported(turn.db, id, patient.id)?;
    if objects >= u64::from(terms.objects_max) || (is_new && patients >= u64::from(terms.patients_max)) {
        return Ok(false);
    }
    stored::export_patient(turn.db, id, patient.id)?;
    let mut random = [0; 16];
    rand::fill(&mut random).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    stored::put_disclosure(turn.db, id, DisclosureId(random), item.context.object, item.context.version)?;
    Ok(true)
}

/// Writes down what is about to leave. Only what this export has opened can be disclosed by it.
fn disclose(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &ProposalId,
    terms: &ExportTerms,
    files: &[DisclosedFile],
) -> Ended<ExportAnswer> {
    let mut ids = Vec::with_capacity(files.len());
    for file in files {
        let found = stored::disclosure(turn.db, id, file.context.object, file.context.version)?;
        let Some(disclosure) = found else {
            let event = turn.event(caller, Action::Export, Decision::RefusedForged).detailed(id.to_hex());
            return Err(Stop::Refused(vec![event]));
        };
        stored::measure_disclosure(turn.db, disclosure, file.bytes)?;
        ids.push(disclosure);
    }
    let [_, _, bytes] = stored::exported(turn.db, id)?;
    if bytes > terms.bytes_max {
        let event = turn.event(caller, Action::Export, Decision::RefusedBudget).detailed(id.to_hex());
        let error = Error::new(Outcome::Refused, "the export is longer than its approvers agreed to");
        return Err(Stop::Explained(Box::new(event), error));
    }
    for (file, disclosure) in files.iter().zip(&ids) {
        let Some(patient) = patients::find(turn.db, file.context.patient)? else { return Err(Error::refused().into()) };
        let detail = format!(
            "{} disclosed {} sha256 {} bytes {} to key {} ({})",
            id.to_hex(),
            hex::encode(disclosure.0),
            hex::encode(file.sha256),
            file.bytes,
            hex::encode(terms.recipient_key),
            terms.recipient
        );
        let event = Event {
            patient: Some(patient.pseudonym),
            part: Some(Part::Content),
            purpose: Some(terms.purpose),
            objects: vec![Touched {
                object: file.context.object,
                version: file.context.version,
                decision: Decision::Permitted,
            }],
            ..turn.event(caller, Action::Export, Decision::Permitted).detailed(detail)
        };
        turn.append(&event)?;
    }
    Ok(ExportAnswer::Disclosed(ids))
}

/// Writes the end down, and signs which manifest it was.
fn end(turn: &mut Turn<'_>, caller: &Caller, known: &Known, manifest: &[u8; 32], files: u32) -> Ended<ExportAnswer> {
    let detail = format!("{} ended: {files} files, manifest {}", known.id.to_hex(), hex::encode(manifest));
    let event = turn.event(caller, Action::Export, Decision::Permitted).detailed(detail);
    let position = turn.append(&event)?;
    let sealed = events::read(turn.db, position, 1)?.pop().ok_or_else(|| Error::damaged("an event is not there"))?;
    let entry = leaf(&sealed);
    let key = SigningKey::from_seed(turn.issuer, &turn.keys.ledger_seed)?;
    // The first line is no ledger's origin, so that the note is never taken for a checkpoint.
    let text = format!(
        "segel/export-receipt@v1\n{}\nexport {}\nmanifest {}\nfiles {files}\nposition {position}\nentry {}\n",
        turn.issuer,
        known.id.to_hex(),
        hex::encode(manifest),
        hex::encode(entry)
    );
    let receipt = key.sign(&text)?;
    Ok(ExportAnswer::Ended { receipt, position, entry, at: turn.now })
}
