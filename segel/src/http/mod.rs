//! What the HTTP doors share: the server, its limits and timeouts, who asks, errors, the request log.

pub mod asker;
pub mod body;
pub mod coding;
pub mod conditional;
pub mod cors;
pub mod log;
pub mod problem;
pub mod proofs;
pub mod quorum;
pub mod range;
pub mod request;
pub mod server;
pub mod stall;
pub mod state;
pub mod under_way;

pub use asker::Caller;
pub use conditional::Validator;
pub use cors::Cors;
pub use problem::Problem;
pub use request::{Asked, Names};
pub use server::{Connection, Settings, serve};
pub use state::Doors;

use axum::Router;
use axum::http::{StatusCode, Uri};

/// The doors' routes, with what every answer carries and what is said where no door is.
pub fn layers(doors: Router, cors: Cors) -> Router {
    doors
        .fallback(nowhere)
        .layer(axum::middleware::from_fn(coding::identity))
        .layer(axum::middleware::from_fn_with_state(cors, cors::cors))
        .layer(axum::middleware::from_fn(log::request))
}

async fn nowhere(uri: Uri) -> axum::response::Response {
    use axum::response::IntoResponse;
    let problem = Problem::new(StatusCode::NOT_FOUND, "There is no such door here.");
    if uri.path().starts_with("/fhir") {
        crate::fhir::Failure::from(problem).into_response()
    } else {
        problem.into_response()
    }
}
