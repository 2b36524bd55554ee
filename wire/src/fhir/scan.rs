//! The structural pass over JSON (RFC 8259), without recursion.

use crate::Error;
use record::limits::{BUNDLE_ENTRIES_MAX, JSON_DEPTH_MAX, JSON_VALUES_MAX, RESOURCE_BYTES_MAX};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// Objects with up to this many members are searched for a repeated key; larger ones get a table.
const KEYS_SEARCHED_MAX: usize = 16;

/// A string of the document and its place, quotes included.
#[derive(Clone, PartialEq, Eq)]
pub struct TextSpan {
    /// Bytes from the opening quote to after the closing one.
    pub span: Range<usize>,
    /// The text, escapes undone.
    pub text: String,
}

impl std::fmt::Debug for TextSpan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TextSpan({:?}, #)", self.span)
    }
}

/// A member of the top-level object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) value: Range<usize>,
}

/// Where things are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans {
    pub(super) members: Vec<Member>,
    pub(super) entries: Vec<Option<Range<usize>>>,
    pub(super) references: Vec<TextSpan>,
}

/// What an open array or object is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// The top-level array `entry`.
    Entries,
    /// One of its objects.
    Entry,
    Elsewhere,
}

/// An open array or object.
struct Open<'a> {
    object: bool,
    place: Place,
    start: usize,
    key: Cow<'a, str>,
    keys: Keys<'a>,
}

/// The keys of an object so far.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    /// False: it was there.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.contains(&key) || self.many.contains(&key) {
            return false;
        }
        if self.few.len() < KEYS_SEARCHED_MAX {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
        true
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open<'a>>,
    values: usize,
    spans: Spans,
}

/// Goes over a whole document.
pub(super) fn scan(bytes: &[u8]) -> Result<Spans, Error> {
    if bytes.len() > RESOURCE_BYTES_MAX {
        return Err(Error::invalid(format!("resource longer than {RESOURCE_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::invalid(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let mut scanner = Scanner { text, at: 0, open: Vec::new(), values: 0, spans: Spans::default() };
    scanner.document()?;
    Ok(scanner.spans)
}

impl<'a> Scanner<'a> {
    fn document(&mut self) -> Result<(), Error> {
        self.value()?;
        while let Some(open) = self.open.last() {
            let (object, first) = (open.object, self.is_first());
            self.space();
            match (self.peek(), object) {
                (Some(b'}'), true) | (Some(b']'), false) => self.close()?,
                (Some(b','), _) if !first => {
                    self.at = self.at.saturating_add(1);
                    self.next_value(object)?;
                }
                _ if first => self.next_value(object)?,
                _ => return Err(self.error("expected a comma or the end of an array or object")),
            }
        }
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.error("text after the document")) }
    }

    /// Whether nothing of the innermost array or object was read yet.
    fn is_first(&self) -> bool {
        self.open.last().is_some_and(|open| self.at == open.start.saturating_add(1))
    }

    fn next_value(&mut self, object: bool) -> Result<(), Error> {
        if object {
            self.space();
            let (key, _) = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.error("expected a colon"));
            }
            self.at = self.at.saturating_add(1);
            let Some(open) = self.open.last_mut() else { return Err(self.error("a key outside an object")) };
            if !open.keys.insert(key.clone()) {
                return Err(self.error("a key is repeated"));
            }
            open.key = key;
        }
        self.value()
    }

    fn value(&mut self) -> Result<(), Error> {
        self.space();
        self.values = self.values.saturating_add(1);
        if self.values > JSON_VALUES_MAX {
            return Err(self.error("too many values"));
        }
        let start = self.at;
        match self.peek() {
            Some(b'{') => return self.enter(true),
            Some(b'[') => return self.enter(false),
            Some(b'"') => {
                let (text, span) = self.string()?;
                self.note_reference(text, span);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        }
        self.note_value(start..self.at);
        Ok(())
    }

    fn enter(&mut self, object: bool) -> Result<(), Error> {
        if self.open.len() >= JSON_DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        let place = match self.open.last() {
            None if object => Place::Root,
            Some(open) if open.place == Place::Root && open.key == "entry" && !object => Place::Entries,
            Some(open) if open.place == Place::Entries && object => {
                if self.spans.entries.len() == BUNDLE_ENTRIES_MAX {
                    return Err(self.error("too many entries"));
                }
                self.spans.entries.push(None);
                Place::Entry
            }
            _ => Place::Elsewhere,
        };
        self.open.push(Open { object, place, start: self.at, key: Cow::Borrowed(""), keys: Keys::default() });
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.at = self.at.saturating_add(1);
        let Some(closed) = self.open.pop() else { return Err(self.error("an end without a beginning")) };
        self.note_value(closed.start..self.at);
        Ok(())
    }

    /// Remembers a complete value's place, if it is one that is asked for.
    fn note_value(&mut self, span: Range<usize>) {
        let Some(open) = self.open.last() else { return };
        match open.place {
            Place::Root => self.spans.members.push(Member { key: open.key.to_string(), value: span }),
            Place::Entry if open.key == "resource" => {
                if let Some(entry) = self.spans.entries.last_mut() {
                    *entry = Some(span);
                }
            }
            _ => {}
        }
    }

    fn note_reference(&mut self, text: Cow<'a, str>, span: Range<usize>) {
        let is_member = self.open.last().is_some_and(|open| open.object && open.key == "reference");
        if is_member || text.starts_with("urn:") {
            self.spans.references.push(TextSpan { span, text: text.into_owned() });
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let count = self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at = self.at.saturating_add(count);
    }

    fn word(&mut self) -> Result<(), Error> {
        let found = ["true", "false", "null"].iter().find(|word| self.rest().starts_with(word.as_bytes()));
        let word = found.ok_or_else(|| self.error("expected a value"))?;
        self.at = self.at.saturating_add(word.len());
        Ok(())
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == Some(b'-') {
            self.at = self.at.saturating_add(1);
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error("malformed number"));
        }
        if self.peek() == Some(b'.') {
            self.at = self.at.saturating_add(1);
            if self.digits() == 0 {
                return Err(self.error("malformed number"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at = self.at.saturating_add(1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at = self.at.saturating_add(1);
            }
            if self.digits() == 0 {
                return Err(self.error("malformed number"));
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at = self.at.saturating_add(count);
        count
    }

    /// A string: its text with escapes undone, and its place with the quotes.
    fn string(&mut self) -> Result<(Cow<'a, str>, Range<usize>), Error> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a string"));
        }
        let start = self.at;
        self.at = self.at.saturating_add(1);
        let mut undone = String::new();
        loop {
            let plain = self.at;
            let count = self.rest().iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
            self.at = self.at.saturating_add(count);
            // Both ends stand at ASCII, so they are boundaries of characters.
            let run = self.text.get(plain..self.at).unwrap_or_default();
            match self.peek() {
                Some(b'"') => {
                    self.at = self.at.saturating_add(1);
                    let span = start..self.at;
                    let whole = plain == start.saturating_add(1);
                    undone.push_str(if whole { "" } else { run });
                    return Ok((if whole { Cow::Borrowed(run) } else { Cow::Owned(undone) }, span));
                }
                Some(b'\\') => {
                    undone.push_str(run);
                    undone.push(self.escape()?);
                }
                Some(_) => return Err(self.error("control character in a string")),
                None => return Err(self.error("a string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let kind = self.rest().get(1).copied();
        self.at = self.at.saturating_add(2);
        match kind {
            Some(b'"') => Ok('"'),
            Some(b'\\') => Ok('\\'),
            Some(b'/') => Ok('/'),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'n') => Ok('\n'),
            Some(b'r') => Ok('\r'),
            Some(b't') => Ok('\t'),
            Some(b'u') => self.unicode(),
            _ => Err(self.error("unknown escape")),
        }
    }

    /// `XXXX` after `\u`, with its second half where UTF-16 needs one (RFC 8259 section 7).
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hexadecimal()?;
        let mut units = vec![first];
        if (0xD800..0xDC00).contains(&first) && self.rest().starts_with(b"\\u") {
            self.at = self.at.saturating_add(2);
            units.push(self.hexadecimal()?);
        }
        let mut decoded = char::decode_utf16(units);
        match (decoded.next(), decoded.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err(self.error("lone surrogate")),
        }
    }

    fn hexadecimal(&mut self) -> Result<u16, Error> {
        let digits = self.rest().get(..4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let unit = digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u16::from_str_radix(d, 16).ok());
        self.at = self.at.saturating_add(4);
        unit.ok_or_else(|| self.error("malformed escape"))
    }

    fn error(&self, what: &str) -> Error {
        Error::invalid(format!("JSON at byte {}: {what}", self.at.min(self.text.len())))
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
