//! create (FHIR R4 3.1.0.8).

use super::draft::{self, Parsed};
use super::failure::Failure;
use super::request::Request;
use super::served::{self, Stamp};
use super::subject::{self, Alone};
use super::{accept, binary, says};
use crate::http::{Problem, body};
use crate::worklist;
use archive::ingest::StoredResource;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use record::limits::RESOURCE_BYTES_MAX;
use std::collections::BTreeMap;
use wire::multipart::MediaType;

/// `POST /fhir/{type}`.
pub async fn create(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let definition = request.definition()?;
    if headers.contains_key("if-none-exist") {
        return Err(Failure::unsupported(StatusCode::PRECONDITION_FAILED, "Conditional create is not supported."));
    }
    let content_type = content_type(&headers)?;
    let is_json = accept::is_json(&content_type);
    if !is_json && definition.name != "Binary" {
        return Err(Problem::unsupported("Resources come as application/fhir+json.").into());
    }
    let held = body::hold(body, &headers, RESOURCE_BYTES_MAX, &request.doors.held).await?;
    let (parsed, subject) = if is_json {
        let parsed = draft::parse(held.bytes.clone(), Some(definition))?;
        binary::check(&parsed)?;
        let subject = subject::of(&request, definition, &parsed.value, None, &Alone).await?;
        (parsed, subject)
    } else {
        (binary::raw(held.bytes.clone(), &content_type)?, binary::subject(&request).await?)
    };
    let Parsed { raw, .. } = &parsed;
    let raw = raw.clone();
    let id = draft::id()?;
    let item = worklist::item::beside(&request, definition, &parsed.value, &id, &subject, &Alone).await?;
    let facility = &request.caller.who.facility;
    let says = says::of(definition, &parsed.value, None, &Alone, facility, record::time::now())?;
    let drafted = draft::make(parsed, id, subject, says, &BTreeMap::new());
    let drafts = std::iter::once(drafted).chain(item).collect();
    let stored = request.doors.archive.store_resources(&request.caller.asker, drafts).await;
    let stored = stored.map_err(Failure::of_write)?.into_iter().next().ok_or_else(Problem::not_found)?;
    answer(&request, &stamp(&stored), &held.bytes, raw.as_deref())
}

fn answer(request: &Request, stamp: &Stamp, bytes: &[u8], raw: Option<&str>) -> Result<Response, Failure> {
    let headers = stamp.headers(Some(&request.base));
    if served::minimal(request) || raw.is_some() {
        return Ok((StatusCode::CREATED, headers).into_response());
    }
    let body = served::json(bytes, stamp, &BTreeMap::new())?;
    Ok((StatusCode::CREATED, headers, [served::content_type()], body).into_response())
}

/// The stamp of what was just stored.
pub fn stamp(stored: &StoredResource) -> Stamp {
    Stamp {
        resource_type: stored.resource_type.clone(),
        id: stored.id.clone(),
        version: stored.version,
        arrived: stored.arrived,
    }
}

/// The body's media type without parameters.
pub fn content_type(headers: &HeaderMap) -> Result<String, Failure> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type =
        MediaType::parse(text).map_err(|_| Problem::unsupported("The content type is missing or cannot be read."))?;
    Ok(media_type.essence)
}
