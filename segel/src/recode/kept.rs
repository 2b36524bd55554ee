//! One frame of an open instance: where it lies, and its values.

use super::{Error, value};
use crate::dicomweb::bulk::{Bulk, PIXEL_DATA};
use crate::pixels::description::{self, Bulks, FrameMissing};
use crate::pixels::{Encoded, Native, PixelDescription, Pixels};
use archive::retrieve::Opened;
use record::limits::DECODED_FRAME_BYTES_MAX;
use serde_json::Value;
use std::ops::Range;
use wire::syntax::EXPLICIT_BIG;

/// A look-up table: 65,536 entries of 16 bits.
const TABLE_BYTES_MAX: u64 = 128 * 1024;

/// Where a frame (from 0) of an open instance lies, with all that is needed to decode and draw it. It is read only once there is
/// a turn to decode it, so that those who wait hold no plaintext.
pub struct Kept {
    /// What the image says of its pixels.
    pub description: PixelDescription,
    /// Bytes of the frame as kept.
    pub frame_bytes: u64,
    transfer_syntax_uid: String,
    ranges: Vec<Range<u64>>,
    swap_from: Option<u64>,
}

impl Kept {
    /// Finds a frame.
    pub async fn of(opened: &Opened, metadata: &Value, frame: u32) -> Result<Self, Error> {
        let syntax = opened.located().instance().map(|facts| facts.transfer_syntax_uid.clone());
        let transfer_syntax_uid = syntax.ok_or(Error::Missing)?;
        if metadata.get(PIXEL_DATA).is_none() {
            return Err(Error::Unwritable("There is no image in this instance."));
        }
        let bulks = tables(opened, metadata, frame, &transfer_syntax_uid).await?;
        let described = PixelDescription::of(metadata, frame, &bulks)?;
        let description = described.map_err(|FrameMissing| Error::Missing)?;
        let frames = opened.frames(metadata).await?;
        let ranges = usize::try_from(frame).ok().and_then(|frame| frames.get(frame)).ok_or(Error::Missing)?;
        let ranges = ranges.clone();
        let frame_bytes = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        if frame_bytes > DECODED_FRAME_BYTES_MAX {
            return Err(Error::Unwritable("The frame is too large to be decoded here; retrieve it as it is."));
        }
        let swap_from = swap_from(&transfer_syntax_uid, metadata);
        Ok(Self { description, frame_bytes, transfer_syntax_uid, ranges, swap_from })
    }

    /// Reads it.
    pub async fn read(self, opened: &Opened) -> Result<Encoded, Error> {
        let mut bytes = Vec::new();
        for range in self.ranges {
            let part = value::read(opened, range, self.swap_from).await?;
            if bytes.is_empty() {
                bytes = part;
            } else {
                bytes.extend(part);
            }
        }
        Ok(Encoded { transfer_syntax_uid: self.transfer_syntax_uid, description: self.description, bytes })
    }
}

/// Look-up tables that lie outside the metadata.
async fn tables(opened: &Opened, metadata: &Value, frame: u32, syntax: &str) -> Result<Bulks, Error> {
    let mut bulks = Bulks::new();
    for (offset, length) in description::bulks(metadata, frame) {
        if length > TABLE_BYTES_MAX {
            return Err(Error::Unwritable("A look-up table of the image cannot be used."));
        }
        let swap_from = (syntax == EXPLICIT_BIG).then_some(offset);
        bulks.insert(offset, value::read(opened, offset..offset.saturating_add(length), swap_from).await?);
    }
    Ok(bulks)
}

/// A frame, counted from 0, as native pixel data.
pub async fn native(pixels: &Pixels, opened: &Opened, metadata: &Value, frame: u32) -> Result<Native, Error> {
    let kept = Kept::of(opened, metadata, frame).await?;
    // A turn comes before the frame is read, so that those who wait hold no plaintext.
    let turn = pixels.turn_with(&kept.description, kept.frame_bytes).await?;
    Ok(turn.native(kept.read(opened).await?).await?)
}

/// Where the words begin that change their byte order on the way out: pixels of VR OW kept big-endian do, of OB do not
/// (PS3.5 7.3).
pub fn swap_from(transfer_syntax_uid: &str, metadata: &Value) -> Option<u64> {
    let pixels = metadata.get(PIXEL_DATA).filter(|element| element.get("vr").is_some_and(|vr| vr == "OW"))?;
    match Bulk::of(pixels) {
        Some(Bulk::Range { offset, .. }) if transfer_syntax_uid == EXPLICIT_BIG => Some(offset),
        _ => None,
    }
}
