//! ID tokens of outside issuers (OpenID Connect Core 1.0). The archive node fetches them; they are verified here, and their nonce was
//! given out here for one key, so that a node cannot bind somebody's ID token to a key of its own.

use super::settings::{OidcIssuer, Settings};
use super::{Flaw, nonce};
use crate::authenticate::jose::{Jws, PublicKey, read_set};
use crate::error::{Error, Result};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::Micros;
use record::limits::{ASSERTION_BYTES_MAX, NONCE_SECONDS_MAX};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const MICROS: i64 = 1_000_000;
/// How far the clocks of two hosts may differ.
const CLOCK_SECONDS: i64 = 60;

/// Keys with their ids.
type KeySet = Vec<(Option<String>, PublicKey)>;

/// The outside issuers and their keys.
#[derive(Debug)]
pub struct Outside {
    issuers: Vec<OidcIssuer>,
    /// Keys that were fetched.
    fetched: Mutex<HashMap<String, KeySet>>,
}

/// What an ID token says (2), and the claim that names somebody.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

/// One audience or several (RFC 7519 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// Whether it names somebody.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

impl Outside {
    /// From the settings. A file that cannot be read now is an error now, and not at the first sign-in.
    ///
    /// # Errors
    /// Invalid for a file that holds no JWK Set.
    pub fn read(settings: &Settings) -> Result<Self> {
        for path in settings.issuers.iter().filter_map(|issuer| issuer.jwks.as_ref()) {
            let bytes = std::fs::read(path).map_err(|e| Error::io(path.display(), &e))?;
            let keys = read_set(&bytes).filter(|keys| !keys.is_empty());
            keys.ok_or_else(|| Error::invalid(format!("{} holds no signing key of a JWK Set", path.display())))?;
        }
        Ok(Self { issuers: settings.issuers.clone(), fetched: Mutex::default() })
    }

    /// Which are fetched: name and URL.
    #[must_use]
    pub fn fetched(&self) -> Vec<(String, String)> {
        let url = |issuer: &OidcIssuer| Some((issuer.name.clone(), issuer.jwks_url.clone()?));
        self.issuers.iter().filter_map(url).collect()
    }

    /// Takes fetched keys. What is no JWK Set leaves the last ones in place, and is `false`.
    pub fn take(&self, name: &str, jwks: &[u8]) -> bool {
        let Some(keys) = read_set(jwks).filter(|keys| !keys.is_empty()) else { return false };
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), keys);
        true
    }

    /// An issuer by its name here.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&OidcIssuer> {
        self.issuers.iter().find(|issuer| issuer.name == name)
    }

    fn keys(&self, issuer: &OidcIssuer) -> Option<KeySet> {
        match &issuer.jwks {
            // A few kB, at a sign-in: a key that was replaced counts at once.
            Some(path) => read_set(&std::fs::read(path).ok()?),
            None => self.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(&issuer.name).cloned(),
        }
    }

    /// Verifies an ID token (3.1.3.7) whose nonce was given out for a key; answers the name that it gives and the nonce.
    ///
    /// # Errors
    /// The flaw, for the log.
    pub fn verify(
        &self,
        key: &hmac::Key,
        name: &str,
        id_token: &str,
        thumbprint: &[u8; 32],
        now: Micros,
    ) -> std::result::Result<(String, nonce::Once), Flaw> {
        let issuer = self.named(name).ok_or(Flaw::IdToken)?;
        let jws = Jws::parse(id_token, ASSERTION_BYTES_MAX).ok_or(Flaw::IdToken)?;
        let keys = self.keys(issuer).ok_or(Flaw::IdToken)?;
        let keys = keys.iter().map(|(kid, key)| (kid.as_deref(), key));
        let (_, claims): (_, Claims) = jws.verified_by_any(keys).ok_or(Flaw::IdToken)?;
        let seconds = now.div_euclid(MICROS);
        let is_alone = matches!(claims.aud, Audience::One(_)) || claims.azp.is_some();
        let holds = claims.iss == issuer.issuer
            && claims.aud.has(&issuer.client_id)
            && (is_alone || matches!(&claims.aud, Audience::Several(several) if several.len() == 1))
            && claims.azp.as_ref().is_none_or(|azp| *azp == issuer.client_id)
            && seconds < claims.exp.saturating_add(CLOCK_SECONDS)
            && claims.iat <= seconds.saturating_add(CLOCK_SECONDS)
            && claims.iat >= seconds.saturating_sub(NONCE_SECONDS_MAX + CLOCK_SECONDS);
        if !holds {
            return Err(Flaw::IdToken);
        }
        let given = claims.nonce.and_then(|nonce| URL_SAFE_NO_PAD.decode(nonce).ok()).ok_or(Flaw::IdToken)?;
        let once = nonce::take(key, nonce::Purpose::Outside, thumbprint, name.as_bytes(), &given, now)?;
        let named = claims.more.get(&issuer.claim).and_then(serde_json::Value::as_str).ok_or(Flaw::IdToken)?;
        // The register forgives spaces around a name that somebody types. A provider whose users choose their names must not
        // make one of them another by a space.
        if named.trim() != named {
            return Err(Flaw::IdToken);
        }
        Ok((named.to_owned(), once))
    }
}
