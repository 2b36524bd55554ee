//! What a FHIR request names.

use super::accept;
use super::definition::Definition;
use super::failure::Failure;
use crate::http::Asked;
use axum::http::StatusCode;
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
pub type Request = Asked<Names>;

impl crate::http::Names for Names {
    const CHANNEL: &str = "fhir";
    const BASE: &str = "/fhir";
    type Rejection = Failure;

    fn check(asked: &Request) -> Result<(), Failure> {
        Ok(accept::format(asked.parameter("_format"))?)
    }
}

impl Request {
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
