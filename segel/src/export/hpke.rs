//! HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
//!
//! It seals one thing: the random key that a bundle is sealed under. The bundle's header is its associated data.

use anyhow::{Context as _, Result};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke as _, HpkePrivateKey, HpkePublicKey};
use zeroize::Zeroizing;

/// Bytes of an encapsulated key (RFC 9180 7.1, Nenc).
pub const ENCAPSULATED_BYTES: usize = 32;
/// Bytes of a sealed key: 32 and the tag.
pub const SEALED_KEY_BYTES: usize = 48;
/// What the key is for (RFC 9180 8.1, info).
const INFO: &[u8] = b"segel/bundle@v1\x00";

/// A new pair: the public key and the private key.
pub fn generate() -> Result<([u8; 32], Zeroizing<Vec<u8>>)> {
    let (public, private) = SUITE.generate_key_pair().context("no key could be made")?;
    let public = public.0.as_slice().try_into().context("a key has another length")?;
    Ok((public, Zeroizing::new(private.secret_bytes().to_vec())))
}

/// Seals a key for a recipient: the encapsulated key, and the sealed one.
pub fn seal(
    recipient: &[u8; 32],
    header: &[u8],
    key: &[u8; 32],
) -> Result<([u8; ENCAPSULATED_BYTES], [u8; SEALED_KEY_BYTES])> {
    let (encapsulated, sealed) =
        SUITE.seal(INFO, header, key, &HpkePublicKey(recipient.to_vec())).context("the recipient's key is no key")?;
    let encapsulated = encapsulated.0.as_slice().try_into().context("an encapsulated key has another length")?;
    Ok((encapsulated, sealed.as_slice().try_into().context("a sealed key has another length")?))
}

/// Opens a key.
pub fn open(
    private: &[u8],
    header: &[u8],
    encapsulated: &[u8; ENCAPSULATED_BYTES],
    sealed: &[u8; SEALED_KEY_BYTES],
) -> Result<Zeroizing<[u8; 32]>> {
    open_with(private, INFO, header, encapsulated, sealed)?
        .as_slice()
        .try_into()
        .map(Zeroizing::new)
        .context("a key has another length")
}

fn open_with(
    private: &[u8],
    info: &[u8],
    aad: &[u8],
    encapsulated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let private = HpkePrivateKey::from(private.to_vec());
    let opened = SUITE
        .open(&EncapsulatedSecret(encapsulated.to_vec()), info, aad, sealed, &private)
        .ok()
        .context("this bundle is not for this key, or was changed")?;
    Ok(Zeroizing::new(opened))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9180 A.1.1, which has this key agreement and key derivation with the smaller key of the same cipher.
    #[test]
    fn the_rfcs_base_mode_opens() {
        use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_128 as SMALLER;
        let bytes = |text: &str| hex::decode(text).unwrap();
        let private = bytes("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
        let encapsulated = bytes("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
        let info = bytes("4f6465206f6e2061204772656369616e2055726e");
        let sealed = [
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
            "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
        ];
        let mut opener =
            SMALLER.setup_opener(&EncapsulatedSecret(encapsulated), &info, &HpkePrivateKey::from(private)).unwrap();
        for (number, sealed) in sealed.into_iter().enumerate() {
            let aad = format!("Count-{number}");
            let opened = opener.open(aad.as_bytes(), &bytes(sealed)).unwrap();
            assert_eq!(opened, b"Beauty is truth, truth beauty");
        }
        assert!(opener.open(b"Count-7", &bytes(sealed[0])).is_err());
    }

    #[test]
    fn a_key_opens_for_its_recipient_and_header_alone() {
        let (public, private) = generate().unwrap();
        let (other, not_theirs) = generate().unwrap();
        assert_ne!(public, other);
        let key = [7; 32];
        let (encapsulated, sealed) = seal(&public, b"header", &key).unwrap();
        assert_eq!(*open(&private, b"header", &encapsulated, &sealed).unwrap(), key);
        assert!(open(&not_theirs, b"header", &encapsulated, &sealed).is_err());
        assert!(open(&private, b"another", &encapsulated, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed;
            changed[at] ^= 1;
            assert!(open(&private, b"header", &encapsulated, &changed).is_err(), "byte {at}");
        }
    }
}
