//! How people and systems sign in.

use crate::authenticate::dpop;
use crate::authenticate::webauthn::Site;
use crate::error::{Error, Result};
use crate::outbound;
use record::Role;
use record::limits::{BOUND_SECONDS_MAX, SESSION_SECONDS_MAX};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The settings, `[identity]` of the key service's file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whose tokens may be bound to no key. Without it: everybody's where archive nodes come over the Unix socket of one
    /// host, as scripts and the first set-up need; systems' alone otherwise.
    pub unbound_tokens: Option<Unbound>,
    /// The domain name that passkeys belong to (WebAuthn `rp.id`). Changing it makes every passkey useless.
    pub rp_id: String,
    /// Origins that the archive is served at, as `https://archive.example`. Passkeys and proofs for any other are refused. Without
    /// any, passkeys work at `localhost` alone.
    pub origins: Vec<String>,
    /// How long a bound token lasts. A quarter of an hour: nobody notices a renewal, and what an administrator changes counts at the
    /// next request anyway.
    pub token_seconds: u32,
    /// How long a session lasts: a shift.
    pub session_seconds: i64,
    /// Outside OpenID Connect issuers.
    pub issuers: Vec<OidcIssuer>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unbound_tokens: None,
            rp_id: "localhost".into(),
            origins: Vec::new(),
            token_seconds: BOUND_SECONDS_MAX,
            session_seconds: SESSION_SECONDS_MAX,
            issuers: Vec::new(),
        }
    }
}

/// Whose tokens may be bound to no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unbound {
    /// Everybody's.
    Everyone,
    /// Systems'.
    Systems,
    /// Nobody's.
    Nobody,
}

impl Unbound {
    /// Whether somebody of a role may show one.
    #[must_use]
    pub fn takes(self, role: Role) -> bool {
        match self {
            Self::Everyone => true,
            Self::Systems => role == Role::System,
            Self::Nobody => false,
        }
    }
}

/// An outside issuer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcIssuer {
    /// What it is called here.
    pub name: String,
    /// Its identifier (`iss`).
    pub issuer: String,
    /// The client's id there (`aud`).
    pub client_id: String,
    /// Its keys: a file with a JWK Set, read at every sign-in.
    pub jwks: Option<PathBuf>,
    /// Its keys: where they are fetched.
    pub jwks_url: Option<String>,
    /// The claim that holds the name in the register.
    #[serde(default = "preferred_username")]
    pub claim: String,
}

fn preferred_username() -> String {
    "preferred_username".into()
}

impl Settings {
    /// Relative files lie beside the configuration.
    pub fn lie_beside(&mut self, folder: &Path) {
        for file in self.issuers.iter_mut().filter_map(|issuer| issuer.jwks.as_mut()) {
            *file = folder.join(&*file);
        }
    }

    /// The default of what depends on how archive nodes come.
    pub fn settle(&mut self, is_one_host: bool) {
        self.unbound_tokens.get_or_insert(if is_one_host { Unbound::Everyone } else { Unbound::Systems });
    }

    /// Whose tokens may be bound to no key.
    #[must_use]
    pub fn unbound(&self) -> Unbound {
        self.unbound_tokens.unwrap_or(Unbound::Nobody)
    }

    /// The site that passkeys belong to.
    ///
    /// # Errors
    /// Invalid for what cannot be.
    pub fn site(&self) -> Result<Site> {
        let bad = |text: &str| Err(Error::invalid(format!("[identity] {text}")));
        if !(60..=BOUND_SECONDS_MAX).contains(&self.token_seconds) {
            return bad("token_seconds is 60 to 900");
        }
        if !(i64::from(self.token_seconds)..=SESSION_SECONDS_MAX).contains(&self.session_seconds) {
            return bad("session_seconds is at least token_seconds and at most 12 hours");
        }
        for origin in &self.origins {
            let host = dpop::origin(origin).filter(|known| known == origin).and_then(|known| {
                let (scheme, authority) = known.split_once("://")?;
                let host = authority.split(':').next().unwrap_or_default().to_owned();
                (scheme == "https" || host == "localhost").then_some(host)
            });
            // WebAuthn Level 3, 5.1.3: the relying party is the origin's own domain or one that it lies in.
            let is_in = host.is_some_and(|host| host == self.rp_id || host.ends_with(&format!(".{}", self.rp_id)));
            if !is_in {
                return bad("origins are https://HOST[:PORT] with HOST in rp_id, or http://localhost[:PORT]");
            }
        }
        if self.origins.is_empty() && self.rp_id != "localhost" {
            return bad("rp_id needs origins");
        }
        for (at, issuer) in self.issuers.iter().enumerate() {
            if issuer.jwks.is_some() == issuer.jwks_url.is_some() {
                return bad("an issuer has its keys from jwks or from jwks_url");
            }
            if let Some(url) = &issuer.jwks_url {
                outbound::check(url)?;
            }
            let is_known = self.issuers.iter().skip(at + 1).any(|other| other.name == issuer.name);
            if is_known || issuer.name.is_empty() || issuer.issuer.is_empty() || issuer.client_id.is_empty() {
                return bad("an issuer has a name of its own, its identifier and a client_id");
            }
        }
        Ok(Site { rp_id: self.rp_id.clone(), origins: self.origins.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let issuer = "[[issuers]]\nname = \"a\"\nissuer = \"https://a\"\nclient_id = \"c\"\n";
        for (text, expected) in [
            ("", true),
            ("rp_id = \"rs.example\"\norigins = [\"https://arsip.rs.example\", \"https://rs.example:8443\"]\n", true),
            ("origins = [\"http://localhost:8080\"]\n", true),
            ("rp_id = \"rs.example\"\n", false),
            ("rp_id = \"rs.example\"\norigins = [\"http://rs.example\"]\n", false),
            ("rp_id = \"rs.example\"\norigins = [\"https://evilrs.example\"]\n", false),
            ("rp_id = \"rs.example\"\norigins = [\"https://rs.example/\"]\n", false),
            ("token_seconds = 900\n", true),
            ("token_seconds = 901\n", false),
            ("token_seconds = 59\n", false),
            ("session_seconds = 43200\n", true),
            ("session_seconds = 43201\n", false),
            ("session_seconds = 800\n", false),
            (&format!("{issuer}jwks_url = \"https://a/jwks\"\n"), true),
            (issuer, false),
            (&format!("{issuer}jwks = \"a\"\njwks_url = \"https://a/jwks\"\n"), false),
            (&format!("{issuer}jwks = \"a\"\n{issuer}jwks = \"b\"\n"), false),
        ] {
            let settings: Settings = toml::from_str(text).unwrap();
            assert_eq!(settings.site().is_ok(), expected, "{text}");
        }
        assert!(toml::from_str::<Settings>("colour = 1\n").is_err());
        assert!(toml::from_str::<Settings>("unbound_tokens = \"some\"\n").is_err());
    }

    #[test]
    fn unbound_tokens_are_for_whom_it_says() {
        for (text, is_one_host, clinician, system) in [
            ("", true, true, true),
            ("", false, false, true),
            ("unbound_tokens = \"everyone\"\n", false, true, true),
            ("unbound_tokens = \"systems\"\n", true, false, true),
            ("unbound_tokens = \"nobody\"\n", true, false, false),
        ] {
            let mut settings: Settings = toml::from_str(text).unwrap();
            settings.settle(is_one_host);
            let takes = |role| settings.unbound().takes(role);
            assert_eq!((takes(Role::Clinician), takes(Role::System)), (clinician, system), "{text} {is_one_host}");
        }
    }
}
