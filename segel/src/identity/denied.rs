//! Why nobody was signed in, in the words of RFC 6749 5.2. They tell what to do, and nothing of who exists: a name that nobody
//! has, a passkey that was taken away and a code that was used are refused alike.

use crate::http::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use record::Outcome;
use seal::message::Failure;
use serde_json::json;

/// An error of a sign-in route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl Denied {
    /// The request itself is wrong.
    pub fn invalid(description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: "invalid_request", description: description.into() }
    }

    /// A way of signing in that is not here.
    pub fn unsupported_grant() -> Self {
        let description = "client_credentials is the grant that is given here.".to_owned();
        Self { status: StatusCode::BAD_REQUEST, error: "unsupported_grant_type", description }
    }

    /// What was shown does not prove who somebody is; no more is said.
    pub fn refused() -> Self {
        let description = "What was shown is not valid, or no longer.".to_owned();
        Self { status: StatusCode::BAD_REQUEST, error: "invalid_grant", description }
    }

    /// A client that did not prove itself (RFC 6749 5.2: 401).
    pub fn client() -> Self {
        let description = "The client assertion is not valid, or nobody's.".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, error: "invalid_client", description }
    }

    /// A proof that is missing, or not for this request (RFC 9449 5).
    pub fn proof() -> Self {
        let description = "A DPoP proof for this very request is needed, one that no other has shown.".to_owned();
        Self { status: StatusCode::BAD_REQUEST, error: "invalid_dpop_proof", description }
    }

    /// Too often from one address.
    pub fn often() -> Self {
        let description = "Too many attempts from this address; come back in a minute.".to_owned();
        Self { status: StatusCode::TOO_MANY_REQUESTS, error: "temporarily_unavailable", description }
    }

    /// The key service or a provider does not answer.
    pub fn away(description: &str) -> Self {
        let description = description.to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error: "temporarily_unavailable", description }
    }

    /// What the key service said.
    pub fn of(failure: &Failure) -> Self {
        match failure.outcome {
            Outcome::Refused | Outcome::Invalid | Outcome::Exhausted => Self::refused(),
            Outcome::Busy | Outcome::Closed => Self::away("The key service is busy; try again in a moment."),
            Outcome::Damaged => {
                tracing::error!(%failure, "the key service found damage while somebody signed in");
                Self::away("The archive found damage. The operator has been told.")
            }
        }
    }

    /// Whether somebody tried to be somebody, and was not.
    pub fn is_failed_attempt(status: StatusCode) -> bool {
        matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED)
    }
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        match problem.status {
            StatusCode::UNAUTHORIZED => Self::proof(),
            StatusCode::SERVICE_UNAVAILABLE => Self::away(&problem.detail),
            _ => Self::invalid(problem.detail),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description}).to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        let headers = response.headers_mut();
        // RFC 6749 5.1.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60")),
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2")),
            // RFC 9110 15.5.2: a 401 says how one may show who one is.
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("private_key_jwt"))
            }
            _ => None,
        };
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_refused_learns_nothing_of_why() {
        let said =
            |outcome, text: &str| Denied::of(&Failure { outcome, text: text.to_owned(), retry_after_seconds: None });
        assert_eq!(said(Outcome::Refused, "no such person"), said(Outcome::Invalid, "the code was used"));
        assert_eq!(said(Outcome::Refused, "x"), Denied::refused());
        assert_eq!(said(Outcome::Busy, "x").status, 503);
        assert!(!said(Outcome::Damaged, "patient 7").description.contains('7'));
    }

    #[tokio::test]
    async fn an_error_has_the_form_of_rfc_6749() {
        for (denied, status, error) in [
            (Denied::invalid("x"), 400, "invalid_request"),
            (Denied::refused(), 400, "invalid_grant"),
            (Denied::client(), 401, "invalid_client"),
            (Denied::proof(), 400, "invalid_dpop_proof"),
            (Denied::unsupported_grant(), 400, "unsupported_grant_type"),
            (Denied::often(), 429, "temporarily_unavailable"),
            (Denied::away("x"), 503, "temporarily_unavailable"),
        ] {
            let response = denied.into_response();
            assert_eq!(
                (response.status().as_u16(), &response.headers()["cache-control"]),
                (status, &"no-store".parse().unwrap())
            );
            let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["error"], error);
        }
    }
}
