//! Who may do what and why, and counting, without reading a clock, a file or a socket: the key service brings the facts
//! and keeps the books.
//!
//! The rules are text that people review: `policies/*.cedar`, compiled in. What they come to is written out, for every role,
//! action, relation and purpose, in `policies/matrix.md`.

pub mod budget;
mod decision;
mod engine;
mod error;
mod facts;
mod right;
mod shipped;

pub use decision::{Decision, Reason};
pub use engine::Engine;
pub use error::{Error, Result};
pub use facts::{Actor, Record, Relation, Situation};
pub use right::Right;
pub use shipped::SHIPPED;
