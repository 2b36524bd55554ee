//! The way in: bytes of a stranger become a sealed object, or nothing.

mod draft;
mod facts;
mod identify;
mod instance;
mod joins;
mod resources;
mod seal;
mod sending;
pub(crate) mod summary;

pub use draft::{Declared, ResourceDraft, StoreOutcome, Stored, StoredResource, Subject};
pub use identify::national;
pub use instance::InstanceReceiver;
pub(crate) use resources::store as store_resources;
pub(crate) use sending::Sending;
