//! Passkeys: what a browser and an authenticator return (WebAuthn Level 3), verified here.
//!
//! The usual libraries for this bring a second cryptographic library and its certificates into the process that holds the keys. What
//! is needed of them is two fixed structures and one signature.

use super::jose::{PublicKey, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::limits::PASSKEY_BYTES_MAX;
use seal::message::Assertion;
use serde::Deserialize;

mod cose;
#[cfg(test)]
mod tests;

/// Bits of authenticator data (6.1).
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;
/// Bytes of a credential's id (6.5.1).
const CREDENTIAL_BYTES_MAX: usize = 1_023;

/// The site that passkeys belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `rp.id`.
    pub rp_id: String,
    /// Origins that it is served at; none for any port of `localhost`.
    pub origins: Vec<String>,
}

impl Site {
    /// Whether an origin, as a browser serialises it, is this site's.
    #[must_use]
    pub fn has(&self, origin: &str) -> bool {
        if !self.origins.is_empty() {
            return self.origins.iter().any(|known| known == origin);
        }
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.and_then(|host| host.strip_prefix("localhost")).is_some_and(|port| {
            port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok())
        })
    }
}

/// Why what a passkey returned does not count. Only the log learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Not what an authenticator returns.
    Form,
    /// For another ceremony.
    Ceremony,
    /// Over another challenge.
    Challenge,
    /// At another origin, or inside another site's page.
    Origin,
    /// For another relying party.
    Site,
    /// A signature that is not the key's.
    Signature,
    /// The person was not there, or the authenticator did not make sure who it is.
    Unverified,
    /// A key of a kind that is not asked for.
    Algorithm,
    /// An attestation that was not asked for, or is not what it says.
    Attestation,
    /// A count that is not above the last one: there are two of this key.
    Count,
}

impl Flaw {
    /// For the log.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Form => "not what an authenticator returns",
            Self::Ceremony => "passkey used for another ceremony",
            Self::Challenge => "passkey over another challenge",
            Self::Origin => "passkey at another origin",
            Self::Site => "passkey for another site",
            Self::Signature => "signature not the passkey's",
            Self::Unverified => "user not verified by the passkey",
            Self::Algorithm => "passkey of another algorithm",
            Self::Attestation => "attestation that was not asked for",
            Self::Count => "passkey's count has gone back",
        }
    }
}

/// A new passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its id.
    pub credential: Vec<u8>,
    /// Its public key.
    pub key: PublicKey,
    /// Its first count.
    pub count: u32,
}

/// `CollectedClientData` (5.8.1). Fields of later versions do not count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    cross_origin: Option<bool>,
    top_origin: Option<String>,
}

/// Authenticator data (6.1).
struct AuthenticatorData<'a> {
    flags: u8,
    count: u32,
    attested: Option<(&'a [u8], PublicKey)>,
}

/// The challenge that client data answers, not verified: whoever asks looks whether it was given out.
#[must_use]
pub fn challenge(client_data_json: &[u8]) -> Option<Vec<u8>> {
    if client_data_json.len() > PASSKEY_BYTES_MAX {
        return None;
    }
    let client: ClientData = serde_json::from_slice(client_data_json).ok()?;
    URL_SAFE_NO_PAD.decode(client.challenge).ok()
}

/// Verifies a new passkey (7.1). Attestation is not asked for: `none`, or a signature of the passkey's own.
///
/// # Errors
/// The flaw, for the log.
pub fn register(
    site: &Site,
    challenge: &[u8],
    client_data_json: &[u8],
    attestation: &[u8],
) -> Result<Registered, Flaw> {
    client_data(site, "webauthn.create", challenge, client_data_json)?;
    if attestation.len() > PASSKEY_BYTES_MAX {
        return Err(Flaw::Form);
    }
    let object = cose::attestation(attestation).ok_or(Flaw::Form)?;
    let data = authenticator_data(site, object.data)?;
    let (credential, key) = data.attested.as_ref().ok_or(Flaw::Form)?;
    match object.statement {
        cose::Statement::None => {}
        cose::Statement::Own { algorithm, signature } => {
            // 8.2: without a certificate it is the passkey's own signature.
            let signed = [object.data, &sha256(client_data_json)].concat();
            if cose::algorithm(key) != algorithm || !key.verifies_cose(&signed, signature) {
                return Err(Flaw::Attestation);
            }
        }
        cose::Statement::Other => return Err(Flaw::Attestation),
    }
    present(&data)?;
    Ok(Registered { credential: credential.to_vec(), key: key.clone(), count: data.count })
}

/// Verifies a passkey's answer (7.2) by the key that was registered for it; answers its count.
///
/// # Errors
/// The flaw, for the log.
pub fn assert(site: &Site, challenge: &[u8], key: &PublicKey, before: u32, answer: &Assertion) -> Result<u32, Flaw> {
    client_data(site, "webauthn.get", challenge, &answer.client_data_json)?;
    let data = authenticator_data(site, &answer.authenticator_data)?;
    let signed = [answer.authenticator_data.as_slice(), &sha256(&answer.client_data_json)].concat();
    if !key.verifies_cose(&signed, &answer.signature) {
        return Err(Flaw::Signature);
    }
    // Passkeys that are kept in several places have no count; whoever counts must go up.
    if (before > 0 || data.count > 0) && data.count <= before {
        return Err(Flaw::Count);
    }
    present(&data)?;
    Ok(data.count)
}

fn client_data(site: &Site, ceremony: &str, challenge: &[u8], json: &[u8]) -> Result<(), Flaw> {
    if json.len() > PASSKEY_BYTES_MAX {
        return Err(Flaw::Form);
    }
    let client: ClientData = serde_json::from_slice(json).map_err(|_| Flaw::Form)?;
    if client.ceremony != ceremony {
        return Err(Flaw::Ceremony);
    }
    if client.challenge != URL_SAFE_NO_PAD.encode(challenge) {
        return Err(Flaw::Challenge);
    }
    if !site.has(&client.origin) || client.cross_origin == Some(true) || client.top_origin.is_some() {
        return Err(Flaw::Origin);
    }
    Ok(())
}

/// The person was there, and the authenticator knows who it is.
fn present(data: &AuthenticatorData<'_>) -> Result<(), Flaw> {
    let wanted = USER_PRESENT | USER_VERIFIED;
    if data.flags & wanted == wanted { Ok(()) } else { Err(Flaw::Unverified) }
}

fn authenticator_data<'a>(site: &Site, bytes: &'a [u8]) -> Result<AuthenticatorData<'a>, Flaw> {
    let (rp_id_hash, rest) = bytes.split_at_checked(32).ok_or(Flaw::Form)?;
    let (&flags, rest) = rest.split_first().ok_or(Flaw::Form)?;
    let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(Flaw::Form)?;
    if bytes.len() > PASSKEY_BYTES_MAX || (flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0) {
        return Err(Flaw::Form);
    }
    if rp_id_hash != sha256(site.rp_id.as_bytes()) {
        return Err(Flaw::Site);
    }
    let mut attested = None;
    if flags & ATTESTED != 0 {
        // 6.5.1: AAGUID (16), length of the id (2), the id, the key.
        let (_aaguid, after) = rest.split_at_checked(16).ok_or(Flaw::Form)?;
        let (len, after) = after.split_first_chunk::<2>().ok_or(Flaw::Form)?;
        let len = usize::from(u16::from_be_bytes(*len));
        let (credential, after) = after.split_at_checked(len).ok_or(Flaw::Form)?;
        if !(1..=CREDENTIAL_BYTES_MAX).contains(&len) {
            return Err(Flaw::Form);
        }
        let (key, len) = cose::key(after).ok_or(Flaw::Algorithm)?;
        attested = Some((credential, key));
        rest = after.get(len..).ok_or(Flaw::Form)?;
    }
    if flags & EXTENDED != 0 {
        let len = cose::map_len(rest).ok_or(Flaw::Form)?;
        rest = rest.get(len..).ok_or(Flaw::Form)?;
    }
    if !rest.is_empty() {
        return Err(Flaw::Form);
    }
    Ok(AuthenticatorData { flags, count: u32::from_be_bytes(*count), attested })
}
