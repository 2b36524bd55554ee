//! The pass itself: one state for what comes next, one stack for what is open. Nothing is allocated by a declared length.

mod rules;
mod value;

use self::value::INLINE_OCTETS_MAX;
use super::header::{HEADER_BYTES_MAX, Header, ITEM, ITEM_END, SEQUENCE_END, Said, UNDEFINED, parse};
use super::outline::{Kind, Node, OPEN, Outline};
use super::vr::{NodeVr, implicit_vr, is_bulk};
use crate::error::Error;
use crate::syntax::Encoding;
use dicom_core::{Tag, VR};
use record::limits::{DATASET_DEPTH_MAX, DATASET_ELEMENTS_MAX};
use std::fmt;

// The first warnings tell; a hostile data set may earn one at every element.
const WARNINGS_MAX: usize = 64;

/// What is open around the next byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Sequence,
    Fragments,
}

#[derive(Clone, Copy)]
struct Frame {
    level: Level,
    encoding: Encoding,
    /// Where a defined length ends; `None` waits for the delimiter.
    end: Option<u64>,
    /// The nearest end of anything around: nothing inside may pass it.
    limit: Option<u64>,
    node: usize,
    tag: Tag,
    last: Option<Tag>,
    disordered: bool,
}

/// A value whose bytes are coming.
#[derive(Clone, Copy)]
struct Pending {
    node: Node,
    left: u32,
    little: bool,
}

enum Now {
    Header,
    Value(Pending),
    /// Zeros behind the last element, as some writers leave them.
    Zeros,
}

/// The state between chunks.
pub(super) struct Walk {
    outline: Outline,
    now: Now,
    header: [u8; HEADER_BYTES_MAX],
    have: usize,
    position: u64,
    frames: Vec<Frame>,
    depth: usize,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Walk(at {}, {:?})", self.position, self.outline)
    }
}

impl Walk {
    pub(super) fn new(encoding: Encoding) -> Self {
        let root = Frame {
            level: Level::Root,
            encoding,
            end: None,
            limit: None,
            node: 0,
            tag: Tag(0, 0),
            last: None,
            disordered: false,
        };
        Self {
            outline: Outline::default(),
            now: Now::Header,
            header: [0; HEADER_BYTES_MAX],
            have: 0,
            position: 0,
            frames: vec![root],
            depth: 0,
        }
    }

    pub(super) fn limit_total(&mut self, total_bytes: u64) {
        if let Some(root) = self.frames.first_mut() {
            root.limit = Some(total_bytes);
        }
    }

    pub(super) fn outline(&self) -> &Outline {
        &self.outline
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            bytes = match &self.now {
                Now::Header => self.take_header(bytes)?,
                Now::Value(pending) => {
                    let pending = *pending;
                    self.take_value(pending, bytes)?
                }
                Now::Zeros if bytes.iter().all(|b| *b == 0) => {
                    self.advance(bytes.len());
                    &[]
                }
                Now::Zeros => return Err(Error::invalid("bytes follow the padding behind the data set")),
            };
        }
        Ok(())
    }

    pub(super) fn warn(&mut self, text: impl FnOnce() -> String) {
        match self.outline.warnings.len() {
            0..WARNINGS_MAX => self.outline.warnings.push(text()),
            WARNINGS_MAX => self.outline.warnings.push("further warnings are left out".to_owned()),
            _ => {}
        }
    }

    pub(super) fn finish(mut self) -> Result<Outline, Error> {
        if let Now::Value(pending) = &self.now {
            return Err(Error::invalid(format!(
                "{}: {} bytes are missing at the end of the data set",
                pending.node.tag, pending.left
            )));
        }
        let rest = self.header.get(..self.have).unwrap_or_default();
        if !rest.is_empty() {
            if self.frames.len() > 1 || rest.iter().any(|b| *b != 0) {
                return Err(Error::invalid("the data set ends inside the header of an element"));
            }
            self.warn(|| "zeros follow the data set".to_owned());
        }
        if let [_, .., open] = self.frames.as_slice() {
            return Err(Error::invalid(format!("{}: still open at the end of the data set", open.tag)));
        }
        if let Some(root) = self.frames.first().copied() {
            self.check_unique(root, 0)?;
        }
        self.outline.identified = true;
        Ok(self.outline)
    }

    fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn top(&self) -> Result<Frame, Error> {
        // INVARIANT: the root frame is never popped.
        self.frames.last().copied().ok_or_else(|| Error::invalid("nothing is open"))
    }

    fn take_header<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Error> {
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
        if top.limit.is_some_and(|limit| self.position > limit) {
            return Err(Error::invalid(format!("{}: begins inside and ends outside what holds it", header.tag)));
        }
        match top.level {
            Level::Root | Level::Item => self.element(top, header)?,
            Level::Sequence => self.item(top, header)?,
            Level::Fragments => self.fragment(top, header)?,
        }
        self.close_ended()?;
        Ok(rest)
    }

    fn push(&mut self, node: Node) -> Result<usize, Error> {
        if self.outline.nodes.len() >= DATASET_ELEMENTS_MAX {
            return Err(Error::invalid(format!("{}: more than {DATASET_ELEMENTS_MAX} elements", node.tag)));
        }
        self.outline.nodes.push(node);
        Ok(self.outline.nodes.len().saturating_sub(1))
    }

    /// The absolute end of a defined length, refused if it passes what is around it.
    fn end_of(&self, top: Frame, header: &Header) -> Result<u64, Error> {
        let end = self.position.saturating_add(u64::from(header.length));
        if let Some(limit) = top.limit.filter(|limit| end > *limit) {
            return Err(Error::invalid(format!(
                "{}: declares {} bytes where {} are left",
                header.tag,
                header.length,
                limit.saturating_sub(self.position)
            )));
        }
        Ok(end)
    }

    fn element(&mut self, top: Frame, header: Header) -> Result<(), Error> {
        if header.tag.group() == 0xFFFE {
            return self.stray(top, header);
        }
        if top.level == Level::Root && header.tag == Tag(0, 0) && header.length == 0 && top.last.is_some() {
            self.warn(|| "zeros follow the data set".to_owned());
            self.now = Now::Zeros;
            return Ok(());
        }
        self.check_order(top, header.tag);
        self.check_identification(top, &header)?;
        match header.said {
            Said::Future => self.warn(|| format!("{}: unknown value representation", header.tag)),
            Said::Garbage => self.warn(|| format!("{}: no value representation", header.tag)),
            Said::Nothing | Said::Known => {}
        }
        if header.length == UNDEFINED {
            return self.undefined(top, header);
        }
        let end = self.end_of(top, &header)?;
        if header.length % 2 == 1 {
            self.warn(|| format!("{}: odd length", header.tag));
        }
        // PS3.5 6.2.2: the value of a known attribute sent as UN is in implicit little endian.
        let small = usize::try_from(header.length).is_ok_and(|length| length <= INLINE_OCTETS_MAX);
        let by_dictionary = implicit_vr(header.tag);
        let (vr, encoding) = match header.vr {
            NodeVr::Exact(VR::UN) if small || by_dictionary == NodeVr::Exact(VR::SQ) => {
                (by_dictionary, Encoding::ImplicitLittle)
            }
            vr => (vr, top.encoding),
        };
        if vr == NodeVr::Exact(VR::SQ) {
            return self.open(top, header.tag, vr, Level::Sequence, encoding, Some(end));
        }
        self.begin_value(header.tag, vr, header.length, encoding != Encoding::ExplicitBig)
    }

    fn undefined(&mut self, top: Frame, header: Header) -> Result<(), Error> {
        let NodeVr::Exact(vr) = header.vr else {
            return Err(Error::invalid(format!("{}: undefined length is not allowed here", header.tag)));
        };
        match vr {
            VR::SQ => self.open(top, header.tag, header.vr, Level::Sequence, top.encoding, None),
            // PS3.5 6.2.2: UN of undefined length is a sequence in implicit little endian.
            VR::UN => {
                let sequence = NodeVr::Exact(VR::SQ);
                self.open(top, header.tag, sequence, Level::Sequence, Encoding::ImplicitLittle, None)
            }
            vr if is_bulk(vr) => self.open(top, header.tag, header.vr, Level::Fragments, top.encoding, None),
            _ => Err(Error::invalid(format!("{}: undefined length is not allowed here", header.tag))),
        }
    }

    /// A delimiter where elements are expected.
    fn stray(&mut self, top: Frame, header: Header) -> Result<(), Error> {
        if header.tag == ITEM_END && top.level == Level::Item && header.length == 0 {
            if top.end.is_none() {
                return self.close();
            }
            self.warn(|| format!("{}: delimiter in an item of defined length", top.tag));
            return Ok(());
        }
        Err(Error::invalid(format!("{}: delimiter out of place", header.tag)))
    }

    fn item(&mut self, top: Frame, header: Header) -> Result<(), Error> {
        match header.tag {
            ITEM => {
                let end = if header.length == UNDEFINED { None } else { Some(self.end_of(top, &header)?) };
                self.open(top, ITEM, NodeVr::Exact(VR::UN), Level::Item, top.encoding, end)
            }
            SEQUENCE_END if header.length == 0 && top.end.is_none() => self.close(),
            SEQUENCE_END | ITEM_END if header.length == 0 && top.end.is_some() => {
                self.warn(|| format!("{}: delimiter in a sequence of defined length", top.tag));
                Ok(())
            }
            _ => Err(Error::invalid(format!("{}: {} where an item is expected", top.tag, header.tag))),
        }
    }

    fn fragment(&mut self, top: Frame, header: Header) -> Result<(), Error> {
        match header.tag {
            ITEM if header.length != UNDEFINED => {
                self.end_of(top, &header)?;
                let vr = NodeVr::Exact(VR::OB);
                let node = Node { offset: self.position, length: header.length, tag: ITEM, vr, kind: Kind::Fragment };
                self.wait(Pending { node, left: header.length, little: true })
            }
            SEQUENCE_END if header.length == 0 => self.close(),
            _ => Err(Error::invalid(format!("{}: {} where a fragment is expected", top.tag, header.tag))),
        }
    }

    fn open(
        &mut self,
        top: Frame,
        tag: Tag,
        vr: NodeVr,
        level: Level,
        encoding: Encoding,
        end: Option<u64>,
    ) -> Result<(), Error> {
        let kind = match level {
            Level::Sequence => Kind::Sequence,
            Level::Fragments => Kind::Fragments,
            Level::Root | Level::Item => Kind::Item,
        };
        if kind == Kind::Sequence {
            self.depth = self.depth.saturating_add(1);
            if self.depth > DATASET_DEPTH_MAX {
                return Err(Error::invalid(format!("{tag}: sequences nested deeper than {DATASET_DEPTH_MAX}")));
            }
        }
        let node = self.push(Node { offset: self.position, length: OPEN, tag, vr, kind })?;
        let limit = end.or(top.limit);
        self.frames.push(Frame { level, encoding, end, limit, node, tag, last: None, disordered: false });
        Ok(())
    }

    fn close_ended(&mut self) -> Result<(), Error> {
        while let Now::Header = self.now
            && self.top()?.end == Some(self.position)
        {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let end = u32::try_from(self.outline.nodes.len()).unwrap_or(OPEN);
        if let Some(node) = self.outline.nodes.get_mut(frame.node) {
            node.length = end;
        }
        match frame.level {
            Level::Sequence => self.depth = self.depth.saturating_sub(1),
            Level::Item => self.check_unique(frame, frame.node.saturating_add(1))?,
            Level::Root | Level::Fragments => {}
        }
        Ok(())
    }
}
