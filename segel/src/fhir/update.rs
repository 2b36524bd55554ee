//! update (FHIR R4 3.1.0.4): an order's status goes on with its work, a consent ends. What has been reported stays as it was
//! reported.

use super::definition::Definition;
use super::draft;
use super::failure::Failure;
use super::request::{Request, is_id};
use super::subject::{self, Alone};
use super::{accept, create, says, served};
use crate::http::{Problem, body};
use crate::worklist;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use record::Version;
use record::limits::RESOURCE_BYTES_MAX;
use serde_json::Value;
use std::collections::BTreeMap;

/// Whether resources of this type have later versions here.
pub fn is_updated(definition: &Definition) -> bool {
    matches!(definition.name, "ServiceRequest" | "Consent")
}

/// `PUT /fhir/{type}/{id}`: a further version of what is kept; nothing is made by it. With `If-Match`, only of the version that
/// the client has seen (FHIR R4 3.1.0.5).
pub async fn update(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let definition = request.definition()?;
    if !is_updated(definition) {
        return Err(super::not_supported().await);
    }
    let id = request.names.id.clone().filter(|id| is_id(id)).ok_or_else(Problem::not_found)?;
    if !accept::is_json(&create::content_type(&headers)?) {
        return Err(Problem::unsupported("Resources come as application/fhir+json.").into());
    }
    let held = body::hold(body, &headers, RESOURCE_BYTES_MAX, &request.doors.held).await?;
    let parsed = draft::parse(held.bytes.clone(), Some(definition))?;
    if parsed.value.get("id").and_then(Value::as_str) != Some(&id) {
        return Err(Failure::bad_request("invalid", "The resource's id is not the one that the address names."));
    }
    let archive = &request.doors.archive;
    let kept = archive.locate_resource(&request.caller.asker, definition.name, &id, None).await?;
    if matched(&headers)?.is_some_and(|version| version != kept.version()) {
        return Err(Failure::stale());
    }
    let subject = subject::of(&request, definition, &parsed.value, None, &Alone).await?;
    let item = worklist::item::beside(&request, definition, &parsed.value, &id, &subject, &Alone).await?;
    let facility = &request.caller.who.facility;
    let says = says::of(definition, &parsed.value, None, &Alone, facility, record::time::now())?;
    let mut drafted = draft::make(parsed, id, subject, says, &BTreeMap::new());
    drafted.version = kept.version().saturating_add(1);
    let drafts = std::iter::once(drafted).chain(item).collect();
    let stored = archive.store_resources(&request.caller.asker, drafts).await.map_err(|error| match error {
        archive::Error::Conflict => Failure::stale(),
        error => Failure::of_write(error),
    })?;
    let stamp = stored.first().map(create::stamp).ok_or_else(Problem::not_found)?;
    let answered = stamp.headers(None);
    if served::minimal(&request) {
        return Ok((StatusCode::OK, answered).into_response());
    }
    let body = served::json(&held.bytes, &stamp, &BTreeMap::new())?;
    Ok((StatusCode::OK, answered, [served::content_type()], body).into_response())
}

/// The version that `If-Match: W/"3"` names.
fn matched(headers: &HeaderMap) -> Result<Option<Version>, Failure> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let number = text.trim_start_matches("W/").trim_matches('"').parse();
    number.map(Some).map_err(|_| Failure::bad_request("value", "If-Match names a version: W/\"1\"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_orders_and_consents_go_on_and_a_version_is_read_as_it_is_given() {
        assert!(is_updated(Definition::of("ServiceRequest").unwrap()));
        assert!(is_updated(Definition::of("Consent").unwrap()));
        assert!(!is_updated(Definition::of("Observation").unwrap()));
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, text.parse().unwrap());
            matched(&headers).map_err(|_| ())
        };
        assert_eq!(matched(&HeaderMap::new()).map_err(|_| ()), Ok(None));
        assert_eq!((read("W/\"3\""), read("\"3\""), read("*")), (Ok(Some(3)), Ok(Some(3)), Err(())));
    }
}
