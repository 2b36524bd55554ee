//! The domain: identifiers, patients, facilities, people, purposes, limits. No I/O.
//!
//! Everything here is a value that more than one crate speaks of. The `Debug` of anything that could
//! name a patient prints nothing of it.

pub mod actor;
pub mod identifier;
pub mod ids;
pub mod label;
pub mod limits;
pub mod name;
pub mod outcome;
pub mod search;
pub mod time;

pub use actor::{FacilityCode, Purpose, Role};
pub use identifier::Identifier;
pub use ids::{ObjectId, Pseudonym, Version};
pub use label::{Label, Labels};
pub use outcome::Outcome;
pub use search::{Field, Term, Token};
pub use time::Micros;
