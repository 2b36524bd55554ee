//! Data sets as a modality writes them (PS3.5 section 7): elements in ascending order, in the transfer syntax wished.

use super::random::Random;
use std::io::Write as _;

/// Transfer syntaxes that the world's modalities use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Implicit VR Little Endian.
    Implicit,
    /// Explicit VR Little Endian.
    Explicit,
    /// Deflated Explicit VR Little Endian.
    Deflated,
    /// JPEG Baseline (Process 1), encapsulated.
    JpegBaseline,
    /// RLE Lossless, encapsulated.
    Rle,
}

impl Syntax {
    /// Its UID (PS3.6 A).
    #[must_use]
    pub fn uid(self) -> &'static str {
        match self {
            Self::Implicit => "1.2.840.10008.1.2",
            Self::Explicit => "1.2.840.10008.1.2.1",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::JpegBaseline => "1.2.840.10008.1.2.4.50",
            Self::Rle => "1.2.840.10008.1.2.5",
        }
    }
}

#[derive(Clone, Debug)]
enum Content {
    Bytes(Vec<u8>),
    Items(Vec<Elements>),
    Frame(Vec<u8>),
}

/// A data set in the making.
#[derive(Clone, Debug, Default)]
pub struct Elements(Vec<(u32, [u8; 2], Content)>);

impl Elements {
    /// Text; padded to even length as its VR demands (PS3.5 6.2).
    pub fn text(&mut self, tag: u32, vr: &str, text: &str) -> &mut Self {
        let mut bytes = text.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.bytes(tag, vr, bytes)
    }

    /// Unsigned 16-bit numbers.
    pub fn shorts(&mut self, tag: u32, numbers: &[u16]) -> &mut Self {
        self.bytes(tag, "US", numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
    }

    /// One unsigned 32-bit number.
    pub fn long(&mut self, tag: u32, number: u32) -> &mut Self {
        self.bytes(tag, "UL", number.to_le_bytes().to_vec())
    }

    /// Any bytes; padded with a zero to even length.
    pub fn bytes(&mut self, tag: u32, vr: &str, mut bytes: Vec<u8>) -> &mut Self {
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        self.put(tag, vr, Content::Bytes(bytes))
    }

    /// A sequence of items.
    pub fn items(&mut self, tag: u32, items: Vec<Self>) -> &mut Self {
        self.put(tag, "SQ", Content::Items(items))
    }

    /// A sequence with one coded concept.
    pub fn code(&mut self, tag: u32, (value, scheme, meaning): (&str, &str, &str)) -> &mut Self {
        let mut item = Self::default();
        item.text(0x0008_0100, "SH", value).text(0x0008_0102, "SH", scheme).text(0x0008_0104, "LO", meaning);
        self.items(tag, vec![item])
    }

    /// PixelData (7FE0,0010) of one encapsulated frame (PS3.5 A.4).
    pub fn frame(&mut self, mut frame: Vec<u8>) -> &mut Self {
        if frame.len() % 2 == 1 {
            frame.push(0);
        }
        self.put(0x7FE0_0010, "OB", Content::Frame(frame))
    }

    fn put(&mut self, tag: u32, vr: &str, content: Content) -> &mut Self {
        let vr = <[u8; 2]>::try_from(vr.as_bytes()).unwrap_or(*b"UN");
        self.0.retain(|(other, _, _)| *other != tag);
        self.0.push((tag, vr, content));
        self
    }

    /// The bytes in a transfer syntax.
    #[must_use]
    pub fn encoded(mut self, syntax: Syntax) -> Vec<u8> {
        let mut plain = Vec::new();
        self.write(syntax != Syntax::Implicit, &mut plain);
        if syntax != Syntax::Deflated {
            return plain;
        }
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing to memory cannot fail.
        let _ = encoder.write_all(&plain);
        let mut deflated = encoder.finish().unwrap_or_default();
        if deflated.len() % 2 == 1 {
            deflated.push(0);
        }
        deflated
    }

    fn write(&mut self, explicit: bool, out: &mut Vec<u8>) {
        self.0.sort_by_key(|(tag, _, _)| *tag);
        for (tag, vr, content) in &mut self.0 {
            let value = match content {
                Content::Bytes(bytes) => std::mem::take(bytes),
                Content::Items(items) => items.iter_mut().flat_map(|item| item.as_item(explicit)).collect(),
                Content::Frame(frame) => fragments(std::mem::take(frame)),
            };
            let length = if matches!(content, Content::Frame(_)) { u32::MAX } else { length_of(&value) };
            out.extend(tag_bytes(*tag));
            if explicit {
                out.extend(*vr);
                // PS3.5 7.1.2: these VRs have a 32-bit length after two reserved bytes.
                if matches!(&*vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT" | b"OF") {
                    out.extend([0, 0]);
                    out.extend(length.to_le_bytes());
                } else {
                    out.extend((length as u16).to_le_bytes());
                }
            } else {
                out.extend(length.to_le_bytes());
            }
            out.extend(value);
        }
    }

    fn as_item(&mut self, explicit: bool) -> Vec<u8> {
        let mut value = Vec::new();
        self.write(explicit, &mut value);
        [tag_bytes(0xFFFE_E000).as_slice(), &length_of(&value).to_le_bytes(), &value].concat()
    }

    /// A Part 10 file (PS3.10 7.1) of this data set.
    #[must_use]
    pub fn file(self, sop_class_uid: &str, sop_instance_uid: &str, syntax: Syntax) -> Vec<u8> {
        let mut meta = Self::default();
        meta.bytes(0x0002_0001, "OB", vec![0, 1])
            .text(0x0002_0002, "UI", sop_class_uid)
            .text(0x0002_0003, "UI", sop_instance_uid)
            .text(0x0002_0010, "UI", syntax.uid())
            .text(0x0002_0012, "UI", "2.25.230041936105872243815907733142801365713")
            .text(0x0002_0013, "SH", "SEGEL_DEMO");
        let mut rest = Vec::new();
        meta.write(true, &mut rest);
        let mut group_length = Self::default();
        group_length.long(0x0002_0000, length_of(&rest));
        let mut file = [[0; 128].as_slice(), b"DICM"].concat();
        group_length.write(true, &mut file);
        file.extend(rest);
        file.extend(self.encoded(syntax));
        file
    }
}

fn tag_bytes(tag: u32) -> [u8; 4] {
    let [g0, g1, e0, e1] = tag.to_be_bytes();
    [g1, g0, e1, e0]
}

/// Nothing drawn here comes near 4 GiB.
fn length_of(value: &[u8]) -> u32 {
    u32::try_from(value.len()).unwrap_or(u32::MAX)
}

fn fragments(frame: Vec<u8>) -> Vec<u8> {
    let item = |value: &[u8]| [tag_bytes(0xFFFE_E000).as_slice(), &length_of(value).to_le_bytes(), value].concat();
    let end = [tag_bytes(0xFFFE_E0DD).as_slice(), &[0; 4]].concat();
    [item(&0_u32.to_le_bytes()), item(&frame), end].concat()
}

/// A UID under 2.25 (PS3.5 B.2) without a run of digits that reads as a date, so that a date of birth found on a disk
/// is never a UID that happened to hold its digits.
#[must_use]
pub fn uid(random: &mut Random) -> String {
    loop {
        let number = (u128::from(random.bits()) << 64) | u128::from(random.bits());
        let digits = number.to_string();
        if !digits.as_bytes().windows(8).any(reads_as_date) {
            return format!("2.25.{digits}");
        }
    }
}

fn reads_as_date(digits: &[u8]) -> bool {
    let text = std::str::from_utf8(digits).unwrap_or_default();
    jiff::civil::Date::strptime("%Y%m%d", text).is_ok_and(|date| (1900..2100).contains(&date.year()))
}

/// RLE Lossless (PS3.5 Annex G) of one frame of 16-bit pixels: the high bytes, then the low bytes, each packed by rows.
#[must_use]
pub fn run_length_encoded(pixels: &[u16], columns: usize) -> Vec<u8> {
    let packed = |byte: fn(u16) -> u8| {
        let mut segment = Vec::new();
        for row in pixels.chunks(columns.max(1)) {
            pack_bits(&row.iter().map(|p| byte(*p)).collect::<Vec<u8>>(), &mut segment);
        }
        if segment.len() % 2 == 1 {
            segment.push(0);
        }
        segment
    };
    let (high, low) = (packed(|p| p.to_be_bytes()[0]), packed(|p| p.to_be_bytes()[1]));
    let mut header = [0_u32; 16];
    header[0] = 2;
    header[1] = 64;
    header[2] = 64 + length_of(&high);
    let mut frame: Vec<u8> = header.iter().flat_map(|n| n.to_le_bytes()).collect();
    frame.extend(high);
    frame.extend(low);
    frame
}

fn pack_bits(row: &[u8], out: &mut Vec<u8>) {
    let mut literal: Vec<u8> = Vec::new();
    let flush = |literal: &mut Vec<u8>, out: &mut Vec<u8>| {
        for part in literal.chunks(128) {
            // 0 to 127: the next n + 1 bytes as they are.
            out.push((part.len() - 1) as u8);
            out.extend(part);
        }
        literal.clear();
    };
    for run in row.chunk_by(|a, b| a == b) {
        for part in run.chunks(128) {
            match part {
                [byte, _, _, ..] => {
                    flush(&mut literal, out);
                    // -1 to -127: the next byte repeated 1 - n times.
                    out.push((257 - part.len()) as u8);
                    out.push(*byte);
                }
                short => literal.extend(short),
            }
        }
    }
    flush(&mut literal, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(mut packed: &[u8], length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < length {
            match packed {
                [n @ 0..=127, rest @ ..] => {
                    let (literal, rest) = rest.split_at(usize::from(*n) + 1);
                    out.extend(literal);
                    packed = rest;
                }
                [n, byte, rest @ ..] => {
                    out.extend(std::iter::repeat_n(*byte, 257 - usize::from(*n)));
                    packed = rest;
                }
                _ => break,
            }
        }
        out
    }

    #[test]
    fn run_lengths_unpack_to_what_was_packed() {
        let mut random = Random::new(3);
        for length in [1_u64, 2, 3, 127, 128, 129, 400] {
            let row: Vec<u8> = (0..length).map(|_| (random.below(4) / 3) as u8).collect();
            let mut packed = Vec::new();
            pack_bits(&row, &mut packed);
            assert_eq!(unpacked(&packed, row.len()), row);
        }
    }

    #[test]
    fn uids_hold_no_dates() {
        assert!(reads_as_date(b"19870412") && !reads_as_date(b"19871412"));
        let mut random = Random::new(1);
        for _ in 0..200 {
            let uid = uid(&mut random);
            assert!(uid.len() <= 64 && !uid.as_bytes().windows(8).any(reads_as_date));
        }
    }
}
