//! Every key that the service works with: those derived once from the base, and the vault.

use crate::bearer::Signer;
use crate::error::{Error, Result};
use aws_lc_rs::hmac;
use seal::blob::SealingKey;
use seal::root::{Base, Sealed, Signing};
use seal::token::{IdentifierKey, TokenKeys};
use seal::vault::{Leaf, Vault};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// The keys. They live in this process only and are overwritten when it ends.
pub struct Keys {
    /// Patients' keys come from it and their secrets.
    pub base: Base,
    /// What must be deletable: seals patients' secrets.
    pub vault: VaultKeys,
    /// Sealed patients' secrets in states of version 1.
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
    /// Tags events with whom they are about.
    pub reports: hmac::Key,
    /// Proves which rows the state has.
    pub inventory: hmac::Key,
    /// Seed of the key that signs checkpoints.
    pub ledger_seed: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// Derives them.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn derive(base: Base, vault: Vault) -> Result<Self> {
        Ok(Self {
            patient_secrets: base.sealing_key(Sealed::PatientSecrets)?,
            events: base.sealing_key(Sealed::Events)?,
            register: base.sealing_key(Sealed::Register)?,
            tokens: base.token_keys()?,
            identifiers: base.identifier_key()?,
            bearer: Signer::new(&*base.signing_seed(Signing::Bearer)?)?,
            sign_in: hmac::Key::new(hmac::HMAC_SHA256, &*base.sign_in_key()?),
            reports: hmac::Key::new(hmac::HMAC_SHA256, &*base.report_key()?),
            inventory: hmac::Key::new(hmac::HMAC_SHA256, &*base.inventory_key()?),
            ledger_seed: base.signing_seed(Signing::Ledger)?,
            vault: VaultKeys(Mutex::new(vault)),
            base,
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(#)")
    }
}

/// The vault as this process has it: what its file holds, and never ahead of it.
pub struct VaultKeys(Mutex<Vault>);

impl VaultKeys {
    fn vault(&self) -> MutexGuard<'_, Vault> {
        // Under the lock a vault is read or exchanged whole, so a poisoned one still holds a whole vault.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of a leaf; `None` once it is erased.
    ///
    /// # Errors
    /// None in practice.
    pub fn key(&self, tree: u32, leaf: Leaf) -> Result<Option<SealingKey>> {
        Ok(self.vault().key(tree, leaf)?)
    }

    /// The tree in use and the key of one of its leaves.
    ///
    /// # Errors
    /// Busy for a leaf that is not reserved: one that a lost patient of a restored state may have had.
    pub fn newest(&self, leaf: Leaf) -> Result<(u32, SealingKey)> {
        let mut vault = self.vault();
        let tree = vault.tree();
        let key = if leaf < vault.reserved() { vault.key(tree, leaf)? } else { None };
        let busy = || Error::new(record::Outcome::Busy, "too many new patients at once");
        key.map(|key| (tree, key)).ok_or_else(busy)
    }

    /// The number of the tree in use.
    pub fn tree(&self) -> u32 {
        self.vault().tree()
    }

    /// Generation, and the first leaf that is not reserved.
    pub fn stands(&self) -> (u64, Leaf) {
        let vault = self.vault();
        (vault.generation(), vault.reserved())
    }

    /// A vault made from this one.
    ///
    /// # Errors
    /// Whatever `make` answers.
    pub fn derived(&self, make: impl FnOnce(&Vault) -> seal::Result<Vault>) -> Result<Vault> {
        Ok(make(&self.vault())?)
    }

    /// Works with it as it is.
    ///
    /// # Errors
    /// Whatever `with` answers.
    pub fn with<T>(&self, with: impl FnOnce(&Vault) -> Result<T>) -> Result<T> {
        with(&self.vault())
    }

    /// Takes the vault that is now in the file.
    pub fn replace(&self, next: Vault) {
        *self.vault() = next;
    }
}
