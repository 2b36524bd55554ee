//! Where a value of JSON (RFC 8259) ends, without reading it.

use memchr::memchr2;

/// What was found of the value that a text begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// It does not end in the text.
    More,
    /// It has so many bytes.
    End(usize),
    /// It is nested deeper than anything that is read.
    Deep,
    /// It is no value.
    Broken,
}

pub(super) fn spaces(text: &[u8]) -> usize {
    text.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).unwrap_or(text.len())
}

/// The end of the value that `text` begins with, nested at most `depth_max` deep; `ended` if nothing follows the text.
pub(super) fn scan(text: &[u8], ended: bool, depth_max: usize) -> Scan {
    let more = if ended { Scan::Broken } else { Scan::More };
    match text.first() {
        None => Scan::More,
        Some(b'"') => string(text).map_or(Scan::More, Scan::End),
        Some(b'{' | b'[') => nested(text, depth_max),
        Some(b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
            let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
            match text.iter().position(|byte| !is_inside(byte)) {
                Some(end) => Scan::End(end),
                None if ended => Scan::End(text.len()),
                None => more,
            }
        }
        Some(_) => Scan::Broken,
    }
}

/// The length of the string that the text begins with, its marks included.
pub(super) fn string(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn nested(text: &[u8], depth_max: usize) -> Scan {
    // The brackets that are open, each one bit: whether it is an array's.
    let (mut open, mut depth, mut at) = (0_u64, 0_usize, 0_usize);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')) else {
            return Scan::More;
        };
        at += length;
        match text.get(at) {
            Some(b'"') => match string(text.get(at..).unwrap_or_default()) {
                Some(length) => at += length,
                None => return Scan::More,
            },
            Some(first @ (b'{' | b'[')) => {
                if depth >= depth_max {
                    return Scan::Deep;
                }
                depth += 1;
                open = (open << 1) | u64::from(*first == b'[');
                at += 1;
            }
            Some(last) => {
                if (open & 1 == 1) != (*last == b']') {
                    return Scan::Broken;
                }
                depth -= 1;
                open >>= 1;
                at += 1;
                if depth == 0 {
                    return Scan::End(at);
                }
            }
            None => return Scan::More,
        }
    }
}
