//! Bearer tokens: compact JWS (RFC 7515) with EdDSA (RFC 8037), signed here and nowhere else.
//!
//! A token says who and for how long, and bounds the purpose. What its bearer may do is read from the register at every
//! request: a person who is removed or moved needs no token to be called back.

use crate::error::{Error, Result};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::limits::{BEARER_BYTES_MAX, BEARER_SECONDS_MAX, BEARERS_REMEMBERED_MAX};
use record::{Micros, Outcome, Purpose};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The one header there is. It is compared and never interpreted: no token chooses its own algorithm.
const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;
/// How far the clock may have stepped back since a token was signed.
const CLOCK_SECONDS: i64 = 60;
const MICROS: i64 = 1_000_000;

/// What a token says (RFC 7519 names, and ours for the purpose).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The key service that signed it.
    pub iss: String,
    /// The actor's id in the register.
    pub sub: String,
    /// HL7 PurposeOfUse code that it grants.
    pub purpose: String,
    /// Signed at, in seconds since 1970.
    pub iat: i64,
    /// Ends at, in seconds since 1970.
    pub exp: i64,
    /// Tells two tokens apart in the log.
    pub jti: String,
    /// The key that it is bound to (RFC 9449 6.1); without one it is a plain bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The session that it belongs to, which can be ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Thumbprint of the key by which a system asked for it; it ends with the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What a system asked for (SMART Backend Services), as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// How the bearer shows that a token is its own (RFC 7800 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Thumbprint of its key (RFC 7638, SHA-256), in base64url.
    pub jkt: String,
}

impl Claims {
    /// What a plain bearer token says.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn new(issuer: &str, actor: &str, purpose: Purpose, seconds: u32, now: Micros) -> Result<Self> {
        let mut id = [0; 12];
        rand::fill(&mut id).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
        let iat = now.div_euclid(MICROS);
        Ok(Self {
            iss: issuer.to_owned(),
            sub: actor.to_owned(),
            purpose: purpose.code().to_owned(),
            iat,
            exp: iat.saturating_add(i64::from(seconds)),
            jti: hex::encode(id),
            cnf: None,
            sid: None,
            key: None,
            scope: None,
        })
    }

    /// The purpose, if it is one.
    #[must_use]
    pub fn granted(&self) -> Option<Purpose> {
        Purpose::from_code(&self.purpose)
    }

    /// Whether its time has come and is not over.
    #[must_use]
    pub fn is_current(&self, now: Micros) -> bool {
        now < self.expires() && self.iat.saturating_sub(CLOCK_SECONDS).saturating_mul(MICROS) <= now
    }

    /// When it ends.
    #[must_use]
    pub fn expires(&self) -> Micros {
        self.exp.saturating_mul(MICROS)
    }
}

/// Why a token was not accepted. Only the log learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Not a token that this service signed, or changed since.
    Foreign,
    /// Its time is over, or has not come.
    Expired,
}

/// Signs and verifies.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: ParsedPublicKey,
    /// What good tokens say: a viewer shows the same one with every request, and its signature does not change.
    checked: Mutex<HashMap<String, Claims>>,
}

impl Signer {
    /// From the seed that the root gives.
    ///
    /// # Errors
    /// None in practice: every 32 bytes are a seed.
    pub fn new(seed: &[u8; 32]) -> Result<Self> {
        let no = |_| Error::damaged("a signing key cannot be derived");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(no)?;
        let public = ParsedPublicKey::new(&ED25519, pair.public_key().as_ref()).map_err(no)?;
        Ok(Self { pair, public, checked: Mutex::default() })
    }

    /// Signs a token.
    ///
    /// # Errors
    /// Invalid for a validity of none or too long.
    pub fn sign(
        &self,
        issuer: &str,
        actor: &str,
        purpose: Purpose,
        seconds: u32,
        now: Micros,
    ) -> Result<(String, Claims)> {
        if !(1..=BEARER_SECONDS_MAX).contains(&seconds) {
            return Err(Error::invalid("a token is valid for 1 second to 90 days"));
        }
        let claims = Claims::new(issuer, actor, purpose, seconds, now)?;
        Ok((self.issue(&claims)?, claims))
    }

    /// Signs what a token shall say.
    ///
    /// # Errors
    /// None in practice: claims can be written.
    pub fn issue(&self, claims: &Claims) -> Result<String> {
        let body = serde_json::to_vec(claims).map_err(|_| Error::damaged("a token cannot be written"))?;
        let mut text = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(body));
        let signature = self.pair.sign(text.as_bytes());
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(signature.as_ref()));
        Ok(text)
    }

    /// What a token says, if this service signed it for itself and it is valid now.
    ///
    /// # Errors
    /// The flaw, for the log.
    pub fn verify(&self, issuer: &str, token: &str, now: Micros) -> std::result::Result<Claims, Flaw> {
        let claims = self.check(issuer, token)?;
        if claims.is_current(now) { Ok(claims) } else { Err(Flaw::Expired) }
    }

    /// What a token says, if this service signed it for itself; valid now or not.
    ///
    /// # Errors
    /// Foreign.
    pub fn check(&self, issuer: &str, token: &str) -> std::result::Result<Claims, Flaw> {
        if token.len() > BEARER_BYTES_MAX {
            return Err(Flaw::Foreign);
        }
        let known = self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        if let Some(claims) = known.filter(|claims| claims.iss == issuer) {
            return Ok(claims);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::Foreign)?;
        let (header, body) = signed.split_once('.').ok_or(Flaw::Foreign)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Foreign);
        // The signature comes first: nothing of a stranger's token is parsed.
        self.public.verify_sig(signed.as_bytes(), &decode(signature)?).map_err(|_| Flaw::Foreign)?;
        if decode(header)? != HEADER.as_bytes() {
            return Err(Flaw::Foreign);
        }
        let claims: Claims = serde_json::from_slice(&decode(body)?).map_err(|_| Flaw::Foreign)?;
        if claims.iss != issuer || claims.granted().is_none() {
            return Err(Flaw::Foreign);
        }
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= BEARERS_REMEMBERED_MAX {
            // Rarely so many; those in use are checked again at their next request.
            checked.clear();
        }
        checked.insert(token.to_owned(), claims.clone());
        Ok(claims)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(#)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "segel.example/a";
    const NOW: Micros = 1_700_000_000 * MICROS;

    fn token() -> (Signer, String) {
        let signer = Signer::new(&[7; 32]).unwrap();
        let (token, _) = signer.sign(ISSUER, "p-1", Purpose::Treat, 60, NOW).unwrap();
        (signer, token)
    }

    #[test]
    fn a_token_known_to_be_good_still_ends_and_still_has_one_issuer() {
        let (signer, token) = token();
        for _ in 0..2 {
            assert!(signer.verify(ISSUER, &token, NOW).is_ok());
            assert_eq!(signer.verify("another", &token, NOW), Err(Flaw::Foreign));
            assert_eq!(signer.verify(ISSUER, &token, NOW + 60 * MICROS), Err(Flaw::Expired));
        }
        for _ in 0..BEARERS_REMEMBERED_MAX {
            let (another, _) = signer.sign(ISSUER, "p-1", Purpose::Treat, 60, NOW).unwrap();
            assert!(signer.verify(ISSUER, &another, NOW).is_ok());
        }
        assert_eq!(signer.checked.lock().unwrap().len(), 1);
        assert!(signer.verify(ISSUER, &token, NOW).is_ok());
    }

    #[test]
    fn a_token_is_accepted_by_its_signer_until_its_end() {
        let (signer, token) = token();
        let claims = signer.verify(ISSUER, &token, NOW).unwrap();
        assert_eq!((claims.sub.as_str(), claims.granted()), ("p-1", Some(Purpose::Treat)));
        assert!(signer.verify(ISSUER, &token, NOW + 60 * MICROS - 1).is_ok());
        for (issuer, now, flaw) in [
            (ISSUER, NOW + 60 * MICROS, Flaw::Expired),
            (ISSUER, NOW - 61 * MICROS, Flaw::Expired),
            ("segel.example/b", NOW, Flaw::Foreign),
        ] {
            assert_eq!(signer.verify(issuer, &token, now), Err(flaw));
        }
        assert_eq!(Signer::new(&[8; 32]).unwrap().verify(ISSUER, &token, NOW), Err(Flaw::Foreign));
    }

    #[test]
    fn no_single_changed_character_is_accepted() {
        let (signer, token) = token();
        for at in 0..token.len() {
            for other in ['A', 'b', '.', '='] {
                let mut changed: Vec<char> = token.chars().collect();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert_eq!(signer.verify(ISSUER, &changed, NOW), Err(Flaw::Foreign), "at {at}");
            }
        }
    }

    #[test]
    fn a_token_does_not_choose_its_algorithm_or_gain_claims() {
        let signer = Signer::new(&[7; 32]).unwrap();
        let body =
            r#"{"iss":"segel.example/a","sub":"p-1","purpose":"TREAT","iat":1700000000,"exp":1700000060,"jti":"1"}"#;
        let sign = |header: &str, body: &str| {
            let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body));
            let signature = signer.pair.sign(text.as_bytes());
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        };
        assert!(signer.verify(ISSUER, &sign(HEADER, body), NOW).is_ok());
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(body));
        for token in [
            unsigned,
            sign(r#"{"alg":"none"}"#, body),
            sign(r#"{"alg":"HS256","typ":"JWT"}"#, body),
            sign(HEADER, &body.replace("TREAT", "EVERYTHING")),
            sign(HEADER, &body.replace("\"jti\"", "\"role\":\"clinician\",\"jti\"")),
            sign(HEADER, "{}"),
            String::new(),
            "..".into(),
            "a.b.c.d".into(),
        ] {
            assert_eq!(signer.verify(ISSUER, &token, NOW), Err(Flaw::Foreign), "{token}");
        }
    }

    #[test]
    fn the_longest_validity_is_ninety_days() {
        let signer = Signer::new(&[7; 32]).unwrap();
        assert!(signer.sign(ISSUER, "p", Purpose::Treat, BEARER_SECONDS_MAX, NOW).is_ok());
        for seconds in [0, BEARER_SECONDS_MAX + 1] {
            assert_eq!(signer.sign(ISSUER, "p", Purpose::Treat, seconds, NOW).unwrap_err().outcome(), Outcome::Invalid);
        }
    }

    #[test]
    fn the_longest_token_is_looked_at_and_a_longer_one_is_not() {
        let signer = Signer::new(&[7; 32]).unwrap();
        let fits = |actor: usize| signer.sign(ISSUER, &"a".repeat(actor), Purpose::Treat, 60, NOW).unwrap().0;
        let actor = (1..2_000).rev().find(|n| fits(*n).len() <= BEARER_BYTES_MAX).unwrap();
        assert!(signer.verify(ISSUER, &fits(actor), NOW).is_ok());
        assert_eq!(signer.verify(ISSUER, &fits(actor + 1), NOW), Err(Flaw::Foreign));
    }
}
