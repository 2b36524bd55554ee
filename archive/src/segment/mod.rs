//! Segments: append-only files of sealed frames.

pub mod draft;
