//! The signs that a mark is made of, and the keys that they come from.

use super::dct::PLACES;
use aws_lc_rs::cipher::{AES_128, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use zeroize::Zeroizing;

/// 16 bytes that no two images share and that outlive their renditions: of the instance and the frame.
pub type ImageId = [u8; 16];

/// The key of one disclosure's marks in pictures, or the archive's key of the carriers of payloads.
pub struct MarkKey(Prk);

struct Bytes16;

impl KeyType for Bytes16 {
    fn len(&self) -> usize {
        16
    }
}

impl MarkKey {
    /// From secret bytes.
    #[must_use]
    pub fn new(secret: &[u8; 16]) -> Self {
        Self(Salt::new(HKDF_SHA256, b"segel image mark").extract(secret))
    }

    /// A sign for each coefficient, as 1 or -1: AES-128 in counter mode (SP 800-38A) under a key of this key and the image.
    /// Without the key they are a row of fair and independent coins.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn chips(&self, image: &ImageId) -> Result<Vec<f32>, Unspecified> {
        let mut key = Zeroizing::new([0; 16]);
        self.0.expand(&[b"chips", image], Bytes16)?.fill(&mut *key)?;
        let key = EncryptingKey::ecb(UnboundCipherKey::new(&AES_128, &*key)?)?;
        let blocks = u128::try_from(PLACES.len().div_ceil(128)).unwrap_or_default();
        let mut stream: Vec<u8> = (0..blocks).flat_map(u128::to_be_bytes).collect();
        key.encrypt(&mut stream)?;
        let bits = stream.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
        Ok(bits.take(PLACES.len()).map(|bit| if bit == 1 { 1.0 } else { -1.0 }).collect())
    }
}

/// Whether the coefficient of this place in the order carries the identity; the others carry the payload.
#[must_use]
pub(super) fn is_identity(nth: usize) -> bool {
    nth.is_multiple_of(2)
}

/// Which of the payload's 128 bits the coefficient carries, if it carries one.
#[must_use]
pub(super) fn bit_of(nth: usize) -> usize {
    nth / 2 % super::payload::BITS
}
