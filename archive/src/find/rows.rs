//! Candidates from the index, and the rows they become.

use super::query::{Level, Row};
use crate::error::Result;
use crate::index::Index;
use crate::index::rows::{Filter, Kept, SeriesRow, StudyRow};
use crate::ingest::summary::{self, ATTRIBUTES};
use record::Pseudonym;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What may become a row: one instance speaks for it.
pub(super) struct Candidate {
    pub(super) representative: Kept,
    /// DICOM JSON of what the index itself knows.
    counted: Map<String, Value>,
}

/// The candidates of a level in the order of the index.
pub(super) fn candidates(index: &Index, level: Level, filter: &Filter) -> Result<Vec<Candidate>> {
    match level {
        Level::Patient => {
            let rows = index.patients(filter)?.into_iter().map(|row| {
                let counts = [("00201200", row.studies), ("00201202", row.series), ("00201204", row.instances)];
                Candidate {
                    representative: row.representative,
                    counted: counts.into_iter().map(|(key, count)| (key.to_owned(), number(count))).collect(),
                }
            });
            Ok(rows.collect())
        }
        Level::Study => Ok(merged(index.studies(filter)?).into_iter().map(study).collect()),
        Level::Series => Ok(index.series(filter)?.into_iter().map(series).collect()),
        Level::Instance => {
            Ok(index.instances(filter)?.into_iter().map(|row| series(row.series)).map(available).collect())
        }
    }
}

/// A study of one patient that two facilities sent is one study to whoever may see both.
fn merged(rows: Vec<StudyRow>) -> Vec<StudyRow> {
    let mut places: HashMap<(Pseudonym, String), usize> = HashMap::new();
    let mut all: Vec<StudyRow> = Vec::with_capacity(rows.len());
    for row in rows {
        let name = (row.patient, row.study_instance_uid.clone());
        match places.get(&name).and_then(|place| all.get_mut(*place)) {
            None => {
                places.insert(name, all.len());
                all.push(row);
            }
            Some(first) => {
                first.series += row.series;
                first.instances += row.instances;
                first.modalities.extend(row.modalities);
                first.modalities.sort();
                first.modalities.dedup();
            }
        }
    }
    all
}

fn study(row: StudyRow) -> Candidate {
    let mut counted = Map::new();
    counted.insert("00080061".to_owned(), json!({"vr": "CS", "Value": row.modalities}));
    counted.insert("00201206".to_owned(), number(row.series));
    counted.insert("00201208".to_owned(), number(row.instances));
    available(Candidate { representative: row.representative, counted })
}

fn series(row: SeriesRow) -> Candidate {
    let mut candidate = study(row.study);
    candidate.counted.insert("00201209".to_owned(), number(row.instances));
    candidate
}

/// InstanceAvailability (0008,0056): everything found can be read at once.
fn available(mut candidate: Candidate) -> Candidate {
    candidate.counted.insert("00080056".to_owned(), json!({"vr": "CS", "Value": ["ONLINE"]}));
    candidate
}

fn number(count: u64) -> Value {
    json!({"vr": "IS", "Value": [count]})
}

/// The attributes at the level and above, in the order of their tags as DICOM JSON wants them.
pub(super) fn row(level: Level, candidate: &Candidate, summary: &Map<String, Value>) -> Row {
    let held = ATTRIBUTES
        .iter()
        .filter(|(_, at)| *at <= level)
        .filter_map(|(tag, _)| summary.get_key_value(&summary::key(*tag)));
    let counted = candidate.counted.iter();
    let mut all: Vec<_> = held.chain(counted).collect();
    all.sort_by_key(|(key, _)| *key);
    Row {
        attributes: all.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        patient: candidate.representative.record.patient,
        facility: candidate.representative.record.facility.clone(),
    }
}
