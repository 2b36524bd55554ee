//! Associations that the archive asks for: it pulls from an old PACS, sends to peers, reports and asks for commitments.
//!
//! A walkthrough: a [`Proposal`] says what is wanted of a [`Peer`]; [`Association::request`] connects ([`transport`]),
//! negotiates and runs the requestor's half of the state table (PS3.8 9.2); [`store`], [`find`], [`retrieve`] and
//! [`notify`] are the operations, one at a time. Every wait has a deadline, and every failure says by its
//! `record::Outcome` whether another attempt makes sense.

mod association;
mod error;
mod find;
mod notify;
mod peer;
mod proposal;
mod retrieve;
mod status;
mod store;
mod transport;

#[cfg(test)]
mod tests;

pub use association::Association;
pub use error::Error;
pub use notify::Action;
pub use peer::Peer;
pub use proposal::{Context, Proposal, Role};
pub use retrieve::{Incoming, Retrieval, Step};
pub use status::{Kind, Status};
pub use store::Instance;
