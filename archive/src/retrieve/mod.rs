//! The way out: located, released by the key service, opened by range.

mod committed;
mod exported;
mod frames;
mod inflate;
mod located;
mod opened;
mod part;
mod target;

pub(crate) use committed::committed;
pub use committed::{Commitment, Reference};
pub use exported::Selected;
pub(crate) use exported::{open as open_exported, select};
pub use located::Located;
pub(crate) use located::{locate, locate_resource};
pub use opened::Opened;
pub(crate) use opened::{open, summaries};
pub use target::Target;
