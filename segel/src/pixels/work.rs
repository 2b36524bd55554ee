//! What is done to one frame.

use super::description::{Photometric, PixelDescription};
use super::error::Error;
use super::passed::passed;
use super::view::View;
use super::{colour, decode, encode, tone};

/// A frame as it is kept, with all that is needed to read it.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// TransferSyntaxUID (0002,0010).
    pub transfer_syntax_uid: String,
    /// What the image says of its pixels.
    pub description: PixelDescription,
    /// The frame: its fragments joined, or its part of native pixel data (from its first byte) as little-endian words.
    pub bytes: Vec<u8>,
}

/// A frame of native pixel data, little-endian.
#[derive(Clone, Debug)]
pub struct Native {
    /// What its data set must say of it now: photometric interpretation and planar configuration may have changed.
    pub description: PixelDescription,
    /// The samples, without padding to an even length.
    pub bytes: Vec<u8>,
}

/// Decodes to native pixel data.
pub fn native(frame: Encoded) -> Result<Native, Error> {
    frame.description.check()?;
    decode::native(frame)
}

/// Decodes and codes as JPEG baseline (ITU-T T.81, 8 bits). More bits would be lost without a word, so they are refused.
pub fn jpeg_baseline(frame: Encoded, quality: u8) -> Result<Vec<u8>, Error> {
    let description = &frame.description;
    description.check()?;
    if description.bits_allocated != 8
        || description.bits_stored != 8
        || description.signed
        || description.photometric == Photometric::Palette
    {
        return Err(Error::invalid(
            "Only images of 8 bits, not signed and not indexed, can be given as JPEG baseline.",
        ));
    }
    let native = decode::native(frame)?;
    let description = native.description;
    let pixels = if description.samples == 3 {
        colour::rgb(&description, decode::unpacked(&description, native.bytes)?)
    } else {
        native.bytes
    };
    encode::jpeg(description.columns.into(), description.rows.into(), &pixels, quality)
}

/// Decodes and draws.
pub fn render(frame: Encoded, view: &View) -> Result<Vec<u8>, Error> {
    frame.description.check()?;
    if let Some(file) = passed(&frame, view) {
        return Ok(file);
    }
    let Native { description, bytes } = decode::native(frame)?;
    let samples = decode::unpacked(&description, bytes)?;
    let pixels = match description.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 => tone::grey(&description, &samples, view.window)?,
        Photometric::Palette => colour::indexed(&description, &samples)?,
        _ => colour::rgb(&description, samples),
    };
    encode::file(description.columns.into(), description.rows.into(), pixels, view)
}
