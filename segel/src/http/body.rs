//! Reading a request's body: chunk by chunk against a clock, or whole against a budget of memory.

use super::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// A sender must bring `BODY_WINDOW_BYTES` within this time, again and again. Only waiting for the peer is counted.
pub const BODY_WINDOW: Duration = Duration::from_secs(30);
/// What has to arrive in each window: 34 bytes a second, slower than any modem that can carry an image.
pub const BODY_WINDOW_BYTES: usize = 1024;
/// Memory of all bodies that are held whole at one time, in units of 1 KiB: six of the largest resources.
pub const HELD_BODIES_KIB_MAX: usize = 6 * record::limits::RESOURCE_BYTES_MAX / 1024;

/// A body that is read piece by piece.
pub struct BodyReader {
    body: Body,
    patience: Duration,
    window_bytes: usize,
}

impl BodyReader {
    /// Reads `body`.
    pub fn new(body: Body) -> Self {
        Self { body, patience: BODY_WINDOW, window_bytes: 0 }
    }

    /// The next piece; `None` at the end. A sender too slow is answered 408, one that breaks off 400.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let asked = Instant::now();
            let frame = timeout(self.patience, self.body.frame())
                .await
                .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "The body stopped arriving."))?;
            self.patience = self.patience.saturating_sub(asked.elapsed());
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|_| Problem::bad_request("The body ended before its length."))?;
            if let Ok(data) = frame.into_data() {
                self.window_bytes = self.window_bytes.saturating_add(data.len());
                if self.window_bytes >= BODY_WINDOW_BYTES {
                    self.window_bytes = 0;
                    self.patience = BODY_WINDOW;
                }
                return Ok(Some(data));
            }
        }
    }
}

/// A body held whole, and its share of the memory for such bodies.
pub struct Held {
    /// The bytes.
    pub bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

/// Reads a body whole: at most `bytes_max` (else 413), and only while the shared budget lasts (else 503).
pub async fn hold(body: Body, headers: &HeaderMap, bytes_max: usize, budget: &Arc<Semaphore>) -> Result<Held, Problem> {
    let too_large = || Problem::too_large(format!("The body is larger than {bytes_max} bytes."));
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if declared.is_some_and(|length: usize| length > bytes_max) {
        return Err(too_large());
    }
    let mut reader = BodyReader::new(body);
    let mut bytes = Vec::new();
    let mut share: Option<OwnedSemaphorePermit> = None;
    while let Some(piece) = reader.next().await? {
        if bytes.len().saturating_add(piece.len()) > bytes_max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
        // The share follows what has really arrived: a declared length reserves nothing.
        let held_kib = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(bytes.capacity().div_ceil(1024).saturating_sub(held_kib)).unwrap_or(u32::MAX);
        if missing > 0 {
            let more = Arc::clone(budget)
                .try_acquire_many_owned(missing)
                .map_err(|_| Problem::busy("Too many large bodies are arriving at once."))?;
            match &mut share {
                Some(share) => share.merge(more),
                None => share = Some(more),
            }
        }
    }
    Ok(Held { bytes, _share: share })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn held(bytes: usize, max: usize, budget_kib: usize) -> Result<usize, u16> {
        let budget = Arc::new(Semaphore::new(budget_kib));
        let body = Body::from(vec![7; bytes]);
        hold(body, &HeaderMap::new(), max, &budget).await.map(|h| h.bytes.len()).map_err(|p| p.status.as_u16())
    }

    #[tokio::test]
    async fn a_body_may_reach_its_limit_and_not_pass_it() {
        assert_eq!(held(4096, 4096, 64).await, Ok(4096));
        assert_eq!(held(4097, 4096, 64).await, Err(413));
    }

    #[tokio::test]
    async fn bodies_beyond_the_shared_memory_are_told_to_come_back() {
        assert_eq!(held(64 * 1024, 1 << 20, 64).await, Ok(64 * 1024));
        assert_eq!(held(64 * 1024 + 1, 1 << 20, 64).await, Err(503));
    }

    #[tokio::test]
    async fn a_declared_length_beyond_the_limit_is_refused_before_a_byte_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "4097".parse().unwrap());
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let budget = Arc::new(Semaphore::new(64));
        let problem = hold(never, &headers, 4096, &budget).await.err().unwrap();
        assert_eq!(problem.status, 413);
    }

    #[tokio::test]
    async fn a_body_that_stops_arriving_is_timed_out() {
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut reader = BodyReader { patience: Duration::from_millis(20), ..BodyReader::new(never) };
        assert_eq!(reader.next().await.err().unwrap().status, 408);
        assert_eq!(BodyReader::new(Body::empty()).patience, BODY_WINDOW);
    }
}
