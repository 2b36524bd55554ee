//! Where things lie: plaintext byte `i` is byte `i % 16384` of chunk `i / 16384`, and chunk `k` starts at byte
//! `56 + k * (16384 + 16)` of the sealed object (C2SP chunked-encryption, "Implementation notes").

use super::{CHUNK_BYTES, CHUNKS_MAX, SEALED_CHUNK_BYTES, SEALED_HEADER_BYTES, TAG_BYTES};
use crate::{Error, Result};
use std::ops::Range;

const HEADER: u64 = SEALED_HEADER_BYTES as u64;
const CHUNK: u64 = CHUNK_BYTES as u64;
const TAG: u64 = TAG_BYTES as u64;
const SEALED_CHUNK: u64 = SEALED_CHUNK_BYTES as u64;

/// Bytes that a message of `plain` bytes takes when sealed.
#[must_use]
pub fn sealed_len(plain: u64) -> u64 {
    let tags = (plain / CHUNK + 1).saturating_mul(TAG);
    plain.saturating_add(tags).saturating_add(HEADER)
}

/// Bytes of the message in a sealed object of `sealed` bytes. It believes the length; opening the last chunk proves it.
///
/// # Errors
/// Damaged for a length that no sealed object has.
pub fn plain_len(sealed: u64) -> Result<u64> {
    let count = chunk_count(sealed)?;
    sealed
        .checked_sub(HEADER + count.saturating_mul(TAG))
        .ok_or(Error::damaged("a sealed object has a length that none can have"))
}

/// Chunks of a sealed object of `sealed` bytes, the short last one included.
///
/// # Errors
/// Damaged for a length that no sealed object has: shorter than its header, or with a last chunk shorter than a tag.
pub fn chunk_count(sealed: u64) -> Result<u64> {
    let body = sealed.checked_sub(HEADER).ok_or(Error::damaged("a sealed object is shorter than its header"))?;
    if body % SEALED_CHUNK < TAG {
        return Err(Error::damaged("a sealed object has lost its last chunk"));
    }
    let count = body / SEALED_CHUNK + 1;
    if count > CHUNKS_MAX {
        return Err(Error::damaged("a sealed object has more chunks than one may have"));
    }
    Ok(count)
}

/// The bytes of chunk `index` in a sealed object of `sealed_total` bytes; empty beyond its end.
#[must_use]
pub fn chunk_span(index: u64, sealed_total: u64) -> Range<u64> {
    let start = index.saturating_mul(SEALED_CHUNK).saturating_add(HEADER).min(sealed_total);
    start..start.saturating_add(SEALED_CHUNK).min(sealed_total)
}

/// The chunks that hold a range of the message; empty for an empty range.
#[must_use]
pub fn chunks_of(plain: &Range<u64>) -> Range<u64> {
    if plain.is_empty() {
        return plain.start / CHUNK..plain.start / CHUNK;
    }
    plain.start / CHUNK..plain.end.div_ceil(CHUNK)
}
