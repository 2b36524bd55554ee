//! HKDF with SHA-512 (RFC 5869) and randomness, in the two shapes that this crate needs.

use crate::{Error, Result};
use aws_lc_rs::{hkdf, rand};

struct Bytes(usize);

impl hkdf::KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand alone: `key` is already uniformly random, so there is nothing to extract.
pub(crate) fn expand(key: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<()> {
    fill(&hkdf::Prk::new_less_safe(hkdf::HKDF_SHA512, key), info, out)
}

/// HKDF-Extract and HKDF-Expand: joins two secrets so that both are needed.
pub(crate) fn join(salt: &[u8; 32], secret: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<()> {
    fill(&hkdf::Salt::new(hkdf::HKDF_SHA512, salt).extract(secret), info, out)
}

fn fill(prk: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<()> {
    prk.expand(info, Bytes(out.len()))
        .and_then(|okm| okm.fill(out))
        .map_err(|_| Error::invalid("key derivation refused the lengths it was given"))
}

/// Bytes from the system's generator. It fails only where the machine has none, and then nothing may be sealed.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::new(record::Outcome::Busy, "no randomness to be had"))?;
    Ok(bytes)
}
