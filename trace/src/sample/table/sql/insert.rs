//! INSERT and CREATE TABLE, as four databases write them.

use super::token::{Part, Tokens, is_word, skip, string};
use crate::sample::limits::COLUMNS_MAX;
use crate::sample::piece::Cells;
use memchr::{memchr, memchr2};

/// Which table rows belong to.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub table: String,
    pub columns: Vec<String>,
}

/// The head of an INSERT up to its first tuple, and its length. The outer `None`: it is none that has rows; the inner: the
/// text is too short.
pub(super) fn head(text: &[u8], escapes: bool) -> Option<Option<(Head, usize)>> {
    let mut tokens = Tokens::new(text, escapes);
    let mut head = Head::default();
    let (mut inside, mut is_named) = (false, false);
    loop {
        let Some(part) = tokens.next() else { return Some(None) };
        match part {
            Part::Word(word) if !inside => {
                let upper = word.to_ascii_uppercase();
                match upper.as_slice() {
                    b"VALUES" | b"VALUE" => return Some(Some((head, tokens.at))),
                    b"SELECT" | b"SET" | b"DEFAULT" => return None,
                    b"INSERT" | b"REPLACE" | b"INTO" | b"IGNORE" | b"LOW_PRIORITY" | b"DELAYED" | b"HIGH_PRIORITY"
                    | b"OR" | b"OVERRIDING" | b"SYSTEM" | b"USER"
                        if !is_named || upper == b"SYSTEM" || upper == b"OVERRIDING" => {}
                    _ => {
                        head.table = String::from_utf8_lossy(word).into_owned();
                        is_named = true;
                    }
                }
            }
            // Of schema and table the last is kept.
            Part::Name(name) if !inside => {
                head.table = String::from_utf8_lossy(&name).into_owned();
                is_named = true;
            }
            Part::Word(name) if head.columns.len() <= COLUMNS_MAX => {
                head.columns.push(String::from_utf8_lossy(name).into_owned())
            }
            Part::Name(name) if head.columns.len() <= COLUMNS_MAX => {
                head.columns.push(String::from_utf8_lossy(&name).into_owned())
            }
            Part::Sign(b'(') => inside = true,
            Part::Sign(b')') => inside = false,
            Part::Sign(b';') | Part::Text(_) => return None,
            _ => {}
        }
    }
}

/// The columns of a CREATE TABLE.
pub(crate) fn declaration(text: &[u8], escapes: bool) -> Option<(String, Vec<String>)> {
    let mut tokens = Tokens::new(text, escapes);
    let is = |part: Option<Part<'_>>, word: &[u8]| matches!(part, Some(Part::Word(found)) if found.eq_ignore_ascii_case(word));
    if !is(tokens.next(), b"CREATE") {
        return None;
    }
    let (mut name, mut columns, mut depth, mut begins, mut seen) = (String::new(), Vec::new(), 0_u32, false, false);
    while let Some(part) = tokens.next() {
        let word = match &part {
            Part::Word(word) => Some(word.to_vec()),
            Part::Name(name) => Some(name.clone()),
            _ => None,
        };
        match (&part, word) {
            (Part::Word(found), Some(_)) if !seen => {
                seen = found.eq_ignore_ascii_case(b"TABLE");
                // An index or a view is none.
                let other =
                    [&b"INDEX"[..], b"VIEW", b"TRIGGER", b"FUNCTION", b"SEQUENCE", b"TYPE", b"DATABASE", b"SCHEMA"];
                if other.iter().any(|other| found.eq_ignore_ascii_case(other)) {
                    return None;
                }
            }
            (Part::Sign(b'('), _) => {
                depth += 1;
                begins = depth == 1;
            }
            (Part::Sign(b')'), _) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            (Part::Sign(b','), _) if depth == 1 => begins = true,
            (_, Some(word)) if depth == 0 => name = String::from_utf8_lossy(&word).into_owned(),
            (part, Some(word)) if depth == 1 && begins => {
                begins = false;
                let keys = [
                    &b"PRIMARY"[..],
                    b"KEY",
                    b"UNIQUE",
                    b"CONSTRAINT",
                    b"FOREIGN",
                    b"CHECK",
                    b"INDEX",
                    b"FULLTEXT",
                    b"SPATIAL",
                ];
                let is_key = matches!(part, Part::Word(_)) && keys.iter().any(|key| word.eq_ignore_ascii_case(key));
                if !is_key && columns.len() < COLUMNS_MAX {
                    columns.push(crate::sample::emit::cut(&String::from_utf8_lossy(&word)));
                }
            }
            _ => {}
        }
    }
    (seen && !columns.is_empty()).then_some((name, columns))
}

/// What was found where a tuple may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tuple {
    More,
    Row(usize),
    End(usize),
    Broken,
}

/// Reads the next tuple of a list into `cells`.
pub(super) fn tuple(text: &[u8], escapes: bool, cells: &mut Cells) -> Tuple {
    let mut at = 0;
    loop {
        let Some(spaces) = skip(text.get(at..).unwrap_or_default(), false) else { return Tuple::More };
        at += spaces;
        match text.get(at) {
            None => return Tuple::More,
            Some(b',') => at += 1,
            Some(b'(') => break,
            Some(b';') => return Tuple::End(at + 1),
            // ON CONFLICT, GO, or the next statement.
            Some(byte) if byte.is_ascii_alphabetic() => return Tuple::End(at),
            Some(_) => return Tuple::Broken,
        }
    }
    at += 1;
    cells.clear();
    loop {
        match value(text, at, escapes, cells) {
            Ok(end) => at = end,
            Err(tuple) => return tuple,
        }
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b')') => return Tuple::Row(at + 1),
            Some(_) => return Tuple::Broken,
            None => return Tuple::More,
        }
    }
}

/// Reads one value; its end.
fn value(text: &[u8], mut at: usize, escapes: bool, cells: &mut Cells) -> Result<usize, Tuple> {
    let keeps = cells.len() <= COLUMNS_MAX;
    let mut depth = 0_u32;
    let mut has_text = false;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.first() else { return Err(Tuple::More) };
        match first {
            b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            b'\'' => {
                let length = string(rest, escapes || is_escaped(text, at)).ok_or(Tuple::More)?;
                // A mark at the end of the window may be the first of two.
                if rest.len() == length {
                    return Err(Tuple::More);
                }
                // In a function the first string is the value: CAST(N'..' AS date), TO_DATE('..', '..').
                if keeps && !has_text {
                    unescape(rest.get(1..length - 1).unwrap_or_default(), escapes || is_escaped(text, at), cells);
                    has_text = true;
                }
                at += length;
            }
            b'(' => {
                depth += 1;
                at += 1;
            }
            b')' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b',' | b')' if depth == 0 => {
                if keeps {
                    cells.close();
                }
                return Ok(at);
            }
            _ if is_word(*first) || b".+-".contains(first) => {
                let length =
                    rest.iter().position(|byte| !is_word(*byte) && !b".+-".contains(byte)).ok_or(Tuple::More)?;
                let word = rest.get(..length).unwrap_or_default();
                let next = rest.get(length);
                // A prefix of a string, a type behind one, or a function's name is no value.
                let is_value = next != Some(&b'\'') && next != Some(&b'(') && !has_text && depth == 0;
                let is_value = is_value || (depth > 0 && !has_text && word.first().is_some_and(u8::is_ascii_digit));
                if keeps && is_value && !word.eq_ignore_ascii_case(b"NULL") && !word.starts_with(b"_") {
                    cells.push(word);
                    has_text = true;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
}

/// PostgreSQL's E'..' has escapes where others have none.
fn is_escaped(text: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|byte| *byte == b'E' || *byte == b'e')
}

/// What a string means.
fn unescape(mut text: &[u8], escapes: bool, cells: &mut Cells) {
    loop {
        let found = if escapes { memchr2(b'\'', b'\\', text) } else { memchr(b'\'', text) };
        let Some(at) = found else {
            cells.push(text);
            return;
        };
        cells.push(text.get(..at).unwrap_or_default());
        let next = text.get(at + 1).copied();
        match (text.get(at), next) {
            (Some(b'\\'), Some(next)) if next < 0x80 => cells.push(&[match next {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'b' => 8,
                b'Z' => 26,
                other => other,
            }]),
            (Some(b'\\'), _) => {
                text = text.get(at + 1..).unwrap_or_default();
                continue;
            }
            _ => cells.push(b"'"),
        }
        text = text.get(at + 2..).unwrap_or_default();
    }
}
