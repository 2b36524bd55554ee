//! Images whose descriptions and frames do not fit.

use super::Expected::{Answered, Kept, KeptNotDrawn};
use super::build::{EXPLICIT, Set, declares, file};
use super::{Case, Input, Sent, input};
use crate::sample::element;

const DRAWN: &[&str] = &["/rendered", "/frames/1/rendered?viewport=64,64", "/thumbnail", "/frames/1"];
const PICTURES: &[&str] = &["/rendered", "/thumbnail"];
const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";

fn native(what: &str, n: usize, set: &Set, expected: super::Expected) -> Input {
    let asked = if expected == KeptNotDrawn { PICTURES } else { DRAWN };
    input(what, Sent::Stow(file(n, EXPLICIT, set), n, asked), expected)
}

/// An image of 64 x 64 in a transfer syntax, that is kept and not drawn.
pub(super) fn coded(what: &str, n: usize, syntax: &str, fragments: &[&[u8]]) -> Input {
    let set = Set::image(n, 64, 64).fragments(fragments);
    input(what, Sent::Stow(file(n, syntax, &set), n, PICTURES), KeptNotDrawn)
}

/// Everything whose hole lies in decoding.
pub(super) fn cases() -> Vec<Case> {
    [native_cases(), palettes(), short(), run_lengths()].into_iter().flatten().collect()
}

fn native_cases() -> Vec<Case> {
    let long = |tag: (u16, u16), value: u32| element(tag, b"UL", &value.to_le_bytes());
    let philips = |n: usize, end: &[u8]| {
        Set::image(n, 16, 16)
            .with((0x07A1, 0x0010), b"LO", b"ELSCINT1")
            .with((0x07A1, 0x1011), b"CS", b"PMSCT_RLE1")
            .with((0x07A1, 0x100A), b"OB", &[&[0x5A; 100], end].concat())
    };
    let pam = |width: u64| {
        format!("P7\nWIDTH {width}\nHEIGHT {width}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n").into_bytes()
    };
    vec![
        Case {
            numbers: "CVE-2026-5441",
            software: "Orthanc (Philips compression)",
            published: "An escape mark at the end of a run-length stream in private elements is read beyond, and memory of others shows in the picture.",
            inputs: vec![
                native("a private stream that ends in its escape mark", 200, &philips(200, &[0xA5]), KeptNotDrawn),
                native("a private stream that ends in half a run", 201, &philips(201, &[0xA5, 0xFF]), KeptNotDrawn),
            ],
        },
        Case {
            numbers: "CVE-2026-5442",
            software: "Orthanc",
            published: "Rows and columns of 32 bits, where 16 are expected, make the size of a frame overflow.",
            inputs: vec![
                native(
                    "65,537 rows as UL",
                    202,
                    &Set::image(202, 8, 8).raw((0x0028, 0x0010), long((0x0028, 0x0010), 65_537)).pixels(&[0; 64]),
                    KeptNotDrawn,
                ),
                native(
                    "4,294,967,295 rows and columns as UL",
                    203,
                    &Set::image(203, 8, 8)
                        .raw((0x0028, 0x0010), long((0x0028, 0x0010), u32::MAX))
                        .raw((0x0028, 0x0011), long((0x0028, 0x0011), u32::MAX))
                        .pixels(&[0; 64]),
                    KeptNotDrawn,
                ),
                native(
                    "rows as text",
                    204,
                    &Set::image(204, 8, 8).with((0x0028, 0x0010), b"LO", b"99999999999999999999").pixels(&[0; 64]),
                    KeptNotDrawn,
                ),
            ],
        },
        Case {
            numbers: "CVE-2026-5444",
            software: "Orthanc",
            published: "The head of a PAM image inside a file makes a size overflow, and too small a buffer is written.",
            inputs: vec![
                native(
                    "a PAM image of 65,536 x 65,536 as native pixels",
                    205,
                    &Set::image(205, 512, 512).pixels(&pam(65_536)),
                    KeptNotDrawn,
                ),
                coded("a PAM image of 4,294,967,297 as a JPEG frame", 206, JPEG, &[&pam(4_294_967_297)]),
            ],
        },
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn palettes() -> Vec<Case> {
    vec![
        Case {
            numbers: "CVE-2026-5443",
            software: "Orthanc",
            published: "Width times height of a palette image overflows 32 bits, and its check passes.",
            inputs: vec![
                native(
                    "65,535 x 65,535 with 64 bytes of pixels",
                    210,
                    &Set::image(210, 65_535, 65_535).palette([256, 0, 8], 256).pixels(&[0; 64]),
                    KeptNotDrawn,
                ),
                native(
                    "32,768 x 65,535 with 16 bits and 16 bytes",
                    211,
                    &Set::image(211, 32_768, 65_535)
                        .palette([256, 0, 16], 512)
                        .us(0x100, 16)
                        .us(0x101, 16)
                        .us(0x102, 15)
                        .pixels(&[0; 16]),
                    KeptNotDrawn,
                ),
            ],
        },
        Case {
            numbers: "CVE-2026-5445",
            software: "Orthanc",
            published: "A pixel's value is looked up beyond the end of its palette, and memory of others shows in the picture.",
            inputs: vec![
                native(
                    "values of 255 with a palette of 2",
                    212,
                    &Set::image(212, 8, 8).palette([2, 0, 8], 2).pixels(&[0xFF; 64]),
                    Kept,
                ),
                native(
                    "values of 65,535 with a palette of 16",
                    213,
                    &Set::image(213, 8, 8)
                        .palette([16, 0, 16], 32)
                        .us(0x100, 16)
                        .us(0x101, 16)
                        .us(0x102, 15)
                        .pixels(&[0xFF; 128]),
                    Kept,
                ),
                native(
                    "values below a palette that begins at 32,768",
                    214,
                    &Set::image(214, 8, 8).palette([16, 32_768, 16], 32).pixels(&[0; 64]),
                    Kept,
                ),
            ],
        },
        Case {
            numbers: "CVE-2024-22391",
            software: "GDCM (LookupTable::SetLUT)",
            published: "A palette shorter than its descriptor says is copied beyond its end.",
            inputs: vec![
                native(
                    "65,536 entries announced, 2 bytes there",
                    215,
                    &Set::image(215, 8, 8).palette([0, 0, 16], 2).pixels(&[1; 64]),
                    Answered,
                ),
                native(
                    "no bytes of a palette",
                    216,
                    &Set::image(216, 8, 8).palette([256, 0, 8], 0).pixels(&[1; 64]),
                    Answered,
                ),
                native(
                    "entries of 65,535 bits",
                    217,
                    &Set::image(217, 8, 8).palette([256, 0, 65_535], 256).pixels(&[1; 64]),
                    Answered,
                ),
                native(
                    "a descriptor of one number",
                    218,
                    &Set::image(218, 8, 8)
                        .palette([256, 0, 8], 256)
                        .with((0x0028, 0x1101), b"US", &[0, 1])
                        .pixels(&[1; 64]),
                    Answered,
                ),
            ],
        },
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn short() -> Vec<Case> {
    let wide = |n: usize, bits: [u16; 3]| Set::image(n, 8, 8).us(0x100, bits[0]).us(0x101, bits[1]).us(0x102, bits[2]);
    vec![
        Case {
            numbers: "CVE-2024-25569, CVE-2025-25474, CVE-2025-25472",
            software: "GDCM (RAWCodec), DCMTK (dcmimgle)",
            published: "Native pixel data shorter than the image it describes is read, or copied, beyond its end.",
            inputs: vec![
                native(
                    "512 x 512 of 8 bits, 64 bytes there",
                    220,
                    &Set::image(220, 512, 512).pixels(&[1; 64]),
                    KeptNotDrawn,
                ),
                native("no byte of pixels", 221, &Set::image(221, 8, 8).pixels(&[]), KeptNotDrawn),
                native(
                    "16 bits, half of the bytes there",
                    222,
                    &wide(222, [16, 12, 11]).pixels(&[1; 64]),
                    KeptNotDrawn,
                ),
                native(
                    "three samples, one there",
                    223,
                    &Set::image(223, 8, 8).us(2, 3).with((0x0028, 0x0004), b"CS", b"RGB").us(6, 0).pixels(&[1; 64]),
                    KeptNotDrawn,
                ),
                native("12 bits allocated", 224, &wide(224, [12, 12, 11]).pixels(&[1; 96]), Answered),
                native(
                    "65,535 samples of a pixel",
                    225,
                    &Set::image(225, 8, 8).us(2, 65_535).pixels(&[1; 64]),
                    KeptNotDrawn,
                ),
                native("an image without a column", 226, &Set::image(226, 8, 0).pixels(&[1; 64]), KeptNotDrawn),
            ],
        },
        Case {
            numbers: "CVE-2024-47796, CVE-2024-52333",
            software: "DCMTK (dcmimgle: windows, minimum and maximum)",
            published: "Values outside of what the bits of an image allow index a table beyond its end.",
            inputs: vec![
                native("more bits stored than allocated", 227, &wide(227, [8, 16, 15]).pixels(&[0xFF; 64]), Answered),
                native("a high bit of 65,535", 228, &wide(228, [16, 12, 65_535]).pixels(&[0xFF; 128]), Answered),
                native("no bit stored", 229, &wide(229, [16, 0, 0]).pixels(&[0xFF; 128]), Answered),
                native(
                    "values that the bits stored do not hold",
                    230,
                    &wide(230, [16, 10, 9]).pixels(&[0xFF; 128]),
                    Kept,
                ),
                native(
                    "a window of no number",
                    231,
                    &Set::image(231, 8, 8)
                        .with((0x0028, 0x1050), b"DS", b"NaN")
                        .with((0x0028, 0x1051), b"DS", b"-1e999")
                        .pixels(&[7; 64]),
                    Answered,
                ),
                native(
                    "a modality table of 65,536 entries, two there",
                    232,
                    &Set::image(232, 8, 8).raw((0x0028, 0x3000), table(b"\0\0\0\0\x10\0")).pixels(&[7; 64]),
                    Answered,
                ),
                native(
                    "a slope of infinity",
                    233,
                    &Set::image(233, 8, 8)
                        .with((0x0028, 0x1052), b"DS", b"1e308")
                        .with((0x0028, 0x1053), b"DS", b"1e308")
                        .pixels(&[7; 64]),
                    Answered,
                ),
            ],
        },
    ]
}

/// A Modality LUT Sequence whose one item announces more than it has.
fn table(descriptor: &[u8]) -> Vec<u8> {
    let inside = [element((0x0028, 0x3002), b"US", descriptor), element((0x0028, 0x3006), b"OW", &[1, 2])].concat();
    let item =
        [b"\xFE\xFF\x00\xE0".as_slice(), &u32::try_from(inside.len()).unwrap_or(0).to_le_bytes(), &inside].concat();
    [declares((0x0028, 0x3000), b"SQ", u32::try_from(item.len()).unwrap_or(0)), item].concat()
}

fn run_lengths() -> Vec<Case> {
    let head = |segments: u32, offsets: &[u32]| {
        let mut bytes = segments.to_le_bytes().to_vec();
        bytes.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        bytes.resize(64, 0);
        bytes
    };
    let with = |head: Vec<u8>, rest: &[u8]| [head, rest.to_vec()].concat();
    let runs = [0x81, 0xFF].repeat(40_000);
    vec![
        Case {
            numbers: "CVE-2019-1010228",
            software: "DCMTK (DcmRLEDecoder::decompress)",
            published: "A run of an RLE segment is copied beyond the buffer of its frame.",
            inputs: vec![
                coded("a literal run longer than its segment", 240, RLE, &[&with(head(1, &[64]), &[127, 1, 2, 3])]),
                input(
                    "runs of a hundred frames in one",
                    Sent::Stow(
                        file(241, RLE, &Set::image(241, 64, 64).fragments(&[&with(head(1, &[64]), &runs)])),
                        241,
                        PICTURES,
                    ),
                    Kept,
                ),
                coded("a segment that begins behind its frame", 242, RLE, &[&with(head(1, &[0xFFFF_FFF0]), &[0; 16])]),
                coded("a segment inside the header", 243, RLE, &[&with(head(1, &[4]), &[0; 16])]),
                coded("segments that go backwards", 244, RLE, &[&with(head(2, &[80, 64]), &[0; 64])]),
                coded("4,294,967,295 segments", 245, RLE, &[&with(head(u32::MAX, &[64; 15]), &[0; 64])]),
            ],
        },
        Case {
            numbers: "CVE-2025-25475",
            software: "DCMTK (RLE codec)",
            published: "Encapsulated pixel data without a frame leads to a null pointer.",
            inputs: vec![
                coded("no fragment", 246, RLE, &[]),
                coded("an empty fragment", 247, RLE, &[&[]]),
                coded("half a header", 248, RLE, &[&[1, 0, 0, 0, 64, 0]]),
                coded("no segment", 249, RLE, &[&head(0, &[])]),
            ],
        },
    ]
}
