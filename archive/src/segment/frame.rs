//! The bytes of a frame (`docs/formats.md`, "Segments"): header, sealed parts, record, padding, trailer.

use crate::object::ObjectRecord;
use record::limits;

/// First bytes of a frame.
const MAGIC: [u8; 8] = *b"SEGELFRM";
/// Last bytes of a frame.
const END_MAGIC: [u8; 8] = *b"FRMLEGES";
/// The layout below. Another number is another layout, which this program does not read.
const LAYOUT: u16 = 1;
/// Magic 8, layout 2, kind 2, objects 4, segment 8, offset 8, sequence 8, group 8, frame bytes 8.
pub(crate) const HEADER_BYTES: usize = 56;
/// [`HEADER_BYTES`] as a file offset.
pub(crate) const HEADER_LEN: u64 = 56;
/// Record bytes 4, padding bytes 4, record hash 32, frame hash 32, end magic 8.
pub(crate) const TRAILER_BYTES: usize = 80;
/// [`TRAILER_BYTES`] as a file offset.
pub(crate) const TRAILER_LEN: u64 = 80;
/// A group ends on a multiple of this, so that no later write touches a page that holds acknowledged bytes: a power cut
/// in the middle of writing a page then cannot take an earlier group with it. Frames inside a group are not aligned,
/// and the padding belongs to the group's last frame, so every byte of a segment is under the hash of some frame.
pub(crate) const GROUP_ALIGN_BYTES: u64 = 4_096;

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) &'static str);

/// How a frame came into its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Written together with others into the open segment.
    Grouped,
    /// Streamed into its own file, renamed when complete: the only frame of its segment.
    Alone,
    /// Written among the grouped ones; its record is no object's.
    Order,
}

/// The fixed head of a frame. All numbers are big-endian.
///
/// | bytes | field | why |
/// |---|---|---|
/// | 0..8 | magic `SEGELFRM` | |
/// | 8..10 | layout, 1 | |
/// | 10..12 | kind: 1 grouped, 2 alone, 3 order | start-up cuts torn tails only in the segment that takes groups |
/// | 12..16 | objects in the record; 1 for an order | |
/// | 16..24 | segment number | a misplaced copy of a frame is not taken for a frame |
/// | 24..32 | offset in the segment | as above |
/// | 32..40 | sequence: 1, 2, 3 ... over the whole archive | the order of a rebuild; a gap proves a lost frame |
/// | 40..48 | group: sequence of its group's first frame | a later group proves that a bad frame was once durable |
/// | 48..56 | frame bytes, from magic to end magic | |
///
/// It comes first so that a segment can be walked from its beginning, but is known last: a large object streams its
/// parts before its place and length are known, so the header is patched in before the flush, and the frame's hash takes
/// the header after the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: FrameKind,
    pub(crate) objects: u32,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) sequence: u64,
    pub(crate) group: u64,
    pub(crate) frame_bytes: u64,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let kind: u16 = match self.kind {
            FrameKind::Grouped => 1,
            FrameKind::Alone => 2,
            FrameKind::Order => 3,
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&LAYOUT.to_be_bytes());
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&self.objects.to_be_bytes());
        for number in [self.segment, self.offset, self.sequence, self.group, self.frame_bytes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes);
        header
    }

    /// Reads a header that claims to stand at `offset` of segment `segment`, whose file has `file_bytes`.
    pub(crate) fn decode(
        bytes: &[u8; HEADER_BYTES],
        segment: u64,
        offset: u64,
        file_bytes: u64,
    ) -> Result<Self, Fault> {
        let mut rest: &[u8] = bytes;
        if take::<8>(&mut rest)? != MAGIC {
            return Err(Fault("no frame begins here"));
        }
        if u16::from_be_bytes(take(&mut rest)?) != LAYOUT {
            return Err(Fault("unknown layout of a frame"));
        }
        let kind = match u16::from_be_bytes(take(&mut rest)?) {
            1 => FrameKind::Grouped,
            2 => FrameKind::Alone,
            3 => FrameKind::Order,
            _ => return Err(Fault("unknown kind of frame")),
        };
        let objects = u32::from_be_bytes(take(&mut rest)?);
        let mut number = || take::<8>(&mut rest).map(u64::from_be_bytes);
        let header = Self {
            kind,
            objects,
            segment: number()?,
            offset: number()?,
            sequence: number()?,
            group: number()?,
            frame_bytes: number()?,
        };
        let count = usize::try_from(objects).unwrap_or(usize::MAX);
        if header.segment != segment || header.offset != offset {
            return Err(Fault("a frame of another place"));
        }
        if !(1..=limits::FRAME_OBJECTS_MAX).contains(&count) || header.group == 0 || header.group > header.sequence {
            return Err(Fault("impossible numbers in a frame's header"));
        }
        let room = file_bytes.saturating_sub(offset);
        if header.frame_bytes < HEADER_LEN + TRAILER_LEN || header.frame_bytes > room {
            return Err(Fault("a frame longer than its file"));
        }
        Ok(header)
    }

    /// Offset just behind the frame.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.frame_bytes)
    }
}

/// The fixed end of a frame.
///
/// | bytes | field | why |
/// |---|---|---|
/// | 0..4 | record bytes | found from the end, so that a record may follow parts of any length |
/// | 4..8 | padding bytes between record and trailer, all zero | see [`GROUP_ALIGN_BYTES`] |
/// | 8..40 | BLAKE3 of header, bytes 0..8 of the trailer, record | a rebuild of the index reads these alone, not the parts |
/// | 40..72 | BLAKE3 of parts, record, padding, header, bytes 0..40 of the trailer | any flipped bit shows |
/// | 72..80 | end magic `FRMLEGES` | |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) record_bytes: u32,
    pub(crate) padding_bytes: u32,
    pub(crate) record_hash: [u8; 32],
    pub(crate) frame_hash: [u8; 32],
}

impl Trailer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.lengths().to_vec();
        bytes.extend_from_slice(&self.record_hash);
        bytes.extend_from_slice(&self.frame_hash);
        bytes.extend_from_slice(&END_MAGIC);
        bytes
    }

    pub(crate) fn lengths(&self) -> [u8; 8] {
        ((u64::from(self.record_bytes) << 32) | u64::from(self.padding_bytes)).to_be_bytes()
    }

    /// Reads the trailer of the frame with this header.
    pub(crate) fn decode(bytes: &[u8; TRAILER_BYTES], header: &Header) -> Result<Self, Fault> {
        let mut rest: &[u8] = bytes;
        let trailer = Self {
            record_bytes: u32::from_be_bytes(take(&mut rest)?),
            padding_bytes: u32::from_be_bytes(take(&mut rest)?),
            record_hash: take(&mut rest)?,
            frame_hash: take(&mut rest)?,
        };
        if take::<8>(&mut rest)? != END_MAGIC {
            return Err(Fault("a frame without its end"));
        }
        let record_bytes = usize::try_from(trailer.record_bytes).unwrap_or(usize::MAX);
        let inside = HEADER_LEN + TRAILER_LEN + u64::from(trailer.record_bytes) + u64::from(trailer.padding_bytes);
        if record_bytes > limits::FRAME_RECORD_BYTES_MAX
            || u64::from(trailer.padding_bytes) >= GROUP_ALIGN_BYTES
            || inside > header.frame_bytes
        {
            return Err(Fault("impossible lengths in a frame's trailer"));
        }
        Ok(trailer)
    }

    /// Offset of the record from the start of the frame, which is also where the parts end.
    pub(crate) fn record_offset(&self, header: &Header) -> u64 {
        header.frame_bytes.saturating_sub(TRAILER_LEN + u64::from(self.record_bytes) + u64::from(self.padding_bytes))
    }
}

/// The hash that a rebuild of the index checks.
pub(crate) fn record_hash(header: &[u8; HEADER_BYTES], lengths: &[u8; 8], record: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header).update(lengths).update(record);
    *hasher.finalize().as_bytes()
}

/// The hash over everything, given a hasher that has taken the parts, the record and the padding.
pub(crate) fn frame_hash(
    mut body: blake3::Hasher,
    header: &[u8; HEADER_BYTES],
    lengths: &[u8; 8],
    record_hash: &[u8; 32],
) -> [u8; 32] {
    body.update(header).update(lengths).update(record_hash);
    *body.finalize().as_bytes()
}

/// Checks that the record speaks of as many objects as the header and that every extent lies among the parts.
pub(crate) fn check_records(records: &[ObjectRecord], objects: u32, parts_end: u64) -> Result<(), Fault> {
    if u32::try_from(records.len()) != Ok(objects) {
        return Err(Fault("another number of objects than the header says"));
    }
    let inside = records.iter().flat_map(|r| [r.summary, r.metadata, r.content]).all(|extent| {
        extent.offset >= HEADER_LEN
            && extent.offset.checked_add(extent.sealed_bytes).is_some_and(|end| end <= parts_end)
    });
    if inside { Ok(()) } else { Err(Fault("a part outside its frame")) }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(Fault("a frame cut short"))?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE_BYTES: u64 = 100_000;

    fn header() -> Header {
        Header {
            kind: FrameKind::Grouped,
            objects: 1,
            segment: 7,
            offset: 4_096,
            sequence: 12,
            group: 11,
            frame_bytes: 5_000,
        }
    }

    #[test]
    fn a_header_is_believed_only_within_its_bounds() {
        let room = FILE_BYTES - 4_096;
        let objects_max = u32::try_from(limits::FRAME_OBJECTS_MAX).unwrap();
        let table = [
            (header(), true),
            (Header { kind: FrameKind::Alone, ..header() }, true),
            (Header { objects: objects_max, ..header() }, true),
            (Header { objects: objects_max + 1, ..header() }, false),
            (Header { objects: 0, ..header() }, false),
            (Header { segment: 8, ..header() }, false),
            (Header { offset: 8_192, ..header() }, false),
            (Header { group: 12, ..header() }, true),
            (Header { group: 13, ..header() }, false),
            (Header { group: 0, ..header() }, false),
            (Header { frame_bytes: HEADER_LEN + TRAILER_LEN, ..header() }, true),
            (Header { frame_bytes: HEADER_LEN + TRAILER_LEN - 1, ..header() }, false),
            (Header { frame_bytes: room, ..header() }, true),
            (Header { frame_bytes: room + 1, ..header() }, false),
            (Header { frame_bytes: u64::MAX, ..header() }, false),
        ];
        for (header, fits) in table {
            let read = Header::decode(&header.encode(), 7, 4_096, FILE_BYTES);
            assert_eq!(read.ok(), fits.then_some(header), "{header:?}");
        }
    }

    #[test]
    fn a_trailer_is_believed_only_within_its_frame() {
        let inside = u32::try_from(5_000 - HEADER_LEN - TRAILER_LEN).unwrap();
        let table = [
            (inside, 0, true),
            (inside + 1, 0, false),
            (0, 4_095, true),
            (0, 4_096, false),
            (inside, 1, false),
            (u32::MAX, 0, false),
        ];
        for (record_bytes, padding_bytes, fits) in table {
            let trailer = Trailer { record_bytes, padding_bytes, record_hash: [1; 32], frame_hash: [2; 32] };
            let bytes: [u8; TRAILER_BYTES] = trailer.encode().try_into().unwrap();
            assert_eq!(
                Trailer::decode(&bytes, &header()).ok(),
                fits.then_some(trailer),
                "{record_bytes} {padding_bytes}"
            );
        }
        // A record at its limit, and one byte longer, in a frame with room for both.
        let large = Header { frame_bytes: 1 << 40, ..header() };
        let max = u32::try_from(limits::FRAME_RECORD_BYTES_MAX).unwrap();
        for (record_bytes, fits) in [(max, true), (max + 1, false)] {
            let trailer = Trailer { record_bytes, padding_bytes: 0, record_hash: [1; 32], frame_hash: [2; 32] };
            let bytes: [u8; TRAILER_BYTES] = trailer.encode().try_into().unwrap();
            assert_eq!(Trailer::decode(&bytes, &large).is_ok(), fits);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_a_fault(bytes: [u8; HEADER_BYTES], offset: u64, file_bytes: u64) {
            let mut headed = bytes;
            headed[..12].copy_from_slice(b"SEGELFRM\0\x01\0\x01");
            for bytes in [bytes, headed] {
                if let Ok(header) = Header::decode(&bytes, 1, offset, file_bytes) {
                    prop_assert!(header.end() <= file_bytes);
                }
            }
        }
    }
}
