//! JPEG with eight bits (ITU-T T.81 processes 1 and 2), by a fast decoder.

use crate::pixels::codestream;
use crate::pixels::description::{Photometric, PixelDescription};
use crate::pixels::error::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// The longest side that a frame header can name.
const SIDE_MAX: usize = 65_535;

/// Decodes to grey or to RGB, one byte a sample.
pub fn decode(frame: &[u8], description: &PixelDescription) -> Result<Vec<u8>, Error> {
    let wanted = match (description.samples, is_transformed(frame, description)) {
        (1, _) => ColorSpace::Luma,
        (_, true) => ColorSpace::RGB,
        // The decoder leaves alone what it takes for YCbCr already.
        (_, false) => ColorSpace::YCbCr,
    };
    let options = DecoderOptions::default().set_max_width(SIDE_MAX).set_max_height(SIDE_MAX).set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(frame), options);
    decoder.decode_headers().map_err(|_| Error::undecodable())?;
    let found = decoder.input_colorspace();
    let out = if wanted == ColorSpace::YCbCr && found == Some(ColorSpace::RGB) { ColorSpace::RGB } else { wanted };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    decoder.decode().map_err(|_| Error::undecodable())
}

/// Whether three components are luminance and colour differences: what the stream's own markers say comes first, then JFIF, which
/// has no other, then the image's description.
fn is_transformed(frame: &[u8], description: &PixelDescription) -> bool {
    match codestream::colour_markers(frame) {
        codestream::Colour::Adobe(transform) => transform != 0,
        codestream::Colour::Jfif => true,
        codestream::Colour::Unsaid => description.photometric != Photometric::Rgb,
    }
}
