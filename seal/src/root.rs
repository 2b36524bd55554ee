//! The root: 32 random bytes from which every key of the key service is derived, each under its own label.

pub mod file;

use crate::blob::SealingKey;
use crate::token::{IdentifierKey, TokenKeys};
use crate::{Result, kdf};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What a sealing key is for. Keys of two purposes are unrelated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sealed {
    /// Patient secrets.
    PatientSecrets,
    /// Identifiers in clear, where they must be read back.
    Identifiers,
    /// Audit events.
    Events,
    /// Names of patients.
    Names,
    /// Facilities, peers and people.
    Register,
}

impl Sealed {
    fn label(self) -> &'static [u8] {
        match self {
            Self::PatientSecrets => b"sealed/patient-secrets",
            Self::Identifiers => b"sealed/identifiers",
            Self::Events => b"sealed/events",
            Self::Names => b"sealed/names",
            Self::Register => b"sealed/register",
        }
    }
}

/// What an Ed25519 key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signing {
    /// Bearer tokens.
    Bearer,
    /// The ledger's checkpoints.
    Ledger,
}

/// The root of one epoch.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Root {
    epoch: u32,
    secret: [u8; 32],
}

impl Root {
    /// A new root, of epoch 1.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self { epoch: 1, secret: kdf::random()? })
    }

    #[cfg(test)]
    pub(crate) fn for_test(epoch: u32, secret: [u8; 32]) -> Self {
        Self { epoch, secret }
    }

    /// Which root this is; wrapped keys state it.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The key that seals blobs of one purpose.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn sealing_key(&self, purpose: Sealed) -> Result<SealingKey> {
        Ok(SealingKey(*self.derive(&[purpose.label()])?))
    }

    /// The seed of an Ed25519 key.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn signing_seed(&self, purpose: Signing) -> Result<Zeroizing<[u8; 32]>> {
        self.derive(&[match purpose {
            Signing::Bearer => b"signing/bearer",
            Signing::Ledger => b"signing/ledger",
        }])
    }

    /// The keys of search tokens, one a field.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn token_keys(&self) -> Result<TokenKeys> {
        TokenKeys::derive(|number| self.derive(&[b"token/", &[number]]))
    }

    /// The key under which identifiers are looked up in the key service's own tables.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn identifier_key(&self) -> Result<IdentifierKey> {
        Ok(IdentifierKey::new(&*self.derive(&[b"identifiers"])?))
    }

    /// Half of every patient's key; the other half is the patient's secret.
    pub(crate) fn patients_key(&self) -> Result<Zeroizing<[u8; 32]>> {
        self.derive(&[b"patients"])
    }

    fn derive(&self, label: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>> {
        let label = label.concat();
        let mut key = Zeroizing::new([0; 32]);
        kdf::expand(&self.secret, &[b"segel/root@v1\x00", &label], key.as_mut_slice())?;
        Ok(key)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root(epoch {})", self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_purpose_has_its_own_key() -> Result<()> {
        let root = Root::for_test(1, [7; 32]);
        let sealed = [Sealed::PatientSecrets, Sealed::Identifiers, Sealed::Events, Sealed::Names, Sealed::Register];
        let mut keys = HashSet::new();
        for purpose in sealed {
            assert!(keys.insert(root.sealing_key(purpose)?.0), "{purpose:?}");
        }
        for purpose in [Signing::Bearer, Signing::Ledger] {
            assert!(keys.insert(*root.signing_seed(purpose)?), "{purpose:?}");
        }
        assert!(keys.insert(*root.patients_key()?));
        assert!(keys.insert(*root.derive(&[b"identifiers"])?));
        for number in 0..=6 {
            assert!(keys.insert(*root.derive(&[b"token/", &[number]])?));
        }
        assert_ne!(*Root::for_test(1, [8; 32]).patients_key()?, *root.patients_key()?);
        Ok(())
    }

    #[test]
    fn nothing_secret_is_printed() -> Result<()> {
        let root = Root::for_test(3, [0xab; 32]);
        assert_eq!(format!("{root:?}"), "Root(epoch 3)");
        assert_eq!(format!("{:?}", root.sealing_key(Sealed::Events)?), "SealingKey(#)");
        Ok(())
    }

    #[test]
    fn a_blob_opens_only_in_its_place() -> Result<()> {
        let root = Root::for_test(1, [7; 32]);
        let key = root.sealing_key(Sealed::Events)?;
        let sealed = key.seal(b"event 1", b"who opened what")?;
        assert_ne!(sealed, key.seal(b"event 1", b"who opened what")?);
        assert_eq!(key.open(b"event 1", &sealed)?, b"who opened what");
        assert!(key.open(b"event 2", &sealed).is_err());
        assert!(root.sealing_key(Sealed::Names)?.open(b"event 1", &sealed).is_err());
        assert!(key.open(b"event 1", &[]).is_err());
        Ok(())
    }
}
