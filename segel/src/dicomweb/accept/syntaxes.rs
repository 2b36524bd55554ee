//! Transfer syntaxes and the media types that go with them (PS3.18 8.7.3).

use super::OCTETS;
use wire::syntax;

/// Explicit VR Little Endian.
pub const EXPLICIT_LITTLE: &str = syntax::EXPLICIT_LITTLE;
/// JPEG Baseline (Process 1).
pub const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";

/// The media types of one frame in a transfer syntax, the registered one first (PS3.18 table 8.7.3-5).
pub fn frame_media_types(transfer_syntax_uid: &str) -> &'static [&'static str] {
    match transfer_syntax_uid {
        "1.2.840.10008.1.2.5" => &["image/dicom-rle", "image/x-dicom-rle"],
        JPEG_BASELINE | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            &["image/jpeg"]
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => &["image/jls", "image/x-jls"],
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => &["image/jp2"],
        "1.2.840.10008.1.2.4.92" | "1.2.840.10008.1.2.4.93" => &["image/jpx"],
        "1.2.840.10008.1.2.4.110" | "1.2.840.10008.1.2.4.111" | "1.2.840.10008.1.2.4.112" => &["image/jxl"],
        "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" | "1.2.840.10008.1.2.4.203" => &["image/jphc"],
        "1.2.840.10008.1.2.4.100"
        | "1.2.840.10008.1.2.4.100.1"
        | "1.2.840.10008.1.2.4.101"
        | "1.2.840.10008.1.2.4.101.1" => &["video/mpeg2"],
        "1.2.840.10008.1.2.4.102"
        | "1.2.840.10008.1.2.4.102.1"
        | "1.2.840.10008.1.2.4.103"
        | "1.2.840.10008.1.2.4.103.1"
        | "1.2.840.10008.1.2.4.104"
        | "1.2.840.10008.1.2.4.104.1"
        | "1.2.840.10008.1.2.4.105"
        | "1.2.840.10008.1.2.4.105.1"
        | "1.2.840.10008.1.2.4.106"
        | "1.2.840.10008.1.2.4.106.1" => &["video/mp4"],
        "1.2.840.10008.1.2.4.107" | "1.2.840.10008.1.2.4.108" => &["video/H265"],
        _ => &[OCTETS],
    }
}
