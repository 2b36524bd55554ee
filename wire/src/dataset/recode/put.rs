//! Writing headers.

use crate::dataset::vr::has_long_length;
use crate::error::Error;
use crate::syntax::Encoding;
use dicom_core::{Tag, VR};

fn short(encoding: Encoding, number: u16) -> [u8; 2] {
    if encoding == Encoding::ExplicitBig { number.to_be_bytes() } else { number.to_le_bytes() }
}

fn long(encoding: Encoding, number: u32) -> [u8; 4] {
    if encoding == Encoding::ExplicitBig { number.to_be_bytes() } else { number.to_le_bytes() }
}

fn put_tag(out: &mut Vec<u8>, encoding: Encoding, tag: Tag) {
    out.extend_from_slice(&short(encoding, tag.group()));
    out.extend_from_slice(&short(encoding, tag.element()));
}

/// The header of an element (PS3.5 7.1.2, 7.1.3).
pub(super) fn put_header(out: &mut Vec<u8>, encoding: Encoding, tag: Tag, vr: VR, length: u32) -> Result<(), Error> {
    put_tag(out, encoding, tag);
    if encoding == Encoding::ImplicitLittle {
        out.extend_from_slice(&long(encoding, length));
        return Ok(());
    }
    out.extend_from_slice(vr.to_string().as_bytes());
    if has_long_length(vr) {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&long(encoding, length));
        return Ok(());
    }
    let length = u16::try_from(length).map_err(|_| Error::invalid(format!("{tag}: the value is too long")))?;
    out.extend_from_slice(&short(encoding, length));
    Ok(())
}

/// An item's header or a delimiter, which have no VR in any encoding (PS3.5 7.5).
pub(super) fn put_delimiter(out: &mut Vec<u8>, encoding: Encoding, tag: Tag, length: u32) {
    put_tag(out, encoding, tag);
    out.extend_from_slice(&long(encoding, length));
}
