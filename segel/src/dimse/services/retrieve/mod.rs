//! What C-GET and C-MOVE have in common (PS3.4 C.4.2, C.4.3): which instances are meant ([`identifier`]), opening them in
//! one release ([`instances`]), in which form they go out ([`form`]), where a C-MOVE sends them ([`destination`]), reading them
//! ahead of the network ([`reading`]), and keeping count ([`tally`]).
//!
//! Memory of one retrieve: [`reading::PIECES_MAX`] pieces of [`reading::PIECE_BYTES`] read ahead and the one being read,
//! and what its association's conversation gathers: about 2 MB, however large an instance or study is; a frame that is decoded
//! comes on top, within the memory that [`crate::pixels`] grants, and the list of instances, some 2 KB each, at most
//! `limits::LOCATED_MAX`.

pub(super) mod destination;
pub(super) mod form;
pub(super) mod identifier;
pub(super) mod instances;
pub(super) mod reading;
pub(super) mod tally;

use super::store::Failure;
use crate::outcome;

/// The identifier is not one of the information model (A900H).
fn mismatch(comment: &str) -> Failure {
    Failure { status: outcome::MISMATCH, comment: comment.to_owned() }
}

/// What an error of the archive is to a retrieve.
fn failure(error: &archive::Error) -> Failure {
    Failure { status: outcome::words(error.outcome()).c_move, ..Failure::of_find(error) }
}
