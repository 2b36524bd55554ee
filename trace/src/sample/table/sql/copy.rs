//! PostgreSQL's COPY .. FROM stdin: lines of cells parted by tabs.

use super::insert::Head;
use super::token::{Part, Tokens};
use crate::sample::limits::COLUMNS_MAX;
use crate::sample::piece::Cells;
use memchr::{memchr, memchr2};

/// The head of a COPY up to the end of its line. The outer `None`: it takes no rows from here; the inner: the text is too short.
pub(super) fn head(text: &[u8], escapes: bool) -> Option<Option<(Head, usize)>> {
    let mut tokens = Tokens::new(text, escapes);
    let mut head = Head::default();
    let (mut inside, mut from) = (false, false);
    tokens.next()?;
    loop {
        let Some(part) = tokens.next() else { return Some(None) };
        match part {
            Part::Word(word) if !inside && word.eq_ignore_ascii_case(b"FROM") => from = true,
            Part::Word(word) if from && word.eq_ignore_ascii_case(b"stdin") => {
                let rest = text.get(tokens.at..).unwrap_or_default();
                return Some(memchr(b'\n', rest).map(|line| (head, tokens.at + line + 1)));
            }
            Part::Word(_) | Part::Name(_) if from => return None,
            Part::Sign(b'(') => inside = true,
            Part::Sign(b')') => inside = false,
            Part::Sign(b';') => return None,
            Part::Word(word) => put(&mut head, inside, word),
            Part::Name(name) => put(&mut head, inside, &name),
            _ => {}
        }
    }
}

fn put(head: &mut Head, inside: bool, name: &[u8]) {
    let name = String::from_utf8_lossy(name).into_owned();
    if !inside {
        head.table = name;
    } else if head.columns.len() <= COLUMNS_MAX {
        head.columns.push(name);
    }
}

/// One line into cells.
pub(super) fn line(line: &[u8], cells: &mut Cells) {
    cells.clear();
    let mut rest = line;
    loop {
        let end = memchr(b'\t', rest);
        if cells.len() <= COLUMNS_MAX {
            cell(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default(), cells);
        }
        let Some(end) = end else { return };
        rest = rest.get(end + 1..).unwrap_or_default();
    }
}

fn cell(mut text: &[u8], cells: &mut Cells) {
    if text == b"\\N" {
        text = b"";
    }
    while let Some(at) = memchr2(b'\\', b'\\', text) {
        cells.push(text.get(..at).unwrap_or_default());
        let letter = match text.get(at + 1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'v') => 11,
            Some(other) if other.is_ascii() => *other,
            _ => {
                cells.push(b"\\");
                text = text.get(at + 1..).unwrap_or_default();
                continue;
            }
        };
        cells.push(&[letter]);
        text = text.get(at + 2..).unwrap_or_default();
    }
    cells.whole(text);
}
