//! Values: which stay in memory, which are only pointed at, and what is looked at when one is complete.

use super::super::outline::{Kind, Node, SPECIFIC_CHARACTER_SET};
use super::super::vr::{NodeVr, is_bulk, word_bytes};
use super::{Now, Pending, Walk};
use crate::charset::Charset;
use crate::error::Error;
use crate::uid::is_uid;
use dicom_core::{Tag, VR};
use record::limits::{INLINE_VALUE_BYTES_MAX, METADATA_BYTES_MAX};

// Octets for machines are of no use in metadata beyond a header's worth (icons, hashes, short tables).
pub(super) const INLINE_OCTETS_MAX: usize = 1024;
// Once half of the metadata is spent, only values like numbers, codes and UIDs stay in it.
const INLINE_UNDER_PRESSURE_MAX: usize = 64;

impl Walk {
    pub(super) fn take_value<'b>(&mut self, mut pending: Pending, bytes: &'b [u8]) -> Result<&'b [u8], Error> {
        let take = usize::try_from(pending.left).unwrap_or(usize::MAX).min(bytes.len());
        let (value, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
        if pending.node.kind == Kind::Inline {
            self.outline.values.extend_from_slice(value);
        }
        self.advance(take);
        pending.left = pending.left.saturating_sub(u32::try_from(take).unwrap_or(u32::MAX));
        self.now = Now::Value(pending);
        if pending.left == 0 {
            self.end_value(pending)?;
            self.close_ended()?;
        }
        Ok(rest)
    }

    pub(super) fn begin_value(&mut self, tag: Tag, vr: NodeVr, length: u32, little: bool) -> Result<(), Error> {
        let kind = self.place(tag, vr, length)?;
        let offset = match kind {
            Kind::Inline => u64::try_from(self.outline.values.len()).unwrap_or(u64::MAX),
            _ => self.position,
        };
        self.wait(Pending { node: Node { offset, length, tag, vr, kind }, left: length, little })
    }

    pub(super) fn wait(&mut self, pending: Pending) -> Result<(), Error> {
        if pending.left == 0 {
            return self.end_value(pending);
        }
        self.now = Now::Value(pending);
        Ok(())
    }

    /// Whether a value stays in memory or is only pointed at.
    pub(super) fn place(&self, tag: Tag, vr: NodeVr, length: u32) -> Result<Kind, Error> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let octets = matches!(vr, NodeVr::Exact(vr) if is_bulk(vr)) || vr == NodeVr::UsOrOw;
        // Float, Double and integer Pixel Data are asked for by frame, so their place must be known at any size.
        let pixels = matches!(tag, Tag(0x7FE0, 0x0008..=0x0010)) && length > 0;
        let used = self.outline.values.len();
        let inline_max = if used > METADATA_BYTES_MAX / 2 {
            INLINE_UNDER_PRESSURE_MAX
        } else if octets {
            INLINE_OCTETS_MAX
        } else {
            INLINE_VALUE_BYTES_MAX
        };
        if pixels || length > inline_max {
            return Ok(Kind::Bulk);
        }
        if used.saturating_add(length) > METADATA_BYTES_MAX {
            return Err(Error::invalid(format!("{tag}: more than {METADATA_BYTES_MAX} bytes of metadata")));
        }
        Ok(Kind::Inline)
    }

    pub(super) fn end_value(&mut self, pending: Pending) -> Result<(), Error> {
        self.now = Now::Header;
        let Pending { node, little, .. } = pending;
        if node.kind == Kind::Inline {
            let from = usize::try_from(node.offset).unwrap_or(usize::MAX);
            let value = self.outline.values.get_mut(from..).unwrap_or_default();
            if let NodeVr::Exact(vr) = node.vr {
                if !little {
                    value.chunks_exact_mut(word_bytes(vr).max(1)).for_each(<[u8]>::reverse);
                }
                let broken_uid = vr == VR::UI
                    && !value.is_empty()
                    && !value
                        .split(|b| *b == b'\\')
                        .all(|uid| std::str::from_utf8(uid).is_ok_and(|uid| is_uid(uid.trim_end_matches(['\0', ' ']))));
                let strange_charset = node.tag == SPECIFIC_CHARACTER_SET && !Charset::of(value).1;
                if broken_uid {
                    self.warn(|| format!("{}: not a valid UID", node.tag));
                }
                if strange_charset {
                    self.warn(|| format!("{}: unknown character set", node.tag));
                }
            }
        }
        self.push(node).map(|_| ())
    }
}
