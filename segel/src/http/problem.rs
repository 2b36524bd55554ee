//! Problem details (RFC 9457): the errors of the DICOMweb door, and of everything before a door is known.

use crate::outcome::words;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use record::Outcome;
use serde_json::json;

/// The ways in which a request may show who asks.
const CHALLENGES: [&str; 2] = ["Bearer realm=\"segel\"", "DPoP realm=\"segel\", algs=\"ES256 EdDSA\""];

/// An error on its way to the peer. Its text is for people and names no patient data; nothing a peer sent is echoed in it
/// except names of attributes, parameters and media types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// One sentence about this occurrence.
    pub detail: String,
    /// After how many seconds it is worth another try.
    pub retry_after_seconds: Option<u32>,
    /// The kind, if it comes from the archive rather than from the door.
    pub outcome: Option<Outcome>,
    /// How long the whole is of which a range was asked for that it does not have.
    pub range_length: Option<u64>,
}

impl Problem {
    /// Any status with a sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after_seconds: None, outcome: None, range_length: None }
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: no token, or one that no longer holds.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 404: not there, or not to be opened by this asker; one text for both, so that a peer never learns which.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Nothing here that you may open.")
    }

    /// 406: none of the acceptable representations can be made.
    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, detail)
    }

    /// 413: larger than a limit.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 415: a content type that this resource does not take.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 503 with `Retry-After`.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self { retry_after_seconds: Some(2), ..Self::of(Outcome::Busy, false, detail) }
    }

    /// A kind of failure of the archive, with the status that the table of outcomes gives it for a read or a write.
    pub fn of(outcome: Outcome, writing: bool, detail: impl Into<String>) -> Self {
        let words = words(outcome);
        let status = if writing { words.http_write } else { words.http_read };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { outcome: Some(outcome), ..Self::new(status, detail) }
    }

    /// What the archive answered to a read. What is refused and what is not there become the same words.
    pub fn of_read(error: archive::Error) -> Self {
        match error.outcome() {
            Outcome::Refused => Self::not_found(),
            _ => Self::told(error, false),
        }
    }

    /// What the archive answered to a write, which tells a sender why, and nothing of what is kept.
    pub fn of_write(error: archive::Error) -> Self {
        Self::told(error, true)
    }

    fn told(error: archive::Error, writing: bool) -> Self {
        let outcome = error.outcome();
        if let archive::Error::Damaged(text) = &error {
            // Which file and place is for the operator, not for a peer.
            tracing::error!(text, "what is kept is damaged");
            return Self::of(outcome, writing, "What is kept here is damaged. The operator has been told.");
        }
        let retry_after_seconds = match &error {
            archive::Error::Busy { retry_after_ms, .. } => Some(retry_after_ms.div_ceil(1000).max(1)),
            archive::Error::Conflict | archive::Error::Closed => Some(2),
            archive::Error::Exhausted { retry_after_seconds, .. } => *retry_after_seconds,
            _ => None,
        };
        let mut problem = Self { retry_after_seconds, ..Self::of(outcome, writing, error.to_string()) };
        if writing && error.is_out_of_space() {
            problem.status = StatusCode::INSUFFICIENT_STORAGE;
        }
        problem
    }

    /// Adds the headers that belong to the status, whatever the body's form.
    pub fn decorate(&self, response: &mut Response) {
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(length) = self.range_length {
            headers.insert(
                header::CONTENT_RANGE,
                HeaderValue::from_str(&format!("bytes */{length}")).unwrap_or(HeaderValue::from_static("bytes */*")),
            );
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750 section 3, RFC 9449 7.1.
            for challenge in CHALLENGES {
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
    }
}

impl From<archive::Error> for Problem {
    fn from(error: archive::Error) -> Self {
        Self::of_read(error)
    }
}

impl From<wire::Error> for Problem {
    fn from(error: wire::Error) -> Self {
        Self::of(error.outcome(), true, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // RFC 9457 4.2.1: `about:blank` says that there is no more to it than the status.
        let phrase = || self.status.canonical_reason().unwrap_or("Error");
        let body = json!({
            "type": "about:blank",
            "title": self.outcome.map_or_else(phrase, |outcome| words(outcome).title),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        self.decorate(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_problem_is_rfc_9457_json_with_the_headers_of_its_status() {
        let response = Problem::unauthorized("No token.").into_response();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert!(response.headers().get_all(header::WWW_AUTHENTICATE).iter().eq(CHALLENGES));
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["title"], "Unauthorized");
        assert_eq!(body["status"], 401);

        let busy = Problem::busy("Later.").into_response();
        assert_eq!((busy.status().as_u16(), busy.headers()[header::RETRY_AFTER].to_str().unwrap()), (503, "2"));
    }

    #[test]
    fn the_archives_errors_become_problems() {
        use archive::Error;
        for (error, read, write) in [
            (Error::Invalid("x".into()), 400, 400),
            (Error::Refused("x".into()), 404, 403),
            (Error::busy("x"), 503, 503),
            (Error::Conflict, 503, 503),
            (Error::Damaged("x".into()), 500, 500),
            (Error::Closed, 503, 503),
        ] {
            assert_eq!(Problem::of_read(error.clone()).status, read);
            assert_eq!(Problem::of_write(error).status, write);
        }
        assert_eq!(Problem::of_read(Error::Refused("a".into())), Problem::not_found());
        assert_eq!(Problem::of_read(Error::out_of_space()).retry_after_seconds, Some(30));
        // RFC 4918 11.5.
        assert_eq!(Problem::of_write(Error::out_of_space()).status, 507);
        assert!(!Problem::of_read(Error::Damaged("/secret/path".into())).detail.contains("secret"));
    }
}
