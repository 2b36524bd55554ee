//! A record of JSON as cells: nested members have headings of several words, with points between.

use super::scan::{Scan, scan, spaces};
use crate::sample::limits::{JSON_COLUMNS_MAX, JSON_DEPTH_MAX, NAME_BYTES_MAX};
use crate::sample::piece::Cells;
use std::collections::HashMap;

/// The headings of a table so far, and the values of one record.
#[derive(Default)]
pub(super) struct Flat {
    pub index: HashMap<String, usize>,
    /// The values of the record, decoded, and where that of each column lies.
    text: Vec<u8>,
    slots: Vec<Option<(usize, usize)>>,
    heading: String,
    // The column that followed this one in the record before.
    next: usize,
    /// Whether there were more columns than a table has.
    pub is_too_wide: bool,
    /// The bytes of the headings.
    pub headings: usize,
    /// How many they may have.
    pub headings_max: usize,
}

impl Flat {
    /// Takes a whole value apart, adds its new headings to `columns`, and writes its cells. `None` if it is broken inside.
    pub fn record(&mut self, value: &[u8], columns: &mut Vec<String>, cells: &mut Cells) -> Option<()> {
        self.text.clear();
        self.slots.clear();
        self.slots.resize(columns.len(), None);
        self.heading.clear();
        (self.next, self.is_too_wide) = (0, false);
        self.value(value, columns, 0)?;
        cells.clear();
        let filled = self.slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        for slot in self.slots.iter().take(filled) {
            let value = slot.and_then(|(from, to)| self.text.get(from..to)).unwrap_or_default();
            cells.whole(value);
        }
        Some(())
    }

    /// One value; its length.
    fn value(&mut self, text: &[u8], columns: &mut Vec<String>, depth: usize) -> Option<usize> {
        if depth > JSON_DEPTH_MAX {
            return None;
        }
        match text.first()? {
            b'{' => self.members(text, columns, depth, true),
            b'[' => self.members(text, columns, depth, false),
            _ => {
                let Scan::End(length) = scan(text, true, 1) else { return None };
                let scalar = text.get(..length)?;
                if scalar != b"null" {
                    self.put(scalar, columns);
                }
                Some(length)
            }
        }
    }

    fn members(&mut self, text: &[u8], columns: &mut Vec<String>, depth: usize, named: bool) -> Option<usize> {
        let (mut at, mut number) = (1, 0_usize);
        let outer = self.heading.len();
        loop {
            at += spaces(text.get(at..)?);
            match text.get(at)? {
                b'}' | b']' => return Some(at + 1),
                b',' => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            if outer > 0 {
                self.heading.push('.');
            }
            if named {
                let Scan::End(length) = scan(text.get(at..)?, true, 1) else { return None };
                let key = text.get(at..at + length)?.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
                let mut name = Vec::new();
                unescape(key, &mut name);
                let room = NAME_BYTES_MAX.saturating_sub(self.heading.len());
                self.heading.extend(String::from_utf8_lossy(&name).chars().take(room / 4));
                at += length;
                at += spaces(text.get(at..)?);
                at += usize::from(text.get(at)? == &b':');
                at += spaces(text.get(at..)?);
            } else {
                use std::fmt::Write;
                let _ = write!(self.heading, "{number}");
                number += 1;
            }
            at += self.value(text.get(at..)?, columns, depth + 1)?;
            self.heading.truncate(outer);
        }
    }

    fn put(&mut self, scalar: &[u8], columns: &mut Vec<String>) {
        let name = if self.heading.is_empty() { "value" } else { self.heading.as_str() };
        // Records have their members in the same order, mostly.
        let column = if columns.get(self.next).is_some_and(|column| column == name) {
            self.next
        } else if let Some(column) = self.index.get(name) {
            *column
        } else if columns.len() < JSON_COLUMNS_MAX && self.headings < self.headings_max {
            self.headings += 2 * name.len() + 64;
            columns.push(name.to_owned());
            self.index.insert(name.to_owned(), columns.len() - 1);
            self.slots.push(None);
            columns.len() - 1
        } else {
            self.is_too_wide = true;
            return;
        };
        self.next = column + 1;
        let begin = self.text.len();
        match scalar.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
            Some(string) => unescape(string, &mut self.text),
            None => self.text.extend_from_slice(scalar),
        }
        if let Some(slot) = self.slots.get_mut(column) {
            *slot = Some((begin, self.text.len()));
        }
    }
}

/// What stands between the marks of a string.
pub(super) fn unescape(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'\\', text) {
        out.extend_from_slice(text.get(..at).unwrap_or_default());
        let rest = text.get(at + 1..).unwrap_or_default();
        let (letter, length) = match rest.first() {
            Some(b'u') => unit(rest.get(1..).unwrap_or_default()),
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'r') => ('\r', 1),
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(other) if other.is_ascii() => (char::from(*other), 1),
            _ => ('\\', 0),
        };
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        text = rest.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(text);
}

/// A letter of four hexadecimal digits, or of two halves of a pair; and the bytes that it took, with the `u`.
fn unit(text: &[u8]) -> (char, usize) {
    let hex = |from: usize| {
        let digits = text.get(from..from + 4).and_then(|digits| std::str::from_utf8(digits).ok())?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = hex(0) else { return (char::REPLACEMENT_CHARACTER, 1) };
    let second = if text.get(4..6) == Some(b"\\u") { hex(6) } else { None };
    if let (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) = (first, second) {
        let letter = 0x1_0000 + ((u32::from(first) - 0xD800) << 10) + (u32::from(second) - 0xDC00);
        return (char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}
