//! Two secrets of 32 random bytes. The *base* is what every key of the key service is derived from, each under its own label; it
//! never changes. The *root* seals the base and the vault, derives nothing, and can be replaced: a rotation seals a few hundred
//! bytes anew and touches no patient, token or name.

pub mod file;

use crate::blob::SealingKey;
use crate::token::{IdentifierKey, TokenKeys};
use crate::vault::file::RootId;
use crate::{Error, Result, kdf};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const ROOT_LABEL: &[u8] = b"segel/root@v1\x00";

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

/// What everything is derived from.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Base {
    epoch: u32,
    secret: [u8; 32],
}

impl Base {
    /// A new base, of epoch 1.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self { epoch: 1, secret: kdf::random()? })
    }

    /// As it is sealed under the root: epoch (4, big-endian) and secret (32).
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 36]> {
        let mut bytes = Zeroizing::new([0; 36]);
        let parts = self.epoch.to_be_bytes().into_iter().chain(self.secret);
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Damaged for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let parts =
            bytes.split_first_chunk().and_then(|(epoch, rest)| Some((*epoch, <[u8; 32]>::try_from(rest).ok()?)));
        let (epoch, secret) = parts.ok_or(Error::damaged("the base is not what was written"))?;
        Ok(Self { epoch: u32::from_be_bytes(epoch), secret })
    }

    #[cfg(test)]
    pub(crate) fn for_test(epoch: u32, secret: [u8; 32]) -> Self {
        Self { epoch, secret }
    }

    /// Which base this is; wrapped keys state it.
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

    /// The key that marks what is given out to be signed when somebody signs in, so that it need not be kept meanwhile.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn sign_in_key(&self) -> Result<Zeroizing<[u8; 32]>> {
        self.derive(&[b"sign-in"])
    }

    /// The key of the tags that say whom an audit event is about.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn report_key(&self) -> Result<Zeroizing<[u8; 32]>> {
        self.derive(&[b"reports"])
    }

    /// The key of the inventory of the key service's rows.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn inventory_key(&self) -> Result<Zeroizing<[u8; 32]>> {
        self.derive(&[b"inventory"])
    }

    /// Half of every patient's key; the other half is the patient's secret.
    pub(crate) fn patients_key(&self) -> Result<Zeroizing<[u8; 32]>> {
        self.derive(&[b"patients"])
    }

    fn derive(&self, label: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>> {
        let label = label.concat();
        let mut key = Zeroizing::new([0; 32]);
        kdf::expand(&self.secret, &[ROOT_LABEL, &label], key.as_mut_slice())?;
        Ok(key)
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base(epoch {})", self.epoch)
    }
}

/// What seals the base and the vault.
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

    /// The root that replaces this one: nothing of it is derived from this.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn successor(&self) -> Result<Self> {
        Ok(Self { epoch: self.epoch.saturating_add(1), secret: kdf::random()? })
    }

    /// How many roots there were.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What it is called in the files that it opens. It says nothing of the secret.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn id(&self) -> Result<RootId> {
        let mut id = [0; 16];
        kdf::expand(&self.secret, &[ROOT_LABEL, b"root-id"], &mut id)?;
        Ok(id)
    }

    /// Seals a key, bound to what it is.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn seal(&self, what: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        self.wrapping_key()?.seal(what, plain)
    }

    /// Opens what [`Self::seal`] sealed.
    ///
    /// # Errors
    /// Refused for anything else.
    pub fn open(&self, what: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.wrapping_key()?.open(what, sealed).map(Zeroizing::new)
    }

    /// The base of a state that was begun when the root was both.
    #[must_use]
    pub fn as_base(&self) -> Base {
        Base { epoch: self.epoch, secret: self.secret }
    }

    fn wrapping_key(&self) -> Result<SealingKey> {
        let mut key = [0; 32];
        kdf::expand(&self.secret, &[ROOT_LABEL, b"root-wraps"], &mut key)?;
        Ok(SealingKey(key))
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
        let root = Base::for_test(1, [7; 32]);
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
        assert_ne!(*Base::for_test(1, [8; 32]).patients_key()?, *root.patients_key()?);
        Ok(())
    }

    #[test]
    fn nothing_secret_is_printed() -> Result<()> {
        let base = Base::for_test(3, [0xab; 32]);
        assert_eq!(format!("{base:?} {:?}", Root::for_test(4, [1; 32])), "Base(epoch 3) Root(epoch 4)");
        assert_eq!(format!("{:?}", base.sealing_key(Sealed::Events)?), "SealingKey(#)");
        Ok(())
    }

    #[test]
    fn a_root_opens_what_it_sealed_and_its_successor_does_not() -> Result<()> {
        let root = Root::generate()?;
        let base = Base::generate()?;
        let sealed = root.seal(b"base", &*base.to_bytes())?;
        let opened = Base::from_bytes(&root.open(b"base", &sealed)?)?;
        assert_eq!((opened.epoch, opened.secret), (base.epoch, base.secret));
        assert!(root.open(b"vault", &sealed).is_err());
        let next = root.successor()?;
        assert_eq!(next.epoch(), 2);
        assert!(next.open(b"base", &sealed).is_err());
        assert_ne!(next.id()?, root.id()?);
        assert!(Base::from_bytes(&[0; 35]).is_err() && Base::from_bytes(&[0; 37]).is_err());
        Ok(())
    }

    #[test]
    fn a_blob_opens_only_in_its_place() -> Result<()> {
        let root = Base::for_test(1, [7; 32]);
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
