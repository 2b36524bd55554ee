//! Commitments to content: whether bytes that arrive again are the bytes that were kept, told without keeping a digest
//! that a thief could compare with files of his own.

use crate::message::DataKey;
use crate::{Result, kdf};
use aws_lc_rs::constant_time;

/// The commitment of one object version to the BLAKE3 hash of its content: HKDF-Expand under its content key.
/// BLAKE3 because every byte that arrives passes through it: SHA-256 took a sixth of the time of a CT slice.
///
/// # Errors
/// None in practice: the lengths are fixed.
pub fn commit(content: &DataKey, content_hash: &[u8; 32]) -> Result<[u8; 32]> {
    let mut commitment = [0; 32];
    kdf::expand(&content.0, &[b"segel/content-digest@v2\x00", content_hash], &mut commitment)?;
    Ok(commitment)
}

/// Whether `content_hash` is what the commitment was made of, in constant time.
#[must_use]
pub fn matches(content: &DataKey, content_hash: &[u8; 32], commitment: &[u8; 32]) -> bool {
    commit(content, content_hash).is_ok_and(|made| constant_time::verify_slices_are_equal(&made, commitment).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_matches_its_content_and_key_alone() -> Result<()> {
        let (key, other) = (DataKey([1; 32]), DataKey([2; 32]));
        let commitment = commit(&key, &[3; 32])?;
        assert!(matches(&key, &[3; 32], &commitment));
        assert!(!matches(&key, &[4; 32], &commitment));
        assert!(!matches(&other, &[3; 32], &commitment));
        assert_eq!(hex::encode(commitment), include_str!("../tests/golden/digest.hex").trim());
        Ok(())
    }
}
