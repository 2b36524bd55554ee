//! Marks of rows: what they are, and whose they are found to be.
//!
//! A row of a bulk export carries two marks in digits and spellings that mean nothing to care: six digits of a
//! microsecond, and one bit. Both are a keyed function of the record and of the disclosure, so nothing is stored and every recipient's
//! copy differs. The digits name a copy from a few rows; the bit's bias differs by record (Tardos 2003), so that also people who put
//! their copies together, and choose for every row what they like, are found.
//!
//! The bound on naming an innocent recipient is a theorem and no experience: a recipient who had no part in the leak has
//! marks that are independent of everything in it, because they come from a key that nobody outside holds.

mod channel;
mod code;
mod decode;
mod leak;
mod tags;
#[cfg(test)]
mod tests;

pub use channel::{Attack, Channel};
pub use code::{BiasKey, DisclosureKey, LEVELS, Marks, RecordId, TAGS, probability};
pub use decode::{Named, Suspect, Verdict, accuse};
pub use leak::{Leak, Observed};
pub use tags::ln_by_tags;
