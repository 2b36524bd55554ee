//! Marks in rendered pictures, and the originals of leaked ones.
//!
//! A rendition carries a pattern of many small waves whose signs come from a key of the image and the disclosure (Cox and
//! others 1997). We hold the original: a leaked picture is looked up among all of them (`pdq` for copies, `index` and
//! `lookup` for cuts, frames and photos), laid onto its original (`register`) and subtracted before the pattern is looked for
//! (`detect`).

mod chips;
pub mod dct;
pub mod detect;
pub mod features;
mod fit;
pub mod index;
pub mod lookup;
pub mod mark;
mod matching;
pub mod payload;
pub mod pdq;
mod plane;
pub mod projective;
pub mod register;
#[cfg(test)]
mod tests;

pub use chips::{ImageId, MarkKey};
pub use plane::{Picture, Plane, level, real, whole};

/// Pixels of a leaked picture: the largest detectors make fewer, and a bomb makes more.
pub const LEAKED_PIXELS_MAX: usize = 100_000_000;
