//! Storage commitment (PS3.18 13): answered at once, from the index, without opening anything.

use super::request::Request;
use crate::commitment;
use crate::http::{Problem, body};
use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use record::limits::COMMITMENT_BYTES_MAX;
use wire::uid::is_uid;

/// `POST .../commitment-requests/{transaction}`: 200 with what is committed and what is not.
pub async fn request(
    request: Request,
    Path(transaction): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !is_uid(&transaction) {
        return Err(Problem::bad_request("The transaction is no UID."));
    }
    let held = body::hold(body, &headers, COMMITMENT_BYTES_MAX, &request.doors.held).await?;
    let json = serde_json::from_slice(&held.bytes).map_err(|_| Problem::bad_request("The body is no JSON."))?;
    let asked = commitment::parse(&json).map_err(|error| Problem::bad_request(error.to_string()))?;
    let found = request.doors.archive.committed(&request.caller.asker, asked.references.clone()).await?;
    let (_, report) = commitment::report(&transaction, &asked.references, &found);
    let mut response = Json(report).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/dicom+json"));
    Ok(response)
}
