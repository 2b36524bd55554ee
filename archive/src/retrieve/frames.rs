//! Where each frame of the pixel data lies (PS3.5 8.1.1 and A.4, PS3.3 C.7.6.3).

use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::ops::Range;

/// PixelData, FloatPixelData and DoubleFloatPixelData.
const PIXEL_DATA: [&str; 3] = ["7FE00010", "7FE00008", "7FE00009"];
const EXTENDED_OFFSET_TABLE: &str = "7FE00001";
/// An item's tag and length before its value.
const ITEM_HEADER_BYTES: u64 = 8;

/// Where a table of frames' offsets lies in the data set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// The basic offset table: 32-bit offsets.
    At(Range<u64>),
    /// The extended offset table: 64-bit offsets.
    ExtendedAt(Range<u64>),
    /// The extended offset table, short enough to stand in the metadata.
    Extended(Vec<u64>),
}

/// The table that must be read before several fragments of several frames can be told apart; `None` if none is needed or given.
pub(super) fn offset_table(metadata: &Value) -> Option<Table> {
    let fragments = fragments(metadata)?;
    if fragments.len() == frame_count(metadata) + 1 {
        return None;
    }
    if let Some(table) = metadata.get(EXTENDED_OFFSET_TABLE) {
        let inline =
            || Some(Table::Extended(offsets_of(&STANDARD.decode(table.get("InlineBinary")?.as_str()?).ok()?, 8)));
        if let Some(table) = bulk(table).map(Table::ExtendedAt).or_else(inline) {
            return Some(table);
        }
    }
    fragments.first().filter(|table| !table.is_empty()).cloned().map(Table::At)
}

/// Little-endian offsets of `width` bytes each.
pub(super) fn offsets_of(bytes: &[u8], width: usize) -> Vec<u64> {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    bytes.chunks_exact(width).map(number).collect()
}

/// The ranges of each frame. `offsets` is the table's content, empty if none is needed.
pub(super) fn ranges(metadata: &Value, offsets: &[u64]) -> Result<Vec<Vec<Range<u64>>>> {
    if let Some(fragments) = fragments(metadata) {
        return encapsulated(&fragments, frame_count(metadata), offsets);
    }
    let pixels = PIXEL_DATA.iter().find_map(|tag| bulk(metadata.get(tag)?));
    native(metadata, &pixels.ok_or_else(|| invalid("there is no pixel data"))?)
}

fn encapsulated(fragments: &[Range<u64>], frames: usize, offsets: &[u64]) -> Result<Vec<Vec<Range<u64>>>> {
    // The first item is the basic offset table (PS3.5 A.4).
    let pixels = fragments.get(1..).unwrap_or(&[]);
    if pixels.len() == frames {
        return Ok(pixels.iter().map(|fragment| whole(fragment.clone())).collect());
    }
    if frames == 1 {
        return Ok(vec![pixels.to_vec()]);
    }
    if offsets.len() < frames {
        return Err(invalid("fragments and frames differ in number and no offset table tells them apart"));
    }
    let base = pixels.first().map_or(0, |first| first.start.saturating_sub(ITEM_HEADER_BYTES));
    let mut all = Vec::with_capacity(frames);
    for (number, from) in offsets.iter().take(frames).enumerate() {
        let to = offsets.get(number + 1).copied().unwrap_or(u64::MAX);
        let begins = |fragment: &Range<u64>| fragment.start.saturating_sub(ITEM_HEADER_BYTES).saturating_sub(base);
        let frame: Vec<_> = pixels.iter().filter(|fragment| (*from..to).contains(&begins(fragment))).cloned().collect();
        if frame.first().map(begins) != Some(*from) {
            return Err(invalid("the offset table points between fragments"));
        }
        all.push(frame);
    }
    Ok(all)
}

fn native(metadata: &Value, pixels: &Range<u64>) -> Result<Vec<Vec<Range<u64>>>> {
    let number =
        |tag: &str| integer(metadata, tag).ok_or_else(|| invalid("the image does not say how large its frames are"));
    let samples = integer(metadata, "00280002").unwrap_or(1);
    let photometric = first(metadata, "00280004").and_then(Value::as_str).unwrap_or_default();
    // PS3.3 C.7.6.3.1.2: both chrominances of a native YBR_FULL_422 image are sampled at half the rate.
    let samples = if photometric == "YBR_FULL_422" && samples == 3 { 2 } else { samples };
    let bits = [number("00280010")?, number("00280011")?, number("00280100")?, samples]
        .into_iter()
        .try_fold(1_u64, u64::checked_mul)
        .ok_or_else(|| invalid("a frame of more than 2^64 bits"))?;
    let frames = frame_count(metadata);
    if bits == 0 || (bits % 8 != 0 && frames > 1) {
        return Err(invalid("frames do not begin at a byte"));
    }
    let bytes = bits.div_ceil(8);
    (0..frames as u64)
        .map(|frame| {
            let start = frame.checked_mul(bytes).and_then(|offset| offset.checked_add(pixels.start));
            let end = start.and_then(|start| start.checked_add(bytes)).filter(|end| *end <= pixels.end);
            start
                .zip(end)
                .map(|(start, end)| whole(start..end))
                .ok_or_else(|| invalid("the pixel data is shorter than its frames"))
        })
        .collect()
}

/// A frame that lies in one piece.
fn whole(range: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(range).collect()
}

/// NumberOfFrames; 1 if absent.
fn frame_count(metadata: &Value) -> usize {
    integer(metadata, "00280008").and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0).unwrap_or(1)
}

fn first<'a>(metadata: &'a Value, tag: &str) -> Option<&'a Value> {
    metadata.get(tag)?.get("Value")?.get(0)
}

/// A number, also where the sender wrote it as text (IS).
fn integer(metadata: &Value, tag: &str) -> Option<u64> {
    let value = first(metadata, tag)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn place(value: &Value) -> Option<Range<u64>> {
    let start = value.get(0)?.as_u64()?;
    Some(start..start.checked_add(value.get(1)?.as_u64()?)?)
}

fn bulk(element: &Value) -> Option<Range<u64>> {
    place(element.get("Bulk")?)
}

fn fragments(metadata: &Value) -> Option<Vec<Range<u64>>> {
    PIXEL_DATA.iter().find_map(|tag| metadata.get(tag)?.get("Fragments")?.as_array()?.iter().map(place).collect())
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(rows: u64, columns: u64, bits: u64, samples: u64, frames: &str, pixels: Value) -> Value {
        json!({
            "00280002": {"vr": "US", "Value": [samples]}, "00280004": {"vr": "CS", "Value": ["RGB"]},
            "00280008": {"vr": "IS", "Value": [frames]}, "00280010": {"vr": "US", "Value": [rows]},
            "00280011": {"vr": "US", "Value": [columns]}, "00280100": {"vr": "US", "Value": [bits]}, "7FE00010": pixels,
        })
    }

    #[test]
    fn native_frames_follow_each_other() {
        let metadata = image(4, 5, 16, 1, "2", json!({"vr": "OW", "Bulk": [100, 80]}));
        assert_eq!(ranges(&metadata, &[]).unwrap(), [whole(100..140), whole(140..180)]);
        let rgb = image(4, 5, 8, 3, "1", json!({"vr": "OB", "Bulk": [100, 60]}));
        assert_eq!(ranges(&rgb, &[]).unwrap(), [whole(100..160)]);
        let mut subsampled = rgb;
        subsampled["00280004"]["Value"][0] = json!("YBR_FULL_422");
        assert_eq!(ranges(&subsampled, &[]).unwrap(), [whole(100..140)]);
        let bits = image(3, 3, 1, 1, "1", json!({"vr": "OB", "Bulk": [10, 2]}));
        assert_eq!(ranges(&bits, &[]).unwrap(), [whole(10..12)]);
    }

    #[test]
    fn pixel_data_that_cannot_hold_its_frames_is_invalid() {
        for metadata in [
            image(4, 5, 16, 1, "3", json!({"vr": "OW", "Bulk": [100, 80]})),
            image(u64::MAX, 5, 16, 1, "1", json!({"vr": "OW", "Bulk": [100, 80]})),
            image(3, 3, 1, 1, "2", json!({"vr": "OW", "Bulk": [100, 80]})),
            image(0, 5, 16, 1, "1", json!({"vr": "OW", "Bulk": [100, 80]})),
            image(4, 5, 8, 1, "18446744073709551615", json!({"vr": "OW", "Bulk": [100, 80]})),
            json!({}),
        ] {
            assert_eq!(ranges(&metadata, &[]).unwrap_err().outcome(), record::Outcome::Invalid);
        }
    }

    #[test]
    fn fragments_are_told_apart_as_the_standard_says() {
        let one_each = image(4, 5, 8, 1, "2", json!({"vr": "OB", "Fragments": [[8, 0], [16, 10], [34, 20]]}));
        assert_eq!(offset_table(&one_each), None);
        assert_eq!(ranges(&one_each, &[]).unwrap(), [whole(16..26), whole(34..54)]);

        let single = image(4, 5, 8, 1, "1", json!({"vr": "OB", "Fragments": [[8, 0], [16, 10], [34, 20]]}));
        assert_eq!(ranges(&single, &[]).unwrap(), [vec![16..26, 34..54]]);

        let tabled = image(4, 5, 8, 1, "2", json!({"vr": "OB", "Fragments": [[8, 8], [24, 10], [42, 20], [70, 6]]}));
        assert_eq!(offset_table(&tabled), Some(Table::At(8..16)));
        let offsets = offsets_of(&[0, 0, 0, 0, 46, 0, 0, 0], 4);
        assert_eq!(ranges(&tabled, &offsets).unwrap(), [vec![24..34, 42..62], whole(70..76)]);
        assert!(ranges(&tabled, &[0, 45]).is_err(), "between fragments");
        assert!(ranges(&tabled, &[]).is_err(), "no table");

        let mut extended = tabled;
        extended["7FE00001"] = json!({"vr": "OV", "Bulk": [200, 16]});
        assert_eq!(offset_table(&extended), Some(Table::ExtendedAt(200..216)));
        extended["7FE00001"] =
            json!({"vr": "OV", "InlineBinary": STANDARD.encode([0, 0, 0, 0, 0, 0, 0, 0, 46, 0, 0, 0, 0, 0, 0, 0])});
        assert_eq!(offset_table(&extended), Some(Table::Extended(vec![0, 46])));
        assert_eq!(offsets_of(&[46, 0, 0, 0, 0, 0, 0, 1], 8), [(1 << 56) + 46]);
    }
}
