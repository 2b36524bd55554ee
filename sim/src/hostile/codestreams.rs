//! Compressed frames.

use super::Case;
use super::pixels::coded;

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.110";

/// Everything whose hole lies in a codec.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
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
