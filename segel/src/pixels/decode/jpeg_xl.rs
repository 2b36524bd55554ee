//! JPEG XL (ISO/IEC 18181), also of recompressed JPEG.

use crate::pixels::codestream;
use crate::pixels::description::PixelDescription;
use crate::pixels::error::Error;
use jxl_oxide::{JxlImage, JxlThreadPool};

/// Decodes a frame; colour comes as RGB.
pub fn decode(frame: &[u8], description: &PixelDescription) -> Result<Vec<u8>, Error> {
    let image = JxlImage::builder().pool(JxlThreadPool::none()).read(frame).map_err(|_| Error::undecodable())?;
    // The decoder has read the header and taken memory for what came in, not for what the header claims.
    if (image.width(), image.height()) != (description.columns.into(), description.rows.into()) {
        return Err(codestream::disagrees());
    }
    let bits = image.image_header().metadata.bit_depth.bits_per_sample();
    if bits == 0 || bits > u32::from(description.bits_allocated).min(16) {
        return Err(codestream::disagrees());
    }
    let rendered = image.render_frame(0).map_err(|_| Error::undecodable())?;
    let mut stream = rendered.stream_no_alpha();
    if stream.channels() != u32::from(description.samples) {
        return Err(codestream::disagrees());
    }
    let samples =
        usize::try_from(description.pixels()).map_err(|_| Error::undecodable())? * usize::from(description.samples);
    let mut shares = vec![0.0_f32; samples];
    if stream.write_to_buffer(&mut shares) != samples {
        return Err(Error::undecodable());
    }
    // Values of up to 16 bits are exact in the shares of one that the decoder gives.
    let top = f64::from((1_u32 << bits) - 1);
    // What a lossy stream gives may lie outside of black and white.
    let values: Vec<u16> = shares.into_iter().map(|share| rounded(f64::from(share).clamp(0.0, 1.0) * top)).collect();
    super::stored(&values, description)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 16 bits before")]
fn rounded(value: f64) -> u16 {
    value.round().clamp(0.0, 65_535.0) as u16
}
