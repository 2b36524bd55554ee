//! Search (PS3.18 10.6) at the levels study, series and instance.

use super::accept;
use super::query::{self, Search};
use super::request::Request;
use crate::http::Problem;
use archive::find::{Level, Matching, Position, Row, Tag};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
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

/// How many rows there are in all. Only if every one of them was looked at: a number that is not exact is not given.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

async fn answer(request: Request, level: Level) -> Result<Response, Problem> {
    accept::json(&request.headers, request.parameter("accept"))?;
    let Search { mut query, included } = query::read(level, &request.query)?;
    for (tag, name) in [(STUDY_INSTANCE_UID, &request.names.study), (SERIES_INSTANCE_UID, &request.names.series)] {
        query.keys.extend(name.iter().map(|uid| (tag, Matching::UidList(vec![uid.clone()]))));
    }
    crate::emergency::declare(&request.doors.archive, &request.caller.asker, &request.headers, &query).await?;
    let page = request.doors.archive.find_page(&request.caller.asker, &query).await.map_err(too_broad)?;
    let mut warnings = Vec::new();
    if page.next.is_some() {
        warnings
            .push("299 segel \"There may be more results; follow the link to the next page, or narrow the search.\"");
    }
    if !query.unsupported().is_empty() {
        warnings.push("299 segel \"Not every attribute can be searched for; some narrowed nothing.\"");
    }
    if !page.rows.is_empty() && !included.iter().all(|tag| listed(*tag, &page.rows)) {
        warnings.push("299 segel \"Not every field of includefield is listed; retrieve the metadata for all.\"");
    }
    let list: Vec<Value> = page.rows.into_iter().map(|row| Value::Object(link(row, level, &request.base))).collect();
    let body = serde_json::to_vec(&list).map_err(|_| Problem::busy("The answer could not be written."))?;
    let mut response = ([(header::CONTENT_TYPE, "application/dicom+json")], body).into_response();
    let headers = response.headers_mut();
    for warning in warnings {
        headers.append(header::WARNING, HeaderValue::from_static(warning));
    }
    if let Some(next) = page.next {
        let target = next_page(&resource(&request, level), &request.query, next);
        headers
            .insert(header::LINK, HeaderValue::from_str(&target).map_err(|_| Problem::busy("No link could be made."))?);
    }
    if let Some(total) = page.total {
        headers.insert(TOTAL, HeaderValue::from(total));
    }
    Ok(response)
}

/// A question that cannot be answered in bounded work (PS3.18 10.6.3.2: 413, the search was too broad).
fn too_broad(error: archive::Error) -> Problem {
    match error {
        archive::Error::TooBroad(advice) => Problem::too_large(advice),
        other => other.into(),
    }
}

/// The address of the resource that was searched.
fn resource(request: &Request, level: Level) -> String {
    let mut address = request.base.clone();
    for (kind, name) in [("studies", &request.names.study), ("series", &request.names.series)] {
        if let Some(uid) = name {
            address = format!("{address}/{kind}/{uid}");
        }
    }
    let rows = match level {
        Level::Patient | Level::Study => "studies",
        Level::Series => "series",
        Level::Instance => "instances",
    };
    format!("{address}/{rows}")
}

/// The same search from where this page ended (RFC 8288), as things were when it began.
fn next_page(resource: &str, query: &[(String, String)], next: Position) -> String {
    let mut parameters: Vec<String> = query
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "offset" | query::AFTER))
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    parameters.push(format!("{}={next}", query::AFTER));
    format!("<{resource}?{}>; rel=\"next\"", parameters.join("&"))
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986 2.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
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

    #[test]
    fn the_link_to_the_next_page_asks_the_same_from_where_this_one_ended() {
        let query = [("PatientName", "SITI* \"ä"), ("limit", "2"), ("offset", "5"), ("after", "1.2.0.0.3")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let link = next_page("http://h/dicom-web/studies", &query, "20260105.7.0.0.9".parse().unwrap());
        assert_eq!(
            link,
            "<http://h/dicom-web/studies?PatientName=SITI%2A%20%22%C3%A4&limit=2&after=20260105.7.0.0.9>; rel=\"next\""
        );
    }
}
