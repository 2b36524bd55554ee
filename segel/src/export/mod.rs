//! Bulk exports: a sealed bundle for one named recipient, made by the archive, opened by the recipient.
//!
//! `POST /export/{id}` runs an export that was approved and streams its bundle. The bytes are sealed for the recipient before they
//! leave this process: whoever carries them learns their length. `segel export open` is the recipient's side.

pub mod bundle;
pub mod hpke;
pub mod open;
mod run;

use crate::http::{Caller, Doors, Problem};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{header, request::Parts};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::stream::unfold;
use seal::approval::ProposalId;

/// The bundle's media type.
pub const BUNDLE: &str = "application/vnd.segel.bundle";
/// Pieces of a bundle that wait for the socket.
const PIECES_WAITING: usize = 4;

/// The routes of exports.
pub fn router(doors: Doors) -> Router {
    Router::new().route("/export/{export}", post(give)).with_state(doors)
}

/// `POST /export/{export}`: runs it, and gives its bundle. A bundle that breaks off is none: it has no end, and opens nowhere.
async fn give(State(doors): State<Doors>, Path(export): Path<String>, parts: Parts) -> Result<Response, Problem> {
    let caller = Caller::of_program(&doors, &parts, "export").await?;
    let export = ProposalId::from_hex(&export).ok_or_else(Problem::not_found)?;
    let begun = run::begin(&doors.archive, &caller.asker, export).await?;
    let (sender, receiver) = tokio::sync::mpsc::channel(PIECES_WAITING);
    tokio::spawn(async move {
        // All of it: the request is under way until the bundle's end.
        let caller = caller;
        if let Err(error) = run::run(&doors.archive, &caller.asker, begun, &sender).await {
            tracing::warn!("an export was broken off: {error}");
            let _gone = sender.send(Err(std::io::Error::other("broken off"))).await;
        }
    });
    let pieces = unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) });
    Ok(([(header::CONTENT_TYPE, BUNDLE)], Body::from_stream(pieces)).into_response())
}
