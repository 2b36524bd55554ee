//! Segments: append-only files of sealed frames. Only the committer writes them, and it only ever adds.

pub mod draft;
pub(crate) mod folder;
pub(crate) mod frame;
pub(crate) mod handles;
pub(crate) mod scan;
