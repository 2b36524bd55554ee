//! RLE Lossless (PS3.5 annex G): one segment for each byte of each sample, most significant byte first.

use crate::pixels::description::PixelDescription;
use crate::pixels::error::Error;

/// Decodes a frame of which the number of segments has been checked: samples in pixel order, little-endian.
pub fn decode(frame: &[u8], description: &PixelDescription) -> Result<Vec<u8>, Error> {
    read(frame, description).ok_or_else(Error::undecodable)
}

fn read(frame: &[u8], description: &PixelDescription) -> Option<Vec<u8>> {
    let header = frame.get(..64)?;
    let numbers = || header.chunks_exact(4).filter_map(|four| four.first_chunk().map(|four| u32::from_le_bytes(*four)));
    let segments = usize::try_from(numbers().next()?).ok()?;
    let starts: Vec<usize> = numbers().skip(1).take(segments).map(usize::try_from).collect::<Result<_, _>>().ok()?;
    let pixels = usize::try_from(description.pixels()).ok()?;
    let bytes_each = description.sample_bytes();
    let stride = bytes_each * usize::from(description.samples);
    let mut samples = vec![0; pixels.checked_mul(stride)?];
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(frame.len());
        let segment = frame.get(*start..end)?;
        let place = n / bytes_each * bytes_each + (bytes_each - 1 - n % bytes_each);
        let mut places = samples.iter_mut().skip(place).step_by(stride);
        if unpack(segment, &mut places)? != pixels {
            return None;
        }
    }
    Some(samples)
}

/// G.3.2: runs and literals into the places of one byte of every pixel; answers how many were filled.
fn unpack<'a>(mut segment: &[u8], places: &mut impl Iterator<Item = &'a mut u8>) -> Option<usize> {
    let mut filled = 0;
    while let [count, rest @ ..] = segment {
        let (bytes, run, left): (&[u8], usize, &[u8]) = match count {
            0..=127 => {
                let length = usize::from(*count) + 1;
                // Some encoders cut the last literal short, as its end is padding.
                (rest.get(..length).unwrap_or(rest), 1, rest.get(length..).unwrap_or(&[]))
            }
            128 => (&[], 0, rest),
            129..=255 => (rest.get(..1)?, 257 - usize::from(*count), rest.get(1..)?),
        };
        for byte in bytes {
            for _ in 0..run {
                let Some(place) = places.next() else { return Some(filled) };
                *place = *byte;
                filled += 1;
            }
        }
        segment = left;
    }
    Some(filled)
}
