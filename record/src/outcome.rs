//! What went wrong, by what the caller must do about it.

use minicbor::{Decode, Encode};

/// The kinds that every crate's error has. The detail beside it is text for people, not an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Outcome {
    /// The caller must change what it sent.
    #[n(0)]
    Invalid,
    /// Not allowed, or not there: a peer never learns which.
    #[n(1)]
    Refused,
    /// Try again later.
    #[n(2)]
    Busy,
    /// What is kept is not what was written: stop and restore.
    #[n(3)]
    Damaged,
    /// Shutting down.
    #[n(4)]
    Closed,
    /// The asker's own budget is spent: it must wait, or ask a colleague. It tells nothing of any patient.
    #[n(5)]
    Exhausted,
}
