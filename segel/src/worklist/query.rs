//! A query over the items of one facility (PS3.4 K.4.1, K.6.1).

use super::keys::{self, Key};
use super::{ITEM, element};
use archive::find::{Matching, ResourceQuery};
use archive::{Archive, Error, terms};
use record::{FacilityCode, Term, limits};
use seal::message::Asker;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// ScheduledProcedureStepSequence.
pub const STEP: &str = "00400100";
const STATION: &str = "00400001";
const START_DATE: &str = "00400002";
const START_TIME: &str = "00400003";
const PATIENT_ID: &str = "00100020";
const ACCESSION_NUMBER: &str = "00080050";

/// What the items of a facility are found by.
pub fn everything(facility: &FacilityCode) -> Term {
    terms::worklist(&["MWL", facility.as_str()])
}

/// What the steps of a station are found by; of no station in particular if its title is empty.
pub fn station(facility: &FacilityCode, ae_title: &str) -> Term {
    terms::worklist(&["MWL", facility.as_str(), ae_title.trim()])
}

/// A step that waits for whichever station asks bears that station's title, so that ScheduledStationAETitle, which is of
/// type 1 (PS3.4 Table K.6-1), is never empty.
fn assigned(mut item: Map<String, Value>, ae_title: &str) -> Map<String, Value> {
    let steps = item.get_mut(STEP).and_then(|step| step.get_mut("Value")).and_then(Value::as_array_mut);
    for step in steps.into_iter().flatten().filter_map(Value::as_object_mut) {
        if element::text(step, STATION).is_none() {
            step.insert(STATION.to_owned(), json!({"vr": "AE", "Value": [ae_title]}));
        }
    }
    item
}

/// The items that match, opened, as each becomes an answer: earliest first. `calling` is the peer's own title.
///
/// # Errors
/// Invalid if more than `limits::WORKLIST_ITEMS_MAX` match.
pub async fn find(
    archive: &Archive,
    asker: &Asker,
    asked: &[Key],
    calling: &str,
) -> Result<Vec<Map<String, Value>>, Error> {
    let who = archive.authenticate(asker).await?;
    let facility = who.facility;
    let named = |path: &[&str]| match keys::matching(asked, path) {
        Some(Matching::Single(text)) => Some(text.trim().to_owned()),
        _ => None,
    };
    let title = named(&[STEP, STATION]);
    let bearer = title.clone().unwrap_or_else(|| calling.to_owned());
    let mut groups = vec![vec![everything(&facility)]];
    groups.extend(title.map(|title| vec![station(&facility, &title), station(&facility, "")]));
    groups.extend(named(&[PATIENT_ID]).map(|number| vec![terms::number(&number)]));
    groups.extend(named(&[ACCESSION_NUMBER]).map(|number| vec![terms::accession_number(&number)]));
    let (from, to) = keys::days(keys::matching(asked, &[STEP, START_DATE])).unwrap_or_default();
    let (tested, tested_title) = (asked.to_vec(), bearer.clone());
    let query = ResourceQuery {
        resource_type: ITEM.to_owned(),
        terms: groups,
        from,
        to,
        accept: Some(Arc::new(move |summary: &Value| {
            let item = summary.as_object().cloned().unwrap_or_default();
            keys::accepts(&tested, &assigned(item, &tested_title), false)
        })),
        limit: Some(limits::WORKLIST_ITEMS_MAX.saturating_add(1)),
        ..ResourceQuery::default()
    };
    let rows = archive.find_resources(asker, &query).await?;
    if rows.len() > limits::WORKLIST_ITEMS_MAX {
        return Err(Error::Invalid(format!(
            "more than {} scheduled steps match; ask for a day or a station",
            limits::WORKLIST_ITEMS_MAX
        )));
    }
    // Another facility that has treated the patient has its own orders.
    let mut items: Vec<_> = rows
        .into_iter()
        .filter(|row| row.facility == facility)
        .filter_map(|row| match row.summary {
            Value::Object(item) => Some(assigned(item, &bearer)),
            _ => None,
        })
        .collect();
    items.sort_by_cached_key(start);
    Ok(items)
}

fn start(item: &Map<String, Value>) -> (String, String, String) {
    let step = element::items(item, STEP).next();
    let text = |tag: &str| step.and_then(|step| element::text(step, tag)).unwrap_or_default().to_owned();
    (text(START_DATE), text(START_TIME), element::text(item, "0020000D").unwrap_or_default().to_owned())
}
