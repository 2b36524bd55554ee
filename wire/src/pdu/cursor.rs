//! Reading big-endian fields off a slice. Every length is held against the bytes that are there.

use crate::Error;

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], Error> {
        let Some((head, tail)) = self.0.split_at_checked(count) else {
            return Err(Error::invalid(format!("{what} ends after {} of {count} bytes", self.0.len())));
        };
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let bytes = self.take(N, what)?;
        <[u8; N]>::try_from(bytes).map_err(|_| Error::invalid(format!("{what} is cut short")))
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8, Error> {
        self.array::<1>(what).map(|[b]| b)
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16, Error> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, Error> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// Bytes behind a length of two bytes.
    pub(super) fn counted(&mut self, what: &str) -> Result<&'a [u8], Error> {
        let length = self.u16(what)?;
        self.take(usize::from(length), what)
    }

    /// An item or sub-item: type (byte 1), reserved (byte 2), length (bytes 3-4), content.
    pub(super) fn item(&mut self, what: &str) -> Result<(u8, Cursor<'a>), Error> {
        let kind = self.u8(what)?;
        self.u8(what)?;
        Ok((kind, Cursor(self.counted(what)?)))
    }
}

/// A UID (PS3.5 9.1): 1 to 64 of `0-9 .`; padding at the end is dropped, since old peers pad to even length here too.
pub(super) fn uid(bytes: &[u8], what: &str) -> Result<String, Error> {
    let text: &[u8] = bytes.trim_ascii_end();
    let text = text.strip_suffix(&[0]).unwrap_or(text).trim_ascii_end();
    let fits = (1..=64).contains(&text.len()) && text.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    match std::str::from_utf8(text) {
        Ok(text) if fits => Ok(text.to_owned()),
        _ => Err(Error::invalid(format!("{what} is not a UID"))),
    }
}

/// An AE title (PS3.5 6.2): 1 to 16 printable ASCII characters without backslash, spaces at both ends dropped.
pub(super) fn ae_title(bytes: &[u8], what: &str) -> Result<String, Error> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let text = bytes.get(..end).unwrap_or_default().trim_ascii();
    let fits = (1..=16).contains(&text.len()) && text.iter().all(|b| (0x20..0x7f).contains(b) && *b != b'\\');
    match std::str::from_utf8(text) {
        Ok(text) if fits => Ok(text.to_owned()),
        _ => Err(Error::invalid(format!("{what} is not an AE title"))),
    }
}

/// Appends an item with its type and length.
pub(super) fn put_item(out: &mut Vec<u8>, kind: u8, content: &[u8]) -> Result<(), Error> {
    out.extend_from_slice(&[kind, 0]);
    put_counted(out, content)
}

/// Appends bytes behind their length of two bytes.
pub(super) fn put_counted(out: &mut Vec<u8>, content: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(content.len()).map_err(|_| Error::invalid("an item is longer than 65,535 bytes"))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(content);
    Ok(())
}
