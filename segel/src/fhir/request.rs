//! What every FHIR request has: who asks, what the path names, the query, and where references begin.

use super::accept;
use super::definition::Definition;
use super::failure::Failure;
use crate::http::{Caller, Connection, Doors, Problem};
use axum::extract::{Extension, FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// What the path names.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Names {
    /// The resource type.
    pub resource_type: Option<String>,
    /// The logical id.
    pub id: Option<String>,
    /// The version.
    pub version: Option<String>,
}

/// A request at the FHIR door by someone known.
pub struct Request {
    /// The doors.
    pub doors: Doors,
    /// Who asks.
    pub caller: Caller,
    /// The headers.
    pub headers: HeaderMap,
    /// The path's names.
    pub names: Names,
    /// The query's names and values.
    pub query: Vec<(String, String)>,
    /// `http://host/fhir`, for links and references.
    pub base: String,
}

impl FromRequestParts<Doors> for Request {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Failure> {
        let caller = Caller::of_program(doors, &parts.headers, "fhir").await?;
        let connection = Extension::<Connection>::from_request_parts(parts, doors).await.ok();
        let names = Path::<Names>::from_request_parts(parts, doors).await.map(|Path(names)| names);
        let names = names.map_err(|_| Problem::not_found())?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|_| Problem::bad_request("The query cannot be read."))?;
        let base = format!("{}/fhir", doors.origin(&parts.headers, connection.as_ref().map(|Extension(c)| c)));
        let request = Self { doors: doors.clone(), caller, headers: parts.headers.clone(), names, query, base };
        accept::format(request.parameter("_format"))?;
        Ok(request)
    }
}

impl Request {
    /// A query parameter's first value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The definition of the type that the path names.
    pub fn definition(&self) -> Result<&'static Definition, Failure> {
        self.names.resource_type.as_deref().and_then(Definition::of).ok_or_else(|| {
            Failure::unsupported(StatusCode::NOT_FOUND, "This resource type is not kept here; see metadata.")
        })
    }
}

/// A logical id (FHIR R4 2.24.0.1).
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}
