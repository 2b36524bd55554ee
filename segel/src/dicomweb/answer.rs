//! Answers that can be kept, asked for again and asked for in part: validators, 304, ranges, lengths.
//!
//! What is there is located first, and to whom nothing is located, nothing is said. A client that has the answer already
//! gets 304 before anything is opened: nothing is given out, so nothing is released or charged. Everything else is opened,
//! and so logged, before the first byte of it is said, whether it is asked for whole, in part or by HEAD.

use super::body::{self, Piece};
use super::request::Request;
use crate::http::conditional::hash;
use crate::http::{Problem, Validator, range};
use archive::retrieve::{Located, Opened};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use record::Micros;

/// Changes when the bytes of an answer change that is made of the same objects in the same form.
const MADE_BY: &str = concat!("segel ", env!("CARGO_PKG_VERSION"));

/// One form of what was located.
pub struct Answer {
    validator: Validator,
    boundary: String,
}

impl Answer {
    /// The answer that hands over `located` in the form that `form` describes: everything that its bytes depend on.
    pub fn of<'a>(request: &Request, located: impl IntoIterator<Item = &'a Located>, form: &str) -> Self {
        let mut objects = Vec::new();
        let mut modified: Micros = 0;
        for located in located {
            objects.extend_from_slice(&located.object().0);
            objects.extend_from_slice(&located.version().to_be_bytes());
            modified = modified.max(located.arrived());
        }
        // Links name the base.
        let parts = [objects.as_slice(), form.as_bytes(), request.base.as_bytes(), MADE_BY.as_bytes()];
        // Equal answers are equal byte for byte, so the boundary is no new random number each time. It is one to the sender of
        // any content: the ids of objects are random and given out nowhere.
        let boundary = hash(b"segel boundary", parts);
        Self {
            validator: Validator::new(parts, modified),
            boundary: hex::encode(boundary.get(..16).unwrap_or_default()),
        }
    }

    /// The same of what was really opened: to whom some of it was refused, another answer is given.
    pub fn of_opened(request: &Request, opened: &[Opened], form: &str) -> Self {
        Self::of(request, opened.iter().map(Opened::located), form)
    }

    /// The boundary between the parts of this answer.
    pub fn boundary(&self) -> &str {
        &self.boundary
    }

    /// 304, if the client has this answer already.
    pub fn known(&self, headers: &HeaderMap) -> Option<Response> {
        self.validator.is_known(headers).then(|| {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            self.validator.decorate(response.headers_mut());
            response
        })
    }

    /// Marks a response that was made elsewhere as this answer.
    pub fn mark(&self, response: &mut Response) {
        if response.status().is_success() {
            self.validator.decorate(response.headers_mut());
        }
    }

    /// Hands over what pieces are together: with its length and by ranges, if the length is known.
    pub fn give(&self, headers: &HeaderMap, content_type: &str, pieces: Vec<Piece>) -> Result<Response, Problem> {
        let length = body::length(&pieces);
        let wanted = match length {
            Some(length) if self.validator.takes_range(headers) => range::wanted(headers, length)?,
            _ => None,
        };
        let (status, size, pieces) = match &wanted {
            Some(wanted) => {
                let size = wanted.end.saturating_sub(wanted.start);
                (StatusCode::PARTIAL_CONTENT, Some(size), body::slice(pieces, wanted))
            }
            None => (StatusCode::OK, length, pieces),
        };
        let mut response = (status, body::of(pieces)).into_response();
        let headers = response.headers_mut();
        self.validator.decorate(headers);
        let content_type = HeaderValue::from_str(content_type);
        headers.insert(header::CONTENT_TYPE, content_type.map_err(|_| Problem::bad_request("No such media type."))?);
        if let Some(size) = size {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        if let (Some(wanted), Some(length)) = (wanted, length) {
            let place = format!("bytes {}-{}/{length}", wanted.start, wanted.end.saturating_sub(1));
            if let Ok(place) = HeaderValue::from_str(&place) {
                headers.insert(header::CONTENT_RANGE, place);
            }
        }
        Ok(response)
    }
}
