//! Value representations (PS3.5 6.2): which tag has which, and what each means for its bytes.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

/// A VR that may still depend on other elements of the same data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeVr {
    /// Settled.
    Exact(VR),
    /// US, or SS if Pixel Representation (0028,0103) is 1.
    UsOrSs,
    /// US if LUT Descriptor (0028,3002) announces a single entry, else OW.
    UsOrOw,
}

/// The VR of `tag` where the stream does not say it (PS3.5 A.1): creators of private blocks are LO, other private
/// elements UN, group lengths UL, and what may be OB or OW is OW.
pub(super) fn implicit_vr(tag: Tag) -> NodeVr {
    if tag.element() == 0 {
        return NodeVr::Exact(VR::UL);
    }
    if tag.group() % 2 == 1 {
        let creator = (0x0010..=0x00FF).contains(&tag.element());
        return NodeVr::Exact(if creator { VR::LO } else { VR::UN });
    }
    match StandardDataDictionary.by_tag(tag).map(DataDictionaryEntry::vr) {
        Some(VirtualVr::Exact(vr)) => NodeVr::Exact(vr),
        Some(VirtualVr::Xs) => NodeVr::UsOrSs,
        Some(VirtualVr::Lt) => NodeVr::UsOrOw,
        Some(VirtualVr::Ox | VirtualVr::Px) => NodeVr::Exact(VR::OW),
        _ => NodeVr::Exact(VR::UN),
    }
}

/// The VR that PS3.6 gives `tag`; where it leaves a choice, the commoner one.
#[must_use]
pub fn vr_of(tag: Tag) -> VR {
    match implicit_vr(tag) {
        NodeVr::Exact(vr) => vr,
        NodeVr::UsOrSs => VR::US,
        NodeVr::UsOrOw => VR::OW,
    }
}

/// The tag of a PS3.6 keyword.
#[must_use]
pub fn tag_of(keyword: &str) -> Option<Tag> {
    StandardDataDictionary.by_name(keyword).map(DataDictionaryEntry::tag)
}

/// The PS3.6 keyword of a tag; none for private and unknown ones.
#[must_use]
pub fn keyword_of(tag: Tag) -> Option<&'static str> {
    if tag.element() == 0 || tag.group() % 2 == 1 {
        return None;
    }
    StandardDataDictionary.by_tag(tag).map(|entry| entry.alias)
}

/// Whether an explicit header has a 32-bit length behind two reserved bytes (PS3.5 Table 7.1-1).
pub(crate) fn has_long_length(vr: VR) -> bool {
    use VR::*;
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

/// Whether values are octets for machines rather than numbers or text for people.
pub(super) fn is_bulk(vr: VR) -> bool {
    use VR::*;
    matches!(vr, OB | OD | OF | OL | OV | OW | UN)
}

/// Bytes that turn round together between byte orders (PS3.5 7.3).
pub(super) fn word_bytes(vr: VR) -> usize {
    use VR::*;
    match vr {
        US | SS | OW | AT => 2,
        UL | SL | FL | OF | OL => 4,
        FD | OD | SV | UV | OV => 8,
        _ => 1,
    }
}

/// The byte that makes a value even (PS3.5 6.2): a space after text, NUL after UIDs and octets.
pub(super) fn padding(vr: VR) -> u8 {
    if vr == VR::UI || word_bytes(vr) > 1 || is_bulk(vr) { 0 } else { b' ' }
}
