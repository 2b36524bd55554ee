//! Segments as somebody writes them who knows the format (`docs/formats.md`) and has no key: ciphertexts exchanged, and every
//! hash made anew.

use crate::{Result, kept};
use archive::object::{Extent, ObjectRecord};
use seal::context::PartName;
use std::ops::Range;
use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 56;
const TRAILER_BYTES: usize = 80;
/// Record bytes, padding bytes.
const LENGTHS_BYTES: usize = 8;
/// Where a header tells the frame's length.
const FRAME_BYTES: Range<usize> = 48..56;

/// The parts of an object version.
pub const PARTS: [PartName; 3] = [PartName::Summary, PartName::Metadata, PartName::Content];

/// One frame of a segment.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The segment.
    pub path: PathBuf,
    /// Where the frame begins.
    pub offset: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it holds.
    pub records: Vec<ObjectRecord>,
}

fn part(bytes: &[u8], range: Range<usize>) -> Result<&[u8]> {
    bytes.get(range).ok_or_else(|| "a frame cut short".into())
}

fn number(bytes: &[u8], range: Range<usize>) -> Result<usize> {
    let value = part(bytes, range)?.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    Ok(usize::try_from(value)?)
}

/// Every frame below an archive's folder, in order.
///
/// # Errors
/// If a segment is not what the format says.
pub fn frames(archive: &Path) -> Result<Vec<Frame>> {
    let mut frames = Vec::new();
    for path in kept::files(&archive.join("segments"))? {
        let bytes = std::fs::read(&path)?;
        let mut offset = 0;
        while offset < bytes.len() {
            let header = part(&bytes, offset..offset + HEADER_BYTES)?;
            let frame = part(&bytes, offset..offset + number(header, FRAME_BYTES)?)?.to_vec();
            let records = minicbor::decode(part(&frame, record_of(&frame)?)?)?;
            frames.push(Frame { path: path.clone(), offset, bytes: frame, records });
            offset += frames.last().map_or(1, |frame| frame.bytes.len());
        }
    }
    Ok(frames)
}

/// Where the record lies.
fn record_of(frame: &[u8]) -> Result<Range<usize>> {
    let trailer = frame.len().checked_sub(TRAILER_BYTES).ok_or("a frame without an end")?;
    let (record, padding) = (number(frame, trailer..trailer + 4)?, number(frame, trailer + 4..trailer + 8)?);
    let end = trailer.checked_sub(padding).ok_or("more padding than frame")?;
    Ok(end.checked_sub(record).ok_or("more record than frame")?..end)
}

/// Where a part of an object lies.
#[must_use]
pub fn extent(record: &ObjectRecord, name: PartName) -> Extent {
    match name {
        PartName::Summary => record.summary,
        PartName::Metadata => record.metadata,
        PartName::Content => record.content,
    }
}

impl Frame {
    fn range(&self, extent: Extent) -> Result<Range<usize>> {
        let from = usize::try_from(extent.offset)?;
        Ok(from..from + usize::try_from(extent.sealed_bytes)?)
    }

    /// The sealed bytes of a part.
    ///
    /// # Errors
    /// If it lies outside.
    pub fn sealed(&self, extent: Extent) -> Result<&[u8]> {
        part(&self.bytes, self.range(extent)?)
    }

    /// Puts other bytes in the place of a part, as many as fit.
    ///
    /// # Errors
    /// If it lies outside.
    pub fn put(&mut self, extent: Extent, sealed: &[u8]) -> Result<()> {
        let range = self.range(extent)?;
        let place = self.bytes.get_mut(range).ok_or("a part outside its frame")?;
        for (to, from) in place.iter_mut().zip(sealed) {
            *to = *from;
        }
        Ok(())
    }

    /// Puts another record in the place of its own; it must be as long.
    ///
    /// # Errors
    /// If it is not.
    pub fn put_records(&mut self) -> Result<()> {
        let encoded = minicbor::to_vec(&self.records)?;
        let range = record_of(&self.bytes)?;
        let place = self.bytes.get_mut(range).ok_or("a record outside its frame")?;
        if place.len() != encoded.len() {
            return Err("another length of record".into());
        }
        place.copy_from_slice(&encoded);
        Ok(())
    }

    /// Makes both hashes anew and writes the frame in its place.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn write(&mut self) -> Result<()> {
        let trailer = self.bytes.len() - TRAILER_BYTES;
        let header = part(&self.bytes, 0..HEADER_BYTES)?.to_vec();
        let lengths = part(&self.bytes, trailer..trailer + LENGTHS_BYTES)?.to_vec();
        let record = part(&self.bytes, record_of(&self.bytes)?)?.to_vec();
        let body = part(&self.bytes, HEADER_BYTES..trailer)?;
        let record_hash = *blake3::Hasher::new().update(&header).update(&lengths).update(&record).finalize().as_bytes();
        let frame_hash = *blake3::Hasher::new()
            .update(body)
            .update(&header)
            .update(&lengths)
            .update(&record_hash)
            .finalize()
            .as_bytes();
        let hashes = self.bytes.get_mut(trailer + LENGTHS_BYTES..trailer + LENGTHS_BYTES + 64).ok_or("no trailer")?;
        hashes.copy_from_slice(&[record_hash, frame_hash].concat());
        self.write_as_it_is()
    }

    /// Writes the frame in its place with the hashes that it had.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn write_as_it_is(&self) -> Result<()> {
        use std::os::unix::fs::FileExt as _;
        let file = std::fs::OpenOptions::new().write(true).open(&self.path)?;
        Ok(file.write_all_at(&self.bytes, u64::try_from(self.offset)?)?)
    }
}

/// Exchanges the ciphertexts of two parts; with `hashed`, as somebody who makes the hashes anew.
///
/// # Errors
/// If they are of different lengths, or the disk fails.
pub fn exchange(
    frames: &mut [Frame],
    (one, its): (usize, PartName),
    (other, others): (usize, PartName),
    hashed: bool,
) -> Result<()> {
    let look = |frames: &[Frame], at: usize, name| -> Result<(Extent, Vec<u8>)> {
        let frame = frames.get(at).ok_or("no such frame")?;
        let extent = extent(frame.records.first().ok_or("an empty frame")?, name);
        Ok((extent, frame.sealed(extent)?.to_vec()))
    };
    let ((first, first_bytes), (second, second_bytes)) = (look(frames, one, its)?, look(frames, other, others)?);
    if first_bytes == second_bytes {
        return Err("nothing is exchanged".into());
    }
    frames.get_mut(one).ok_or("no such frame")?.put(first, &second_bytes)?;
    frames.get_mut(other).ok_or("no such frame")?.put(second, &first_bytes)?;
    for at in [one, other] {
        let frame = frames.get_mut(at).ok_or("no such frame")?;
        if hashed { frame.write()? } else { frame.write_as_it_is()? }
    }
    Ok(())
}
