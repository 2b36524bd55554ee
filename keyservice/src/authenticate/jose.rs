//! Signatures as JSON carries them: JWS compact (RFC 7515), JWK (RFC 7517), their algorithms (RFC 7518, RFC 8037) and
//! thumbprints (RFC 7638). Nobody's token chooses an algorithm that its key is not for.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decode, Encode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A signature algorithm. What is not here, `none` and every symmetric one included, verifies nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
}

impl Algorithm {
    /// Reads a header's `alg` (RFC 7518 3.1, RFC 8037 3.1, RFC 9864 2.2).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            _ => return None,
        })
    }
}

/// Somebody's public key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum PublicKey {
    /// A point of P-256, uncompressed (SEC 1 2.3.3).
    #[n(0)]
    P256(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// A point of P-384, uncompressed.
    #[n(1)]
    P384(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// Ed25519.
    #[n(2)]
    Ed25519(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// RSA: modulus and exponent, big-endian without leading zeros.
    #[n(3)]
    Rsa {
        /// Modulus.
        #[cbor(n(0), with = "minicbor::bytes")]
        n: Vec<u8>,
        /// Public exponent.
        #[cbor(n(1), with = "minicbor::bytes")]
        e: Vec<u8>,
    },
}

/// A JSON Web Key. Of its fields only those of public keys are read; with a private one it is refused.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Jwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
    /// The key's id in its set.
    pub kid: Option<String>,
    /// `sig`, if it is stated at all.
    #[serde(rename = "use")]
    usage: Option<String>,
}

/// A JWK Set (RFC 7517 5).
#[derive(Debug, Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

/// The signing keys of a JWK Set with their ids. Keys that are for something else, or of a kind that is not known here, are
/// left out (RFC 7517 5).
#[must_use]
pub fn read_set(json: &[u8]) -> Option<Vec<(Option<String>, PublicKey)>> {
    let set: JwkSet = serde_json::from_slice(json).ok()?;
    let keys = set.keys.into_iter().filter(|jwk| jwk.usage.as_deref().is_none_or(|usage| usage == "sig"));
    Some(keys.filter_map(|jwk| Some((jwk.kid.clone(), PublicKey::from_jwk(&jwk)?))).collect())
}

impl PublicKey {
    /// Reads a public JWK.
    #[must_use]
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        if jwk.d.is_some() || jwk.k.is_some() {
            return None;
        }
        let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("EC", Some("P-256")) => point(&part(&jwk.x)?, &part(&jwk.y)?, 32).map(Self::P256),
            ("EC", Some("P-384")) => point(&part(&jwk.x)?, &part(&jwk.y)?, 48).map(Self::P384),
            ("OKP", Some("Ed25519")) => part(&jwk.x).filter(|x| x.len() == 32).map(Self::Ed25519),
            ("RSA", None) => Self::rsa(&part(&jwk.n)?, &part(&jwk.e)?),
            _ => None,
        }
    }

    /// An RSA key of at least 2048 bits.
    #[must_use]
    pub fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let trimmed = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let (n, e) = (trimmed(n), trimmed(e));
        ((256..=1024).contains(&n.len()) && (1..=8).contains(&e.len())).then_some(Self::Rsa { n, e })
    }

    /// A point of P-256 by its coordinates.
    #[must_use]
    pub fn p256(x: &[u8], y: &[u8]) -> Option<Self> {
        point(x, y, 32).map(Self::P256)
    }

    /// A point of P-384 by its coordinates.
    #[must_use]
    pub fn p384(x: &[u8], y: &[u8]) -> Option<Self> {
        point(x, y, 48).map(Self::P384)
    }

    /// SHA-256 of the key's canonical JSON (RFC 7638 3).
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let curve = |name: &str, point: &[u8]| {
            let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len().saturating_sub(1) / 2);
            format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
        };
        let canonical = match self {
            Self::P256(point) => curve("P-256", point),
            Self::P384(point) => curve("P-384", point),
            Self::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
        };
        sha256(canonical.as_bytes())
    }

    /// Whether a signature as JWS carries it is this key's (RFC 7518 3.3, 3.4).
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (self, algorithm) {
            (Self::P256(key), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
            }
            (Self::P384(key), Algorithm::Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key).verify(message, signature)
            }
            (Self::Ed25519(key), Algorithm::EdDsa) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            (Self::Rsa { n, e }, Algorithm::Rs256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Self::Rsa { n, e }, Algorithm::Rs384) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA384, message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }

    /// Whether a signature as WebAuthn carries it is this key's: ECDSA in DER (Level 3, 6.5.5), the others as in JWS.
    #[must_use]
    pub fn verifies_cose(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::P256(key) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature),
            Self::P384(key) => UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, key).verify(message, signature),
            Self::Ed25519(_) => return self.verifies(Algorithm::EdDsa, message, signature),
            Self::Rsa { .. } => return self.verifies(Algorithm::Rs256, message, signature),
        };
        verified.is_ok()
    }
}

fn point(x: &[u8], y: &[u8], len: usize) -> Option<Vec<u8>> {
    (x.len() == len && y.len() == len).then(|| [&[4], x, y].concat())
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

/// What a JWS header may say (RFC 7515 4.1).
#[derive(Debug, Deserialize)]
pub struct Header {
    alg: String,
    /// Which kind of token it is.
    pub typ: Option<String>,
    /// Which key of a set.
    pub kid: Option<String>,
    /// The key itself.
    pub jwk: Option<Jwk>,
    crit: Option<IgnoredAny>,
}

/// A compact JWS in its parts, not verified.
#[derive(Debug)]
pub struct Jws<'a> {
    /// Its header.
    pub header: Header,
    algorithm: Algorithm,
    signed: &'a str,
    body: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a compact JWS of at most `len_max` bytes apart; `None` for anything that cannot be one, for an algorithm that
    /// is not known here, and for extensions that have to be understood (RFC 7515 4.1.11).
    #[must_use]
    pub fn parse(text: &'a str, len_max: usize) -> Option<Self> {
        if text.len() > len_max {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, body) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let algorithm = Algorithm::from_name(&header.alg)?;
        if header.crit.is_some() {
            return None;
        }
        Some(Self { header, algorithm, signed, body: decode(body)?, signature: decode(signature)? })
    }

    /// The payload, signed by whomever: it may tell which key to try, and nothing more.
    #[must_use]
    pub fn unverified<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The payload, if the key has signed it.
    #[must_use]
    pub fn verified<T: DeserializeOwned>(&self, key: &PublicKey) -> Option<T> {
        if !key.verifies(self.algorithm, self.signed.as_bytes(), &self.signature) {
            return None;
        }
        serde_json::from_slice(&self.body).ok()
    }

    /// The payload, if one of the keys has signed it: the one that the header names, else any.
    #[must_use]
    pub fn verified_by_any<'k, T: DeserializeOwned>(
        &self,
        keys: impl Iterator<Item = (Option<&'k str>, &'k PublicKey)>,
    ) -> Option<(&'k PublicKey, T)> {
        let named = self.header.kid.as_deref();
        keys.filter(|(kid, _)| named.is_none() || kid.is_none() || *kid == named)
            .find_map(|(_, key)| Some((key, self.verified(key)?)))
    }
}

#[cfg(test)]
mod tests;
