//! The page of what is done on the spot: asking a colleague, an emergency, its review.

use super::shown::{Frame, html};
use super::visitor::Visitor;
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "emergency.html")]
struct Page<'a> {
    frame: Frame<'a>,
}

/// `GET /emergency`: the page itself shows nothing of anybody; its script asks with proofs of its own.
pub async fn page(visitor: Visitor) -> Response {
    html(&Page { frame: Frame::of(&visitor, "emergency") })
}
