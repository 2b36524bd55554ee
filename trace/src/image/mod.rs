//! Marks in rendered pictures: written, and found again in leaked ones.
//!
//! A rendition carries a pattern of many small waves whose signs come from a key of the image and the disclosure (Cox and
//! others 1997). We hold the original, so a leaked picture is laid onto it and subtracted before the pattern is looked for.

mod chips;
pub mod dct;
pub mod detect;
pub mod features;
mod fit;
pub mod mark;
mod matching;
pub mod payload;
mod plane;
pub mod projective;
pub mod register;
#[cfg(test)]
mod tests;

pub use chips::{ImageId, MarkKey};
pub use plane::{Picture, Plane, level, real, whole};

/// Pixels of a leaked picture: the largest detectors make fewer, and a bomb makes more.
pub const LEAKED_PIXELS_MAX: usize = 100_000_000;
