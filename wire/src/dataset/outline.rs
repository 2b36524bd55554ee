//! What the pass leaves: the tree of elements, flat in memory, with small values inside.

use super::header::ITEM;
use super::vr::NodeVr;
use crate::charset::{Charset, Resets};
use dicom_core::{Tag, VR};
use std::fmt;

/// Specific Character Set.
pub(super) const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);
const LUT_DESCRIPTOR: Tag = Tag(0x0028, 0x3002);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `offset` and `length` in [`Outline::values`].
    Inline,
    /// `offset` and `length` in the data set.
    Bulk,
    /// `length` is the index of the node after the last item.
    Sequence,
    /// `length` is the index of the node after the last element.
    Item,
    /// `length` is the index of the node after the last fragment.
    Fragments,
    /// `offset` and `length` in the data set.
    Fragment,
    /// An element that comes again with the same value; passed over.
    Repeated,
}

/// One element, item or fragment. 24 bytes, so that a data set at the element limit stays within some 25 MB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) tag: Tag,
    pub(super) vr: NodeVr,
    pub(super) kind: Kind,
}

/// The `length` of a sequence, item or fragment list that is still open.
pub(super) const OPEN: u32 = u32::MAX;

/// The metadata of a data set, also while the rest of it is still arriving.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub(super) nodes: Vec<Node>,
    pub(super) values: Vec<u8>,
    pub(super) warnings: Vec<String>,
    pub(super) identified: bool,
}

impl fmt::Debug for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outline({} nodes)", self.nodes.len())
    }
}

/// A run of bytes in the data set; of the inflated stream if it is deflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u32,
}

/// What an element holds.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// The bytes, numbers in little endian order whatever the transfer syntax.
    Inline(&'a [u8]),
    /// Too long to keep: where the bytes are, in the byte order of the transfer syntax.
    Bulk(Span),
    /// The items of a sequence.
    Items(Vec<DataSet<'a>>),
    /// Encapsulated pixel data (PS3.5 A.4): the basic offset table, then the fragments.
    Fragments(Vec<Span>),
}

impl Outline {
    /// The outermost data set.
    #[must_use]
    pub fn root(&self) -> DataSet<'_> {
        let blank =
            DataSet { outline: self, from: 0, to: self.nodes.len(), charset: Charset::default(), signed: false };
        blank.inherit()
    }

    /// An element of the outermost data set.
    #[must_use]
    pub fn element(&self, tag: Tag) -> Option<Element<'_>> {
        self.root().element(tag)
    }

    /// The text of an element of the outermost data set; see [`DataSet::text`].
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.root().text(tag)
    }

    /// The items of a sequence of the outermost data set; none if it is absent or empty.
    #[must_use]
    pub fn sequence(&self, tag: Tag) -> Vec<DataSet<'_>> {
        self.root().sequence(tag)
    }

    /// What broke the standard and was let pass. Names tags and rules, never values.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether groups 0008 and 0010 are complete: the pass is beyond (0010,FFFF), or at the end.
    #[must_use]
    pub fn identified(&self) -> bool {
        self.identified
    }

    /// The bytes of a node, if they are in memory.
    pub(super) fn inline_at(&self, at: usize) -> Option<&[u8]> {
        let node = self.nodes.get(at).filter(|node| node.kind == Kind::Inline)?;
        let from = usize::try_from(node.offset).ok()?;
        let to = from.checked_add(usize::try_from(node.length).ok()?)?;
        self.values.get(from..to)
    }

    /// Elements, items and fragments so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.nodes.len()
    }
}

/// A data set: the outermost one or an item of a sequence.
#[derive(Clone, Copy)]
pub struct DataSet<'a> {
    pub(super) outline: &'a Outline,
    from: usize,
    to: usize,
    charset: Charset,
    signed: bool,
}

impl fmt::Debug for DataSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSet({} nodes)", self.to.saturating_sub(self.from))
    }
}

impl<'a> DataSet<'a> {
    /// Elements in the order of the stream.
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let set = *self;
        let mut next = self.from;
        std::iter::from_fn(move || {
            loop {
                let at = next;
                let node = set.node(at)?;
                next = set.after(at, node);
                if node.kind != Kind::Repeated {
                    return Some(Element { set, at, node });
                }
            }
        })
    }

    /// An element by its tag.
    #[must_use]
    pub fn element(&self, tag: Tag) -> Option<Element<'a>> {
        self.elements().find(|element| element.node.tag == tag)
    }

    /// The text of an element, decoded, spaces and NULs at its ends dropped. Backslashes between values stay. `None` if the
    /// element is absent, not text, or too long to be in the metadata; empty text if it is there without a value.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.element(tag)?.text()
    }

    /// The items of a sequence; none if it is absent or empty.
    #[must_use]
    pub fn sequence(&self, tag: Tag) -> Vec<DataSet<'a>> {
        match self.element(tag).map(|element| element.value()) {
            Some(Value::Items(items)) => items,
            _ => Vec::new(),
        }
    }

    fn node(&self, at: usize) -> Option<Node> {
        if at < self.to { self.outline.nodes.get(at).copied() } else { None }
    }

    fn after(&self, at: usize, node: Node) -> usize {
        match node.kind {
            Kind::Sequence | Kind::Item | Kind::Fragments => self.end_of(node),
            Kind::Inline | Kind::Bulk | Kind::Fragment | Kind::Repeated => at.saturating_add(1),
        }
    }

    fn end_of(&self, node: Node) -> usize {
        if node.length == OPEN { self.to } else { usize::try_from(node.length).unwrap_or(self.to).min(self.to) }
    }

    // Character set and pixel representation hold for the items inside unless an item says otherwise (PS3.5 6.1.2.4).
    fn inherit(mut self) -> Self {
        for element in self.elements() {
            let bytes = match element.node.tag {
                SPECIFIC_CHARACTER_SET | PIXEL_REPRESENTATION => element.inline().unwrap_or_default(),
                _ => continue,
            };
            match (element.node.tag, bytes) {
                (PIXEL_REPRESENTATION, [low, ..]) => self.signed = *low == 1,
                (SPECIFIC_CHARACTER_SET, [_, ..]) => self.charset = Charset::of(bytes).0,
                _ => {}
            }
        }
        self
    }
}

/// One element of a data set.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    set: DataSet<'a>,
    at: usize,
    node: Node,
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element({})", self.node.tag)
    }
}

impl<'a> Element<'a> {
    /// Its tag.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.node.tag
    }

    /// Its VR, as the stream says it or, in implicit encoding, by the dictionary and the data set around it.
    #[must_use]
    pub fn vr(&self) -> VR {
        match self.node.vr {
            NodeVr::Exact(vr) => vr,
            NodeVr::UsOrSs if self.set.signed => VR::SS,
            NodeVr::UsOrSs => VR::US,
            // PS3.3 C.11.1.1: the first value of the descriptor is the number of entries.
            NodeVr::UsOrOw => match self.set.element(LUT_DESCRIPTOR).and_then(|d| d.inline()) {
                Some([1, 0, ..]) => VR::US,
                _ => VR::OW,
            },
        }
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        let inner = self.at.saturating_add(1)..self.set.end_of(self.node);
        let span = |node: &Node| Span { offset: node.offset, length: node.length };
        match self.node.kind {
            Kind::Bulk | Kind::Fragment => Value::Bulk(span(&self.node)),
            Kind::Fragments => {
                Value::Fragments(self.set.outline.nodes.get(inner).unwrap_or_default().iter().map(span).collect())
            }
            Kind::Sequence => Value::Items(self.items(inner.start, inner.end)),
            Kind::Inline | Kind::Item | Kind::Repeated => Value::Inline(self.inline().unwrap_or_default()),
        }
    }

    /// Its bytes, if they are in the metadata.
    #[must_use]
    pub fn inline(&self) -> Option<&'a [u8]> {
        self.set.outline.inline_at(self.at)
    }

    /// Its text; see [`DataSet::text`].
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.whole_text().map(|text| text.trim_matches([' ', '\0']).to_owned())
    }

    /// Its text with whatever pads it.
    pub(super) fn whole_text(&self) -> Option<String> {
        use VR::*;
        let bytes = self.inline()?;
        Some(match self.vr() {
            PN => self.set.charset.decode(bytes, Resets::AtNameParts),
            LO | SH | UC => self.set.charset.decode(bytes, Resets::AtValues),
            LT | ST | UT => self.set.charset.decode(bytes, Resets::AtLines),
            // PS3.5 6.1.2.1: other text is of the default repertoire; what breaks that is still shown.
            AE | AS | CS | DA | DS | DT | IS | TM | UI | UR => Charset::default().decode(bytes, Resets::AtLines),
            _ => return None,
        })
    }

    fn items(&self, from: usize, to: usize) -> Vec<DataSet<'a>> {
        let mut items = Vec::new();
        let mut at = from;
        let sequence = DataSet { from, to, ..self.set };
        while let Some(node) = sequence.node(at).filter(|node| node.tag == ITEM) {
            let end = sequence.end_of(node);
            items.push(DataSet { from: at.saturating_add(1), to: end, ..self.set }.inherit());
            at = end.max(at.saturating_add(1));
        }
        items
    }
}
