//! The key service's own secrets at rest: patient secrets, names, audit events, the register.
//!
//! A blob is a sealed object ([`crate::cobblestone`]) under a purpose's key, with a label and the caller's associated
//! data as context. Each blob has a random salt of 24 bytes, so one key seals as many as a century brings
//! (12 random bytes of a bare AES-GCM nonce would end at 2^32).

use crate::{Result, cobblestone, kdf};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

const LABEL: &[u8] = b"segel/blob@v1\x00";
const ONE: &[u8] = b"segel/blob-key@v1\x00";

/// A key that seals blobs of one purpose ([`crate::root::Base::sealing_key`]).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealingKey(pub(crate) [u8; 32]);

impl SealingKey {
    /// The key of one blob alone, to be shown to whoever may open that one.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn of_one(&self, associated: &[u8]) -> Result<Self> {
        let mut key = Self([0; 32]);
        kdf::expand(&self.0, &[ONE, associated], &mut key.0)?;
        Ok(key)
    }

    /// Its bytes, to be shown.
    #[must_use]
    pub fn shown(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals a blob, bound to `associated`: what the blob belongs to, so that it cannot be put in another's place.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn seal(&self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let sealer = cobblestone::Sealer::with_salt(&self.0, &context(associated), kdf::random()?)?;
        cobblestone::seal_whole(sealer, plain)
    }

    /// Opens a blob.
    ///
    /// # Errors
    /// Refused or Damaged for anything but what was sealed under this key with this associated data.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        cobblestone::open_whole(&self.0, &context(associated), sealed)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(#)")
    }
}

fn context(associated: &[u8]) -> Vec<u8> {
    [LABEL, associated].concat()
}
