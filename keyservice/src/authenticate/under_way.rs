//! What a request may still ask when the first moment of its proof is over, or its token has run out meanwhile.
//!
//! It was let in when both were good, and a study over a slow line takes longer. So it may take in what it brings, and find whose
//! that is; it opens no content, and gives no order. A bulk export, which runs for as long as its recipient's line takes, goes
//! on with that one export. Whoever holds the node and keeps a proof gets no patient's content by keeping it.

use super::{Known, Unknown, dpop};
use crate::issuer::Issuer;
use seal::message::{Asker, Part, Proof, Request};

/// Whoever asks, if the request may be asked by now.
///
/// # Errors
/// That the proof is too old for it.
pub fn within(issuer: &Issuer, known: Known, request: &Request) -> Result<Known, Unknown> {
    if !known.goes_on || permits(issuer, &known, request) { Ok(known) } else { Err(Unknown::Proof(dpop::Flaw::Late)) }
}

fn permits(issuer: &Issuer, known: &Known, request: &Request) -> bool {
    match request {
        // Lists are counted where they are opened, by patient.
        Request::Authenticate(_)
        | Request::Admit { .. }
        | Request::Compare { .. }
        | Request::Release { part: Part::Summary, .. } => true,
        Request::Tokens { terms, .. } => known.proof.is_some_and(|id| issuer.proofs.ask(&id, terms.len())),
        Request::Export { asker, ask } => is_for(asker, &format!("/export/{}", ask.export().to_hex())),
        Request::LedgerProof { asker, .. } => path(asker).is_some_and(|path| path.contains("/export/")),
        _ => false,
    }
}

fn is_for(asker: &Asker, wanted: &str) -> bool {
    path(asker).is_some_and(|path| path.ends_with(wanted))
}

/// The path that the proof was signed for.
fn path(asker: &Asker) -> Option<&str> {
    match &asker.proof {
        Proof::Bound { uri, .. } => uri.split(['?', '#']).next(),
        _ => None,
    }
}
