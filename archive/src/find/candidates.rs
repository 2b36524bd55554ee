//! Candidates from the index: rows that may answer, each once, however many facilities sent the same thing.

use super::narrow::{MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY};
use super::query::{Level, Query};
use crate::error::Result;
use crate::index::Index;
use crate::index::rows::{Filter, Kept, Place, SeriesRow, StudyRow};
use serde_json::{Map, Value, json};

/// Rows that speak for one candidate when the first of them does not match; a patient of more studies is found by these.
const OTHERS_MAX: usize = 256;
/// Rows that are read at once on the way to an offset.
const SKIPPED_AT_ONCE: usize = 4_096;

const PATIENT_COUNTS: [u32; 3] = [0x0020_1200, 0x0020_1202, 0x0020_1204];

/// What may become a row: one instance speaks for it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) representative: Kept,
    pub(super) place: Place,
    /// Whether other objects speak for the same patient, study, series or instance.
    pub(super) has_twins: bool,
    /// DICOM JSON of what the index itself knows.
    pub(super) counted: Map<String, Value>,
    /// Names the study and series for the look-up of others.
    study_instance_uid: String,
    series_instance_uid: String,
}

/// Some candidates in the order of the index, and whether more follow.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) candidates: Vec<Candidate>,
    pub(super) has_more: bool,
}

/// The next candidates behind `filter.after`, after `skip` others.
pub(super) fn next(index: &Index, query: &Query, filter: &Filter, mut skip: usize, take: usize) -> Result<Batch> {
    let mut filter = Filter { twins: true, offset: 0, ..filter.clone() };
    let mut batch = Batch::default();
    loop {
        let missing = take.saturating_sub(batch.candidates.len());
        // One more than is missing tells whether more follow.
        filter.limit = missing.saturating_add(skip.min(SKIPPED_AT_ONCE)).saturating_add(1);
        let found = fetch(index, query.level, &filter)?;
        let is_last = found.len() < filter.limit;
        filter.after = found.last().map(|candidate| candidate.place).or(filter.after);
        for candidate in found {
            if candidate.has_twins && !leads(index, query.level, &filter, &candidate)? {
                continue;
            }
            if skip > 0 {
                skip -= 1;
            } else if batch.candidates.len() == take {
                batch.has_more = true;
                return Ok(batch);
            } else {
                batch.candidates.push(completed(index, query, candidate)?);
            }
        }
        if is_last {
            return Ok(batch);
        }
    }
}

/// Whether no row of the same thing stands before this one: several facilities may have sent it, or a patient may have many
/// studies. Decided by the index alone, so every page decides alike.
fn leads(index: &Index, level: Level, filter: &Filter, candidate: &Candidate) -> Result<bool> {
    let same = Filter { limit: 1, after: None, twins: false, ..same(level, filter, candidate) };
    Ok(fetch(index, level, &same)?.first().is_none_or(|first| first.place == candidate.place))
}

/// Everything that speaks for a candidate at a level, which may be below its own.
pub(super) fn others(
    index: &Index,
    query: &Query,
    depth: Level,
    filter: &Filter,
    of: &Candidate,
) -> Result<Vec<Candidate>> {
    // What is below the level counts in its own rows, and was not there before the search began in other tables.
    let until = if depth == query.level { filter.until } else { None };
    let same =
        Filter { limit: OTHERS_MAX, after: None, twins: true, until, offset: 0, ..same(query.level, filter, of) };
    let below = Query { level: depth, ..query.clone() };
    fetch(index, depth, &same)?.into_iter().map(|candidate| completed(index, &below, candidate)).collect()
}

/// The filter, for one patient, study, series or instance only.
fn same(level: Level, filter: &Filter, of: &Candidate) -> Filter {
    let mut same = filter.clone();
    same.patients = vec![of.representative.record.patient];
    if level >= Level::Study {
        same.study_instance_uids = vec![of.study_instance_uid.clone()];
    }
    if level >= Level::Series {
        same.series_instance_uids = vec![of.series_instance_uid.clone()];
    }
    if level >= Level::Instance {
        same.sop_instance_uids =
            of.representative.instance().map(|facts| facts.sop_instance_uid.clone()).into_iter().collect();
    }
    same
}

fn fetch(index: &Index, level: Level, filter: &Filter) -> Result<Vec<Candidate>> {
    Ok(match level {
        Level::Patient => index.patients(filter)?.into_iter().map(patient).collect(),
        Level::Study => index.studies(filter)?.into_iter().map(study).collect(),
        Level::Series => index.series(filter)?.into_iter().map(series).collect(),
        Level::Instance => index.instances(filter)?.into_iter().map(|row| series(row.series)).collect(),
    })
}

fn patient(row: StudyRow) -> Candidate {
    Candidate {
        representative: row.representative,
        place: row.place,
        has_twins: row.has_twins,
        counted: Map::new(),
        study_instance_uid: row.study_instance_uid,
        series_instance_uid: String::new(),
    }
}

fn study(mut row: StudyRow) -> Candidate {
    let mut counted = Map::new();
    counted.insert("00080061".to_owned(), json!({"vr": "CS", "Value": std::mem::take(&mut row.modalities)}));
    counted.insert("00201206".to_owned(), number(row.series));
    counted.insert("00201208".to_owned(), number(row.instances));
    // InstanceAvailability (0008,0056): everything found can be read at once.
    counted.insert("00080056".to_owned(), json!({"vr": "CS", "Value": ["ONLINE"]}));
    Candidate { counted, ..patient(row) }
}

fn series(row: SeriesRow) -> Candidate {
    let mut candidate = study(row.study);
    candidate.counted.insert("00201209".to_owned(), number(row.instances));
    candidate.series_instance_uid = row.series_instance_uid;
    candidate
}

/// Adds what costs a look-up of its own: for twins what all of them make together, and what was asked for by name.
fn completed(index: &Index, query: &Query, mut candidate: Candidate) -> Result<Candidate> {
    let patient = candidate.representative.record.patient;
    if query.level == Level::Patient || PATIENT_COUNTS.iter().any(|tag| query.asked.contains(tag)) {
        let counts = index.patient_counts(patient)?;
        for (tag, count) in PATIENT_COUNTS.into_iter().zip([counts.studies, counts.series, counts.instances]) {
            candidate.counted.insert(crate::ingest::summary::key(tag), number(count));
        }
    }
    let wants_classes =
        query.asked.contains(&SOP_CLASSES_IN_STUDY) || query.keys.iter().any(|(tag, _)| *tag == SOP_CLASSES_IN_STUDY);
    if wants_classes && query.level >= Level::Study {
        let classes = index.sop_classes(patient, &candidate.study_instance_uid)?;
        let key = crate::ingest::summary::key(SOP_CLASSES_IN_STUDY);
        candidate.counted.insert(key, json!({"vr": "UI", "Value": classes}));
    }
    let is_matched = query.keys.iter().any(|(tag, _)| *tag == MODALITIES_IN_STUDY);
    if query.level == Level::Study && candidate.has_twins || query.level > Level::Study && is_matched {
        join(index, &mut candidate)?;
    }
    Ok(candidate)
}

/// A study of one patient that two facilities sent is one study to whoever may see both.
fn join(index: &Index, candidate: &mut Candidate) -> Result<()> {
    let record = &candidate.representative.record;
    let mut all = Filter::new(record.facility.clone(), OTHERS_MAX);
    all.patients = vec![record.patient];
    all.study_instance_uids = vec![candidate.study_instance_uid.clone()];
    let rows = index.studies(&all)?;
    if rows.len() < 2 {
        return Ok(());
    }
    let mut modalities: Vec<String> = rows.iter().flat_map(|row| row.modalities.clone()).collect();
    modalities.sort_unstable();
    modalities.dedup();
    let counted = &mut candidate.counted;
    counted.insert("00080061".to_owned(), json!({"vr": "CS", "Value": modalities}));
    counted.insert("00201206".to_owned(), number(rows.iter().map(|row| row.series).sum()));
    counted.insert("00201208".to_owned(), number(rows.iter().map(|row| row.instances).sum()));
    Ok(())
}

fn number(count: u64) -> Value {
    json!({"vr": "IS", "Value": [count]})
}
