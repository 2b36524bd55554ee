//! Ingest, segments, index, find, retrieve, scrub.

mod archive;
mod commit;
pub mod error;
pub mod find;
pub mod index;
pub mod ingest;
pub mod isolation;
pub mod keys;
pub mod object;
pub mod plant;
mod recover;
pub mod retrieve;
pub mod scrub;
pub mod segment;
pub mod settings;
pub mod storage;
pub mod terms;

pub use archive::Archive;
pub use error::{Error, Result};
