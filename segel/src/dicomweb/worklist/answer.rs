//! Answers with the warnings of the standard, and requests' bodies.

use crate::http::{Problem, body};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use record::limits::WORKITEM_BYTES_MAX;
use serde_json::{Map, Value};
use wire::dataset::Draft;
use wire::multipart::MediaType;

use super::Request;

/// 11.4.3.2.
pub const CREATED_WITH_MODIFICATIONS: &str = "The Workitem was created with modifications.";
/// 11.6.3.2.
pub const UPDATE_INCONSISTENT: &str = "The submitted request is inconsistent with the current state of the Workitem.";
/// 11.6.3.2.
pub const UNCLAIMED: &str = "The target URI did not reference a claimed Workitem.";
/// 11.7.3.2.
pub const CHANGE_INCONSISTENT: &str = "The submitted request is inconsistent with the state of the UPS Instance.";
/// 11.7.3.2.
pub const TRANSACTION_UID_MISSING: &str = "The Transaction UID is missing.";
/// 11.7.3.2.
pub const TRANSACTION_UID_INCORRECT: &str = "The Transaction UID is incorrect.";
/// 11.7.3.2.
pub const ALREADY_CANCELED: &str = "The UPS is already in the requested state of CANCELED.";
/// 11.7.3.2.
pub const ALREADY_COMPLETED: &str = "The UPS is already in the requested state of COMPLETED.";

/// Why a request about a workitem was not done: the standard's warning if it has one for it, and a problem.
#[derive(Debug)]
pub struct Failure {
    problem: Problem,
    warning: Option<&'static str>,
}

impl Failure {
    /// 400: the request itself is wrong.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Problem::bad_request(detail).into()
    }

    /// A status with one of the standard's warnings.
    pub fn warned(status: StatusCode, warning: &'static str, detail: impl Into<String>) -> Self {
        Self { problem: Problem::new(status, detail), warning: Some(warning) }
    }

    /// What the archive answered to a write; another version that came in between makes the request inconsistent (409).
    pub fn of_write(error: archive::Error, warning: &'static str) -> Self {
        match error {
            archive::Error::Conflict => {
                Self::warned(StatusCode::CONFLICT, warning, "The workitem was changed meanwhile; retrieve it again.")
            }
            error => Problem::of_write(error).into(),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, warning: None }
    }
}

impl From<archive::Error> for Failure {
    fn from(error: archive::Error) -> Self {
        Problem::of_read(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        with_warning(self.problem.into_response(), self.warning)
    }
}

/// Adds `Warning: 299` (RFC 7234 5.5).
pub fn with_warning(mut response: Response, warning: Option<&str>) -> Response {
    let value = warning.and_then(|text| HeaderValue::from_str(&format!("299 segel \"{text}\"")).ok());
    if let Some(value) = value {
        response.headers_mut().insert(header::WARNING, value);
    }
    response
}

/// A success without a body.
pub fn done(status: StatusCode, warning: Option<&str>) -> Response {
    with_warning(status.into_response(), warning)
}

/// Reads the one data set of a body: `application/dicom+json`, an array of one or the object itself (PS3.18 8.7.3, F.2).
pub async fn data_set(request: &Request, headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = MediaType::parse(content_type).map(|media_type| media_type.essence).unwrap_or_default();
    if !matches!(essence.as_str(), "application/dicom+json" | "application/json") {
        return Err(Problem::unsupported("Workitems come as application/dicom+json.").into());
    }
    let held = body::hold(body, headers, WORKITEM_BYTES_MAX, &request.doors.held).await?;
    let unreadable = || Failure::invalid("The body is not one data set of the DICOM JSON model.");
    let json = match wire::dataset::read_json(&held.bytes).map_err(|_| unreadable())? {
        Value::Array(list) => <[Value; 1]>::try_from(list).map(|[only]| only).map_err(|_| unreadable())?,
        json => json,
    };
    // What cannot be written as a data set is none: depth, tags and values are held against their VRs.
    Draft::from_json(&json).map_err(|error| Failure::invalid(format!("The data set cannot be read: {error}.")))?;
    match json {
        Value::Object(data_set) if data_set.keys().all(|tag| !tag.starts_with("0000") && !tag.starts_with("0002")) => {
            // Keys are upper case from here on (PS3.18 F.2.2).
            Ok(data_set.into_iter().map(|(tag, element)| (tag.to_uppercase(), element)).collect())
        }
        Value::Object(_) => Err(Failure::invalid("Elements of groups 0000 and 0002 are no part of a workitem.")),
        _ => Err(unreadable()),
    }
}
