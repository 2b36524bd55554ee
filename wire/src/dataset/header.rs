//! The header of one element: tag, VR, length (PS3.5 7.1).

use super::vr::{NodeVr, has_long_length, implicit_vr};
use crate::error::Error;
use crate::syntax::Encoding;
use dicom_core::{Tag, VR};

/// The longest header: tag, VR, two reserved bytes, 32-bit length.
pub(super) const HEADER_BYTES_MAX: usize = 12;
/// A length that stands for "until the delimiter" (PS3.5 7.1.1).
pub(super) const UNDEFINED: u32 = 0xFFFF_FFFF;
/// Item (FFFE,E000).
pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// Item Delimitation Item (FFFE,E00D).
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
/// Sequence Delimitation Item (FFFE,E0DD).
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// What a VR field said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// No field, or one that the dictionary may overrule.
    Nothing,
    /// A VR of PS3.5 6.2.
    Known,
    /// Two letters of a VR that is newer than this reader.
    Future,
    /// No letters at all.
    Garbage,
}

/// A decoded header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) tag: Tag,
    pub(super) vr: NodeVr,
    pub(super) said: Said,
    pub(super) length: u32,
}

/// Reads a header from its first bytes. `Ok(None)` asks for more: 8, or 12 once 8 are there.
pub(super) fn parse(encoding: Encoding, bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    let Some(first) = bytes.first_chunk::<8>() else { return Ok(None) };
    let [g0, g1, e0, e1, v0, v1, l0, l1] = *first;
    let short = |a: u8, b: u8| if encoding == Encoding::ExplicitBig { [a, b] } else { [b, a] };
    let word = |bytes: [u8; 4]| match encoding {
        Encoding::ExplicitBig => u32::from_be_bytes(bytes),
        _ => u32::from_le_bytes(bytes),
    };
    let tag = Tag(u16::from_be_bytes(short(g0, g1)), u16::from_be_bytes(short(e0, e1)));
    // Items and delimiters carry no VR in any encoding (PS3.5 7.5).
    if encoding == Encoding::ImplicitLittle || tag.group() == 0xFFFE {
        let header = Header { tag, vr: implicit_vr(tag), said: Said::Nothing, length: word([v0, v1, l0, l1]) };
        return Ok(Some((header, 8)));
    }
    let (vr, said) = match VR::from_binary([v0, v1]) {
        Some(vr) => (vr, Said::Known),
        None if v0.is_ascii_uppercase() && v1.is_ascii_uppercase() => (VR::UN, Said::Future),
        // Old writers put "??", "--", spaces or NULs; the short form is what they meant.
        None if [v0, v1].iter().all(|b| matches!(b, b'?' | b'-' | b' ' | 0)) => (VR::UN, Said::Garbage),
        None => return Err(Error::invalid(format!("{tag}: no value representation in an explicit data set"))),
    };
    // PS3.5 6.2: every VR defined in future has the 32-bit form.
    if said == Said::Future || (said == Said::Known && has_long_length(vr)) {
        let Some(&[l0, l1, l2, l3]) = bytes.get(8..12).and_then(|b| b.first_chunk::<4>()) else { return Ok(None) };
        return Ok(Some((Header { tag, vr: NodeVr::Exact(vr), said, length: word([l0, l1, l2, l3]) }, 12)));
    }
    let length = u32::from(u16::from_be_bytes(short(l0, l1)));
    Ok(Some((Header { tag, vr: NodeVr::Exact(vr), said, length }, 8)))
}
