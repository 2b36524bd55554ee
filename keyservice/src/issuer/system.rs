//! Client assertions of systems (SMART Backend Services; RFC 7523 3).

use super::nonce::Once;
use super::oidc::Audience;
use super::{Flaw, State};
use crate::authenticate::jose::{Jws, PublicKey, sha256};
use crate::register::Register;
use record::limits::{ASSERTION_BYTES_MAX, CLIENT_SECONDS_MAX};
use record::{Micros, Role};
use serde::Deserialize;

const MICROS: i64 = 1_000_000;
/// How far the clocks of two hosts may differ.
const CLOCK_SECONDS: i64 = 60;
/// Characters of a `jti`.
const JTI_BYTES_MAX: usize = 256;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    jti: String,
    iat: Option<i64>,
    nbf: Option<i64>,
}

/// Verifies an assertion meant for an audience by a registered system's keys; answers the system, the key, and the assertion's own id.
///
/// # Errors
/// The flaw, for the log.
pub fn verify(
    register: &Register,
    state: &State,
    assertion: &str,
    audience: &str,
    now: Micros,
) -> Result<(String, PublicKey, Once), Flaw> {
    let jws = Jws::parse(assertion, ASSERTION_BYTES_MAX).ok_or(Flaw::Assertion)?;
    if jws.header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(Flaw::Assertion);
    }
    // Who it claims to be tells whose keys to try; nothing else of it counts before one of them has signed it.
    let claimed: Claims = jws.unverified().ok_or(Flaw::Assertion)?;
    let actor = match register.people.get_key_value(&claimed.iss) {
        Some((actor, _)) => actor.as_str(),
        None => register.actor_of(&claimed.iss).ok_or(Flaw::UnknownKey)?,
    };
    if register.people.get(actor).is_none_or(|person| person.role != Role::System) {
        return Err(Flaw::UnknownKey);
    }
    let keys = state.system_keys(actor);
    let tried = keys.iter().map(|key| (key.kid.as_deref(), &key.key));
    let (key, claims): (_, Claims) = jws.verified_by_any(tried).ok_or(Flaw::UnknownKey)?;
    let seconds = now.div_euclid(MICROS);
    let has_begun = |at: Option<i64>| at.is_none_or(|at| at <= seconds.saturating_add(CLOCK_SECONDS));
    let holds = claims.iss == claims.sub
        && claims.aud.has(audience)
        && seconds < claims.exp
        && claims.exp <= seconds.saturating_add(CLIENT_SECONDS_MAX + CLOCK_SECONDS)
        && has_begun(claims.iat)
        && has_begun(claims.nbf)
        && (1..=JTI_BYTES_MAX).contains(&claims.jti.len());
    if !holds {
        return Err(Flaw::Assertion);
    }
    let tag = sha256(&[b"assertion\0".as_slice(), actor.as_bytes(), b"\0", claims.jti.as_bytes()].concat());
    Ok((actor.to_owned(), key.clone(), Once { tag, until: claims.exp.saturating_mul(MICROS) }))
}
