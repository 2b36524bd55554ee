//! Reading one sealed part by range.

use crate::error::{Error, Result};
use crate::index::rows::Kept;
use crate::object::Extent;
use crate::storage::Storage;
use record::limits;
use seal::cobblestone::{self, Opener, SEALED_CHUNK_BYTES, SEALED_HEADER_BYTES};
use seal::context::{self, PartName};
use seal::message::DataKey;
use seal::padded;
use std::ops::Range;

/// A part up to this size is read in one piece: its end would be read twice otherwise, and each read costs more than a chunk.
const WHOLE_BYTES_MAX: u64 = 4 * SEALED_CHUNK_BYTES as u64;

/// All bytes of a part without padding. Blocks.
pub(super) fn read_all(storage: &Storage, kept: &Kept, name: PartName, key: &DataKey) -> Result<Vec<u8>> {
    let extent = extent_of(kept, name);
    if extent.sealed_bytes > WHOLE_BYTES_MAX {
        let reader = PartReader::open(storage, kept.clone(), name, key)?;
        return reader.read(storage, 0..reader.len());
    }
    let sealed = storage.read_part(kept, extent, 0..extent.sealed_bytes)?;
    let mut plain = cobblestone::open(key, &context::bytes(&kept.record.context(), name), &sealed)?;
    padded::unpad(&mut plain)?;
    Ok(plain)
}

fn extent_of(kept: &Kept, name: PartName) -> Extent {
    match name {
        PartName::Summary => kept.record.summary,
        PartName::Metadata => kept.record.metadata,
        PartName::Content => kept.record.content,
    }
}

/// A sealed part whose key fits and whose true length is proved.
pub(super) struct PartReader {
    kept: Kept,
    extent: Extent,
    opener: Opener,
    chunks: u64,
    len: u64,
}

impl PartReader {
    /// Checks the key's commitment and opens the end of the part, which proves its length. Blocks.
    pub(super) fn open(storage: &Storage, kept: Kept, name: PartName, key: &DataKey) -> Result<Self> {
        let extent = extent_of(&kept, name);
        let header = storage.read_part(&kept, extent, 0..SEALED_HEADER_BYTES as u64)?;
        let header: [u8; SEALED_HEADER_BYTES] =
            header.try_into().map_err(|_| Error::Damaged("a sealed part is shorter than its header".to_owned()))?;
        let opener = Opener::new(key, &context::bytes(&kept.record.context(), name), &header)?;
        let chunks = cobblestone::chunk_count(extent.sealed_bytes)?;
        let padded = cobblestone::plain_len(extent.sealed_bytes)?;
        let mut reader = Self { kept, extent, opener, chunks, len: padded };
        if padded % cobblestone::CHUNK_BYTES as u64 == 0 {
            // The last chunk is empty, so no range ever touches it; only opening it proves that nothing was cut off.
            reader.open_chunks(storage, chunks.saturating_sub(1)..chunks, &mut Vec::new())?;
        }
        let trailer = reader.read(storage, padded.saturating_sub(padded::TRAILER_BYTES)..padded)?;
        let trailer = trailer.try_into().map_err(|_| Error::Damaged("a sealed part has no length".to_owned()))?;
        reader.len = padded::true_len(padded, trailer)?;
        Ok(reader)
    }

    /// Length of what was sealed, without padding.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The bytes of a range, as far as they exist. Blocks.
    pub(super) fn read(&self, storage: &Storage, range: Range<u64>) -> Result<Vec<u8>> {
        let range = range.start.min(self.len)..range.end.min(self.len);
        let mut plain = Vec::new();
        if range.is_empty() {
            return Ok(plain);
        }
        let needed = cobblestone::chunks_of(&range);
        let window = (limits::PART_READ_BYTES_MAX / SEALED_CHUNK_BYTES as u64).max(1);
        let mut first = needed.start;
        while first < needed.end {
            let next = (first + window).min(needed.end);
            self.open_chunks(storage, first..next, &mut plain)?;
            first = next;
        }
        let skipped = range.start - needed.start * cobblestone::CHUNK_BYTES as u64;
        let cut = |length: u64| usize::try_from(length).unwrap_or(usize::MAX);
        plain.truncate(cut(skipped + (range.end - range.start)));
        plain.drain(..cut(skipped).min(plain.len()));
        Ok(plain)
    }

    fn open_chunks(&self, storage: &Storage, chunks: Range<u64>, plain: &mut Vec<u8>) -> Result<()> {
        let total = self.extent.sealed_bytes;
        let start = cobblestone::chunk_span(chunks.start, total).start;
        let end = cobblestone::chunk_span(chunks.end - 1, total).end;
        let sealed = storage.read_part(&self.kept, self.extent, start..end)?;
        for (index, chunk) in chunks.zip(sealed.chunks(SEALED_CHUNK_BYTES)) {
            self.opener.open_chunk(index, index + 1 == self.chunks, chunk, plain)?;
        }
        Ok(())
    }
}
