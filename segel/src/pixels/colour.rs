//! From stored samples to red, green and blue, one byte each.

use super::description::{Photometric, PixelDescription};
use super::error::Error;
use super::table::Lut;
use super::tone::{byte, stored};

/// Renders indices through the image's palette.
pub fn indexed(picture: &PixelDescription, samples: &[u8]) -> Result<Vec<u8>, Error> {
    let tables = picture.palette.as_ref().ok_or_else(|| Error::invalid("The image has no palette."))?;
    let [red, green, blue] = tables.each_ref().map(Lut::read);
    let channels = [red?, green?, blue?];
    let bytes_each = picture.sample_bytes().max(1);
    let value = |bytes: &[u8]| stored(picture, bytes.iter().rev().fold(0, |v, b| (v << 8) | u32::from(*b)));
    let colour = |bytes| channels.each_ref().map(|channel| channel.byte(value(bytes)));
    Ok(samples.chunks_exact(bytes_each).flat_map(colour).collect())
}

/// Renders decoded colour samples, pixel by pixel, to RGB.
pub fn rgb(picture: &PixelDescription, samples: Vec<u8>) -> Vec<u8> {
    let bytes = if picture.bits_allocated == 16 { high_bytes(picture, &samples) } else { samples };
    match picture.photometric {
        Photometric::YbrFull | Photometric::YbrFull422 => {
            let pixel = |p: &[u8]| match p {
                [y, cb, cr] => from_ybr(*y, *cb, *cr),
                _ => [0; 3],
            };
            bytes.chunks_exact(3).flat_map(pixel).collect()
        }
        Photometric::YbrPartial422 => {
            // C.7.6.3.1.2: luminance from 16 to 235, colour differences from 16 to 240.
            let wide = |value: u8, low: f64, span: f64| byte((f64::from(value) - low) * 255.0 / span);
            let difference = |value: u8| byte((f64::from(value) - 128.0) * 255.0 / 224.0 + 128.0);
            let pixel = |p: &[u8]| match p {
                [y, cb, cr] => from_ybr(wide(*y, 16.0, 219.0), difference(*cb), difference(*cr)),
                _ => [0; 3],
            };
            bytes.chunks_exact(3).flat_map(pixel).collect()
        }
        _ => bytes,
    }
}

fn high_bytes(picture: &PixelDescription, samples: &[u8]) -> Vec<u8> {
    let shift = u32::from(picture.bits_stored.clamp(8, 16)) - 8;
    let high = |pair: &[u8]| {
        let value = pair.iter().rev().fold(0_u32, |v, b| (v << 8) | u32::from(*b)) >> shift;
        u8::try_from(value & 0xFF).unwrap_or(u8::MAX)
    };
    samples.chunks_exact(2).map(high).collect()
}

/// The inverse of the equations of PS3.3 C.7.6.3.1.2.
fn from_ybr(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
    [byte(y + 1.402 * cr), byte(y - 0.344_136 * cb - 0.714_136 * cr), byte(y + 1.772 * cb)]
}

/// Spreads native YBR_FULL_422 (Y1 Y2 Cb Cr for two pixels) to three samples a pixel.
pub fn spread_422(samples: &[u8]) -> Vec<u8> {
    let pair = |four: &[u8]| match four {
        [y1, y2, cb, cr] => [*y1, *cb, *cr, *y2, *cb, *cr],
        _ => [0; 6],
    };
    samples.chunks_exact(4).flat_map(pair).collect()
}

/// Brings samples kept plane by plane (PlanarConfiguration 1) into pixel order.
pub fn interleave(samples: &[u8], bytes_each: usize) -> Vec<u8> {
    let plane = (samples.len() / 3).max(1);
    let [red, green, blue] = [0, 1, 2].map(|n| samples.get(n * plane..(n + 1) * plane).unwrap_or(&[]));
    let bytes_each = bytes_each.max(1);
    let channels = red.chunks_exact(bytes_each).zip(green.chunks_exact(bytes_each)).zip(blue.chunks_exact(bytes_each));
    channels.flat_map(|((r, g), b)| [r, g, b].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luminance_and_colour_differences_become_primaries() {
        assert_eq!(from_ybr(128, 128, 128), [128, 128, 128]);
        assert_eq!(from_ybr(76, 85, 255), [254, 0, 0]);
        assert_eq!(from_ybr(150, 44, 21), [0, 255, 1]);
    }

    #[test]
    fn planes_and_shared_colours_become_pixels() {
        assert_eq!(interleave(&[1, 2, 3, 4, 5, 6], 1), [1, 3, 5, 2, 4, 6]);
        assert_eq!(interleave(&[1, 0, 2, 0, 3, 0], 2), [1, 0, 2, 0, 3, 0]);
        assert_eq!(spread_422(&[10, 20, 30, 40]), [10, 30, 40, 20, 30, 40]);
    }
}
