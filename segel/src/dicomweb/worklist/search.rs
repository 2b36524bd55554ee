//! Search for workitems (PS3.18 11.9): the global worklist of a facility.

use super::Request;
use super::answer::{self, Failure};
use super::state::State;
use super::workitem::{self, WORKITEM};
use crate::dicomweb::accept;
use crate::worklist::keys::{self, Asks, Key};
use archive::find::{Matching, ResourceQuery};
use archive::terms;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use record::limits::SEARCH_RESULTS_MAX;
use serde_json::Value;
use std::sync::Arc;

/// Attributes that one search may name.
const KEYS_MAX: usize = 64;
/// Attributes on the way into sequences.
const PATH_MAX: usize = 8;

/// A search as it was asked.
#[derive(Debug)]
struct Search {
    keys: Vec<Key>,
    fuzzy: bool,
    offset: usize,
    limit: usize,
}

/// `GET /dicom-web/workitems`.
pub async fn search(request: Request) -> Result<Response, Failure> {
    accept::json(&request.headers, request.parameter("accept"))?;
    let search = read(&request.query)?;
    let facility = &request.caller.who.facility;
    let named = |path: &[&str]| match keys::matching(&search.keys, path) {
        Some(Matching::Single(text)) => Some(text.trim().to_owned()),
        _ => None,
    };
    let state = named(&[workitem::STATE]);
    let mut groups = vec![vec![workitem::list(facility, state.as_deref().and_then(State::of))]];
    groups.extend(named(&["00100020"]).map(|number| vec![terms::number(&number)]));
    groups.extend(named(&["0040A370", "00080050"]).map(|number| vec![terms::accession_number(&number)]));
    let (from, to) = keys::days(keys::matching(&search.keys, &[workitem::START])).unwrap_or_default();
    let (tested, fuzzy) = (search.keys.clone(), search.fuzzy);
    let query = ResourceQuery {
        resource_type: WORKITEM.to_owned(),
        terms: groups,
        from,
        to,
        accept: Some(Arc::new(move |summary: &Value| {
            summary.as_object().is_some_and(|data_set| keys::accepts(&tested, data_set, fuzzy))
        })),
        offset: search.offset,
        // One more than is shown tells whether there is more.
        limit: Some(search.limit.saturating_add(1)),
        ..ResourceQuery::default()
    };
    let rows = request.doors.archive.find_resources(&request.caller.asker, &query).await?;
    let more = rows.len() > search.limit;
    let own = rows.into_iter().take(search.limit).filter(|row| row.facility == *facility);
    let list: Vec<Value> = own.map(|row| row.summary).collect();
    let body = Value::Array(list).to_string();
    let response = ([(header::CONTENT_TYPE, "application/dicom+json")], body).into_response();
    let warning = more.then_some("There are additional results that can be requested");
    Ok(answer::with_warning(response, warning))
}

fn read(parameters: &[(String, String)]) -> Result<Search, Failure> {
    // One less than the archive finds at once, so that one more can be asked for.
    let limit_max = SEARCH_RESULTS_MAX.saturating_sub(1);
    let mut search = Search { keys: Vec::new(), fuzzy: false, offset: 0, limit: limit_max };
    let wrong = |name: &str| Failure::invalid(format!("The value of {name} cannot be read."));
    for (name, value) in parameters {
        match name.as_str() {
            "limit" => search.limit = value.parse::<usize>().map_err(|_| wrong(name))?.min(limit_max),
            "offset" => search.offset = value.parse().map_err(|_| wrong(name))?,
            "fuzzymatching" => search.fuzzy = value.parse().map_err(|_| wrong(name))?,
            // Every attribute that lists hold is given anyway.
            "includefield" | "accept" | "charset" => {}
            _ => search.keys.push(key(name, value)?),
        }
        if search.keys.len() > KEYS_MAX {
            return Err(Failure::invalid(format!("A search names at most {KEYS_MAX} attributes.")));
        }
    }
    Ok(search)
}

/// `{attributeID}` or `{attributeID}.{attributeID}` (PS3.18 8.3.4.1).
fn key(name: &str, value: &str) -> Result<Key, Failure> {
    let path: Vec<&str> = name.split('.').collect();
    let unknown = || Failure::invalid("A parameter is neither an attribute of PS3.6 nor one of a search.");
    if path.len() > PATH_MAX {
        return Err(unknown());
    }
    let mut key: Option<Key> = None;
    for part in path.iter().rev() {
        let (tag, vr) = attribute(part).ok_or_else(unknown)?;
        key = Some(match key {
            None if vr == "SQ" => Key { tag, vr: vr.to_owned(), asks: Asks::Items(Vec::new()) },
            None => Key::value(&tag, vr, Matching::parse(vr, value)),
            Some(inner) if vr == "SQ" => Key { tag, vr: vr.to_owned(), asks: Asks::Items(vec![inner]) },
            Some(_) => return Err(unknown()),
        });
    }
    key.filter(|key| key.tag != workitem::TRANSACTION_UID).ok_or_else(unknown)
}

fn attribute(name: &str) -> Option<(String, &'static str)> {
    let dictionary = StandardDataDictionary;
    let tag = dictionary.by_name(name).map(|entry| entry.tag()).or_else(|| wire::dataset::parse_tag(name))?;
    let vr = dictionary.by_tag(tag).map_or("UN", |entry| entry.vr().relaxed().to_string());
    Some((wire::dataset::tag_key(tag), vr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_into_sequences_and_the_lock_cannot_be_asked_for() {
        let inside = key("ScheduledWorkitemCodeSequence.CodeValue", "110005").unwrap();
        assert_eq!(keys::matching(&[inside], &["00404018", "00080100"]), Some(&Matching::Single("110005".into())));
        assert!(key("00741000", "SCHEDULED").is_ok());
        for wrong in ["TransactionUID", "Nonsense", "PatientID.CodeValue", ".", "00404018.", &"00404018.".repeat(9)] {
            assert!(key(wrong, "1.2").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_is_bounded() {
        let read = |name: &str, value: &str| read(&[(name.to_owned(), value.to_owned())]);
        assert_eq!(read("limit", "5000").unwrap().limit, SEARCH_RESULTS_MAX - 1);
        assert!(read("limit", "-1").is_err() && read("offset", "x").is_err() && read("fuzzymatching", "1").is_err());
        let many: Vec<_> = (0..=KEYS_MAX).map(|_| ("PatientID".to_owned(), "1".to_owned())).collect();
        assert!(super::read(&many).is_err() && super::read(&many[1..]).is_ok());
    }
}
