//! `/auth/quorum`: approvers on other machines. What comes is signed by them, and what goes is signed over by its hash, so this
//! node passes both on and can change neither.

use super::problem::Problem;
use super::state::Doors;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use record::Outcome;
use record::limits::PROPOSAL_BYTES_MAX;
use seal::frame;
use seal::message::quorum::QuorumCall;

/// The media type of questions and answers (RFC 8949).
pub const CBOR: &str = "application/cbor";

/// The routes of approvers.
pub fn router(doors: Doors) -> Router {
    Router::new().route("/auth/quorum", post(call)).layer(DefaultBodyLimit::max(PROPOSAL_BYTES_MAX)).with_state(doors)
}

async fn call(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let is_cbor = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == CBOR.as_bytes());
    if !is_cbor {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A question to approvers is CBOR."));
    }
    let call: QuorumCall =
        frame::decode(&body).map_err(|_| Problem::bad_request("This is no question to approvers."))?;
    let answer = doors.archive.keys().quorum(call).await.map_err(|failure| match failure.outcome {
        // Only an approver's signature brings anybody this far, and an approver must hear what is missing.
        Outcome::Refused => Problem::new(StatusCode::FORBIDDEN, failure.text),
        _ => Problem::of_read(archive::Error::from(failure)),
    })?;
    let body = minicbor::to_vec(&answer)
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The answer cannot be written."))?;
    Ok(([(header::CONTENT_TYPE, CBOR)], body).into_response())
}
