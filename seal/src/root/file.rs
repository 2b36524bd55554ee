//! The root in a file under a passphrase.
//!
//! | bytes | field |
//! |---|---|
//! | 0..16 | `segel-root-key` NUL, version 1 |
//! | 16..20, 20..24, 24..28 | Argon2id: memory in KiB, passes, lanes (big-endian) |
//! | 28..60 | salt |
//! | 60..168 | epoch (4, big-endian) and root (32) as a sealed object whose context is bytes 0..60 |
//!
//! The parameters are authenticated with the rest, but the work they ask for is done before that can be known:
//! parameters above a bound are refused unread, and below one they are refused because a weakened file would let the
//! passphrase be guessed.

use super::Root;
use crate::{Error, Result, cobblestone, kdf};
use argon2::{Algorithm, Argon2, Params, Version};
use record::Outcome;
use record::limits::{
    PASSPHRASE_BYTES_MAX, PASSPHRASE_LANES_MAX, PASSPHRASE_MEMORY_KIB_MAX, PASSPHRASE_MEMORY_KIB_MIN,
    PASSPHRASE_PASSES_MAX, PASSPHRASE_PASSES_MIN,
};
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// Length of the file.
pub const FILE_BYTES: usize = HEADER_BYTES + cobblestone::SEALED_HEADER_BYTES + 36 + cobblestone::TAG_BYTES;

const HEADER_BYTES: usize = 60;
const MAGIC: &[u8; 16] = b"segel-root-key\x00\x01";

/// RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes.
const WRITTEN: Work = Work { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

#[derive(Clone, Copy)]
struct Work {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Work {
    fn is_within_bounds(self) -> bool {
        let bounds: [(u32, RangeInclusive<u32>); 3] = [
            (self.memory_kib, PASSPHRASE_MEMORY_KIB_MIN..=PASSPHRASE_MEMORY_KIB_MAX),
            (self.passes, PASSPHRASE_PASSES_MIN..=PASSPHRASE_PASSES_MAX),
            (self.lanes, 1..=PASSPHRASE_LANES_MAX),
        ];
        bounds.iter().all(|(value, bound)| bound.contains(value))
    }

    fn key(self, passphrase: &[u8], salt: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>> {
        let no = |_| Error::invalid("the passphrase cannot be stretched with these parameters");
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(no)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, salt, key.as_mut_slice())
            .map_err(no)?;
        Ok(key)
    }
}

/// Seals a root under a passphrase: the bytes of the file.
///
/// # Errors
/// Invalid for an empty or very long passphrase.
pub fn seal(root: &Root, passphrase: &[u8]) -> Result<Vec<u8>> {
    seal_with(root, passphrase, WRITTEN, kdf::random()?, kdf::random()?)
}

fn seal_with(root: &Root, passphrase: &[u8], work: Work, salt: [u8; 32], inner_salt: [u8; 24]) -> Result<Vec<u8>> {
    check_passphrase(passphrase)?;
    let mut file = Vec::with_capacity(FILE_BYTES);
    file.extend_from_slice(MAGIC);
    for number in [work.memory_kib, work.passes, work.lanes] {
        file.extend_from_slice(&number.to_be_bytes());
    }
    file.extend_from_slice(&salt);
    let mut plain = Zeroizing::new(Vec::with_capacity(36));
    plain.extend_from_slice(&root.epoch.to_be_bytes());
    plain.extend_from_slice(&root.secret);
    let key = work.key(passphrase, &salt)?;
    let sealed = cobblestone::seal_whole(cobblestone::Sealer::with_salt(&key, &file, inner_salt)?, &plain)?;
    file.extend_from_slice(&sealed);
    Ok(file)
}

/// Opens the file's bytes.
///
/// # Errors
/// Invalid for a file of another kind or with parameters out of bounds, Refused for a wrong passphrase or a changed file.
pub fn open(file: &[u8], passphrase: &[u8]) -> Result<Root> {
    const OTHER: Error = Error::invalid("this is not a root key file");
    check_passphrase(passphrase)?;
    if file.len() != FILE_BYTES {
        return Err(OTHER);
    }
    let (header, sealed) = file.split_first_chunk::<HEADER_BYTES>().ok_or(OTHER)?;
    let rest = header.strip_prefix(MAGIC.as_slice()).ok_or(OTHER)?;
    let (memory_kib, rest) = number(rest).ok_or(OTHER)?;
    let (passes, rest) = number(rest).ok_or(OTHER)?;
    let (lanes, rest) = number(rest).ok_or(OTHER)?;
    let salt = rest.first_chunk().ok_or(OTHER)?;
    let work = Work { memory_kib, passes, lanes };
    if !work.is_within_bounds() {
        return Err(Error::invalid("the root key file asks for too little or too much work per guess"));
    }
    let key = work.key(passphrase, salt)?;
    let plain = cobblestone::open_whole(&key, header, sealed)
        .map(Zeroizing::new)
        .map_err(|_| Error::new(Outcome::Refused, "wrong passphrase, or the root key file was changed"))?;
    let (epoch, secret) = number(&plain).ok_or(OTHER)?;
    Ok(Root { epoch, secret: *secret.first_chunk().ok_or(OTHER)? })
}

fn check_passphrase(passphrase: &[u8]) -> Result<()> {
    if passphrase.is_empty() || passphrase.len() > PASSPHRASE_BYTES_MAX {
        return Err(Error::invalid("a passphrase has between 1 and 1,024 bytes"));
    }
    Ok(())
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &[u8] = b"kunci yang panjang sekali";

    #[test]
    fn a_root_comes_back_and_only_under_its_passphrase() -> Result<()> {
        let root = Root::for_test(5, [0x5a; 32]);
        let file = seal(&root, PASSPHRASE)?;
        assert_eq!(file.len(), FILE_BYTES);
        assert!(!file.windows(8).any(|w| w == [0x5a; 8]));
        let opened = open(&file, PASSPHRASE)?;
        assert_eq!((opened.epoch, opened.secret), (5, [0x5a; 32]));
        assert_eq!(open(&file, b"kunci yang lain").map(|_| ()).map_err(|e| e.outcome()), Err(Outcome::Refused));
        assert_ne!(file, seal(&root, PASSPHRASE)?);
        Ok(())
    }

    #[test]
    fn every_changed_field_is_refused() -> Result<()> {
        let file = seal(&Root::for_test(1, [1; 32]), PASSPHRASE)?;
        // One bit in: magic, version, memory (+1 KiB), passes, lanes, salt, inner salt, commitment, epoch, root, tag.
        for at in [0, 15, 19, 23, 27, 28, 59, 60, 84, 116, 120, 151, 167] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&changed, PASSPHRASE).is_err(), "byte {at}");
        }
        for len in [0, 15, 59, 60, 116, FILE_BYTES - 1] {
            assert_eq!(open(&file[..len], PASSPHRASE).map(|_| ()).map_err(|e| e.outcome()), Err(Outcome::Invalid));
        }
        Ok(())
    }

    #[test]
    fn work_is_bounded_below_and_above() -> Result<()> {
        let root = Root::for_test(1, [1; 32]);
        let file = seal(&root, PASSPHRASE)?;
        let with = |at: usize, value: u32| {
            let mut changed = file.clone();
            changed[at..at + 4].copy_from_slice(&value.to_be_bytes());
            open(&changed, PASSPHRASE).map(|_| ()).map_err(|e| e.outcome())
        };
        // One past each bound is refused unread; a value inside is tried, and then fails for being changed.
        assert_eq!(with(16, PASSPHRASE_MEMORY_KIB_MIN - 1), Err(Outcome::Invalid));
        assert_eq!(with(16, PASSPHRASE_MEMORY_KIB_MAX + 1), Err(Outcome::Invalid));
        assert_eq!(with(16, PASSPHRASE_MEMORY_KIB_MAX), Err(Outcome::Refused));
        assert_eq!(with(20, PASSPHRASE_PASSES_MIN - 1), Err(Outcome::Invalid));
        assert_eq!(with(20, PASSPHRASE_PASSES_MAX + 1), Err(Outcome::Invalid));
        assert_eq!(with(20, PASSPHRASE_PASSES_MAX), Err(Outcome::Refused));
        assert_eq!(with(24, 0), Err(Outcome::Invalid));
        assert_eq!(with(24, PASSPHRASE_LANES_MAX + 1), Err(Outcome::Invalid));
        assert_eq!(with(24, PASSPHRASE_LANES_MAX), Err(Outcome::Refused));
        assert!(seal(&root, b"").is_err());
        assert!(seal(&root, &[b'x'; PASSPHRASE_BYTES_MAX + 1]).is_err());
        assert!(seal(&root, &[b'x'; PASSPHRASE_BYTES_MAX]).is_ok());
        Ok(())
    }

    #[test]
    fn the_files_bytes_are_golden() -> Result<()> {
        let file = seal_with(&Root::for_test(1, [2; 32]), PASSPHRASE, WRITTEN, [3; 32], [4; 24])?;
        assert_eq!(hex::encode(file), include_str!("../../tests/golden/root-key.hex").trim());
        Ok(())
    }
}
