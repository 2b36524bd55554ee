//! The vault in its file.
//!
//! | bytes | field |
//! |---|---|
//! | 0..16 | `segel-vault-key`, version 1 |
//! | 16..24 | generation (big-endian) |
//! | 24 | number of slots: one for each root that opens the file; two only while a root is being replaced |
//! | | for each: the root's id (16), a length (2), the file's key sealed under that root |
//! | rest | the base (36) and the vault, as a sealed object under the file's key, whose context is everything before it |
//!
//! The base lies here and not in the state, so that replacing the root touches this file and no other, and a state's backup
//! opens under whichever root is in force when it is needed.

use super::{DAMAGED, Vault};
use crate::root::Base;
use crate::{Error, Result, cobblestone, kdf};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const MAGIC: &[u8; 16] = b"segel-vault-key\x01";
/// Slots that are read; never more than two are written.
const SLOTS_MAX: usize = 4;
const OTHER: Error = Error::invalid("this is not a vault file");

/// Which root it is: told in clear, so that a file says whose it is.
pub type RootId = [u8; 16];

/// The key of the file, as one root has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The root.
    pub root: RootId,
    /// The file's key, sealed under that root.
    pub wrapped: Vec<u8>,
}

/// The key under which the file is sealed. It stays the same for the file's life; erasing replaces the seeds, not this.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct FileKey(pub [u8; 32]);

impl FileKey {
    /// A new one.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self(kdf::random()?))
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(#)")
    }
}

/// What a file says without being opened. It is authenticated only by opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The vault's generation.
    pub generation: u64,
    /// Who opens it.
    pub slots: Vec<Slot>,
}

/// Seals a vault: the bytes of its file.
///
/// # Errors
/// Invalid without a slot or with too many.
pub fn seal(slots: &[Slot], key: &FileKey, base: &Base, vault: &Vault) -> Result<Vec<u8>> {
    if slots.is_empty() || slots.len() > SLOTS_MAX {
        return Err(Error::invalid("a vault is opened by one root, or by two while one is replaced"));
    }
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&vault.generation.to_be_bytes());
    file.push(u8::try_from(slots.len()).map_err(|_| OTHER)?);
    for slot in slots {
        file.extend_from_slice(&slot.root);
        file.extend_from_slice(&u16::try_from(slot.wrapped.len()).map_err(|_| OTHER)?.to_be_bytes());
        file.extend_from_slice(&slot.wrapped);
    }
    let sealer = cobblestone::Sealer::with_salt(&key.0, &file, kdf::random()?)?;
    let body = vault.encode();
    let mut plain = Zeroizing::new(Vec::with_capacity(36 + body.len()));
    plain.extend_from_slice(base.to_bytes().as_slice());
    plain.extend_from_slice(&body);
    let sealed = cobblestone::seal_whole(sealer, &plain)?;
    file.extend_from_slice(&sealed);
    Ok(file)
}

/// Reads what stands before the sealed part.
///
/// # Errors
/// Invalid for a file of another kind.
pub fn header(file: &[u8]) -> Result<Header> {
    parse(file).map(|(header, _)| header).ok_or(OTHER)
}

/// Opens a file with its key: the base and the vault.
///
/// # Errors
/// Refused for another key or a changed file, Damaged for content that cannot be.
pub fn open(file: &[u8], key: &FileKey) -> Result<(Base, Vault)> {
    let (header, sealed) = parse(file).ok_or(OTHER)?;
    let context = file.strip_suffix(sealed).ok_or(OTHER)?;
    let plain = Zeroizing::new(cobblestone::open_whole(&key.0, context, sealed)?);
    let (base, body) = plain.split_at_checked(36).ok_or(DAMAGED)?;
    let vault = Vault::decode(body).ok_or(DAMAGED)?;
    if vault.generation == header.generation { Ok((Base::from_bytes(base)?, vault)) } else { Err(DAMAGED) }
}

fn parse(file: &[u8]) -> Option<(Header, &[u8])> {
    let rest = file.strip_prefix(MAGIC.as_slice())?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (count, mut rest) = rest.split_first()?;
    if *count == 0 || usize::from(*count) > SLOTS_MAX {
        return None;
    }
    let mut slots = Vec::new();
    for _ in 0..*count {
        let (root, after) = rest.split_first_chunk()?;
        let (len, after) = after.split_first_chunk()?;
        let (wrapped, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        slots.push(Slot { root: *root, wrapped: wrapped.to_vec() });
        rest = after;
    }
    Some((Header { generation: u64::from_be_bytes(*generation), slots }, rest))
}
