//! The values of a record (sqlite.org/fileformat2.html 2.1).

use crate::sample::piece::Cells;
use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How the texts of a database are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
}

/// A record whose head is sound.
pub(super) struct Values<'r> {
    head: &'r [u8],
    body: &'r [u8],
    encoding: Encoding,
}

/// One value.
pub(super) enum Value<'r> {
    Null,
    Number(i64),
    Real(f64),
    Text(&'r [u8], Encoding),
    Bytes(&'r [u8]),
}

impl<'r> Values<'r> {
    pub fn of(record: &'r [u8], encoding: Encoding) -> Option<Self> {
        let (length, used) = read_varint(record)?;
        let (head, body) = record.split_at_checked(usize::try_from(length).ok()?)?;
        Some(Self { head: head.get(used..)?, body, encoding })
    }

    /// The values in their order; a record that ends early has fewer.
    pub fn cells(&self) -> impl Iterator<Item = Value<'r>> {
        let (mut head, mut body, encoding) = (self.head, self.body, self.encoding);
        std::iter::from_fn(move || {
            let (kind, used) = read_varint(head)?;
            head = head.get(used..)?;
            let length = match kind {
                0 | 8 | 9 => 0,
                1..=4 => usize::try_from(kind).ok()?,
                5 => 6,
                6 | 7 => 8,
                12.. => usize::try_from((kind - 12) / 2).ok()?,
                _ => return None,
            };
            let (value, rest) = body.split_at_checked(length)?;
            body = rest;
            Some(match kind {
                0 => Value::Null,
                8 => Value::Number(0),
                9 => Value::Number(1),
                7 => Value::Real(f64::from_be_bytes(*value.first_chunk()?)),
                12.. if kind % 2 == 0 => Value::Bytes(value),
                12.. => Value::Text(value, encoding),
                _ => Value::Number(integer(value)),
            })
        })
    }
}

/// A number of one to eight bytes with its sign.
fn integer(bytes: &[u8]) -> i64 {
    let start = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(start, |sum: i64, byte| (sum << 8) | i64::from(*byte))
}

impl Value<'_> {
    pub fn write(&self, cells: &mut Cells) {
        match self {
            Self::Null => {}
            Self::Number(number) => cells.push(number.to_string().as_bytes()),
            Self::Real(number) => cells.push(number.to_string().as_bytes()),
            Self::Text(text, Encoding::Utf8) => match std::str::from_utf8(text) {
                Ok(text) => cells.push(text.as_bytes()),
                Err(_) => cells.push(WINDOWS_1252.decode_without_bom_handling(text).0.as_bytes()),
            },
            Self::Text(text, wide) => {
                let encoding = if *wide == Encoding::Utf16Little { UTF_16LE } else { UTF_16BE };
                cells.push(encoding.decode_without_bom_handling(text).0.as_bytes());
            }
            Self::Bytes(bytes) => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                cells.push(b"0x");
                for byte in *bytes {
                    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
                    cells.push(&[digit(byte >> 4), digit(byte & 15)]);
                }
            }
        }
    }
}

/// A number of one to nine bytes, seven bits each, and its length.
pub(super) fn read_varint(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut sum = 0_i64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        if at == 8 {
            return Some(((sum << 8) | i64::from(*byte), 9));
        }
        sum = (sum << 7) | i64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((sum, at + 1));
        }
    }
    None
}
