//! Sealed objects: C2SP chunked-encryption, instantiated as Cobblestone-256 (HKDF-Expand with SHA-512, AES-256-GCM).
//!
//! A sealed object is salt (24), commitment (32), then chunks of 16 KiB + 16, the last one always shorter. The short
//! last chunk is the end mark: a cut, doubled, swapped or lengthened object does not open. Any chunk opens alone.

mod range;

use crate::message::DataKey;
use crate::{Error, Result, kdf};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::constant_time;
use std::fmt;
use zeroize::Zeroizing;

pub use range::{chunk_count, chunk_span, chunks_of, plain_len, sealed_len};

/// Bytes before the first chunk: salt and commitment.
pub const SEALED_HEADER_BYTES: usize = 56;
/// Plaintext bytes of every chunk but the last.
pub const CHUNK_BYTES: usize = 16_384;
/// What AES-GCM adds to a chunk.
pub const TAG_BYTES: usize = 16;
/// Bytes of every sealed chunk but the last.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// The chunk counter may not reach this (C2SP chunked-encryption, "Message chunking").
pub const CHUNKS_MAX: u64 = 1 << 38;

const SALT_BYTES: usize = 24;
const LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00";
const DOES_NOT_OPEN: Error = Error::refused("the sealed bytes do not open with this key and context");

/// What HKDF-Expand yields for one message: the AEAD's key, the base nonce and the commitment.
struct Schedule {
    key: LessSafeKey,
    base_nonce: [u8; 12],
    commitment: [u8; 32],
}

impl Schedule {
    fn derive(key: &[u8; 32], salt: &[u8; SALT_BYTES], context: &[u8]) -> Result<Self> {
        let mut okm = Zeroizing::new([0; 32 + 12 + 32]);
        kdf::expand(key, &[LABEL, salt, context], okm.as_mut_slice())?;
        let (aead_key, rest) = okm.split_at(32);
        let (nonce, commit) = rest.split_at(12);
        let (mut base_nonce, mut commitment) = ([0; 12], [0; 32]);
        base_nonce.copy_from_slice(nonce);
        commitment.copy_from_slice(commit);
        let key = UnboundKey::new(&AES_256_GCM, aead_key).map_err(|_| DOES_NOT_OPEN)?;
        Ok(Self { key: LessSafeKey::new(key), base_nonce, commitment })
    }

    /// The base nonce XOR the chunk's number, as a big-endian integer as wide as the nonce.
    fn nonce(&self, index: u64) -> Result<Nonce> {
        if index >= CHUNKS_MAX {
            return Err(Error::invalid("more chunks than one sealed object may have"));
        }
        let mut nonce = self.base_nonce;
        for (byte, count) in nonce.iter_mut().skip(4).zip(index.to_be_bytes()) {
            *byte ^= count;
        }
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

/// Seals a message as it arrives; holds at most one chunk of it.
pub struct Sealer {
    schedule: Schedule,
    header: [u8; SEALED_HEADER_BYTES],
    waiting: Zeroizing<Vec<u8>>,
    next: u64,
}

impl Sealer {
    /// Starts a message under a random salt.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn new(key: &DataKey, context: &[u8]) -> Result<Self> {
        Self::with_salt(&key.0, context, kdf::random()?)
    }

    pub(crate) fn with_salt(key: &[u8; 32], context: &[u8], salt: [u8; SALT_BYTES]) -> Result<Self> {
        let schedule = Schedule::derive(key, &salt, context)?;
        let mut header = [0; SEALED_HEADER_BYTES];
        for (to, from) in header.iter_mut().zip(salt.iter().chain(&schedule.commitment)) {
            *to = *from;
        }
        Ok(Self { schedule, header, waiting: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)), next: 0 })
    }

    /// The first 56 bytes of the sealed object. They are not among what `update` writes.
    #[must_use]
    pub fn header(&self) -> [u8; SEALED_HEADER_BYTES] {
        self.header
    }

    /// Takes more of the message and appends every chunk that is full to `out`.
    ///
    /// # Errors
    /// Invalid beyond 2^38 chunks.
    pub fn update(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.reserve(plain.len().saturating_add(TAG_BYTES));
        while !plain.is_empty() {
            if self.waiting.is_empty()
                && let Some((chunk, rest)) = plain.split_at_checked(CHUNK_BYTES)
            {
                // A whole chunk is at hand: seal it from where it lies.
                seal_chunk(&self.schedule, self.next, chunk, out)?;
                self.next += 1;
                plain = rest;
                continue;
            }
            let room = CHUNK_BYTES - self.waiting.len();
            let (now, rest) = plain.split_at(room.min(plain.len()));
            self.waiting.extend_from_slice(now);
            plain = rest;
            if self.waiting.len() == CHUNK_BYTES {
                seal_chunk(&self.schedule, self.next, &self.waiting, out)?;
                self.next += 1;
                self.waiting.clear();
            }
        }
        Ok(())
    }

    /// Ends the message: appends the last chunk, which is shorter than the others and may be empty.
    ///
    /// # Errors
    /// Invalid beyond 2^38 chunks.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<()> {
        seal_chunk(&self.schedule, self.next, &self.waiting, out)
    }
}

fn seal_chunk(schedule: &Schedule, index: u64, plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let nonce = schedule.nonce(index)?;
    let start = out.len();
    out.extend_from_slice(plain);
    let body = out.get_mut(start..).unwrap_or_default();
    let tag = schedule
        .key
        .seal_in_place_separate_tag(nonce, Aad::empty(), body)
        .map_err(|_| Error::invalid("the cipher refused a chunk"))?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(#)")
    }
}

/// Opens the chunks of one sealed object, in any order.
pub struct Opener {
    schedule: Schedule,
}

impl Opener {
    /// Checks the commitment; no chunk is touched before.
    ///
    /// # Errors
    /// Refused if the key, the context or the header is not the one that was sealed with.
    pub fn new(key: &DataKey, context: &[u8], header: &[u8; SEALED_HEADER_BYTES]) -> Result<Self> {
        Self::with_key(&key.0, context, header)
    }

    pub(crate) fn with_key(key: &[u8; 32], context: &[u8], header: &[u8; SEALED_HEADER_BYTES]) -> Result<Self> {
        let (salt, commitment) = header.split_first_chunk::<SALT_BYTES>().ok_or(DOES_NOT_OPEN)?;
        let schedule = Schedule::derive(key, salt, context)?;
        constant_time::verify_slices_are_equal(&schedule.commitment, commitment).map_err(|_| DOES_NOT_OPEN)?;
        Ok(Self { schedule })
    }

    /// Opens one chunk and appends its plaintext to `out`, which is left as it was on any error. `last` says where the
    /// chunk stands: the last one must be short and every other one full, so opening the last one proves the length.
    ///
    /// # Errors
    /// Damaged for a length that no chunk at that place has, Refused for bytes that are not the ones sealed there.
    pub fn open_chunk(&self, index: u64, last: bool, sealed: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let lengths = if last { TAG_BYTES..=SEALED_CHUNK_BYTES - 1 } else { SEALED_CHUNK_BYTES..=SEALED_CHUNK_BYTES };
        if !lengths.contains(&sealed.len()) {
            return Err(Error::damaged("a sealed chunk has a length that none can have at its place"));
        }
        let nonce = self.schedule.nonce(index)?;
        let (body, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
        let start = out.len();
        out.resize(start + body.len(), 0);
        let opened = self.schedule.key.open_separate_gather(
            nonce,
            Aad::empty(),
            body,
            tag,
            out.get_mut(start..).unwrap_or_default(),
        );
        if opened.is_err() {
            out.truncate(start);
            return Err(DOES_NOT_OPEN);
        }
        Ok(())
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(#)")
    }
}

/// Seals a message that is in memory: header and chunks.
///
/// # Errors
/// Busy if the system gives no randomness.
pub fn seal(key: &DataKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    seal_whole(Sealer::new(key, context)?, plain)
}

/// Opens a whole sealed object.
///
/// # Errors
/// Damaged for a length that no sealed object has, Refused for anything but the bytes, key and context of the sealing.
pub fn open(key: &DataKey, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
    open_whole(&key.0, context, sealed)
}

pub(crate) fn seal_whole(mut sealer: Sealer, plain: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(usize::try_from(sealed_len(plain.len() as u64)).unwrap_or_default());
    out.extend_from_slice(&sealer.header());
    sealer.update(plain, &mut out)?;
    sealer.finish(&mut out)?;
    Ok(out)
}

pub(crate) fn open_whole(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
    let plain_len = plain_len(sealed.len() as u64)?;
    let (header, mut rest) = sealed.split_first_chunk().ok_or(DOES_NOT_OPEN)?;
    let opener = Opener::with_key(key, context, header)?;
    let mut out = Vec::with_capacity(usize::try_from(plain_len).unwrap_or_default());
    let mut index = 0;
    while let Some((chunk, after)) = rest.split_at_checked(SEALED_CHUNK_BYTES) {
        opener.open_chunk(index, false, chunk, &mut out)?;
        index += 1;
        rest = after;
    }
    opener.open_chunk(index, true, rest, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
