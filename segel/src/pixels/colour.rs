//! From stored samples to red, green and blue, one byte each.

use super::description::{Photometric, PixelDescription, Table};
use super::error::Error;
use super::tone::byte;

/// One channel of a palette, one byte each.
struct Channel {
    first: i64,
    entries: Vec<u8>,
}

impl Channel {
    /// Reads a table: entries of 16 bits, of which the high byte shows, or, as old files have it, of 8 bits.
    fn of(table: &Table) -> Self {
        let entries = usize::try_from(table.entries).unwrap_or(0);
        if table.bits <= 8 && table.data.len() < entries.saturating_mul(2) {
            return Self { first: table.first, entries: table.data.clone() };
        }
        let shift = table.bits.clamp(8, 16) - 8;
        let entry = |pair: &[u8]| {
            let value = pair.iter().rev().fold(0_u32, |v, b| (v << 8) | u32::from(*b)) >> shift;
            u8::try_from(value).unwrap_or(u8::MAX)
        };
        Self { first: table.first, entries: table.data.chunks_exact(2).map(entry).collect() }
    }

    /// The entry of a stored value; values outside the table take its first or last entry.
    fn shade(&self, value: i64) -> u8 {
        let index = usize::try_from(value.saturating_sub(self.first)).unwrap_or(0);
        self.entries.get(index).or(self.entries.last()).copied().unwrap_or(0)
    }
}

/// Renders indices through the image's palette.
pub fn indexed(picture: &PixelDescription, samples: &[u8]) -> Result<Vec<u8>, Error> {
    let tables = picture.palette.as_ref().ok_or_else(|| Error::invalid("The image has no palette."))?;
    let channels = tables.each_ref().map(Channel::of);
    let bytes_each = picture.sample_bytes().max(1);
    let value = |bytes: &[u8]| bytes.iter().rev().fold(0_i64, |v, b| (v << 8) | i64::from(*b));
    let colour = |bytes| channels.each_ref().map(|channel| channel.shade(value(bytes)));
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

    #[test]
    fn a_palette_answers_for_values_outside_it_with_its_ends() {
        let table = |bits, entries, data: &[u8]| {
            Channel::of(&Table { entries, first: 10, bits, is_segmented: false, data: data.to_vec() })
        };
        let channel = table(8, 2, &[1, 2]);
        assert_eq!([10, 11, 0, 99].map(|value| channel.shade(value)), [1, 2, 1, 2]);
        assert_eq!(table(16, 2, &[0, 1, 0, 255]).entries, [1, 255]);
        assert_eq!(table(8, 2, &[7, 0, 9, 0]).entries, [7, 9]);
        assert_eq!(table(8, 2, &[]).shade(10), 0);
    }
}
