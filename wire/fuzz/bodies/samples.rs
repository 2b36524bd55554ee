//! Well-formed data sets, and a scan of bytes in chunks.

use wire::dataset::{Draft, Outline, Scanner, Tag, VR};
use wire::error::Error;
use wire::syntax::TransferSyntax;

/// Scans in chunks of the given sizes, in turn.
pub fn scan(syntax: &TransferSyntax, bytes: &[u8], sizes: &[usize], hint: bool) -> Result<Outline, Error> {
    let mut scanner = Scanner::new(syntax);
    if hint {
        scanner = scanner.with_total_bytes(u64::try_from(bytes.len()).unwrap());
    }
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).clamp(1, rest.len()));
        scanner.feed(chunk)?;
        rest = after;
    }
    scanner.finish()
}

/// A data set with a bit of everything.
pub fn sample() -> Draft {
    let code =
        |value: &str| Draft::new().text(Tag(0x0008, 0x0100), VR::SH, value).text(Tag(0x0008, 0x0104), VR::LO, "Nama");
    Draft::new()
        .text(Tag(0x0008, 0x0016), VR::UI, "1.2.840.10008.5.1.4.1.1.7")
        .text(Tag(0x0008, 0x0018), VR::UI, "2.25.1")
        .text(Tag(0x0008, 0x0060), VR::CS, "OT")
        .text(Tag(0x0009, 0x0010), VR::LO, "SEGEL TEST")
        .bytes(Tag(0x0009, 0x1001), VR::UN, vec![1, 2, 3, 4])
        .text(Tag(0x0010, 0x0010), VR::PN, "Müller^Änne=山田^花子")
        .text(Tag(0x0010, 0x0020), VR::LO, "A-1")
        .text(Tag(0x0010, 0x1030), VR::DS, "61.5")
        .shorts(Tag(0x0028, 0x0010), &[2])
        .shorts(Tag(0x0028, 0x0011), &[3])
        .shorts(Tag(0x0028, 0x0103), &[1])
        .bytes(Tag(0x0028, 0x0106), VR::SS, vec![0xFE, 0xFF])
        .items(
            Tag(0x0040, 0xA730),
            vec![code("A").items(Tag(0x0040, 0xA168), vec![code("B"), Draft::new()]), code("C")],
        )
        .items(Tag(0x0040, 0x0555), Vec::new())
        .bytes(Tag(0x7FE0, 0x0010), VR::OW, vec![7; 12])
}

fn u32_le(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_le_bytes()
}

/// Undefined lengths, UN as a sequence, encapsulated pixel data, padding: what [`Draft`] never writes.
pub fn undefined_sample() -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100");
    out.extend(b"\x08\x00\x10\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
    out.extend(b"\x08\x00\x55\x11UI\x04\x001.2\0\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
    out.extend(b"\x09\x00\x10\x00LO\x04\x00TEST\x09\x00\x01\x10UN\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\x0C\0\0\0");
    out.extend(b"\x10\x00\x20\x00\x04\0\0\0AB-1\xFE\xFF\xDD\xE0\0\0\0\0");
    out.extend(b"\x10\x00\x10\x00PN\x08\x00J\xE9r\xF4me^ \x28\x00\x06\x01US\x02\x00\x01\x00");
    out.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\x04\0\0\0\0\0\0\0");
    out.extend(b"\xFE\xFF\x00\xE0");
    out.extend(u32_le(6));
    out.extend(b"\xFF\xD8\x01\x02\xFF\xD9\xFE\xFF\xDD\xE0\0\0\0\0");
    out.extend(b"\xFC\xFF\xFC\xFFOB\0\0\x02\0\0\0\0\0");
    out
}

/// The same elements in big endian.
pub fn big_sample() -> Vec<u8> {
    let mut out = b"\0\x08\0\x05CS\0\x0aISO_IR 100\0\x10\0\x10PN\0\x04A^B ".to_vec();
    out.extend(b"\0\x28\0\x10US\0\x02\0\x02\0\x28\x01\x06SS\0\x02\xFF\xFE\0\x40\xA7\x30SQ\0\0\0\0\0\x14");
    out.extend(b"\xFF\xFE\xE0\0\0\0\0\x0c\0\x40\xA0\x30CS\0\x04A   \x7F\xE0\0\x10OW\0\0\0\0\0\x04\0\x01\0\x02");
    out
}
