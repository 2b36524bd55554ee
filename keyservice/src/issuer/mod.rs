//! The built-in issuer: who may have a token, and for how long.
//!
//! Everything that a token rests on is verified here and never by an archive node: a passkey's signature over a challenge that was
//! given out for one key, an outside issuer's ID token with a nonce for that key, a system's assertion, a device's own key. A token
//! of a person is bound to a key that stays in the person's browser or tool (RFC 9449) and lasts minutes; its session is renewed by a
//! fresh proof until it ends, duty ends, or somebody ends it.

mod attempt;
mod enter;
mod fetch;
mod nonce;
mod oidc;
mod scope;
mod settings;
pub mod staff;
mod state;
mod system;

pub use attempt::{Attempt, Looked};
pub use enter::enter;
pub use fetch::keep_keys;
pub use scope::Allowed;
pub use settings::{OidcIssuer, Settings};
pub use state::{Entry, State};

use crate::authenticate::memory::Memory;
use crate::authenticate::{dpop, webauthn};
use crate::error::Result;
use crate::keys::Keys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::Micros;
use rusqlite::Connection;
use webauthn::Site;

/// What everybody who signs in, or shows that it has, is held against.
#[derive(Debug)]
pub struct Issuer {
    /// The settings.
    pub settings: Settings,
    /// Where passkeys are from.
    pub site: Site,
    /// Keys, sessions and invitations, as they were committed.
    pub state: State,
    /// Proofs that were shown.
    pub proofs: Memory,
    /// Outside issuers' keys.
    outside: oidc::Outside,
}

/// Why somebody was not let in. Only the log learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The proof of the key.
    Proof(dpop::Flaw),
    /// The proof is by another key than the one that this was given out for.
    CrossBound,
    /// What a passkey returned.
    Passkey(webauthn::Flaw),
    /// No passkey or key of this id is registered.
    UnknownKey,
    /// The challenge, nonce or assertion was not given out here, is over, or was used before.
    Stale,
    /// No such invitation, or it is over.
    Invitation,
    /// The ID token.
    IdToken,
    /// The client assertion.
    Assertion,
    /// The token is not ours, is bound to nothing, or its session has ended.
    Session,
    /// The request is not for one of this archive's own origins.
    Origin,
}

impl Flaw {
    /// For the log.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Proof(flaw) => flaw.text(),
            Self::CrossBound => "bound to another key",
            Self::Passkey(flaw) => flaw.text(),
            Self::UnknownKey => "key not registered",
            Self::Stale => "challenge not given out, over, or used before",
            Self::Invitation => "no such invitation",
            Self::IdToken => "ID token does not hold",
            Self::Assertion => "client assertion does not hold",
            Self::Session => "no session that could go on",
            Self::Origin => "for an origin that is not this archive's",
        }
    }
}

impl From<dpop::Flaw> for Flaw {
    fn from(flaw: dpop::Flaw) -> Self {
        Self::Proof(flaw)
    }
}

impl From<webauthn::Flaw> for Flaw {
    fn from(flaw: webauthn::Flaw) -> Self {
        Self::Passkey(flaw)
    }
}

/// A hash, as ids and claims show it.
#[must_use]
pub fn text(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

impl Issuer {
    /// As its settings and the state have it.
    ///
    /// # Errors
    /// Invalid for settings that cannot be, Damaged for a state that does not open.
    pub fn load(db: &Connection, keys: &Keys, settings: Settings, now: Micros) -> Result<Self> {
        let outside = oidc::Outside::read(&settings)?;
        let site = settings.site()?;
        Ok(Self { site, state: State::load(db, keys)?, proofs: Memory::load(db, now)?, outside, settings })
    }

    /// Outside issuers whose keys are fetched: name and URL.
    #[must_use]
    pub fn fetched(&self) -> Vec<(String, String)> {
        self.outside.fetched()
    }

    /// Takes an outside issuer's keys, as they were fetched; `false` for what is no JWK Set with a signing key.
    pub fn take_keys(&self, name: &str, jwks: &[u8]) -> bool {
        self.outside.take(name, jwks)
    }

    /// Whether a proof's URI is one of this archive's. Where no origin is set, any is.
    pub(crate) fn is_ours(&self, uri: &str) -> bool {
        let origins = &self.site.origins;
        origins.is_empty() || dpop::origin(uri).is_some_and(|origin| origins.contains(&origin))
    }
}

#[cfg(test)]
impl Default for Issuer {
    fn default() -> Self {
        let mut settings = Settings::default();
        settings.settle(true);
        Self {
            site: settings.site().unwrap(),
            state: State::default(),
            proofs: Memory::default(),
            outside: oidc::Outside::read(&settings).unwrap(),
            settings,
        }
    }
}
