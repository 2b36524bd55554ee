//! The CBOR (RFC 8949) inside: COSE keys (RFC 9052 7) and attestation objects (WebAuthn Level 3, 6.5.4).

use crate::authenticate::jose::PublicKey;
use minicbor::Decoder;
use minicbor::data::Type;

/// COSE algorithms (RFC 9053 2, RFC 8812 2) that passkeys may have.
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const ES384: i64 = -35;
const RS256: i64 = -257;
/// Fields of a COSE key or an attestation object; those that are used are five.
const FIELDS_MAX: u64 = 16;

/// An attestation object.
pub struct Attestation<'a> {
    /// Authenticator data.
    pub data: &'a [u8],
    /// Who vouches for it.
    pub statement: Statement<'a>,
}

/// Who vouches for a new passkey.
pub enum Statement<'a> {
    /// Nobody.
    None,
    /// The passkey itself (`packed` without certificates).
    Own {
        /// COSE algorithm.
        algorithm: i64,
        /// Over authenticator data and the hash of client data.
        signature: &'a [u8],
    },
    /// Somebody else, or in a way that is not known here.
    Other,
}

/// The COSE algorithm of a key.
#[must_use]
pub fn algorithm(key: &PublicKey) -> i64 {
    match key {
        PublicKey::P256(_) => ES256,
        PublicKey::P384(_) => ES384,
        PublicKey::Ed25519(_) => EDDSA,
        PublicKey::Rsa { .. } => RS256,
    }
}

/// Reads a COSE key and tells how many bytes it took; `None` for an algorithm that is not asked for.
#[must_use]
pub fn key(bytes: &[u8]) -> Option<(PublicKey, usize)> {
    let mut decoder = Decoder::new(bytes);
    let fields = decoder.map().ok()??;
    if fields > FIELDS_MAX {
        return None;
    }
    let (mut kty, mut alg, mut crv) = (None, None, None);
    let mut parts: [Option<&[u8]>; 3] = [None; 3];
    for _ in 0..fields {
        let label = decoder.i64().ok()?;
        let is_bytes = decoder.datatype().ok()? == Type::Bytes;
        let number = match label {
            1 => &mut kty,
            3 => &mut alg,
            -1 if !is_bytes => &mut crv,
            // RSA has its modulus where the others have the curve.
            -3..=-1 => {
                let place = usize::try_from(-1 - label).ok()?;
                if parts.get_mut(place)?.replace(decoder.bytes().ok()?).is_some() {
                    return None;
                }
                continue;
            }
            _ => {
                decoder.skip().ok()?;
                continue;
            }
        };
        if number.replace(decoder.i64().ok()?).is_some() {
            return None;
        }
    }
    let [first, x, y] = parts;
    let key = match (kty?, alg?, crv) {
        (2, ES256, Some(1)) => PublicKey::p256(x?, y?),
        (2, ES384, Some(2)) => PublicKey::p384(x?, y?),
        (1, EDDSA, Some(6)) => Some(PublicKey::Ed25519(x.filter(|x| x.len() == 32)?.to_vec())),
        (3, RS256, None) => PublicKey::rsa(first?, x?),
        _ => None,
    }?;
    Some((key, decoder.position()))
}

/// How many bytes a map takes.
#[must_use]
pub fn map_len(bytes: &[u8]) -> Option<usize> {
    let mut decoder = Decoder::new(bytes);
    if !matches!(decoder.datatype().ok()?, Type::Map) {
        return None;
    }
    decoder.skip().ok()?;
    Some(decoder.position())
}

/// Reads an attestation object; nothing may follow it.
#[must_use]
pub fn attestation(bytes: &[u8]) -> Option<Attestation<'_>> {
    let mut decoder = Decoder::new(bytes);
    let fields = decoder.map().ok()??;
    if fields > FIELDS_MAX {
        return None;
    }
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..fields {
        match decoder.str().ok()? {
            "fmt" => format = Some(decoder.str().ok()?),
            "attStmt" => {
                let start = decoder.position();
                decoder.skip().ok()?;
                statement = bytes.get(start..decoder.position());
            }
            "authData" => data = Some(decoder.bytes().ok()?),
            _ => decoder.skip().ok()?,
        }
    }
    let (format, statement) = (format?, statement?);
    let statement = match format {
        // 8.7: an empty map.
        "none" if statement == [0xa0] => Statement::None,
        "packed" => own(statement)?,
        _ => Statement::Other,
    };
    (decoder.position() == bytes.len()).then_some(Attestation { data: data?, statement })
}

/// A `packed` statement (8.2).
fn own(statement: &[u8]) -> Option<Statement<'_>> {
    let mut decoder = Decoder::new(statement);
    let fields = decoder.map().ok()??;
    let (mut algorithm, mut signature) = (None, None);
    for _ in 0..fields.min(FIELDS_MAX) {
        match decoder.str().ok()? {
            "alg" => algorithm = Some(decoder.i64().ok()?),
            "sig" => signature = Some(decoder.bytes().ok()?),
            // A certificate: a manufacturer vouches.
            _ => return Some(Statement::Other),
        }
    }
    Some(Statement::Own { algorithm: algorithm?, signature: signature? })
}
