//! Ingest, segments, index, find, retrieve, scrub.

pub mod object;
