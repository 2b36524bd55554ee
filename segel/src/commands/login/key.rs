//! This machine's key: ECDSA on P-256 (FIPS 186-5), and the proofs that it makes (RFC 9449 4.2).

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::Micros;
use serde_json::json;
use zeroize::Zeroizing;

/// A key pair.
pub struct Key {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    /// The public key's coordinates, in base64url.
    x: String,
    y: String,
}

impl Key {
    /// A new one.
    pub fn generate() -> Result<Self> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::read(made.ok().context("no key can be made")?.as_ref())
    }

    /// One that was kept.
    pub fn read(pkcs8: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        let pair = pair.ok().context("the kept key is damaged")?;
        // SEC 1 2.3.3: 04, then both coordinates.
        let (x, y) = match pair.public_key().as_ref().split_first() {
            Some((4, coordinates)) if coordinates.len() == 64 => coordinates.split_at(32),
            _ => anyhow::bail!("the kept key is not one of P-256"),
        };
        let (x, y) = (coded(x), coded(y));
        Ok(Self { pair, pkcs8: Zeroizing::new(pkcs8.to_vec()), x, y })
    }

    /// As it is kept.
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// RFC 7638: members in this order, nothing else.
    pub fn thumbprint(&self) -> String {
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, self.x, self.y);
        coded(digest(&SHA256, canonical.as_bytes()).as_ref())
    }

    /// A proof for one request: over a token, or with a nonce of the key service.
    pub fn proof(&self, method: &str, url: &str, with: With<'_>, now: Micros) -> Result<String> {
        let mut id = [0; 16];
        rand::fill(&mut id).ok().context("no randomness to be had")?;
        let header =
            json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"crv": "P-256", "kty": "EC", "x": self.x, "y": self.y}});
        // RFC 9449 4.2: without query and fragment.
        let address = url.split(['?', '#']).next().unwrap_or_default();
        let (name, value) = match with {
            With::Token(token) => ("ath", coded(digest(&SHA256, token.as_bytes()).as_ref())),
            With::Nonce(nonce) => ("nonce", nonce.to_owned()),
        };
        let claims =
            json!({"jti": coded(&id), "htm": method, "htu": address, "iat": now.div_euclid(1_000_000), name: value});
        let text = format!("{}.{}", coded(header.to_string().as_bytes()), coded(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).ok().context("the key does not sign")?;
        Ok(format!("{text}.{}", coded(signature.as_ref())))
    }
}

/// What a proof is tied to besides its request.
#[derive(Clone, Copy)]
pub enum With<'a> {
    /// The token that it is shown with.
    Token(&'a str),
    /// What the key service gave out once.
    Nonce(&'a str),
}

fn coded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    fn part(proof: &str, number: usize) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(proof.split('.').nth(number).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn a_proof_is_signed_and_names_its_request_and_token() {
        let key = Key::generate().unwrap();
        let again = Key::read(&key.pkcs8()).unwrap();
        assert_eq!(key.thumbprint(), again.thumbprint());
        let proof = again.proof("GET", "https://a/b?c#d", With::Token("token"), 5_999_999).unwrap();
        let (header, claims) = (part(&proof, 0), part(&proof, 1));
        assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("dpop+jwt"), Some("ES256")));
        assert_eq!((claims["htm"].as_str(), claims["htu"].as_str()), (Some("GET"), Some("https://a/b")));
        assert_eq!(claims["iat"], 5);
        // RFC 9449 4.2: base64url of the SHA-256 of the token's ASCII.
        assert_eq!(claims["ath"], coded(digest(&SHA256, b"token").as_ref()));
        let (signed, signature) = proof.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let other = again.proof("GET", "https://a/b", With::Nonce("n"), 5_999_999).unwrap();
        assert_eq!((part(&other, 1)["nonce"].as_str(), part(&other, 1).get("ath")), (Some("n"), None));
        assert_ne!(part(&other, 1)["jti"], claims["jti"]);
    }

    #[test]
    fn a_damaged_key_is_told() {
        assert!(Key::read(b"no key").is_err());
    }
}
