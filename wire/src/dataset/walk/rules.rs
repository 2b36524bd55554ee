//! Rules about the order of elements: what is let pass with a warning, and what is not.

use super::super::header::{Header, UNDEFINED};
use super::super::outline::Kind;
use super::{Frame, Level, Walk};
use crate::error::Error;
use dicom_core::Tag;
use record::limits::PREAMBLE_BYTES_MAX;

const LAST_IDENTIFYING: Tag = Tag(0x0010, 0xFFFF);

impl Walk {
    pub(super) fn check_order(&mut self, top: Frame, tag: Tag) {
        let disordered = top.last.is_some_and(|last| tag <= last);
        if disordered && !top.disordered {
            self.warn(|| format!("{tag}: out of order"));
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.last = Some(tag);
            frame.disordered |= disordered;
        }
    }

    /// A tag that occurs twice with one value counts once. With two values it is refused: readers disagree which of them
    /// counts, and a data set with two patients in it must not come in.
    pub(super) fn check_unique(&mut self, frame: Frame, first: usize) -> Result<(), Error> {
        if !frame.disordered {
            return Ok(());
        }
        let mut tags = Vec::new();
        let mut at = first;
        while let Some(node) = self.outline.nodes.get(at) {
            tags.push((node.tag, at));
            at = match node.kind {
                Kind::Sequence | Kind::Item | Kind::Fragments => usize::try_from(node.length).unwrap_or(usize::MAX),
                Kind::Inline | Kind::Bulk | Kind::Fragment | Kind::Repeated => at.saturating_add(1),
            };
        }
        tags.sort_unstable();
        let twice = tags.windows(2).filter_map(|pair| match pair {
            [(tag, first), (again, second)] if tag == again => Some((*tag, *first, *second)),
            _ => None,
        });
        for (tag, first, second) in twice {
            if self.outline.inline_at(first).is_none()
                || self.outline.inline_at(first) != self.outline.inline_at(second)
            {
                return Err(Error::invalid(format!("{tag}: occurs twice in one data set with different values")));
            }
            // The earlier one goes, so that a third is compared with what is left.
            if let Some(node) = self.outline.nodes.get_mut(first) {
                node.kind = Kind::Repeated;
            }
            self.warn(|| format!("{tag}: occurs twice in one data set"));
        }
        Ok(())
    }

    pub(super) fn check_identification(&mut self, top: Frame, header: &Header) -> Result<(), Error> {
        if top.level == Level::Root {
            // The patient has been settled by then; a later name would be somebody else's.
            if self.outline.identified && matches!(header.tag.group(), 0x0008 | 0x0010) {
                return Err(Error::invalid(format!("{}: identification behind later groups", header.tag)));
            }
            self.outline.identified |= header.tag > LAST_IDENTIFYING;
        }
        let length = if header.length == UNDEFINED { 0 } else { u64::from(header.length) };
        let end = self.position.saturating_add(length);
        if !self.outline.identified && usize::try_from(end).is_ok_and(|end| end > PREAMBLE_BYTES_MAX) {
            let text = format!("{}: more than {PREAMBLE_BYTES_MAX} bytes before the end of group 0010", header.tag);
            return Err(Error::invalid(text));
        }
        Ok(())
    }
}
