//! Data sets, files, messages and packages as an attacker makes them: well formed up to the one place that is not.

use crate::sample::{SECONDARY_CAPTURE, Uids, element};
use flate2::{Compression, Crc, write::DeflateEncoder};
use std::collections::BTreeMap;
use std::io::Write as _;

/// Stands in names and numbers of every record of the corpus, so that logs can be searched for it.
pub const MARKER: &str = "HOSTILEPATIENT";
/// The name of the file that every path and command of the corpus would make.
pub const CANARY: &str = "segel-hostile-canary";
/// Explicit VR little endian.
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// Deflated explicit VR little endian.
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// The studies of the corpus are numbered from here.
const STUDIES_FROM: usize = 900_000;

/// The UIDs of the `n`-th record.
#[must_use]
pub fn uids(n: usize) -> Uids {
    Uids::new(STUDIES_FROM + n, 1, 1)
}

/// A data set as it grows: elements in order of their tags, whatever each of them holds.
#[derive(Clone)]
pub struct Set(BTreeMap<(u16, u16), Vec<u8>>);

impl Set {
    /// What the archive needs to keep an instance: class, UIDs, a patient.
    #[must_use]
    pub fn new(n: usize) -> Self {
        let uids = uids(n);
        Self(BTreeMap::new())
            .with((0x0008, 0x0016), b"UI", SECONDARY_CAPTURE.as_bytes())
            .with((0x0008, 0x0018), b"UI", uids.instance.as_bytes())
            .with((0x0008, 0x0060), b"CS", b"OT")
            .with((0x0010, 0x0010), b"PN", MARKER.as_bytes())
            .with((0x0010, 0x0020), b"LO", format!("{MARKER}-1").as_bytes())
            .with((0x0020, 0x000D), b"UI", uids.study.as_bytes())
            .with((0x0020, 0x000E), b"UI", uids.series.as_bytes())
    }

    /// The same and a grey image of 8 bits, whose pixels are still to come.
    #[must_use]
    pub fn image(n: usize, rows: u16, columns: u16) -> Self {
        let mut set = Self::new(n).with((0x0028, 0x0004), b"CS", b"MONOCHROME2");
        for (number, value) in [(2, 1), (0x10, rows), (0x11, columns), (0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0)] {
            set = set.us(number, value);
        }
        set
    }

    /// With an element, or another value of it.
    #[must_use]
    pub fn with(self, tag: (u16, u16), vr: &[u8; 2], value: &[u8]) -> Self {
        self.raw(tag, element(tag, vr, value))
    }

    /// With these bytes in the place of an element.
    #[must_use]
    pub fn raw(mut self, tag: (u16, u16), bytes: Vec<u8>) -> Self {
        self.0.insert(tag, bytes);
        self
    }

    /// With a US value of group 0028.
    #[must_use]
    pub fn us(self, number: u16, value: u16) -> Self {
        self.with((0x0028, number), b"US", &value.to_le_bytes())
    }

    /// With native pixel data.
    #[must_use]
    pub fn pixels(self, bytes: &[u8]) -> Self {
        self.with((0x7FE0, 0x0010), b"OW", bytes)
    }

    /// With encapsulated pixel data (PS3.5 A.4): an empty offset table and these fragments.
    #[must_use]
    pub fn fragments(self, fragments: &[&[u8]]) -> Self {
        let mut bytes = b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0".to_vec();
        for fragment in fragments {
            bytes.extend(b"\xFE\xFF\x00\xE0");
            bytes.extend(u32::try_from(fragment.len() + fragment.len() % 2).unwrap_or(0).to_le_bytes());
            bytes.extend(*fragment);
            bytes.extend(vec![0; fragment.len() % 2]);
        }
        bytes.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
        self.raw((0x7FE0, 0x0010), bytes)
    }

    /// With a palette of this descriptor and this many bytes of each colour.
    #[must_use]
    pub fn palette(mut self, descriptor: [u16; 3], bytes: usize) -> Self {
        self = self.with((0x0028, 0x0004), b"CS", b"PALETTE COLOR");
        let words: Vec<u8> = descriptor.iter().flat_map(|word| word.to_le_bytes()).collect();
        for colour in 1..=3 {
            self = self.with((0x0028, 0x1100 + colour), b"US", &words);
            self = self.with((0x0028, 0x1200 + colour), b"OW", &vec![0xA5; bytes]);
        }
        self
    }

    /// The bytes of the data set.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.values().flatten().copied().collect()
    }
}

/// The header of an element with a length of 32 bits, whatever follows it.
#[must_use]
pub fn declares(tag: (u16, u16), vr: &[u8; 2], length: u32) -> Vec<u8> {
    [&tag.0.to_le_bytes(), &tag.1.to_le_bytes(), vr.as_slice(), &[0, 0], &length.to_le_bytes()].concat()
}

/// File meta information (PS3.10 7.1) of the `n`-th record in a transfer syntax, behind this preamble.
#[must_use]
pub fn head(n: usize, syntax: &str, preamble: [u8; 128]) -> Vec<u8> {
    let mut meta = element((0x0002, 0x0001), b"OB", &[0, 1]);
    meta.extend(element((0x0002, 0x0002), b"UI", SECONDARY_CAPTURE.as_bytes()));
    meta.extend(element((0x0002, 0x0003), b"UI", uids(n).instance.as_bytes()));
    meta.extend(element((0x0002, 0x0010), b"UI", syntax.as_bytes()));
    let length = element((0x0002, 0x0000), b"UL", &u32::try_from(meta.len()).unwrap_or(0).to_le_bytes());
    [preamble.as_slice(), b"DICM", &length, &meta].concat()
}

/// The `n`-th record as a file.
#[must_use]
pub fn file(n: usize, syntax: &str, set: &Set) -> Vec<u8> {
    [head(n, syntax, [0; 128]), set.bytes()].concat()
}

/// Sequences in sequences, without an end or each with its length.
#[must_use]
pub fn nested(depth: usize, with_lengths: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(depth * 20);
    for level in 0..depth {
        let inside = u32::try_from((depth - level) * 20).unwrap_or(0);
        let lengths = if with_lengths { [inside - 12, inside - 20] } else { [u32::MAX; 2] };
        bytes.extend(declares((0x0040, 0xA730), b"SQ", lengths[0]));
        bytes.extend(b"\xFE\xFF\x00\xE0");
        bytes.extend(lengths[1].to_le_bytes());
    }
    bytes
}

/// RFC 1951 of this many zeros behind a beginning.
#[must_use]
pub fn deflated(beginning: &[u8], zeros_mib: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    let zeros = vec![0; 1 << 20];
    let mut wrote = encoder.write_all(beginning);
    for _ in 0..zeros_mib {
        wrote = wrote.and_then(|()| encoder.write_all(&zeros));
    }
    // Writing to memory does not fail.
    wrote.and_then(|()| encoder.finish()).unwrap_or_default()
}

/// RFC 1952 around a deflated stream.
#[must_use]
pub fn gzip(zeros_mib: usize) -> Vec<u8> {
    let crc = [0; 8];
    [b"\x1F\x8B\x08\0\0\0\0\0\0\x03".as_slice(), &deflated(b"", zeros_mib), &crc].concat()
}

/// One file of a zip package: its name, its deflated bytes, and what the package says of its length.
pub struct Entry<'a> {
    /// As it stands in the package.
    pub name: &'a str,
    /// What it inflates to.
    pub content: &'a [u8],
    /// Zeros behind the content.
    pub zeros_mib: usize,
    /// The length that is claimed; the real one if absent.
    pub claims: Option<u32>,
}

/// A zip package.
#[must_use]
pub fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let deflated = deflated(entry.content, entry.zeros_mib);
        let mut crc = Crc::new();
        crc.update(entry.content);
        let zeros = vec![0; 1 << 20];
        (0..entry.zeros_mib).for_each(|_| crc.update(&zeros));
        let inflated = u32::try_from(entry.content.len() + (entry.zeros_mib << 20)).unwrap_or(u32::MAX);
        let mut fields = b"\x14\0\0\0\x08\0\0\0\0\0".to_vec();
        fields.extend(crc.sum().to_le_bytes());
        fields.extend(u32::try_from(deflated.len()).unwrap_or(0).to_le_bytes());
        fields.extend(entry.claims.unwrap_or(inflated).to_le_bytes());
        fields.extend(u16::try_from(entry.name.len()).unwrap_or(0).to_le_bytes());
        fields.extend([0, 0]);
        let offset = u32::try_from(bytes.len()).unwrap_or(0);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&fields);
        bytes.extend(entry.name.as_bytes());
        bytes.extend(deflated);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let count = u16::try_from(entries.len()).unwrap_or(0).to_le_bytes();
    let places = [u32::try_from(directory.len()).unwrap_or(0), u32::try_from(bytes.len()).unwrap_or(0)];
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend(places.map(u32::to_le_bytes).concat());
    bytes.extend([0, 0]);
    bytes
}

/// An item of an A-ASSOCIATE-RQ (PS3.8 9.3.2).
#[must_use]
pub fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(value);
    bytes
}

/// An A-ASSOCIATE-RQ from these titles with these items.
#[must_use]
pub fn associate(called: &str, calling: &str, items: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    body.extend(format!("{called:<16}{calling:<16}").bytes().take(32));
    body.extend([0; 32]);
    body.extend(items);
    crate::dimse::pdu(1, &body)
}

/// The items of a request that is like any other: one abstract syntax in context 1.
#[must_use]
pub fn items(application_context: &[u8], abstract_syntax: &str) -> Vec<u8> {
    let mut context = vec![1, 0, 0, 0];
    context.extend(item(0x30, abstract_syntax.as_bytes()));
    context.extend(item(0x40, EXPLICIT.as_bytes()));
    [item(0x10, application_context), item(0x20, &context), item(0x50, &item(0x51, &[0, 0, 0x40, 0]))].concat()
}

/// DICOM's application context.
pub const APPLICATION: &[u8] = b"1.2.840.10008.3.1.1.1";

/// One value of a P-DATA-TF.
#[must_use]
pub fn data(context: u8, is_command: bool, last: bool, fragment: &[u8]) -> Vec<u8> {
    let mut value = u32::try_from(fragment.len() + 2).unwrap_or(0).to_be_bytes().to_vec();
    value.extend([context, u8::from(is_command) | u8::from(last) << 1]);
    value.extend(fragment);
    crate::dimse::pdu(4, &value)
}

/// A command set of these elements (PS3.7 6.3.1), with its length in front.
#[must_use]
pub fn command(elements: &[(u16, &[u8])]) -> Vec<u8> {
    let one = |number: u16, value: &[u8]| {
        let padded = value.len() + value.len() % 2;
        let mut bytes = [0_u16.to_le_bytes(), number.to_le_bytes()].concat();
        bytes.extend(u32::try_from(padded).unwrap_or(0).to_le_bytes());
        bytes.extend(value);
        bytes.resize(8 + padded, 0);
        bytes
    };
    let body: Vec<u8> = elements.iter().flat_map(|(number, value)| one(*number, value)).collect();
    [one(0, &u32::try_from(body.len()).unwrap_or(0).to_le_bytes()), body].concat()
}
