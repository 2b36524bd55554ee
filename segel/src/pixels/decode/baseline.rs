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
    // The decoder takes "no transform" for CMYK; without the segment it leaves the components alone.
    let named = (codestream::colour_markers(frame) != codestream::Colour::Adobe(1)).then(|| without_adobe(frame));
    let frame = named.as_ref().and_then(Option::as_deref).unwrap_or(frame);
    // Some encoders put bytes where the standard knows none. A stream with its end marker in place was not cut short, so they do
    // no harm; one without it must be right in every bit.
    let strictly = run(frame, wanted, true);
    if strictly.is_err() && is_whole(frame) { run(frame, wanted, false) } else { strictly }
}

fn run(frame: &[u8], wanted: ColorSpace, is_strict: bool) -> Result<Vec<u8>, Error> {
    let options = DecoderOptions::default().set_max_width(SIDE_MAX).set_max_height(SIDE_MAX).set_strict_mode(is_strict);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(frame), options);
    decoder.decode_headers().map_err(|_| Error::undecodable())?;
    let found = decoder.input_colorspace();
    let out = if wanted == ColorSpace::YCbCr && found == Some(ColorSpace::RGB) { ColorSpace::RGB } else { wanted };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    decoder.decode().map_err(|_| Error::undecodable())
}

/// The stream with its Adobe segment, if there is one, called a comment.
fn without_adobe(frame: &[u8]) -> Option<Vec<u8>> {
    let marker = memchr::memmem::find(frame, b"Adobe")?.checked_sub(3)?;
    if frame.get(marker) != Some(&0xEE) {
        return None;
    }
    let mut renamed = frame.to_vec();
    *renamed.get_mut(marker)? = 0xFE;
    Some(renamed)
}

/// Whether the stream ends with its end marker, padding aside.
fn is_whole(frame: &[u8]) -> bool {
    let end = frame.iter().rposition(|byte| *byte != 0).map_or(&[][..], |last| frame.get(..=last).unwrap_or(&[]));
    end.ends_with(&[0xFF, 0xD9])
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
