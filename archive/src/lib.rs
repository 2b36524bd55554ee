//! Ingest, segments, index, find, retrieve, scrub.

pub mod error;
pub mod index;
pub mod keys;
pub mod object;
pub mod segment;
pub mod settings;
pub mod storage;
