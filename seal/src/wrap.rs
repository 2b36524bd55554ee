//! Patient keys, and data keys sealed under them.
//!
//! Each wrapping has its own random nonce, so two wrappings share no key stream: whoever learns one data key learns
//! nothing about another, however many wrapped keys lie beside it.

use crate::message::{Context, DataKey, Part, WrappedKey};
use crate::root::Base;
use crate::{Error, Result, context, kdf};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use record::Pseudonym;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a wrapped key: nonce, key, tag.
pub const WRAPPED_BYTES: usize = 12 + 32 + 16;

const DOES_NOT_OPEN: Error = Error::refused("the wrapped key does not open");

/// What makes a patient's key, together with the base: 32 random bytes, kept sealed by the key service. Destroying it
/// destroys everything of the patient, in every copy.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PatientSecret(pub [u8; 32]);

impl PatientSecret {
    /// A new secret.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self(kdf::random()?))
    }
}

impl fmt::Debug for PatientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientSecret(#)")
    }
}

/// The key that wraps one patient's data keys, in one epoch. Never stored.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PatientKey([u8; 32]);

impl PatientKey {
    /// Derives it from the base and the patient's secret; neither alone is enough.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn derive(base: &Base, secret: &PatientSecret, patient: &Pseudonym) -> Result<Self> {
        let base_key = base.patients_key()?;
        let mut key = [0; 32];
        let info: [&[u8]; 3] = [b"segel/patient@v1\x00", &patient.0, &base.epoch().to_be_bytes()];
        kdf::join(&base_key, &secret.0, &info, &mut key)?;
        Ok(Self(key))
    }

    fn cipher(&self) -> Result<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).map(LessSafeKey::new).map_err(|_| DOES_NOT_OPEN)
    }
}

impl fmt::Debug for PatientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientKey(#)")
    }
}

/// A fresh data key.
///
/// # Errors
/// Busy if the system gives no randomness.
pub fn generate() -> Result<DataKey> {
    Ok(DataKey(kdf::random()?))
}

/// Seals a data key under its patient's key, bound to what it opens.
///
/// # Errors
/// Busy if the system gives no randomness.
pub fn wrap(patient: &PatientKey, epoch: u32, context: &Context, part: Part, key: &DataKey) -> Result<WrappedKey> {
    wrap_with_nonce(patient, epoch, context, part, key, kdf::random()?)
}

fn wrap_with_nonce(
    patient: &PatientKey,
    epoch: u32,
    context: &Context,
    part: Part,
    key: &DataKey,
    nonce: [u8; 12],
) -> Result<WrappedKey> {
    let mut body = Zeroizing::new(key.0);
    let tag = patient
        .cipher()?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context::wrapped(context, part, epoch)),
            body.as_mut_slice(),
        )
        .map_err(|_| Error::invalid("the cipher refused a data key"))?;
    let mut sealed = Vec::with_capacity(WRAPPED_BYTES);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(body.as_slice());
    sealed.extend_from_slice(tag.as_ref());
    Ok(WrappedKey { epoch, sealed })
}

/// Opens a wrapped key.
///
/// # Errors
/// Refused for anything but the patient, context, part and epoch that it was wrapped with.
pub fn unwrap(patient: &PatientKey, context: &Context, part: Part, wrapped: &WrappedKey) -> Result<DataKey> {
    if wrapped.sealed.len() != WRAPPED_BYTES {
        return Err(DOES_NOT_OPEN);
    }
    let (nonce, rest) = wrapped.sealed.split_first_chunk::<12>().ok_or(DOES_NOT_OPEN)?;
    let (body, tag) = rest.split_first_chunk::<32>().ok_or(DOES_NOT_OPEN)?;
    let mut key = DataKey([0; 32]);
    patient
        .cipher()?
        .open_separate_gather(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(context::wrapped(context, part, wrapped.epoch)),
            body,
            tag,
            &mut key.0,
        )
        .map_err(|_| DOES_NOT_OPEN)?;
    Ok(key)
}

#[cfg(test)]
mod tests;
