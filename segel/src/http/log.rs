//! One line for each request: which door, which method, how it ended, how long it took. Never a path, a query or a header:
//! a query holds names and numbers of patients, a header the token.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

/// Logs the request, and sets the headers that every answer carries.
pub async fn request(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let door = door(request.uri().path());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // Records belong in no cache but the reader's eyes, and an answer is never anything but what its type says.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let status = response.status();
    let milliseconds = began.elapsed().as_millis();
    if status.is_server_error() {
        tracing::warn!(door, %method, status = status.as_u16(), milliseconds, "request");
    } else {
        tracing::info!(door, %method, status = status.as_u16(), milliseconds, "request");
    }
    response
}

/// The door that a path leads to.
fn door(path: &str) -> &'static str {
    match path.trim_start_matches('/').split('/').next() {
        Some("dicom-web") => "dicomweb",
        Some("fhir") => "fhir",
        Some("auth") => "auth",
        _ => "page",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_logged_request_says_its_door_and_nothing_of_its_path() {
        assert_eq!(super::door("/dicom-web/studies?PatientName=Siti"), "dicomweb");
        assert_eq!(super::door("/fhir/Patient"), "fhir");
        assert_eq!(super::door("/auth/oidc/callback?code=secret"), "auth");
        assert_eq!(super::door("/study/1.2.3"), "page");
        assert_eq!(super::door("/"), "page");
    }
}
