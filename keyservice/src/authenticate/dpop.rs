//! DPoP proofs (RFC 9449): that whoever shows a token holds the key it is bound to, for this one HTTP request.
//!
//! The archive node says which method and URI it was asked, and passes the proof on. It can neither make a proof nor turn one
//! to another token, method or path.

use super::jose::{Jws, PublicKey, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::Micros;
use record::limits::{DPOP_AGE_SECONDS_MAX, DPOP_AHEAD_SECONDS_MAX, DPOP_BYTES_MAX};
use serde::Deserialize;

#[cfg(test)]
mod tests;

const MICROS: i64 = 1_000_000;
/// Characters of a `jti`; 128 random bits take 22.
const JTI_BYTES_MAX: usize = 256;

/// A proof that holds together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The key that signed it.
    pub key: PublicKey,
    /// The key's thumbprint (RFC 7638).
    pub thumbprint: [u8; 32],
    /// The proof's own id: its key's thumbprint and `jti`.
    pub id: [u8; 32],
    /// SHA-256 of all of it: another proof of the same id is a replay.
    pub digest: [u8; 32],
    /// `iat`.
    pub issued: Micros,
    /// `nonce`.
    pub nonce: Option<String>,
    /// Whether its method sends something: only such a request may take longer than a moment.
    pub sends: bool,
}

/// Why a proof is none. Only the log learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Not a DPoP proof, or not signed by the key in it.
    Foreign,
    /// For another method.
    Method,
    /// For another URI.
    Target,
    /// For another token, or for none.
    Token,
    /// Too old.
    Late,
    /// Dated ahead.
    Early,
    /// Shown before: by another node, too long ago, with other contents, or perhaps before the service started.
    Replayed,
    /// More proofs than are remembered.
    Crowd,
}

impl Flaw {
    /// For the log.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Foreign => "proof not signed by its key",
            Self::Method => "proof for another method",
            Self::Target => "proof for another URI",
            Self::Token => "proof for another token",
            Self::Late => "proof too old",
            Self::Early => "proof dated ahead",
            Self::Replayed => "proof shown before",
            Self::Crowd => "more proofs than are remembered",
        }
    }
}

/// What a proof says (RFC 9449 4.2).
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// Checks a proof as RFC 9449 4.3 has it, but for what has to be remembered (`Memory`). With a token the proof must be
/// over it.
///
/// # Errors
/// The flaw, for the log.
pub fn verify(jwt: &str, method: &str, uri: &str, token: Option<&str>, now: Micros) -> Result<Shown, Flaw> {
    let shown = read(jwt, method, uri, token)?;
    check_age(shown.issued, now)?;
    Ok(shown)
}

/// As [`verify`], without the age: a proof whose request is under way may be older than a new one.
///
/// # Errors
/// The flaw, for the log.
pub fn read(jwt: &str, method: &str, uri: &str, token: Option<&str>) -> Result<Shown, Flaw> {
    let jws = Jws::parse(jwt, DPOP_BYTES_MAX).ok_or(Flaw::Foreign)?;
    if jws.header.typ.as_deref() != Some("dpop+jwt") {
        return Err(Flaw::Foreign);
    }
    let key = jws.header.jwk.as_ref().and_then(PublicKey::from_jwk).ok_or(Flaw::Foreign)?;
    // What a browser or tool can keep to itself: P-256 and Ed25519.
    if !matches!(key, PublicKey::P256(_) | PublicKey::Ed25519(_)) {
        return Err(Flaw::Foreign);
    }
    let claims: Claims = jws.verified(&key).ok_or(Flaw::Foreign)?;
    if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX {
        return Err(Flaw::Foreign);
    }
    if claims.htm != method {
        return Err(Flaw::Method);
    }
    if target(&claims.htu) != target(uri) {
        return Err(Flaw::Target);
    }
    let over = token.map(|token| URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())));
    if over.is_some() && claims.ath != over {
        return Err(Flaw::Token);
    }
    let issued = claims.iat.saturating_mul(MICROS);
    let thumbprint = key.thumbprint();
    let id = sha256(&[thumbprint.as_slice(), claims.jti.as_bytes()].concat());
    let sends = !matches!(method, "GET" | "HEAD");
    Ok(Shown { key, thumbprint, id, digest: sha256(jwt.as_bytes()), issued, nonce: claims.nonce, sends })
}

/// Whether a proof of this time may be shown for the first time.
///
/// # Errors
/// Late or Early.
pub fn check_age(issued: Micros, now: Micros) -> Result<(), Flaw> {
    if now.saturating_sub(issued) > DPOP_AGE_SECONDS_MAX * MICROS {
        return Err(Flaw::Late);
    }
    if issued.saturating_sub(now) > DPOP_AHEAD_SECONDS_MAX * MICROS {
        return Err(Flaw::Early);
    }
    Ok(())
}

/// A URI without query and fragment, its scheme and authority normalised (RFC 3986 6.2.2, 6.2.3); `None` if it has no
/// authority.
fn target(uri: &str) -> Option<String> {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let (scheme, rest) = uri.get(..end)?.split_once("://")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let authority = match scheme.as_str() {
        "https" => authority.strip_suffix(":443"),
        "http" => authority.strip_suffix(":80"),
        _ => None,
    }
    .unwrap_or(&authority);
    (!authority.is_empty()).then(|| format!("{scheme}://{authority}{path}"))
}

/// Scheme and authority of a URI, normalised: the origin that it belongs to (RFC 6454 4).
#[must_use]
pub fn origin(uri: &str) -> Option<String> {
    let target = target(uri)?;
    let authority = target.find("://")?.saturating_add(3);
    let end = target.get(authority..)?.find('/')?.saturating_add(authority);
    target.get(..end).map(str::to_owned)
}
