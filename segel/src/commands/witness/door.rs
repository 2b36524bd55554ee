//! The witness's two addresses.

use super::book::{Book, Unsigned};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use ledger::witness::{REQUEST_BYTES_MAX, Refusal, SIZE_CONTENT_TYPE};
use record::limits::WITNESS_REQUEST_SECONDS_MAX;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The submission prefix and the monitoring prefix are both empty.
pub fn router(book: Arc<Book>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(checkpoint))
        .fallback(async || told(StatusCode::NOT_FOUND, "a witness has two addresses, and this is neither\n"))
        .layer(axum::middleware::map_response(plain))
        .with_state(book)
}

/// A browser that strays here shows text, and nothing else.
async fn plain(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    response
}

async fn add_checkpoint(State(book): State<Arc<Book>>, body: Body) -> Response {
    let reading = axum::body::to_bytes(body, REQUEST_BYTES_MAX);
    let body = match timeout(Duration::from_secs(WITNESS_REQUEST_SECONDS_MAX), reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return told(StatusCode::BAD_REQUEST, "the request is too long, or broke off\n"),
        Err(_) => return told(StatusCode::REQUEST_TIMEOUT, "the request took too long\n"),
    };
    // The disk is waited for.
    match tokio::task::spawn_blocking(move || book.add_checkpoint(&body)).await {
        Ok(Ok(line)) => line.into_response(),
        Ok(Err(Unsigned::Refused(Refusal::Conflict(size)))) => {
            let kind = HeaderValue::from_static(SIZE_CONTENT_TYPE);
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, kind)], format!("{size}\n")).into_response()
        }
        Ok(Err(Unsigned::Refused(refusal))) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            told(status, &format!("{refusal}\n"))
        }
        Ok(Err(Unsigned::Unable(why))) => told(StatusCode::SERVICE_UNAVAILABLE, &format!("{why}\n")),
        Err(_) => told(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n"),
    }
}

async fn checkpoint(State(book): State<Arc<Book>>, Path(hash): Path<String>) -> Response {
    match book.checkpoint(&hash) {
        Some(note) => ([(header::CACHE_CONTROL, "no-cache")], note).into_response(),
        None => told(StatusCode::NOT_FOUND, "this witness has cosigned nothing of that log\n"),
    }
}

fn told(status: StatusCode, text: &str) -> Response {
    (status, text.to_owned()).into_response()
}
