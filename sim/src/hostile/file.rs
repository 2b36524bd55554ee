//! Files and data sets.

use super::Expected::{Answered, Kept, KeptNotDrawn, Refused};
use super::build::{DEFLATED, EXPLICIT, MARKER, Set, declares, deflated, file, head, nested, uids};
use super::{Case, Input, Sent, input};
use crate::sample::element;

const METADATA: &[&str] = &["", "/metadata"];

fn stow(what: &str, n: usize, bytes: Vec<u8>, expected: super::Expected) -> Input {
    input(what, Sent::Stow(bytes, n, &[]), expected)
}

/// The same data set by both doors.
fn both(what: &str, n: usize, set: &[u8], expected: super::Expected) -> [Input; 2] {
    let whole = [head(n, EXPLICIT, [0; 128]), set.to_vec()].concat();
    [stow(what, n, whole, expected), input(what, Sent::Store(uids(n).instance, set.to_vec()), expected)]
}

/// Everything whose hole lies in reading files.
pub(super) fn cases() -> Vec<Case> {
    [structure(), meta(), values(), kept()].into_iter().flatten().collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn structure() -> Vec<Case> {
    let begun = |n: usize, rest: &[u8]| [Set::new(n).bytes(), rest.to_vec()].concat();
    let deep =
        |what: &str, n: usize, depth: usize, lengths: bool| both(what, n, &begun(n, &nested(depth, lengths)), Refused);
    let long = |what: &str, n: usize, tag, vr: &[u8; 2], length: u32| {
        both(what, n, &begun(n, &[declares(tag, vr, length), vec![1, 2, 3, 4]].concat()), Refused)
    };
    let bomb =
        [head(120, DEFLATED, [0; 128]), deflated(&begun(120, &declares((0x7FE0, 0x0010), b"OW", 0x4000_0000)), 256)]
            .concat();
    let loose = [head(121, DEFLATED, [0; 128]), deflated(&[], 64)].concat();
    vec![
        Case {
            numbers: "CVE-2026-10528, fo-dicom 2114, pydicom 2330",
            software: "Orthanc with DCMTK, fo-dicom, pydicom",
            published: "Sequences in sequences are read by recursion until the stack ends, and the process with it.",
            inputs: [
                deep("sequences 65 deep", 100, 65, false),
                deep("sequences 2,000 deep", 101, 2_000, false),
                deep("sequences 100,000 deep", 102, 100_000, false),
                deep("sequences 100,000 deep, each with its length", 103, 100_000, true),
            ]
            .into_iter()
            .flatten()
            .collect(),
        },
        Case {
            numbers: "CVE-2024-23912, CVE-2024-23913",
            software: "Merge DICOM Toolkit",
            published: "A malformed file is read beyond its bytes, or through an offset that lies outside.",
            inputs: [
                long("pixels of 4 GiB, four bytes there", 104, (0x7FE0, 0x0010), b"OW", 0xFFFF_FFFE),
                long("a private value of 2 GiB", 105, (0x7001, 0x1001), b"OB", 0x7FFF_FFFE),
                long("a text of 4 GiB", 106, (0x4008, 0x010B), b"UT", 0xFFFF_FFF0),
                long("a sequence of 4 GiB", 107, (0x0040, 0xA730), b"SQ", 0xFFFF_FFFC),
                both(
                    "an item of 4 GiB",
                    108,
                    &begun(
                        108,
                        &[
                            declares((0x0040, 0xA730), b"SQ", u32::MAX),
                            b"\xFE\xFF\x00\xE0\xFE\xFF\xFF\xFF\x08\0".to_vec(),
                        ]
                        .concat(),
                    ),
                    Refused,
                ),
                both(
                    "a sequence without its end",
                    109,
                    &begun(
                        109,
                        &[declares((0x0040, 0xA730), b"SQ", u32::MAX), b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".to_vec()]
                            .concat(),
                    ),
                    Refused,
                ),
                both(
                    "an item shorter than its element",
                    110,
                    &begun(
                        110,
                        &[
                            declares((0x0040, 0xA730), b"SQ", 16),
                            b"\xFE\xFF\x00\xE0\x08\0\0\0\x08\0\0\x01SH\xFF\0".to_vec(),
                        ]
                        .concat(),
                    ),
                    Refused,
                ),
            ]
            .into_iter()
            .flatten()
            .collect(),
        },
        Case {
            numbers: "CVE-2025-11266",
            software: "GDCM",
            published: "The fragments of encapsulated pixel data are added up below zero, and written out of bounds.",
            inputs: [
                both(
                    "a fragment longer than the file",
                    111,
                    &begun(111, b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xF0\xFF\xFF\xFF"),
                    Refused,
                ),
                both(
                    "an element where a fragment is expected",
                    112,
                    &begun(112, b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\x08\0\x18\0UI\x04\x001.2\0"),
                    Refused,
                ),
                both(
                    "fragments without their end",
                    113,
                    &begun(113, b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0"),
                    Refused,
                ),
                both(
                    "a fragment of undefined length",
                    114,
                    &begun(114, b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"),
                    Refused,
                ),
            ]
            .into_iter()
            .flatten()
            .collect(),
        },
        Case {
            numbers: "fo-dicom 2165, io-dicom 35",
            software: "fo-dicom, io-dicom",
            published: "A deflated data set inflates a thousand times before anything looks at it.",
            inputs: vec![
                stow("256 MiB of zeros as pixels, deflated", 120, bomb, Refused),
                stow("64 MiB of zeros, deflated", 121, loose, Refused),
                stow(
                    "a deflated data set that is cut",
                    122,
                    [head(122, DEFLATED, [0; 128]), deflated(&Set::new(122).bytes(), 0).into_iter().take(40).collect()]
                        .concat(),
                    Refused,
                ),
            ],
        },
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn meta() -> Vec<Case> {
    let good = file(130, EXPLICIT, &Set::new(130));
    let cut = |length: usize| good.get(..length).unwrap_or_default().to_vec();
    let with_meta = |meta: &[u8]| [&[0; 128], b"DICM".as_slice(), meta, &Set::new(130).bytes()].concat();
    let length_lies = |length: u32| {
        let mut bytes = good.clone();
        bytes.splice(140..144, length.to_le_bytes());
        bytes
    };
    let polyglot = |n: usize, magic: &[u8]| {
        let mut preamble = [0; 128];
        preamble.iter_mut().zip(magic).for_each(|(to, from)| *to = *from);
        [head(n, EXPLICIT, preamble), Set::new(n).bytes()].concat()
    };
    vec![
        Case {
            numbers: "CVE-2026-5437",
            software: "Orthanc",
            published: "The file meta information is read beyond its end.",
            inputs: vec![
                stow("a file that ends behind DICM", 130, cut(132), Refused),
                stow("a file that ends in the length of its meta information", 130, cut(142), Refused),
                stow("a file that ends in its meta information", 130, cut(180), Refused),
                stow(
                    "an element of 65,535 bytes at the end",
                    130,
                    [cut(180), b"\x02\0\x13\0SH\xFF\xFF".to_vec()].concat(),
                    Refused,
                ),
                stow("meta information of 4 GiB", 130, length_lies(u32::MAX), Answered),
                stow("meta information of no bytes", 130, length_lies(0), Answered),
            ],
        },
        Case {
            numbers: "CVE-2026-3650",
            software: "GDCM",
            published: "A representation that does not exist, in the file meta information, allocates without an end and keeps it.",
            inputs: vec![
                stow("representation ZZ of 4 GiB", 130, with_meta(b"\x02\0\x01\0ZZ\0\0\xF0\xFF\xFF\xFF\0\0"), Refused),
                stow("representation of two zeros", 130, with_meta(b"\x02\0\x01\0\0\0\xFF\xFF\0\0"), Refused),
                stow("4 GiB of version", 130, with_meta(b"\x02\0\x01\0OB\0\0\xF0\xFF\xFF\xFF\0\0"), Refused),
                stow("100,000 empty elements", 130, with_meta(&b"\x02\0\x02\x01UI\0\0".repeat(100_000)), Refused),
            ],
        },
        Case {
            numbers: "CVE-2022-2121",
            software: "DCMTK",
            published: "A file without what every file has leads to a null pointer.",
            inputs: vec![
                stow("no bytes", 130, Vec::new(), Refused),
                stow("128 zeros and DICM", 130, cut(132), Refused),
                stow(
                    "meta information without a transfer syntax",
                    130,
                    with_meta(&element((0x0002, 0x0002), b"UI", b"1.2")),
                    Answered,
                ),
                stow("a transfer syntax without a value", 131, file(131, "", &Set::new(131)), Answered),
                stow("a transfer syntax that leads up", 132, file(132, "../../../1.2", &Set::new(132)), Answered),
                stow(
                    "a data set without a patient or a UID",
                    133,
                    [head(133, EXPLICIT, [0; 128]), element((0x0008, 0x0060), b"CS", b"OT")].concat(),
                    Refused,
                ),
            ],
        },
        Case {
            numbers: "CVE-2019-11687",
            software: "the DICOM file format",
            published: "The 128 bytes before a file may be the head of a program, so that an image is also an executable.",
            inputs: vec![
                input(
                    "the head of a Windows program",
                    Sent::Stow(
                        polyglot(134, b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0HOSTILEPREAMBLE"),
                        134,
                        METADATA,
                    ),
                    Kept,
                ),
                input(
                    "the head of a Linux program",
                    Sent::Stow(polyglot(135, b"\x7FELF\x02\x01\x01\0HOSTILEPREAMBLE"), 135, METADATA),
                    Kept,
                ),
                input(
                    "the head of a script",
                    Sent::Stow(
                        polyglot(136, b"#!/bin/sh\ntouch /tmp/segel-hostile-canary\nexit # HOSTILEPREAMBLE\n"),
                        136,
                        METADATA,
                    ),
                    Kept,
                ),
            ],
        },
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn values() -> Vec<Case> {
    let put = |n: usize, tag, vr: &[u8; 2], value: &[u8]| Set::new(n).with(tag, vr, value).bytes();
    let many = (0..400_u16).flat_map(|n| element((0x0011, 0x1000 + n), b"LO", &[b'x'; 60_000])).collect::<Vec<u8>>();
    let frames = Set::image(152, 8, 8)
        .with((0x0008, 0x0016), b"UI", b"1.2.840.10008.5.1.4.1.1.2.1")
        .with((0x0028, 0x0008), b"IS", b"2147483647")
        .raw((0x5200, 0x9229), declares((0x5200, 0x9229), b"SQ", 0))
        .raw((0x5200, 0x9230), [declares((0x5200, 0x9230), b"SQ", 8), b"\xFE\xFF\x00\xE0\0\0\0\0".to_vec()].concat())
        .pixels(&[0; 64]);
    vec![
        Case {
            numbers: "CVE-2024-28130",
            software: "DCMTK",
            published: "An element of an unexpected representation is taken for another type.",
            inputs: [
                both("a sequence that is text", 140, &put(140, (0x0008, 0x1140), b"LO", b"text"), Answered),
                both("pixels that are a sequence", 141, &put(141, (0x7FE0, 0x0010), b"SQ", &[]), Answered),
                both("a name that is a sequence", 142, &put(142, (0x0010, 0x0010), b"SQ", &[]), Answered),
                both(
                    "a Study Instance UID that is a number",
                    143,
                    &put(143, (0x0020, 0x000D), b"US", &[1, 0]),
                    Refused,
                ),
                both(
                    "a patient's number that is floating",
                    144,
                    &put(144, (0x0010, 0x0020), b"FD", &[0xFF; 8]),
                    Answered,
                ),
            ]
            .into_iter()
            .flatten()
            .collect(),
        },
        Case {
            numbers: "CVE-2024-22100, CVE-2024-25578, CVE-2024-28877, CVE-2025-5943, CVE-2025-0568, CVE-2025-0569",
            software: "MicroDicom, Sante PACS Server",
            published: "Values of a file are written beyond their buffers. The places were not published; these are the values that are longer, or other, than readers expect.",
            inputs: [
                both("a code of 60,000 characters", 145, &put(145, (0x0008, 0x0060), b"CS", &[b'A'; 60_000]), Answered),
                both("a name of 65,534 characters", 146, &put(146, (0x0010, 0x0010), b"PN", &[b'^'; 65_534]), Answered),
                both(
                    "a patient's number of 65,534 characters",
                    147,
                    &put(147, (0x0010, 0x0020), b"LO", &[b'9'; 65_534]),
                    Answered,
                ),
                both(
                    "rows of one byte",
                    148,
                    &Set::new(148).raw((0x0028, 0x0010), b"\x28\0\x10\0US\x01\0\x08".to_vec()).bytes(),
                    Answered,
                ),
                both(
                    "a character set that there is not",
                    149,
                    &put(149, (0x0008, 0x0005), b"CS", "ISO 2022 IR 87\\..\\%s%n".as_bytes()),
                    Answered,
                ),
                both(
                    "escape sequences without their text",
                    150,
                    &Set::new(150)
                        .with((0x0008, 0x0005), b"CS", b"\\ISO 2022 IR 87")
                        .with((0x0010, 0x0010), b"PN", &b"\x1B$B\x1B(B\x1B".repeat(100))
                        .bytes(),
                    Answered,
                ),
                both("24 MB of private text", 151, &[Set::new(151).bytes(), many].concat(), Answered),
            ]
            .into_iter()
            .flatten()
            .collect(),
        },
        Case {
            numbers: "CVE-2024-27628",
            software: "DCMTK (enhanced CT)",
            published: "The functional groups of an enhanced image do not fit its frames, and are written out of bounds.",
            inputs: vec![
                input(
                    "2,147,483,647 frames and one empty functional group",
                    Sent::Stow(file(152, EXPLICIT, &frames), 152, &["/metadata"]),
                    Kept,
                ),
                input(
                    "the last of 2,147,483,647 frames",
                    Sent::Stow(
                        file(152, EXPLICIT, &frames),
                        152,
                        &["/frames/2147483647", "/frames/2147483647/rendered"],
                    ),
                    KeptNotDrawn,
                ),
            ],
        },
    ]
}

fn kept() -> Vec<Case> {
    let script = format!("{MARKER}^<script>alert(1)</script>\"'");
    let set = Set::new(160).with((0x0010, 0x0010), b"PN", script.as_bytes()).with(
        (0x0008, 0x1030),
        b"LO",
        b"<img src=x onerror=alert(1)>",
    );
    vec![Case {
        numbers: "CVE-2025-54862, CVE-2025-54759",
        software: "Sante PACS Server (web portal)",
        published: "A script in a field of a record runs in the browser of whoever lists it.",
        inputs: vec![input(
            "a script as the patient's name and the study's description",
            Sent::Stow(file(160, EXPLICIT, &set), 160, METADATA),
            Kept,
        )],
    }]
}
