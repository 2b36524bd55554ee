//! Uncompressed forms in which samples do not fill bytes of their own, and deflated ones.

use crate::pixels::error::Error;
use flate2::read::DeflateDecoder;
use std::io::Read;

/// Pixels of one bit, the first in the lowest bit (PS3.5 8.1.1).
pub fn bits(bytes: &[u8], pixels: usize) -> Option<Vec<u8>> {
    let each = bytes.iter().flat_map(|byte| (0..8).map(move |bit| (byte >> bit) & 1));
    let unpacked: Vec<u8> = each.take(pixels).collect();
    (unpacked.len() == pixels).then_some(unpacked)
}

/// Pixels of 12 bits, two in three bytes (PS3.5 8.1.1), to 16 bits each.
pub fn twelve(bytes: &[u8], pixels: usize) -> Option<Vec<u8>> {
    let mut unpacked = Vec::with_capacity(pixels.checked_mul(2)? + 2);
    for three in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|n: usize| three.get(n).copied().unwrap_or(0));
        unpacked.extend([a, b & 15, (b >> 4) | (c << 4), c >> 4]);
    }
    unpacked.truncate(pixels * 2);
    (unpacked.len() == pixels * 2 && bytes.len() * 2 >= pixels * 3).then_some(unpacked)
}

/// A deflated frame (PS3.5 A.4.12, RFC 1951) of a length that is known.
pub fn inflate(bytes: &[u8], length: u64) -> Result<Vec<u8>, Error> {
    let mut inflated = Vec::new();
    let read = DeflateDecoder::new(bytes).take(length).read_to_end(&mut inflated);
    let whole = read.is_ok() && u64::try_from(inflated.len()) == Ok(length);
    if whole { Ok(inflated) } else { Err(Error::undecodable()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_pairs_of_twelve_bits_are_spread() {
        assert_eq!(bits(&[0b1000_0101, 1], 9), Some(vec![1, 0, 1, 0, 0, 0, 0, 1, 1]));
        assert_eq!(bits(&[1], 9), None);
        assert_eq!(twelve(&[0x34, 0x62, 0x45], 2), Some(vec![0x34, 0x02, 0x56, 0x04]));
        assert_eq!(twelve(&[0x34, 0x62], 1), Some(vec![0x34, 0x02]));
        assert_eq!(twelve(&[0x34, 0x62], 2), None);
    }
}
