//! A C-FIND in progress: the question, the archive's rows, a response for each.

use super::Call;
use super::find::{self, Question};
use super::store::Failure;
use crate::dimse::acceptor::conversation::{Broken, Conversation};
use crate::outcome;

/// Answers a query (PS3.4 C.4.1.3).
pub(super) async fn serve(call: Call, peer: &mut Conversation) -> Result<(), Broken> {
    let agreed = call.negotiated.extended(&call.context.abstract_syntax).agreed();
    let question = match Question::parse(&call.context, call.request.clone(), &call.identifier, agreed) {
        Ok(question) => question,
        Err(failure) => return peer.respond(&find::failed(&call.request, failure), None).await,
    };
    let found = peer.unless_cancelled(call.door.archive.find(&call.asker, &question.query)).await;
    let rows = match found {
        None => return peer.respond(&question.last(outcome::CANCEL), None).await,
        Some(Ok(rows)) => rows,
        Some(Err(error)) => {
            tracing::warn!(%error, "a query was refused");
            return peer.respond(&find::failed(&call.request, Failure::of_find(&error)), None).await;
        }
    };
    for row in &rows {
        if peer.is_cancelled() {
            return peer.respond(&question.last(outcome::CANCEL), None).await;
        }
        match question.pending(row, &call.door.settings.ae_title) {
            Ok((command, identifier)) => peer.respond(&command, Some(&identifier)).await?,
            Err(error) => tracing::warn!(%error, "a row cannot be written as a data set, and is left out"),
        }
    }
    peer.respond(&question.last(outcome::SUCCESS), None).await
}
