//! What a piece is, by its first bytes. Its name decides nothing but where the bytes leave two readings.

use crate::sample::piece::Kind;
use memchr::memmem;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// RFC 1952.
    Gzip,
    /// An archive of files.
    Zip,
    /// The same, with the parts of a workbook in it.
    Workbook,
    /// A tape archive.
    Tar,
    /// An archive in blocks.
    Seven,
    /// A database of SQLite.
    Database,
    /// An archive or container of a form that is not read.
    Packed,
    /// A file.
    File(Kind),
    /// Letters.
    Text,
}

/// What begins so.
pub(super) fn what(head: &[u8]) -> What {
    match head {
        [] => return What::File(Kind::Other),
        [0x1F, 0x8B, 8, ..] => return What::Gzip,
        [b'P', b'K', 3, 4, rest @ ..] if is_office(rest) => return What::Workbook,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return What::Zip,
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => return What::Seven,
        [b'R', b'a', b'r', b'!', 0x1A, 7, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x31, ..]
        | [0xFD, b'7', b'z', b'X', b'Z', 0, ..]
        | [0x28, 0xB5, 0x2F, 0xFD, ..]
        | [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..]
        | [b'P', b'G', b'D', b'M', b'P', ..]
        | [b'P', b'A', b'R', b'1', ..]
        | [0, 1, 0, 0, b'S', b't', b'a', b'n', b'd', b'a', b'r', b'd', ..] => return What::Packed,
        _ if head.starts_with(b"SQLite format 3\0") => return What::Database,
        [0xFF, 0xD8, 0xFF, ..] => return What::File(Kind::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => return What::File(Kind::Png),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => return What::File(Kind::Tiff),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => return What::File(Kind::WebP),
        _ => {}
    }
    if super::tar::is_head(head) {
        return What::Tar;
    }
    if head.get(128..132) == Some(b"DICM") {
        return What::File(Kind::Dicom);
    }
    // PDF readers take a header within the first kilobyte.
    if memmem::find(head.get(..1024).unwrap_or(head), b"%PDF-").is_some() {
        return What::File(Kind::Pdf);
    }
    if is_text(head) { What::Text } else { What::File(Kind::Other) }
}

/// Whether the first entry of an archive is one that programs write first into workbooks and other documents.
fn is_office(head: &[u8]) -> bool {
    let length =
        head.get(22..24).and_then(|two| two.first_chunk()).map_or(0, |two| usize::from(u16::from_le_bytes(*two)));
    let name = head.get(26..).and_then(|rest| rest.get(..length)).unwrap_or_default();
    [&b"[Content_Types].xml"[..], b"_rels/", b"xl/", b"docProps/"].iter().any(|first| name.starts_with(first))
}

/// Whether these are letters: in UTF-16 by its zeros, otherwise by the want of control characters.
fn is_text(head: &[u8]) -> bool {
    use crate::sample::text::{Coding, Text};
    let (coding, mark) = Coding::of(head);
    let mut bytes = head.get(..16 * 1024).unwrap_or(head);
    let mut text = Text::new(&mut bytes, coding, mark);
    while text.more() {}
    let bytes = text.bytes();
    // Unit separators part the cells of some tables.
    let is_strange = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x0C | 1 | 0x1E | 0x1F);
    let strange = bytes.iter().filter(is_strange).count();
    // Windows-1252 gives a letter to nearly every byte: what is mostly above ASCII is no text in it.
    let high = bytes.iter().filter(|byte| **byte >= 0xC2).count();
    !bytes.is_empty() && 100 * strange <= bytes.len() && (coding != Coding::Windows1252 || 4 * high <= bytes.len())
}
