//! What is given out to be signed. It carries its time and a mark under a key of this service, so that nothing is kept until it
//! comes back: nobody can fill a table by asking.

use super::Flaw;
use crate::authenticate::jose::sha256;
use crate::error::{Error, Result};
use aws_lc_rs::{hmac, rand};
use record::limits::{CHALLENGE_SECONDS_MAX, NONCE_SECONDS_MAX};
use record::{Micros, Outcome};

const MICROS: i64 = 1_000_000;
/// How far the clock may have stepped back since.
const CLOCK_SECONDS: i64 = 60;
/// Time, randomness, mark.
const LEN: usize = 8 + 16 + 32;

/// What it is to be signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A passkey signs in.
    Passkey,
    /// A passkey is enrolled.
    Enrol,
    /// An outside issuer signs somebody in.
    Outside,
    /// A device's key signs in or is enrolled.
    Device,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Passkey => b"passkey",
            Self::Enrol => b"enrol",
            Self::Outside => b"outside",
            Self::Device => b"device",
        }
    }

    fn seconds(self) -> i64 {
        if self == Self::Outside { NONCE_SECONDS_MAX } else { CHALLENGE_SECONDS_MAX }
    }
}

/// That something was given out, and may come back once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once {
    /// What is written down when it has come back.
    pub tag: [u8; 32],
    /// Until when it is good.
    pub until: Micros,
}

/// Gives one out for a key and whatever else it is bound to.
///
/// # Errors
/// Busy if the system gives no randomness.
pub fn give(key: &hmac::Key, purpose: Purpose, thumbprint: &[u8; 32], about: &[u8], now: Micros) -> Result<Vec<u8>> {
    let mut bytes = now.to_be_bytes().to_vec();
    let mut random = [0; 16];
    rand::fill(&mut random).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    bytes.extend_from_slice(&random);
    let mark = hmac::sign(key, &marked(purpose, thumbprint, about, &bytes));
    bytes.extend_from_slice(mark.as_ref());
    Ok(bytes)
}

/// Takes one back.
///
/// # Errors
/// Stale if it is over or was not given out for this.
pub fn take(
    key: &hmac::Key,
    purpose: Purpose,
    thumbprint: &[u8; 32],
    about: &[u8],
    bytes: &[u8],
    now: Micros,
) -> std::result::Result<Once, Flaw> {
    if bytes.len() != LEN {
        return Err(Flaw::Stale);
    }
    let (given, mark) = bytes.split_at(24);
    hmac::verify(key, &marked(purpose, thumbprint, about, given), mark).map_err(|_| Flaw::Stale)?;
    let at = given.first_chunk().map(|at| Micros::from_be_bytes(*at)).ok_or(Flaw::Stale)?;
    let until = at.saturating_add(purpose.seconds() * MICROS);
    if now > until || at.saturating_sub(now) > CLOCK_SECONDS * MICROS {
        return Err(Flaw::Stale);
    }
    Ok(Once { tag: sha256(bytes), until })
}

fn marked(purpose: Purpose, thumbprint: &[u8; 32], about: &[u8], given: &[u8]) -> Vec<u8> {
    // Every part but the last has one length for a label.
    [purpose.label(), b"\0", thumbprint, given, about].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_for_what_it_was_given_out_for() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]);
        let now = 1_700_000_000 * MICROS;
        let given = give(&key, Purpose::Passkey, &[7; 32], b"about", now).unwrap();
        let mut changed = given.clone();
        changed[0] ^= 1;
        let end = now + CHALLENGE_SECONDS_MAX * MICROS;
        for (name, key, purpose, thumbprint, about, bytes, now, expected) in [
            ("good", &key, Purpose::Passkey, [7; 32], b"about".as_slice(), &given, now, true),
            ("at its end", &key, Purpose::Passkey, [7; 32], b"about", &given, end, true),
            ("over", &key, Purpose::Passkey, [7; 32], b"about", &given, end + 1, false),
            ("a clock a minute back", &key, Purpose::Passkey, [7; 32], b"about", &given, now - 60 * MICROS, true),
            ("a clock further back", &key, Purpose::Passkey, [7; 32], b"about", &given, now - 60 * MICROS - 1, false),
            ("another service", &other, Purpose::Passkey, [7; 32], b"about", &given, now, false),
            ("another purpose", &key, Purpose::Device, [7; 32], b"about", &given, now, false),
            ("another key", &key, Purpose::Passkey, [8; 32], b"about", &given, now, false),
            ("about another", &key, Purpose::Passkey, [7; 32], b"other", &given, now, false),
            ("changed", &key, Purpose::Passkey, [7; 32], b"about", &changed, now, false),
            ("cut", &key, Purpose::Passkey, [7; 32], b"about", &given[..55].to_vec(), now, false),
            ("nothing", &key, Purpose::Passkey, [7; 32], b"about", &Vec::new(), now, false),
        ] {
            assert_eq!(take(key, purpose, &thumbprint, about, bytes, now).is_ok(), expected, "{name}");
        }
    }
}
