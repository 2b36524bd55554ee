//! Approvers' own keys: what they sign, and how it is verified.
//!
//! An approval is a signature over `"segel/approval@v1\0" || proposal id (32) || verdict (1) || time (8)`. The proposal's id is
//! the SHA-256 of the proposal's bytes behind a label, so that nothing but exactly what was shown can be approved.
//! Ed25519 (RFC 8032) and ECDSA over P-256 with SHA-256 (ES256, RFC 7518 3.4) are taken.

use crate::{Error, Result};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use minicbor::{Decode, Encode};
use record::Micros;
use std::fmt;
use zeroize::Zeroizing;

const PROPOSAL_LABEL: &[u8] = b"segel/proposal@v1\x00";
const APPROVAL_LABEL: &[u8] = b"segel/approval@v1\x00";
const READING_LABEL: &[u8] = b"segel/approver-reads@v1\x00";

/// A proposal's id: what approvals are bound to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct ProposalId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

impl ProposalId {
    /// The id of a proposal's bytes.
    #[must_use]
    pub fn of(proposal: &[u8]) -> Self {
        Self(sha256(&[PROPOSAL_LABEL, proposal].concat()))
    }

    /// As 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut id = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Debug for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// What an approver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Verdict {
    /// It shall be done.
    #[n(0)]
    Approve,
    /// It shall not: this ends the proposal.
    #[n(1)]
    Reject,
}

/// A public key of an approver.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum ApproverKey {
    /// Ed25519.
    #[n(0)]
    Ed25519(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// ECDSA P-256: the uncompressed point of 65 bytes.
    #[n(1)]
    Es256(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
}

impl ApproverKey {
    /// Whether the signature over these bytes is this key's.
    #[must_use]
    pub fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok(),
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
        }
    }

    /// Whether it has the form of a key at all.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        match self {
            Self::Ed25519(key) => *key != [0; 32],
            Self::Es256(point) => point.len() == 65 && point.first() == Some(&4),
        }
    }

    /// What people compare: SHA-256 of the key's kind and bytes, the first 16 bytes of it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        let (kind, bytes): (&[u8], &[u8]) = match self {
            Self::Ed25519(key) => (b"ed25519\x00", key),
            Self::Es256(point) => (b"es256\x00", point),
        };
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(sha256(&[kind, bytes].concat())) {
            *to = from;
        }
        short
    }
}

/// The bytes that an approval signs.
#[must_use]
pub fn approval_bytes(proposal: &ProposalId, verdict: Verdict, at: Micros) -> Vec<u8> {
    let verdict = match verdict {
        Verdict::Approve => 0,
        Verdict::Reject => 1,
    };
    [APPROVAL_LABEL, &proposal.0, &[verdict], &at.to_be_bytes()].concat()
}

/// The bytes that an approver signs to see what waits.
#[must_use]
pub fn reading_bytes(origin: &str, at: Micros) -> Vec<u8> {
    [READING_LABEL, &at.to_be_bytes(), origin.as_bytes()].concat()
}

/// An approver's private key. It never leaves the approver's machine.
pub struct ApproverPair(Pair);

enum Pair {
    Ed25519(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl ApproverPair {
    /// A new Ed25519 key as PKCS#8 (RFC 5958).
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>> {
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
            .map_err(|_| Error::new(record::Outcome::Busy, "no randomness to be had"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Reads PKCS#8 of either kind.
    ///
    /// # Errors
    /// Invalid for anything else.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
            return Ok(Self(Pair::Ed25519(pair)));
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
            .map(|pair| Self(Pair::Es256(pair)))
            .map_err(|_| Error::invalid("this is no private key of Ed25519 or P-256 (PKCS#8)"))
    }

    /// The public half.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn public(&self) -> Result<ApproverKey> {
        Ok(match &self.0 {
            Pair::Ed25519(pair) => ApproverKey::Ed25519(
                pair.public_key().as_ref().try_into().map_err(|_| Error::invalid("a key has another length"))?,
            ),
            Pair::Es256(pair) => ApproverKey::Es256(pair.public_key().as_ref().to_vec()),
        })
    }

    /// Signs.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(match &self.0 {
            Pair::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
            Pair::Es256(pair) => pair
                .sign(&SystemRandom::new(), bytes)
                .map_err(|_| Error::new(record::Outcome::Busy, "no randomness to be had"))?
                .as_ref()
                .to_vec(),
        })
    }
}

impl fmt::Debug for ApproverPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApproverPair(#)")
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs() -> Vec<ApproverPair> {
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        vec![
            ApproverPair::from_pkcs8(&ApproverPair::generate().unwrap()).unwrap(),
            ApproverPair::from_pkcs8(p256.as_ref()).unwrap(),
        ]
    }

    #[test]
    fn an_approval_is_for_one_proposal_one_verdict_and_one_time() {
        let id = ProposalId::of(b"what shall be done");
        for pair in pairs() {
            let key = pair.public().unwrap();
            assert!(key.is_plausible());
            let signature = pair.sign(&approval_bytes(&id, Verdict::Approve, 7)).unwrap();
            assert!(key.verifies(&approval_bytes(&id, Verdict::Approve, 7), &signature));
            assert!(!key.verifies(&approval_bytes(&id, Verdict::Reject, 7), &signature));
            assert!(!key.verifies(&approval_bytes(&id, Verdict::Approve, 8), &signature));
            assert!(!key.verifies(&approval_bytes(&ProposalId::of(b"another"), Verdict::Approve, 7), &signature));
            assert!(!key.verifies(&reading_bytes("origin", 7), &signature));
            for bit in 0..signature.len() * 8 {
                let mut changed = signature.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!key.verifies(&approval_bytes(&id, Verdict::Approve, 7), &changed), "bit {bit}");
            }
        }
    }

    #[test]
    fn nobody_elses_key_verifies() {
        let [one, other] = pairs().try_into().unwrap();
        let bytes = approval_bytes(&ProposalId([1; 32]), Verdict::Approve, 0);
        assert!(!other.public().unwrap().verifies(&bytes, &one.sign(&bytes).unwrap()));
        assert!(!one.public().unwrap().verifies(&bytes, &other.sign(&bytes).unwrap()));
        assert!(!one.public().unwrap().verifies(&bytes, &[]));
        assert_ne!(one.public().unwrap().fingerprint(), other.public().unwrap().fingerprint());
        assert_eq!(format!("{one:?}"), "ApproverPair(#)");
    }

    #[test]
    fn an_id_comes_back_from_its_digits_and_nothing_else_is_one() {
        let id = ProposalId::of(b"x");
        assert_eq!(ProposalId::from_hex(&id.to_hex()), Some(id));
        for wrong in ["", "00", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert_eq!(ProposalId::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        assert!(ApproverPair::from_pkcs8(b"no key").is_err());
        assert!(!ApproverKey::Ed25519([0; 32]).is_plausible());
        assert!(!ApproverKey::Es256(vec![4; 64]).is_plausible());
    }
}
