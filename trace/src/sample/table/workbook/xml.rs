//! As much of XML as sheets are written in. Entities that a document declares are not known, so nothing grows.

use crate::sample::limits::XML_BYTES_MAX;
use crate::sample::remark::Fault;
use crate::sample::text::{Coding, Text};
use memchr::{memchr, memmem};
use std::io::Read;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A tag opens; `true` if it closes at once.
    Open(bool),
    /// A tag closes.
    Close,
    /// Letters.
    Letters,
    /// The end.
    End,
}

pub(super) struct Xml<'a> {
    text: Text<'a>,
    /// The name of the tag, without its prefix.
    pub name: Vec<u8>,
    attributes: Vec<u8>,
    /// The letters, decoded.
    pub letters: Vec<u8>,
    pub fault: Option<Fault>,
}

impl<'a> Xml<'a> {
    pub fn new(input: &'a mut dyn Read) -> Self {
        Self {
            text: Text::new(input, Coding::Utf8, 0),
            name: Vec::new(),
            attributes: Vec::new(),
            letters: Vec::new(),
            fault: None,
        }
    }

    pub fn next(&mut self) -> Event {
        loop {
            if self.text.bytes().is_empty() && !self.text.more() {
                self.fault = self.fault.or(self.text.fault());
                return Event::End;
            }
            let window = self.text.bytes();
            if window.first().is_some_and(|first| *first != b'<') {
                if let Some(length) = memchr(b'<', window) {
                    self.letters.clear();
                    unescape(window.get(..length).unwrap_or_default(), &mut self.letters);
                    self.text.take(length);
                    return Event::Letters;
                }
            } else if let Some(event) = self.tag() {
                match event {
                    Some(event) => return event,
                    None => continue,
                }
            }
            if self.text.bytes().len() >= XML_BYTES_MAX {
                self.fault = Some(Fault::OverLimit);
                return Event::End;
            }
            if !self.text.more() {
                let is_open = self.text.bytes().iter().any(|byte| !byte.is_ascii_whitespace());
                self.fault = self.fault.or(self.text.fault()).or(is_open.then_some(Fault::CutShort));
                return Event::End;
            }
        }
    }

    /// The tag that the window begins with: `None` if it does not end in it, `Some(None)` if it says nothing.
    #[expect(clippy::option_option, reason = "whether it ends, and whether it says anything")]
    fn tag(&mut self) -> Option<Option<Event>> {
        let window = self.text.bytes();
        let to = |end: &[u8]| memmem::find(window, end).map(|at| at + end.len());
        if window.starts_with(b"<![CDATA[") {
            let end = to(b"]]>")?;
            self.letters.clear();
            self.letters.extend_from_slice(window.get(9..end - 3).unwrap_or_default());
            self.text.take(end);
            return Some(Some(Event::Letters));
        }
        if window.len() < 9 && window.starts_with(b"<!") && !self.text.is_ended() {
            return None;
        }
        let silent = if window.starts_with(b"<!--") {
            Some(to(b"-->")?)
        } else if window.starts_with(b"<?") || window.starts_with(b"<!") {
            Some(to(b">")?)
        } else {
            None
        };
        if let Some(end) = silent {
            self.text.take(end);
            return Some(None);
        }
        let end = memchr(b'>', window)?;
        let inside = window.get(1..end).unwrap_or_default();
        let (inside, closes) = match (inside.strip_prefix(b"/"), inside.strip_suffix(b"/")) {
            (Some(inside), _) => (inside, Some(Event::Close)),
            (None, Some(inside)) => (inside, Some(Event::Open(true))),
            (None, None) => (inside, None),
        };
        let length = inside.iter().position(u8::is_ascii_whitespace).unwrap_or(inside.len());
        let name = inside.get(..length).unwrap_or_default();
        let prefix = memchr(b':', name).map_or(0, |colon| colon + 1);
        self.name.clear();
        self.name.extend_from_slice(name.get(prefix..).unwrap_or_default());
        self.attributes.clear();
        self.attributes.extend_from_slice(inside.get(length..).unwrap_or_default());
        self.text.take(end + 1);
        Some(Some(closes.unwrap_or(Event::Open(false))))
    }

    /// The value of an attribute of the tag that opened.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes.as_slice();
        loop {
            let equals = memchr(b'=', rest)?;
            let key = rest.get(..equals)?.trim_ascii();
            let after = rest.get(equals + 1..)?.trim_ascii_start();
            let quote = *after.first().filter(|quote| matches!(quote, b'"' | b'\''))?;
            let inside = after.get(1..)?;
            let length = memchr(quote, inside)?;
            if key == name.as_bytes() {
                let mut value = Vec::new();
                unescape(inside.get(..length)?, &mut value);
                return Some(String::from_utf8_lossy(&value).into_owned());
            }
            rest = inside.get(length + 1..)?;
        }
    }
}

/// The five entities of XML, and letters by number.
fn unescape(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr(b'&', text) {
        out.extend_from_slice(text.get(..at).unwrap_or_default());
        let rest = text.get(at + 1..).unwrap_or_default();
        let length = memchr(b';', rest.get(..rest.len().min(12)).unwrap_or_default());
        let letter = length.and_then(|length| entity(rest.get(..length).unwrap_or_default()));
        match (letter, length) {
            (Some(letter), Some(length)) => {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                text = rest.get(length + 1..).unwrap_or_default();
            }
            _ => {
                out.push(b'&');
                text = rest;
            }
        }
    }
    out.extend_from_slice(text);
}

fn entity(name: &[u8]) -> Option<char> {
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => {
            let number = std::str::from_utf8(name).ok()?.strip_prefix('#')?;
            let value = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(value)
        }
    }
}
