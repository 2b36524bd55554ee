//! What people do on the spot when the rules do not fit the moment: a colleague's word for more patients (step-up), and an
//! emergency in which nothing else gives the right to look (break-glass), with its review.
//!
//! This side only relays. The key service takes an approval, a declaration and a review only with a proof that was made for
//! exactly that request, so that nothing that passes here for another reason can be turned into one.

mod declare;
mod glass;
mod step_up;

pub use declare::declare;

use crate::http::{Doors, Problem, asker::Caller};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::header;
use axum::routing::{get, post};
use record::limits::SIGN_IN_BYTES_MAX;
use record::{Micros, Purpose};
use seal::message::{Asker, Failure};

/// The routes.
pub fn router(doors: Doors) -> Router {
    Router::new()
        .route("/auth/step-up", get(step_up::list).post(step_up::ask))
        .route("/auth/step-up/approve", post(step_up::approve))
        .route("/auth/break-glass", post(glass::declare))
        .route("/auth/break-glass/queue", get(glass::queue))
        .route("/auth/break-glass/review", post(glass::review))
        .layer(DefaultBodyLimit::max(SIGN_IN_BYTES_MAX))
        .with_state(doors)
}

/// Whoever asks here, and the request with its body still unread: what a stranger sends is not looked at.
async fn known(doors: &Doors, request: Request, purpose: Option<Purpose>) -> Result<(Asker, Request), Problem> {
    let (parts, body) = request.into_parts();
    let mut asker = Caller::of_program(doors, &parts, "page").await?.asker;
    asker.purpose = purpose.unwrap_or(asker.purpose);
    Ok((asker, Request::from_parts(parts, body)))
}

/// A JSON body of one form and no other. A page of another site can send a form and plain text without asking; JSON it must
/// ask for, and is refused.
async fn body<T: serde::de::DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        return Err(Problem::unsupported("The body is application/json."));
    }
    let bytes = axum::body::Bytes::from_request(request, &()).await;
    let bytes = bytes.map_err(|_| Problem::bad_request("The body is too long, or broke off."))?;
    serde_json::from_slice(&bytes).map_err(|_| Problem::bad_request("The body has not the form that this route takes."))
}

/// What the key service did not do.
fn failed(failure: Failure) -> Problem {
    Problem::of_write(failure.into())
}

/// A moment as RFC 3339 has it.
fn moment(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at).unwrap_or_default().to_string()
}
