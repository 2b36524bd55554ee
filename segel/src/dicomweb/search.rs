//! Search (PS3.18 10.6) at the levels study, series and instance.

use super::accept;
use super::query::{self, Search};
use super::request::Request;
use crate::http::Problem;
use archive::find::{Level, Matching, Row, Tag};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use record::limits::SEARCH_RESULTS_MAX;
use serde_json::{Map, Value, json};

const STUDY_INSTANCE_UID: Tag = 0x0020_000D;
const SERIES_INSTANCE_UID: Tag = 0x0020_000E;

/// `GET .../studies`.
pub async fn studies(request: Request) -> Result<Response, Problem> {
    answer(request, Level::Study).await
}

/// `GET .../series`, of all studies or of one.
pub async fn series(request: Request) -> Result<Response, Problem> {
    answer(request, Level::Series).await
}

/// `GET .../instances`, of all studies, of one, or of one series.
pub async fn instances(request: Request) -> Result<Response, Problem> {
    answer(request, Level::Instance).await
}

async fn answer(request: Request, level: Level) -> Result<Response, Problem> {
    accept::json(&request.headers, request.parameter("accept"))?;
    let Search { mut query, limit, included } = query::read(level, &request.query)?;
    for (tag, name) in [(STUDY_INSTANCE_UID, &request.names.study), (SERIES_INSTANCE_UID, &request.names.series)] {
        query.keys.extend(name.iter().map(|uid| (tag, Matching::UidList(vec![uid.clone()]))));
    }
    // One row more than is shown tells whether more remain.
    query.limit = Some((limit + 1).min(SEARCH_RESULTS_MAX));
    let mut rows = request.doors.archive.find(&request.caller.asker, &query).await?;
    let more = rows.len() > limit || rows.len() == SEARCH_RESULTS_MAX;
    rows.truncate(limit);
    let mut warnings = Vec::new();
    if more {
        warnings.push("299 segel \"There may be more results; ask on with offset, or narrow the search.\"");
    }
    if !rows.is_empty() && !included.iter().all(|tag| listed(*tag, &rows)) {
        warnings.push("299 segel \"Not every field of includefield is listed; retrieve the metadata for all.\"");
    }
    let list: Vec<Value> = rows.into_iter().map(|row| Value::Object(link(row, level, &request.base))).collect();
    let body = serde_json::to_vec(&list).map_err(|_| Problem::busy("The answer could not be written."))?;
    let mut response = ([(header::CONTENT_TYPE, "application/dicom+json")], body).into_response();
    for warning in warnings {
        response.headers_mut().append(header::WARNING, HeaderValue::from_static(warning));
    }
    Ok(response)
}

fn listed(tag: Tag, rows: &[Row]) -> bool {
    let key = format!("{tag:08X}");
    rows.iter().any(|row| row.attributes.contains_key(&key))
}

/// Adds RetrieveURL (0008,1190) and InstanceAvailability (0008,0056) (PS3.18 tables 10.6.3-3 to -5).
fn link(row: Row, level: Level, base: &str) -> Map<String, Value> {
    let mut attributes = row.attributes;
    let uid = |tag: &str| attributes.get(tag).and_then(|e| e.get("Value")?.get(0)?.as_str()).unwrap_or_default();
    let mut url = format!("{base}/studies/{}", uid("0020000D"));
    if level >= Level::Series {
        url = format!("{url}/series/{}", uid("0020000E"));
    }
    if level >= Level::Instance {
        url = format!("{url}/instances/{}", uid("00080018"));
    }
    attributes.insert("00080056".to_owned(), json!({"vr": "CS", "Value": ["ONLINE"]}));
    attributes.insert("00081190".to_owned(), json!({"vr": "UR", "Value": [url]}));
    attributes.sort_keys();
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_leads_to_what_it_lists() {
        let attributes = json!({
            "0020000D": {"vr": "UI", "Value": ["1.2"]},
            "0020000E": {"vr": "UI", "Value": ["1.3"]},
            "00080018": {"vr": "UI", "Value": ["1.4"]},
        });
        let row = Row {
            attributes: attributes.as_object().unwrap().clone(),
            patient: record::Pseudonym([0; 16]),
            facility: record::FacilityCode::new("A").unwrap(),
        };
        for (level, url) in [
            (Level::Study, "http://h/dicom-web/studies/1.2"),
            (Level::Series, "http://h/dicom-web/studies/1.2/series/1.3"),
            (Level::Instance, "http://h/dicom-web/studies/1.2/series/1.3/instances/1.4"),
        ] {
            let linked = link(row.clone(), level, "http://h/dicom-web");
            assert_eq!(linked["00081190"]["Value"][0], url);
            assert!(linked.keys().is_sorted());
        }
    }
}
