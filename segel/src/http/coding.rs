//! Content codings of requests (RFC 9110 8.4): none is taken. A compressed body is small only until it is read, and what is
//! stored is kept as it came.

use super::problem::Problem;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses a request whose body is coded, before anybody looks at it.
pub async fn identity(request: Request, next: Next) -> Response {
    if !is_coded(request.headers()) {
        return next.run(request).await;
    }
    let problem = Problem::unsupported("The body of a request is taken as it is, without a content coding.");
    let mut response = if request.uri().path().starts_with("/fhir") {
        crate::fhir::Failure::from(problem).into_response()
    } else {
        problem.into_response()
    };
    debug_assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // RFC 9110 12.5.3: which codings would have been taken.
    response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}

fn is_coded(headers: &HeaderMap) -> bool {
    let plain = |value: &HeaderValue| value.is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity");
    !headers.get_all(header::CONTENT_ENCODING).iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_body_as_it_is_is_not_coded() {
        for (codings, coded) in [
            (&[][..], false),
            (&["identity"], false),
            (&["Identity"], false),
            (&[""], false),
            (&["gzip"], true),
            (&["identity, gzip"], true),
            (&["identity", "br"], true),
        ] {
            let mut headers = HeaderMap::new();
            for coding in codings {
                headers.append(header::CONTENT_ENCODING, coding.parse().unwrap());
            }
            assert_eq!(is_coded(&headers), coded, "{codings:?}");
        }
    }
}
