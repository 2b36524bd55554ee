//! Every key that the service works with, derived once from the root.

use crate::bearer::Signer;
use crate::error::Result;
use aws_lc_rs::hmac;
use seal::blob::SealingKey;
use seal::root::{Base, Sealed, Signing};
use seal::token::{IdentifierKey, TokenKeys};
use std::fmt;
use zeroize::Zeroizing;

/// The keys. They live in this process only and are overwritten when it ends.
pub struct Keys {
    /// Patients' keys come from it and their secrets.
    pub root: Base,
    /// Seals patients' secrets.
    pub patient_secrets: SealingKey,
    /// Seals audit events.
    pub events: SealingKey,
    /// Seals facilities, peers and people.
    pub register: SealingKey,
    /// Search tokens.
    pub tokens: TokenKeys,
    /// Looks identifiers up.
    pub identifiers: IdentifierKey,
    /// Signs and verifies bearer tokens.
    pub bearer: Signer,
    /// Marks the challenges and nonces that are given out.
    pub sign_in: hmac::Key,
    /// Seed of the key that signs checkpoints.
    pub ledger_seed: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// Derives them.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn derive(root: Base) -> Result<Self> {
        Ok(Self {
            patient_secrets: root.sealing_key(Sealed::PatientSecrets)?,
            events: root.sealing_key(Sealed::Events)?,
            register: root.sealing_key(Sealed::Register)?,
            tokens: root.token_keys()?,
            identifiers: root.identifier_key()?,
            bearer: Signer::new(&*root.signing_seed(Signing::Bearer)?)?,
            sign_in: hmac::Key::new(hmac::HMAC_SHA256, &*root.sign_in_key()?),
            ledger_seed: root.signing_seed(Signing::Ledger)?,
            root,
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(#)")
    }
}
