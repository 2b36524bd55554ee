//! The page of what is done on the spot: asking a colleague, an emergency, its review.

use super::shown::{Frame, html};
use super::visitor::Visitor;
use askama::Template;
use axum::response::Response;
use record::Role;

#[derive(Template)]
#[template(path = "emergency.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// Whether there is something to ask colleagues for: who reads no record needs no more of them.
    asks: bool,
    /// Whether an emergency may be declared.
    declares: bool,
    /// Whether emergencies are reviewed.
    reviews: bool,
}

/// `GET /emergency`: the page itself shows nothing of anybody; its script asks with proofs of its own. It offers what the role may do; what
/// is done in the end the key service decides.
pub async fn page(visitor: Visitor) -> Response {
    let role = visitor.who.role;
    html(&Page {
        asks: matches!(role, Role::Clinician | Role::Radiographer | Role::Laboratory | Role::Registrar),
        declares: role == Role::Clinician,
        reviews: role == Role::DataProtectionOfficer,
        frame: Frame::of(&visitor, "emergency"),
    })
}
