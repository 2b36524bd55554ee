//! Which web pages may speak to the doors for programs (Fetch, "CORS protocol"): those whose origin the configuration names,
//! nobody else. No cookie goes with it: a page shows a token of its own, as every program does. The pages of the archive
//! itself are left alone.

use anyhow::{Result, bail};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The doors for programs.
const DOORS: [&str; 4] = ["/dicom-web", "/fhir", "/wado", "/openapi.json"];
/// What a page may send.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
/// Headers beyond those that every page may send.
const HEADERS: &str =
    "accept, authorization, content-type, dpop, if-match, if-none-match, if-range, prefer, range, x-purpose-of-use";
/// Headers of an answer that a page may read beyond those that every page may.
const EXPOSED: &str = "accept-ranges, content-length, content-location, content-range, etag, last-modified, location, \
                       retry-after, warning, www-authenticate";
/// How long a browser need not ask again.
const CACHED_SECONDS: &str = "7200";

/// The origins whose pages may speak to the doors for programs.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: Arc<[HeaderValue]>,
}

impl Cors {
    /// These origins: `https://viewer.example`, exactly as a browser says them.
    pub fn new(origins: &[String]) -> Result<Self> {
        let mut checked = Vec::new();
        for origin in origins {
            if !is_origin(origin) {
                bail!("[http] cors_origins: {origin:?} is no origin; write https://host or https://host:port");
            }
            checked.push(HeaderValue::from_str(origin)?);
        }
        Ok(Self { origins: checked.into() })
    }

    fn allowed(&self, headers: &HeaderMap) -> Option<&HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.origins.iter().find(|allowed| *allowed == origin)
    }
}

/// RFC 6454 6.2 without `null`: scheme, host and a port that is not the scheme's own; lower case, as browsers write it.
fn is_origin(text: &str) -> bool {
    let (host, own_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(host), _) => (host, ":443"),
        (_, Some(host)) => (host, ":80"),
        _ => return false,
    };
    let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._:[]".contains(&b);
    (1..=255).contains(&host.len())
        && host.bytes().all(named)
        && !host.ends_with(own_port)
        && !host.ends_with([':', '.'])
}

/// Answers what a browser asks before it lets a page speak, tells it whose page may read an answer, and answers OPTIONS.
pub async fn cors(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !DOORS.iter().any(|door| path.strip_prefix(door).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))) {
        return next.run(request).await;
    }
    let allowed = cors.allowed(request.headers()).cloned();
    let is_options = request.method() == Method::OPTIONS;
    let is_preflight = is_options && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (&allowed, is_preflight) {
        (Some(_), true) => preflight(),
        _ => {
            let path = request.uri().path().to_owned();
            let response = next.run(request).await;
            if is_options { options(&path, response) } else { response }
        }
    };
    let headers = response.headers_mut();
    if !cors.origins.is_empty() {
        // A cache between must not hand one page's permission to another.
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    response
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, CACHED_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// OPTIONS (RFC 9110 9.3.7) of a path that has no answer of its own to it: the methods that it has.
fn options(path: &str, response: Response) -> Response {
    match crate::openapi::allowed(path) {
        Some(allow) if response.status() == StatusCode::METHOD_NOT_ALLOWED => {
            (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response()
        }
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    const VIEWER: &str = "https://viewer.example";

    async fn ask(origins: &[&str], method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let cors = Cors::new(&origins.iter().map(|origin| (*origin).to_owned()).collect::<Vec<_>>()).unwrap();
        let router = Router::new()
            .route("/dicom-web/studies", get(async || "ours").post(async || "ours"))
            .route("/dicom-webs", get(async || "no door"))
            .route("/studies/1", get(async || "a page"))
            .layer(axum::middleware::from_fn_with_state(cors, super::cors));
        let mut request = axum::http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        TowerToHyperService::new(router).call(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn said(response: &Response, name: &str) -> String {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_page_of_a_named_origin_may_ask_and_read() {
        let asking = [("origin", VIEWER), ("access-control-request-method", "GET")];
        let response = ask(&[VIEWER], "OPTIONS", "/dicom-web/studies", &asking).await;
        assert_eq!(response.status(), 204);
        assert_eq!(said(&response, "access-control-allow-origin"), VIEWER);
        assert!(said(&response, "access-control-allow-headers").contains("authorization"));
        assert_eq!(said(&response, "access-control-max-age"), CACHED_SECONDS);
        assert_eq!(said(&response, "access-control-allow-credentials"), "");
        let response = ask(&[VIEWER], "GET", "/dicom-web/studies", &[("origin", VIEWER)]).await;
        assert_eq!(
            (response.status().as_u16(), said(&response, "access-control-allow-origin")),
            (200, VIEWER.to_owned())
        );
        assert!(said(&response, "access-control-expose-headers").contains("etag"));
        assert_eq!(said(&response, "vary"), "origin");
    }

    #[tokio::test]
    async fn no_other_page_may_and_no_page_of_ours_is_opened() {
        let others = ["https://evil.example", "https://viewer.example.evil.example", "http://viewer.example", "null"];
        for origin in others {
            let asking = [("origin", origin), ("access-control-request-method", "GET")];
            for (method, path) in [("OPTIONS", "/dicom-web/studies"), ("GET", "/dicom-web/studies")] {
                let response = ask(&[VIEWER], method, path, &asking).await;
                assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control")), "{origin}");
                assert_eq!(said(&response, "vary"), "origin");
            }
        }
        for path in ["/studies/1", "/dicom-webs"] {
            let response = ask(&[VIEWER], "GET", path, &[("origin", VIEWER)]).await;
            assert_eq!(said(&response, "access-control-allow-origin") + &said(&response, "vary"), "", "{path}");
        }
        let response = ask(&[], "GET", "/dicom-web/studies", &[("origin", VIEWER)]).await;
        assert_eq!(said(&response, "access-control-allow-origin") + &said(&response, "vary"), "");
    }

    #[tokio::test]
    async fn options_tells_the_methods_of_a_path() {
        let response = ask(&[], "OPTIONS", "/dicom-web/studies", &[]).await;
        assert_eq!(response.status(), 204);
        assert_eq!(said(&response, "allow"), "GET,HEAD,POST,OPTIONS");
        assert_eq!(ask(&[], "OPTIONS", "/dicom-web/nothing", &[]).await.status(), 404);
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_more() {
        for right in ["https://viewer.example", "http://127.0.0.1:3000", "https://[::1]:8443"] {
            assert!(Cors::new(&[right.to_owned()]).is_ok(), "{right}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "https://",
            "viewer.example",
            "https://viewer.example/",
            "https://*.example",
            "https://Viewer.example",
            "https://viewer.example:443",
            "https://viewer.example:",
            "ftp://viewer.example",
            "https://a@viewer.example",
        ] {
            assert!(Cors::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
