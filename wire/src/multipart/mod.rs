//! Bodies of several parts: `multipart/related` (RFC 2387) in the syntax of RFC 2046.
//!
//! [`Reader`] takes the body as it comes, in pieces of any size, and gives the parts' content back as slices of those
//! pieces: nothing is copied but headers. [`Writer`] makes the same format.

mod media;
mod read;
mod write;

pub use media::MediaType;
pub use read::{Event, PartHeaders, Reader};
pub use write::Writer;
