//! Images whose descriptions and frames do not fit.

use super::Expected::{Answered, Kept, KeptNotDrawn};
use super::build::{EXPLICIT, Set, declares, file};
use super::{Case, Input, Sent, input};
use crate::sample::element;

const DRAWN: &[&str] = &["/rendered", "/frames/1/rendered?viewport=64,64", "/thumbnail", "/frames/1"];
const PICTURES: &[&str] = &["/rendered", "/thumbnail"];
const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";
const LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.110";

fn native(what: &str, n: usize, set: &Set, expected: super::Expected) -> Input {
    let asked = if expected == KeptNotDrawn { PICTURES } else { DRAWN };
    input(what, Sent::Stow(file(n, EXPLICIT, set), n, asked), expected)
}

fn coded(what: &str, n: usize, syntax: &str, fragments: &[&[u8]]) -> Input {
    let set = Set::image(n, 64, 64).fragments(fragments);
    input(what, Sent::Stow(file(n, syntax, &set), n, PICTURES), KeptNotDrawn)
}

/// Everything whose hole lies in decoding.
pub(super) fn cases() -> Vec<Case> {
    [native_cases(), palettes(), short(), run_lengths(), codestreams()].into_iter().flatten().collect()
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

fn codestreams() -> Vec<Case> {
    let jpeg = |kind: u8, rows: u16, columns: u16, components: u8| {
        let mut bytes = b"\xFF\xD8".to_vec();
        bytes.extend([0xFF, kind, 0, 8 + 3 * components, 8]);
        bytes.extend([rows.to_be_bytes(), columns.to_be_bytes()].concat());
        bytes.push(components);
        (1..=components).for_each(|n| bytes.extend([n, 0x11, 0]));
        bytes.extend(b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0");
        bytes.extend([0xAA; 200]);
        bytes.extend(b"\xFF\xD9");
        bytes
    };
    // SIZ of ISO/IEC 15444-1 A.5.1.
    let siz = |side: u32, tile: u32, components: u16| {
        let mut bytes = b"\xFF\x4F\xFF\x51".to_vec();
        bytes.extend((38 + 3 * components.min(100)).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend([side, side, 0, 0, tile, tile, 0, 0].map(u32::to_be_bytes).concat());
        bytes.extend(components.to_be_bytes());
        (0..components.min(100)).for_each(|_| bytes.extend([7, 1, 1]));
        bytes.extend(b"\xFF\x52\0\x0C\0\0\0\x01\0\x05\x04\x04\0\x01\xFF\x5C\0\x13\x40\x40\x48\x48\x50\x48\x48\x50\x48\x48\x50\x48\x48\x50\x48\x48\x50");
        bytes.extend(b"\xFF\x90\0\x0A\0\0\0\0\0\0\0\x01\xFF\x93\xAA\xAA\xFF\xD9");
        bytes
    };
    let largest = u32::MAX;
    vec![
        Case {
            numbers: "CVE-2025-2357",
            software: "DCMTK (JPEG-LS decoder)",
            published: "A damaged JPEG-LS frame corrupts memory.",
            inputs: vec![
                coded("65,535 x 65,535 in a frame of 64 x 64", 250, JPEG_LS, &[&jpeg(0xF7, 65_535, 65_535, 1)]),
                coded("255 components", 251, JPEG_LS, &[&jpeg(0xF7, 64, 64, 80)]),
                coded(
                    "thresholds of 65,535",
                    252,
                    JPEG_LS,
                    &[&[
                        b"\xFF\xD8\xFF\xF8\0\x0D\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".as_slice(),
                        jpeg(0xF7, 64, 64, 1).get(2..).unwrap_or_default(),
                    ]
                    .concat()],
                ),
                coded("no rows", 253, JPEG_LS, &[&jpeg(0xF7, 0, 64, 1)]),
                coded("a beginning alone", 254, JPEG_LS, &[b"\xFF\xD8"]),
            ],
        },
        Case {
            numbers: "CVE-2024-22373",
            software: "GDCM (JPEG2000Codec)",
            published: "A JPEG 2000 stream of another size than its image is written out of bounds.",
            inputs: vec![
                coded("a stream of 4,294,967,295 x 4,294,967,295", 255, JPEG_2000, &[&siz(largest, largest, 1)]),
                coded("a stream of 16,384 components", 256, JPEG_2000, &[&siz(64, 64, 16_384)]),
                coded("tiles of one pixel", 257, JPEG_2000, &[&siz(65_535, 1, 1)]),
                coded("tiles without a side", 258, JPEG_2000, &[&siz(64, 0, 1)]),
                coded("a stream of 128 x 128 in an image of 64 x 64", 259, JPEG_2000, &[&siz(128, 128, 1)]),
                coded("a stream of 60,000 x 60,000, high throughput", 260, HTJ2K, &[&siz(60_000, 60_000, 3)]),
            ],
        },
        Case {
            numbers: "class",
            software: "other decoders of compressed pixel data",
            published: "Sizes of the stream rather than of the image decide what is allocated; tables that are missing are used.",
            inputs: vec![
                coded("a JPEG of 65,535 x 65,535 without tables", 261, JPEG, &[&jpeg(0xC0, 65_535, 65_535, 3)]),
                coded("a progressive JPEG of 65,535 x 65,535", 262, JPEG, &[&jpeg(0xC2, 65_535, 65_535, 4)]),
                coded("a lossless JPEG without tables", 263, LOSSLESS, &[&jpeg(0xC3, 64, 64, 1)]),
                coded("a lossless JPEG of 65,535 x 65,535", 264, LOSSLESS, &[&jpeg(0xC3, 65_535, 65_535, 3)]),
                coded(
                    "a JPEG XL head of a gigapixel",
                    265,
                    JPEG_XL,
                    &[b"\xFF\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"],
                ),
                coded("a hundred thousand beginnings", 266, JPEG, &[&b"\xFF\xD8".repeat(100_000)]),
                coded("a JPEG cut in a thousand fragments", 267, JPEG, &[b"\xFF\xD8".as_slice(); 1_000]),
            ],
        },
    ]
}
