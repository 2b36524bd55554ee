//! Opening candidates, and the rows they become.

use super::candidates::{self, Candidate};
use super::compare::matches;
use super::narrow::{MODALITIES_IN_STUDY, Narrowed, OTHER_PATIENT_IDS};
use super::query::{Level, Matching, Query, Row, Tag};
use crate::archive::Inner;
use crate::error::Result;
use crate::index::rows::Kept;
use crate::ingest::summary;
use crate::retrieve::{self, Located};
use seal::message::{Asker, Part};
use serde_json::{Map, Value};
use std::sync::Arc;

const PATIENT_ID: Tag = 0x0010_0020;
const ISSUER_OF_PATIENT_ID: Tag = 0x0010_0021;

/// What else speaks for each of some candidates.
pub(super) async fn located(
    archive: &Arc<Inner>,
    query: &Query,
    narrowed: &Narrowed,
    candidates: &[Candidate],
) -> Result<Vec<Vec<Candidate>>> {
    let (query, depth, filter) = (query.clone(), narrowed.depth, narrowed.filter.clone());
    let of: Vec<Candidate> = candidates.to_vec();
    archive
        .blocking(move |storage| {
            of.iter().map(|one| candidates::others(storage.index(), &query, depth, &filter, one)).collect()
        })
        .await
}

/// Opens what speaks for some candidates, in one call, and makes a row of the first that matches.
pub(super) async fn decide(
    archive: &Arc<Inner>,
    asker: &Asker,
    query: &Query,
    narrowed: &Narrowed,
    candidates: &[Candidate],
    objects: &[Vec<Candidate>],
) -> Result<Vec<Option<Row>>> {
    let all: Vec<_> = objects.iter().flatten().map(|object| Located { kept: object.representative.clone() }).collect();
    if all.is_empty() {
        return Ok(vec![None; candidates.len()]);
    }
    let opened = retrieve::open(archive, asker, Part::Summary, &all).await?;
    let mut summaries = retrieve::summaries(archive, opened).await?;
    let row = |(candidate, objects): (&Candidate, &Vec<Candidate>)| {
        objects.iter().find_map(|object| {
            let kept = &object.representative;
            // Refused ones are missing: they look as if they were not there.
            let Value::Object(summary) = summaries.remove(&kept.record.object)? else { return None };
            let held = Held { summary: &summary, counted: &object.counted, kept };
            let issuer = held.matches(query, narrowed).then(|| held.issuer())?;
            Some(row(query.level, candidate, kept, issuer, summary))
        })
    };
    Ok(candidates.iter().zip(objects).map(row).collect())
}

/// What is known of a candidate once one of its objects is open.
struct Held<'h> {
    summary: &'h Map<String, Value>,
    counted: &'h Map<String, Value>,
    kept: &'h Kept,
}

impl Held<'_> {
    fn element(&self, tag: Tag) -> Option<&Value> {
        let key = summary::key(tag);
        self.counted.get(&key).or_else(|| self.summary.get(&key))
    }

    fn matches(&self, query: &Query, narrowed: &Narrowed) -> bool {
        narrowed.combined.iter().all(|pair| pair.matches(self.summary))
            && narrowed.sealed.iter().all(|(tag, matching)| self.decides(*tag, matching, query.fuzzy))
    }

    fn decides(&self, tag: Tag, matching: &Matching, fuzzy: bool) -> bool {
        match tag {
            OTHER_PATIENT_IDS if *matching != Matching::Empty => {
                // Any number of the patient: PatientID, the retired list, or an item of the sequence.
                let items =
                    self.element(0x0010_1002).and_then(|sequence| sequence.get("Value")).and_then(Value::as_array);
                let mut numbers = items.into_iter().flatten().map(|item| item.get("00100020"));
                matches(self.element(PATIENT_ID), matching, false)
                    || matches(self.element(tag), matching, false)
                    || numbers.any(|number| matches(number, matching, false))
            }
            ISSUER_OF_PATIENT_ID => match self.issuer() {
                Some(issuer) => matches(Some(&issuer), matching, false),
                None => matches(None, matching, false),
            },
            MODALITIES_IN_STUDY => {
                let values = match matching {
                    Matching::Single(text) => text.split('\\').map(|one| Matching::parse("CS", one)).collect(),
                    other => vec![other.clone()],
                };
                values.iter().any(|one| matches(self.element(tag), one, false))
            }
            _ => matches(self.element(tag), matching, fuzzy),
        }
    }

    /// A number goes with its issuer: the sending facility, if the data set names none.
    fn issuer(&self) -> Option<Value> {
        let has_value = |element: &&Value| !matches(Some(*element), &Matching::Empty, false);
        if let Some(named) = self.element(ISSUER_OF_PATIENT_ID).filter(has_value) {
            return Some(named.clone());
        }
        self.element(PATIENT_ID).filter(has_value)?;
        Some(serde_json::json!({"vr": "LO", "Value": [self.kept.record.facility.as_str()]}))
    }
}

/// The attributes at the level and above, in the order of their tags as DICOM JSON wants them.
fn row(level: Level, candidate: &Candidate, kept: &Kept, issuer: Option<Value>, summary: Map<String, Value>) -> Row {
    let is_of_level = |key: &str| {
        u32::from_str_radix(key, 16).ok().and_then(summary::level_of).is_some_and(|stands_at| stands_at <= level)
    };
    let mut attributes: Map<String, Value> = summary.into_iter().filter(|(key, _)| is_of_level(key)).collect();
    attributes.extend(candidate.counted.iter().map(|(key, value)| (key.clone(), value.clone())));
    attributes.extend(issuer.map(|issuer| (summary::key(ISSUER_OF_PATIENT_ID), issuer)));
    attributes.sort_keys();
    Row { attributes, patient: kept.record.patient, facility: kept.record.facility.clone() }
}
