//! Pixels: frames decoded bit for bit, recoded as JPEG, or drawn as pictures.

pub mod codestream;
pub mod colour;
pub mod decode;
pub mod description;
pub mod encode;
pub mod error;
pub mod handle;
mod letters;
mod passed;
mod pool;
mod profile;
mod table;
pub mod tone;
pub mod view;
pub mod work;
pub mod worker;

pub use description::{Photometric, PixelDescription};
pub use handle::Pixels;
pub use view::{Format, Source, View, Viewport, VoiFunction, Window};
pub use work::{Encoded, Native};

#[cfg(test)]
mod tests;
