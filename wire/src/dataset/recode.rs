//! The same data set in another encoding (PS3.5 7.1): chunk by chunk, every value kept, none of them held.
//!
//! What the bytes of a data set say is not changed, only how: byte order, whether the VR is written, how the end of a
//! sequence is told. Group lengths (retired in 2008) go, because they would count other bytes. Sequences and items come out
//! with delimiters, because their lengths are known only at their ends.

mod put;

use self::put::{put_delimiter, put_header};
use super::header::{HEADER_BYTES_MAX, Header, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, parse};
use super::vr::{NodeVr, has_long_length, word_bytes};
use crate::error::Error;
use crate::syntax::Encoding;
use dicom_core::{Tag, VR};
use record::limits::DATASET_DEPTH_MAX;
use std::collections::{BTreeMap, BTreeSet};

const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);
const LUT_DESCRIPTOR: Tag = Tag(0x0028, 0x3002);

/// What becomes of an element of the outermost data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It is left out.
    Drop,
    /// It has this value, numbers in little endian order; it is added if it is not there.
    Put(VR, Vec<u8>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Elements,
    Items,
}

#[derive(Clone, Copy)]
struct Frame {
    level: Level,
    /// Of what comes in.
    encoding: Encoding,
    /// Where a defined length ends.
    end: Option<u64>,
    signed: bool,
    /// Whether the table that comes has a single entry.
    single: bool,
}

/// A value that is passing.
#[derive(Clone, Copy)]
struct Passing {
    tag: Tag,
    left: u32,
    /// Bytes that turn round together; 1 for none.
    word: usize,
    dropped: bool,
}

/// Writes a data set in another encoding while it is read. It was bounded when it was taken in; what does not follow the
/// rules here ends in an error and never in more memory.
pub struct Recoder {
    to: Encoding,
    frames: Vec<Frame>,
    header: [u8; HEADER_BYTES_MAX],
    have: usize,
    passing: Option<Passing>,
    /// The beginning of a word.
    carry: Vec<u8>,
    /// The beginning of a value that is looked at.
    seen: Vec<u8>,
    position: u64,
    edits: BTreeMap<Tag, Edit>,
    /// What has been put: where elements are out of order, the old value may come behind the new one.
    put: BTreeSet<Tag>,
    last: Option<Tag>,
    ended: bool,
}

impl std::fmt::Debug for Recoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recoder(at {}, to {:?})", self.position, self.to)
    }
}

impl Recoder {
    /// From one encoding to another.
    #[must_use]
    pub fn new(from: Encoding, to: Encoding) -> Self {
        let root = Frame { level: Level::Elements, encoding: from, end: None, signed: false, single: false };
        Self {
            to,
            frames: vec![root],
            header: [0; HEADER_BYTES_MAX],
            have: 0,
            passing: None,
            carry: Vec::new(),
            seen: Vec::new(),
            position: 0,
            edits: BTreeMap::new(),
            put: BTreeSet::new(),
            last: None,
            ended: false,
        }
    }

    /// With other values for some elements of the outermost data set.
    #[must_use]
    pub fn editing(mut self, edits: impl IntoIterator<Item = (Tag, Edit)>) -> Self {
        self.edits.extend(edits);
        self
    }

    /// Takes the next bytes and appends what they become.
    ///
    /// # Errors
    /// Invalid if this is no data set of the encoding it was said to have, or it holds encapsulated pixel data.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        while !bytes.is_empty() && !self.ended {
            bytes = match self.passing {
                Some(passing) => self.pass(passing, bytes, out)?,
                None => self.take_header(bytes, out)?,
            };
        }
        Ok(())
    }

    /// Appends an element whose value the caller appends itself, in the byte order of the target.
    ///
    /// # Errors
    /// Invalid inside an element or a sequence.
    pub fn insert(&mut self, tag: Tag, vr: VR, length: u32, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.frames.len() > 1 || self.passing.is_some() || self.have > 0 {
            return Err(Error::invalid("an element is put into another"));
        }
        self.put_edits_before(Some(tag), out)?;
        put_header(out, self.to, tag, vr, length)
    }

    /// Says that the data set has ended.
    ///
    /// # Errors
    /// Invalid if it has not.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let rest = self.header.get(..self.have).unwrap_or_default();
        let complete = self.ended || (self.frames.len() == 1 && self.passing.is_none() && rest.iter().all(|b| *b == 0));
        if !complete {
            return Err(Error::invalid("the data set ends early"));
        }
        self.put_edits_before(None, out)
    }

    fn top(&self) -> Result<Frame, Error> {
        // INVARIANT: the root frame is never popped.
        self.frames.last().copied().ok_or_else(|| Error::invalid("nothing is open"))
    }

    fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn take_header<'b>(&mut self, bytes: &'b [u8], out: &mut Vec<u8>) -> Result<&'b [u8], Error> {
        let want = if self.have < 8 { 8 } else { HEADER_BYTES_MAX };
        let take = want.saturating_sub(self.have).min(bytes.len());
        let (head, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
        if let Some(free) = self.header.get_mut(self.have..).and_then(|free| free.get_mut(..take)) {
            free.copy_from_slice(head);
        }
        self.have = self.have.saturating_add(take);
        self.advance(take);
        let top = self.top()?;
        let known = self.header.get(..self.have).unwrap_or_default();
        let Some((header, _)) = parse(top.encoding, known)? else { return Ok(rest) };
        self.have = 0;
        match top.level {
            Level::Elements => self.element(top, header, out)?,
            Level::Items => self.item(top, header, out)?,
        }
        self.close_ended(out)?;
        Ok(rest)
    }

    fn element(&mut self, top: Frame, header: Header, out: &mut Vec<u8>) -> Result<(), Error> {
        let tag = header.tag;
        let is_root = self.frames.len() == 1;
        if tag.group() == 0xFFFE {
            return match (tag == ITEM_END && !is_root && header.length == 0, top.end) {
                (true, None) => self.close(out),
                // A delimiter in an item of defined length says nothing.
                (true, Some(_)) => Ok(()),
                (false, _) => Err(Error::invalid(format!("{tag}: delimiter out of place"))),
            };
        }
        if is_root && tag == Tag(0, 0) && header.length == 0 && self.last.is_some() {
            // Zeros behind the last element, as some writers leave them.
            self.ended = true;
            return Ok(());
        }
        if is_root {
            self.put_edits_before(Some(tag), out)?;
            self.last = Some(tag);
        }
        let vr = settled(header.vr, top);
        if header.length == UNDEFINED {
            return match vr {
                VR::SQ => self.open_sequence(tag, top, top.encoding, None, out),
                // PS3.5 6.2.2: UN of undefined length is a sequence in implicit little endian.
                VR::UN => self.open_sequence(tag, top, Encoding::ImplicitLittle, None, out),
                _ => Err(Error::invalid(format!("{tag}: encapsulated pixel data is not written anew"))),
            };
        }
        let edit = if is_root { self.edits.remove(&tag) } else { None };
        let dropped = tag.element() == 0 || edit.is_some() || (is_root && self.put.contains(&tag));
        if let Some(Edit::Put(vr, value)) = edit {
            self.put(tag, vr, &value, out)?;
            self.put.insert(tag);
        }
        if vr == VR::SQ && !dropped {
            let end = self.position.saturating_add(u64::from(header.length));
            return self.open_sequence(tag, top, top.encoding, Some(end), out);
        }
        let turns = (top.encoding == Encoding::ExplicitBig) != (self.to == Encoding::ExplicitBig);
        let mut word = if turns { word_bytes(vr) } else { 1 };
        if !dropped {
            // PS3.5 6.2.2: what is too long for the 16 bits of its length is UN, whose value is little endian.
            let too_long = !has_long_length(vr) && header.length > u32::from(u16::MAX);
            let written = if too_long && self.to != Encoding::ImplicitLittle { VR::UN } else { vr };
            if written != vr && self.to == Encoding::ExplicitBig {
                word = 1;
            }
            put_header(out, self.to, tag, written, header.length)?;
        }
        if header.length > 0 {
            self.carry.clear();
            self.seen.clear();
            self.passing = Some(Passing { tag, left: header.length, word, dropped });
        }
        Ok(())
    }

    fn item(&mut self, top: Frame, header: Header, out: &mut Vec<u8>) -> Result<(), Error> {
        match header.tag {
            ITEM => {
                let end = (header.length != UNDEFINED).then(|| self.position.saturating_add(u64::from(header.length)));
                self.frames.push(Frame { level: Level::Elements, end, single: false, ..top });
                put_delimiter(out, self.to, ITEM, UNDEFINED);
                Ok(())
            }
            SEQUENCE_END if header.length == 0 && top.end.is_none() => self.close(out),
            SEQUENCE_END | ITEM_END if header.length == 0 && top.end.is_some() => Ok(()),
            tag => Err(Error::invalid(format!("{tag} where an item is expected"))),
        }
    }

    fn open_sequence(
        &mut self,
        tag: Tag,
        top: Frame,
        encoding: Encoding,
        end: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        // Each level of nesting is a sequence and an item.
        if self.frames.len() > 2 * DATASET_DEPTH_MAX {
            return Err(Error::invalid(format!("{tag}: sequences nested deeper than {DATASET_DEPTH_MAX}")));
        }
        self.frames.push(Frame { level: Level::Items, encoding, end, ..top });
        put_header(out, self.to, tag, VR::SQ, UNDEFINED)
    }

    fn close_ended(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        while self.passing.is_none() && self.frames.len() > 1 {
            match self.top()?.end {
                Some(end) if end == self.position => self.close(out)?,
                Some(end) if end < self.position => {
                    return Err(Error::invalid("an element passes the end of its item"));
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let frame = self.frames.pop().ok_or_else(|| Error::invalid("nothing is open"))?;
        let delimiter = if frame.level == Level::Items { SEQUENCE_END } else { ITEM_END };
        put_delimiter(out, self.to, delimiter, 0);
        Ok(())
    }

    fn pass<'b>(&mut self, mut passing: Passing, bytes: &'b [u8], out: &mut Vec<u8>) -> Result<&'b [u8], Error> {
        let take = usize::try_from(passing.left).unwrap_or(usize::MAX).min(bytes.len());
        let (value, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
        self.advance(take);
        passing.left = passing.left.saturating_sub(u32::try_from(take).unwrap_or(u32::MAX));
        self.look_at(passing.tag, value);
        if !passing.dropped {
            self.put_words(passing.word, value, passing.left == 0, out);
        }
        self.passing = (passing.left > 0).then_some(passing);
        self.close_ended(out)?;
        Ok(rest)
    }

    /// Copies, with words turned round. Half a word waits for the next bytes; at the end of the value it stays as it is.
    fn put_words(&mut self, word: usize, mut value: &[u8], last: bool, out: &mut Vec<u8>) {
        if word > 1 {
            if !self.carry.is_empty() {
                let missing = word.saturating_sub(self.carry.len()).min(value.len());
                let (head, rest) = value.split_at_checked(missing).unwrap_or((value, &[]));
                self.carry.extend_from_slice(head);
                value = rest;
                if self.carry.len() == word {
                    out.extend(self.carry.drain(..).rev());
                }
            }
            let words = value.chunks_exact(word);
            let half = words.remainder();
            words.for_each(|word| out.extend(word.iter().rev()));
            self.carry.extend_from_slice(half);
            if last {
                out.append(&mut self.carry);
            }
        } else {
            out.extend_from_slice(value);
        }
    }

    /// Remembers what later representations depend on: the first two bytes of these.
    fn look_at(&mut self, tag: Tag, value: &[u8]) {
        if !matches!(tag, PIXEL_REPRESENTATION | LUT_DESCRIPTOR) {
            return;
        }
        self.seen.extend(value.iter().take(2_usize.saturating_sub(self.seen.len())));
        // Only implicit little endian leaves representations open, so the low byte comes first.
        let Some(frame) = self.frames.last_mut() else { return };
        match (tag, self.seen.as_slice()) {
            (PIXEL_REPRESENTATION, [low, ..]) => frame.signed = *low == 1,
            (LUT_DESCRIPTOR, [1, 0]) => frame.single = true,
            _ => {}
        }
    }

    fn put(&self, tag: Tag, vr: VR, value: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let length = u32::try_from(value.len()).map_err(|_| Error::invalid(format!("{tag}: the value is too long")))?;
        put_header(out, self.to, tag, vr, length)?;
        let word = if self.to == Encoding::ExplicitBig { word_bytes(vr) } else { 1 };
        value.chunks(word.max(1)).for_each(|word| match self.to {
            Encoding::ExplicitBig => out.extend(word.iter().rev()),
            _ => out.extend_from_slice(word),
        });
        Ok(())
    }

    /// Puts what is to be added before `tag`, or before the end.
    fn put_edits_before(&mut self, tag: Option<Tag>, out: &mut Vec<u8>) -> Result<(), Error> {
        while let Some(first) = self.edits.first_entry().filter(|edit| tag.is_none_or(|tag| *edit.key() < tag)) {
            let (tag, edit) = first.remove_entry();
            self.put.insert(tag);
            if let Edit::Put(vr, value) = edit {
                self.put(tag, vr, &value, out)?;
            }
        }
        Ok(())
    }
}

/// The VR that an element has in this data set.
fn settled(vr: NodeVr, top: Frame) -> VR {
    match vr {
        NodeVr::Exact(vr) => vr,
        NodeVr::UsOrSs if top.signed => VR::SS,
        NodeVr::UsOrSs => VR::US,
        NodeVr::UsOrOw if top.single => VR::US,
        NodeVr::UsOrOw => VR::OW,
    }
}

#[cfg(test)]
mod tests;
