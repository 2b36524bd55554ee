//! A passphrase in shares: any *needed* of them give it back, fewer say nothing about it (Shamir 1979, over GF(256)).
//!
//! A share is one line of text that a person can keep on paper and type again:
//!
//! ```text
//! segel-share <set> <number>/<shares>/<needed> <hexadecimal in groups of eight> ... <checksum>
//! ```
//!
//! The set tells shares of two splits apart, the checksum finds a slip of the pen. What is split ends in a digest, so that
//! shares that were made up do not give back some other passphrase.

use crate::{Error, Result, kdf};
use aws_lc_rs::digest::{SHA256, digest};
use record::limits::PASSPHRASE_BYTES_MAX;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The word that every share begins with.
const WORD: &str = "segel-share";
/// Digest bytes behind the secret.
const CHECK_BYTES: usize = 8;
/// Secrets are filled up to a multiple of this, so that a share tells little of the passphrase's length.
const BLOCK_BYTES: usize = 32;
const NO_SHARE: Error = Error::invalid("this is not a share: check it for slips of the pen");

/// One share.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Share {
    set: [u8; 4],
    number: u8,
    count: u8,
    needed: u8,
    bytes: Vec<u8>,
}

/// Product in GF(256) with the polynomial of AES (FIPS 197 section 4.2), in the same time for all factors.
fn product(mut a: u8, mut b: u8) -> u8 {
    let mut sum = 0;
    for _ in 0..8 {
        sum ^= a & 0_u8.wrapping_sub(b & 1);
        a = (a << 1) ^ (0x1b & 0_u8.wrapping_sub(a >> 7));
        b >>= 1;
    }
    sum
}

/// The inverse: the 254th power.
fn inverse(a: u8) -> u8 {
    let mut power = 1;
    for bit in (0..8).rev() {
        power = product(power, power);
        if 254 >> bit & 1 == 1 {
            power = product(power, a);
        }
    }
    power
}

/// Splits a passphrase.
///
/// # Errors
/// Invalid for numbers that make no sense: at least 2 needed, at most 255 shares.
pub fn split(secret: &[u8], count: u8, needed: u8) -> Result<Vec<Share>> {
    if secret.is_empty() || secret.len() > PASSPHRASE_BYTES_MAX {
        return Err(Error::invalid("a passphrase has between 1 and 1,024 bytes"));
    }
    if needed < 2 || needed > count {
        return Err(Error::invalid("at least 2 shares must be needed, and no more than there are"));
    }
    let set = kdf::random()?;
    let padded = pad(&set, secret)?;
    let mut shares: Vec<Share> = (1..=count)
        .map(|number| Share { set, number, count, needed, bytes: Vec::with_capacity(padded.len()) })
        .collect();
    // A polynomial for each byte: its value at 0 is the byte, everything else about it is random.
    for byte in padded.iter() {
        let mut polynomial = Zeroizing::new(vec![*byte]);
        for _ in 1..needed {
            polynomial.push(kdf::random::<1>()?[0]);
        }
        for share in &mut shares {
            share.bytes.push(value(&polynomial, share.number));
        }
    }
    Ok(shares)
}

fn value(polynomial: &[u8], x: u8) -> u8 {
    polynomial.iter().rev().fold(0, |sum, coefficient| product(sum, x) ^ coefficient)
}

/// Gives the passphrase back.
///
/// # Errors
/// Invalid for too few shares, shares of different splits, or shares that do not belong together.
pub fn join(shares: &[Share]) -> Result<Zeroizing<Vec<u8>>> {
    let first = shares.first().ok_or(Error::invalid("there are no shares"))?;
    let mut chosen: Vec<&Share> = Vec::new();
    for share in shares {
        if (share.set, share.count, share.needed) != (first.set, first.count, first.needed) {
            return Err(Error::invalid("these shares come from different splits"));
        }
        match chosen.iter().find(|other| other.number == share.number) {
            Some(other) if *other != share => {
                return Err(Error::invalid("two different shares have the same number"));
            }
            Some(_) => {}
            None => chosen.push(share),
        }
    }
    if chosen.len() < usize::from(first.needed) {
        return Err(Error::invalid("these are too few different shares"));
    }
    if chosen.iter().any(|share| share.bytes.len() != first.bytes.len()) {
        return Err(Error::invalid("these shares do not belong together"));
    }
    chosen.truncate(first.needed.into());
    let points: Vec<u8> = chosen.iter().map(|share| share.number).collect();
    let mut padded = Zeroizing::new(vec![0; first.bytes.len()]);
    for share in &chosen {
        let weight = weight(&points, share.number);
        for (sum, byte) in padded.iter_mut().zip(&share.bytes) {
            *sum ^= product(weight, *byte);
        }
    }
    unpad(&first.set, &padded)
}

/// Lagrange's coefficient at 0 of one of the points.
fn weight(points: &[u8], at: u8) -> u8 {
    let others = points.iter().filter(|point| **point != at);
    others.fold(1, |weight, point| product(weight, product(*point, inverse(point ^ at))))
}

fn check(set: &[u8], bytes: &[u8], len: usize) -> Vec<u8> {
    digest(&SHA256, &[set, bytes].concat()).as_ref().iter().copied().take(len).collect()
}

/// Length (2), secret, zeros, digest (8).
fn pad(set: &[u8; 4], secret: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let len = u16::try_from(secret.len()).map_err(|_| Error::invalid("this is too long to be split"))?;
    let mut padded = Zeroizing::new(Vec::with_capacity(secret.len() + 2 * BLOCK_BYTES));
    padded.extend_from_slice(&len.to_be_bytes());
    padded.extend_from_slice(secret);
    let body = (padded.len() + CHECK_BYTES).next_multiple_of(BLOCK_BYTES) - CHECK_BYTES;
    padded.resize(body, 0);
    let check = check(set, &padded, CHECK_BYTES);
    padded.extend_from_slice(&check);
    Ok(padded)
}

fn unpad(set: &[u8; 4], padded: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    const WRONG: Error = Error::invalid("one of these shares is not what was printed");
    let (body, found) =
        padded.len().checked_sub(CHECK_BYTES).and_then(|at| padded.split_at_checked(at)).ok_or(WRONG)?;
    if check(set, body, CHECK_BYTES) != found {
        return Err(WRONG);
    }
    let (len, rest) = body.split_first_chunk().ok_or(WRONG)?;
    let secret = rest.get(..usize::from(u16::from_be_bytes(*len))).ok_or(WRONG)?;
    Ok(Zeroizing::new(secret.to_vec()))
}

impl Share {
    /// How many are needed, as this one says.
    #[must_use]
    pub fn needed(&self) -> u8 {
        self.needed
    }

    /// The line of text.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text =
            Zeroizing::new(format!("{WORD} {} {}/{}/{}", hex(&self.set), self.number, self.count, self.needed));
        for group in self.bytes.chunks(4) {
            text.push(' ');
            text.push_str(&Zeroizing::new(hex(group)));
        }
        let check = check(&[], text.as_bytes(), 4);
        text.push(' ');
        text.push_str(&hex(&check));
        text
    }

    /// Reads a line of text; spaces may be more or fewer, and letters large.
    ///
    /// # Errors
    /// Invalid for anything that is not one, a slip of the pen included.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(&text.to_ascii_lowercase()).ok_or(NO_SHARE)
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        if words.next()? != WORD {
            return None;
        }
        let set: [u8; 4] = unhex(words.next()?)?.try_into().ok()?;
        let numbers: Vec<u8> = words.next()?.split('/').map(|n| n.parse().ok()).collect::<Option<_>>()?;
        let [number, count, needed] = numbers.try_into().ok()?;
        let mut bytes = unhex(&Zeroizing::new(words.collect::<String>()))?;
        let found = bytes.split_off(bytes.len().checked_sub(4)?);
        let share = Self { set, number, count, needed, bytes };
        let is_sound = number >= 1 && number <= count && needed >= 2 && needed <= count;
        // The text is made again, so that the checksum covers every word as it was printed.
        let text = share.to_text();
        (is_sound && !share.bytes.is_empty() && text.ends_with(&hex(&found))).then_some(share)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({}/{}/{})", self.number, self.count, self.needed)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"kunci yang panjang sekali";

    #[test]
    fn products_and_inverses_are_those_of_the_standard() {
        // FIPS 197 sections 4.2 and 4.2.1.
        for (a, b, expected) in
            [(0x57, 0x83, 0xc1), (0x57, 0x13, 0xfe), (0x57, 0x02, 0xae), (0x57, 0x10, 0x07), (0, 9, 0)]
        {
            assert_eq!((product(a, b), product(b, a)), (expected, expected));
        }
        for a in 1..=255 {
            assert_eq!(product(a, inverse(a)), 1, "{a}");
        }
    }

    /// The polynomial 0x2a + 0x57 x + 0x83 x^2, evaluated apart in Python.
    #[test]
    fn a_polynomial_has_the_values_that_it_always_had() {
        let values: Vec<u8> = (1..=5).map(|x| value(&[0x2a, 0x57, 0x83], x)).collect();
        assert_eq!(values, include_bytes!("../tests/golden/share-values.bin"));
        let points = [1, 3, 5];
        let at_zero =
            points.iter().fold(0, |sum, x| sum ^ product(weight(&points, *x), value(&[0x2a, 0x57, 0x83], *x)));
        assert_eq!(at_zero, 0x2a);
    }

    #[test]
    fn any_that_are_enough_give_it_back() -> Result<()> {
        let shares = split(SECRET, 5, 3)?;
        for a in 0..5 {
            for b in 0..5 {
                for c in 0..5 {
                    let joined = join(&[shares[a].clone(), shares[b].clone(), shares[c].clone()]);
                    if a != b && b != c && a != c {
                        assert_eq!(joined?.as_slice(), SECRET);
                    } else {
                        assert!(joined.unwrap_err().to_string().contains("too few"));
                    }
                }
            }
        }
        assert_eq!(join(&shares)?.as_slice(), SECRET);
        Ok(())
    }

    #[test]
    fn two_of_three_say_nothing_about_any_byte() -> Result<()> {
        // With two of three needed shares every value of a byte is as possible as every other: a third point can be found for each.
        let points = [1, 2, 3];
        for (one, two) in [(0x12, 0x34), (0, 0xff)] {
            let mut possible = std::collections::HashSet::new();
            for third in 0..=255 {
                possible.insert(
                    product(weight(&points, 1), one)
                        ^ product(weight(&points, 2), two)
                        ^ product(weight(&points, 3), third),
                );
            }
            assert_eq!(possible.len(), 256);
        }
        Ok(())
    }

    #[test]
    fn shares_come_back_from_their_text_and_slips_are_found() -> Result<()> {
        let shares = split(SECRET, 3, 2)?;
        let texts: Vec<_> = shares.iter().map(Share::to_text).collect();
        let read = |text: &str| Share::parse(text);
        let tidy = [read(&texts[0])?, read(&format!("  {}\n", texts[2].to_uppercase().replace(' ', "   ")))?];
        assert_eq!(join(&tidy)?.as_slice(), SECRET);
        for at in 0..texts[1].len() {
            let mut changed: Vec<u8> = texts[1].as_bytes().to_vec();
            changed[at] = match changed[at] {
                b'0' => b'1',
                b' ' => b'x',
                _ => b'0',
            };
            assert!(read(std::str::from_utf8(&changed).unwrap()).is_err(), "at {at}");
        }
        for wrong in ["", "segel-share", "segel-share 00000000 1/3/2", "segel-share 0000000 1/3/2 00", "hello"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn mixed_and_made_up_shares_say_what_is_wrong() -> Result<()> {
        let (one, other) = (split(SECRET, 3, 2)?, split(SECRET, 3, 2)?);
        let text = |shares: &[Share]| join(shares).unwrap_err().to_string();
        assert!(text(&[one[0].clone(), other[1].clone()]).contains("different splits"));
        assert!(text(&[one[0].clone()]).contains("too few"));
        assert!(text(&[]).contains("no shares"));
        let mut forged = one[1].clone();
        forged.bytes[0] ^= 1;
        assert!(text(&[one[0].clone(), forged.clone()]).contains("not what was printed"));
        assert!(text(&[one[1].clone(), forged]).contains("same number"));
        Ok(())
    }

    #[test]
    fn numbers_and_lengths_are_bounded() {
        assert!(split(SECRET, 3, 1).is_err() && split(SECRET, 2, 3).is_err() && split(b"", 3, 2).is_err());
        assert!(split(&[b'x'; PASSPHRASE_BYTES_MAX + 1], 3, 2).is_err());
        let longest = split(&[b'x'; PASSPHRASE_BYTES_MAX], 255, 255).unwrap();
        assert_eq!(join(&longest).unwrap().len(), PASSPHRASE_BYTES_MAX);
        // A passphrase of five bytes and one of twenty look alike.
        assert_eq!(split(b"lima!", 2, 2).unwrap()[0].bytes.len(), split(&[b'x'; 20], 2, 2).unwrap()[0].bytes.len());
    }
}
