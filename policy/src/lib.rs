//! Who may read what, why and how much, as pure functions.
//!
//! Nothing here reads a clock, a file or a socket: the key service brings the facts and keeps the books.

pub mod budget;
pub mod purpose;
pub mod rights;

pub use rights::{Actor, Decision, Reason, Relation, Right, decide, may_search};
