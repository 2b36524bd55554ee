//! Ingest, segments, index, find, retrieve, scrub.

pub mod find;
pub mod ingest;
pub mod keys;
pub mod object;
pub mod retrieve;
pub mod terms;
