//! The way out: located, released by the key service, opened by range.

mod target;

pub use target::Target;
