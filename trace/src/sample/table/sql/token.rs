//! The words of SQL, without knowing its grammar.

use memchr::{memchr, memchr2, memmem};

/// One token of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A word or number without marks.
    Word(&'a [u8]),
    /// A name in its marks: `a`, [a], "a".
    Name(Vec<u8>),
    /// A string, as it stands between its marks.
    Text(&'a [u8]),
    /// Any other sign.
    Sign(u8),
}

/// Tokens of a text; `None` where it ends, within a token too.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    pub at: usize,
    escapes: bool,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a [u8], escapes: bool) -> Self {
        Self { text, at: 0, escapes }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn next(&mut self) -> Option<Part<'a>> {
        self.at += skip(self.rest(), false)?;
        let rest = self.rest();
        let first = *rest.first()?;
        match first {
            b'\'' => {
                let length = string(rest, self.escapes)?;
                self.at += length;
                Some(Part::Text(rest.get(1..length - 1).unwrap_or_default()))
            }
            b'`' | b'"' | b'[' => {
                let close = if first == b'[' { b']' } else { first };
                let mut name = Vec::new();
                let mut at = 1;
                loop {
                    let length = memchr(close, rest.get(at..)?)?;
                    name.extend_from_slice(rest.get(at..at + length)?);
                    at += length + 1;
                    if rest.get(at).copied() != Some(close) {
                        break;
                    }
                    name.push(close);
                    at += 1;
                }
                self.at += at;
                Some(Part::Name(name))
            }
            _ if is_word(first) => {
                let length = rest.iter().position(|byte| !is_word(*byte))?;
                self.at += length;
                rest.get(..length).map(Part::Word)
            }
            _ => {
                self.at += 1;
                Some(Part::Sign(first))
            }
        }
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte == b'@' || byte >= 0x80
}

/// The length of the string that the text begins with, its marks included.
pub(super) fn string(text: &[u8], escapes: bool) -> Option<usize> {
    let mut at = 1;
    loop {
        let rest = text.get(at..)?;
        let length = if escapes { memchr2(b'\'', b'\\', rest)? } else { memchr(b'\'', rest)? };
        at += length;
        if text.get(at) == Some(&b'\\') || text.get(at + 1) == Some(&b'\'') {
            at += 2;
        } else {
            return Some(at + 1);
        }
    }
}

/// The length of the spaces and comments that the text begins with; `None` if a comment does not end in it and it may go on.
pub(super) fn skip(text: &[u8], whole: bool) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let spaces = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        at += spaces;
        let rest = text.get(at..).unwrap_or_default();
        let end = match rest {
            [b'-', b'-', ..] | [b'#', ..] => memchr(b'\n', rest).map(|end| end + 1),
            [b'/', b'*', ..] => memmem::find(rest, b"*/").map(|end| end + 2),
            _ => return Some(at),
        };
        match end {
            Some(end) => at += end,
            None if whole => return Some(text.len()),
            None => return None,
        }
    }
}

/// The length of the statement that the text begins with, its semicolon included; `None` if it may go on.
pub(super) fn statement(text: &[u8], escapes: bool, whole: bool) -> Option<usize> {
    let mut tokens = Tokens::new(text, escapes);
    loop {
        let before = tokens.at;
        match tokens.next() {
            Some(Part::Sign(b';')) => return Some(tokens.at),
            // A batch of SQL Server ends at a line of its own.
            Some(Part::Word(word)) if word.eq_ignore_ascii_case(b"GO") && before > 0 => return Some(tokens.at),
            // Rows without a semicolon before them.
            Some(Part::Word(word))
                if word.eq_ignore_ascii_case(b"INSERT") && begins_line(text, tokens.at - word.len()) =>
            {
                if tokens.at > word.len() {
                    return Some(tokens.at - word.len());
                }
            }
            Some(Part::Word(word)) if word.starts_with(b"$") && word.ends_with(b"$") => {
                // PostgreSQL's bodies of functions.
                let rest = text.get(tokens.at..).unwrap_or_default();
                match memmem::find(rest, word) {
                    Some(end) => tokens.at += end + word.len(),
                    None if whole => return Some(text.len()),
                    None => return None,
                }
            }
            Some(_) => {}
            None => return None,
        }
    }
}

fn begins_line(text: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|byte| *byte == b'\n')
}
