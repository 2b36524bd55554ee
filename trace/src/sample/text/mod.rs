//! Bytes as text: which encoding they are in, and a window over them that is always valid UTF-8.

mod coding;
mod window;

pub(crate) use coding::Coding;
pub(crate) use window::Text;
