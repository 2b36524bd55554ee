//! Headers that every page carries, and the files that belong to the pages.

use axum::extract::{Path, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Nothing runs, shows or loads that this server did not send as a file of its own; no page may frame ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const STRICT: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Addresses hold UIDs; no other site learns them.
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()"),
];

/// Adds the headers to an answer. Pages are kept nowhere: a patient's data must not outlive the session in a cache.
pub async fn strict(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in STRICT {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses what another site's page makes a browser send. The cookie is not sent with it, but signing somebody out, or in
/// as somebody else, needs none. Browsers say where a request comes from (Fetch Metadata); programs say nothing.
pub async fn own_forms(request: Request, next: Next) -> Response {
    let origin = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !request.method().is_safe() && !matches!(origin, None | Some(b"same-origin" | b"none")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

const SEAL: &str = include_str!("../../assets/seal.svg");
const SCRIPT: &str = "text/javascript; charset=utf-8";
const FILES: [(&str, &str, &str); 7] = [
    ("segel.css", "text/css; charset=utf-8", include_str!("../../assets/segel.css")),
    ("viewer.js", SCRIPT, include_str!("../../assets/viewer.js")),
    ("identity.js", SCRIPT, include_str!("../../assets/identity.js")),
    ("session.js", SCRIPT, include_str!("../../assets/session.js")),
    ("signin.js", SCRIPT, include_str!("../../assets/signin.js")),
    ("emergency.js", SCRIPT, include_str!("../../assets/emergency.js")),
    ("seal.svg", "image/svg+xml", SEAL),
];

/// `GET /assets/{name}`
pub async fn asset(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(file, _, _)| *file == name) {
        Some((_, kind, text)) => {
            ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")], *text).into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is no such file.").into_response(),
    }
}

/// `GET /worker.js`: the service worker. It serves what lies beside and below its own address, so it lies at the root.
pub async fn worker() -> Response {
    let headers = [(header::CONTENT_TYPE, SCRIPT), (header::CACHE_CONTROL, "no-cache")];
    (headers, include_str!("../../assets/worker.js")).into_response()
}

/// `GET /favicon.ico`
pub async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=86400")], SEAL).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_own_files_need_no_exception_of_the_policy() {
        assert!(!POLICY.contains("unsafe"));
        for template in
            ["layout", "signin", "purpose", "studies", "study", "patient", "results", "failure", "emergency"]
        {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
            let text = std::fs::read_to_string(format!("{path}/{template}.html")).unwrap();
            for inline in ["style=", "onclick=", "onload=", "javascript:", "<style", "http://", "https://"] {
                assert!(!text.contains(inline), "{template}.html has {inline}");
            }
            assert!(
                text.matches("<script").count() == text.matches("<script src=\"/assets/").count(),
                "{template}.html"
            );
        }
    }

    #[test]
    fn the_pages_own_scripts_come_from_here_alone() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "js") {
                let text = std::fs::read_to_string(&path).unwrap();
                for elsewhere in ["http://", "https://", "eval(", "innerHTML", "document.write", "new Function"] {
                    assert!(!text.contains(elsewhere), "{} has {elsewhere}", path.display());
                }
                let loaded = text.matches("importScripts(").count();
                assert_eq!(loaded, text.matches("importScripts(\"/assets/").count(), "{}", path.display());
                seen += 1;
            }
        }
        assert_eq!(seen, FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT).count() + 1, "and the service worker");
    }
}
