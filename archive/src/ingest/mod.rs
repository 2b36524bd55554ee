//! The way in: bytes of a stranger become a sealed object, or nothing.

mod draft;

pub use draft::{Declared, ResourceDraft, StoreOutcome, Stored, StoredResource, Subject};
