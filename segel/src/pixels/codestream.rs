//! A look at a compressed frame's own header before a decoder sees it.
//!
//! Decoders reserve what the header claims: a kilobyte of JPEG that says 65,535 x 65,535 would take gigabytes. Here the
//! claim must be what Rows, Columns and SamplesPerPixel say, which have been bounded already.

use super::description::PixelDescription;
use super::error::Error;

/// Where a frame's header is looked for: application segments, ICC profiles and thumbnails may come before it.
const HEADER_BYTES_MAX: usize = 1024 * 1024;

/// Checks a frame's header against the picture.
pub fn check(transfer_syntax_uid: &str, picture: &PixelDescription, frame: &[u8]) -> Result<(), Error> {
    let claim = match transfer_syntax_uid {
        // PS3.5 annex G: 15 segments at most, each named by an offset in a header of 64 bytes.
        "1.2.840.10008.1.2.5" => return rle(picture, frame).ok_or_else(disagrees),
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            jpeg(frame)
        }
        "1.2.840.10008.1.2.4.90"
        | "1.2.840.10008.1.2.4.91"
        | "1.2.840.10008.1.2.4.92"
        | "1.2.840.10008.1.2.4.93"
        | "1.2.840.10008.1.2.4.201"
        | "1.2.840.10008.1.2.4.202"
        | "1.2.840.10008.1.2.4.203" => jpeg2000(frame),
        _ => return Err(unsupported()),
    };
    let expected = Claim { rows: picture.rows.into(), columns: picture.columns.into(), samples: picture.samples };
    if claim == Some(expected) { Ok(()) } else { Err(disagrees()) }
}

/// No decoder here reads this transfer syntax.
pub fn unsupported() -> Error {
    Error::invalid("Images of this transfer syntax cannot be decoded here; retrieve the frames as they are.")
}

fn disagrees() -> Error {
    Error::invalid("The compressed frame is not what the image's description says; it cannot be decoded.")
}

#[derive(Debug, PartialEq, Eq)]
struct Claim {
    rows: u32,
    columns: u32,
    samples: u16,
}

fn rle(picture: &PixelDescription, frame: &[u8]) -> Option<()> {
    let header = frame.get(..64)?;
    let segments = u32::from_le_bytes(*header.first_chunk()?);
    let expected = u32::from(picture.samples) * u32::from(picture.bits_allocated.div_ceil(8));
    (segments == expected).then_some(())
}

/// The first frame header of a JPEG stream (ITU-T T.81 B.2.2): marker, length, precision, lines, samples, components.
fn jpeg(frame: &[u8]) -> Option<Claim> {
    let head = frame.get(..HEADER_BYTES_MAX.min(frame.len()))?;
    let mut at = head.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let [0xFF, marker, rest @ ..] = at else { return None };
        match marker {
            // Any number of fill bytes may come before a marker (B.1.1.2).
            0xFF => at = at.get(1..)?,
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let [_, _, _, y0, y1, x0, x1, components, ..] = rest else { return None };
                return Some(Claim {
                    rows: u16::from_be_bytes([*y0, *y1]).into(),
                    columns: u16::from_be_bytes([*x0, *x1]).into(),
                    samples: (*components).into(),
                });
            }
            // Markers that stand alone.
            0x01 | 0xD0..=0xD7 => at = rest,
            _ => {
                let length = u16::from_be_bytes(*rest.first_chunk()?);
                at = rest.get(usize::from(length.max(2))..)?;
            }
        }
    }
}

/// The SIZ segment of a JPEG 2000 code stream (ITU-T T.800 A.5.1), bare or in a JP2 file.
fn jpeg2000(frame: &[u8]) -> Option<Claim> {
    let head = frame.get(..HEADER_BYTES_MAX.min(frame.len()))?;
    let at = memchr::memmem::find(head, &[0xFF, 0x4F, 0xFF, 0x51])?;
    let siz = head.get(at + 4..at + 4 + 38)?;
    let number = |offset: usize| Some(u32::from_be_bytes(*siz.get(offset..)?.first_chunk()?));
    let components = u16::from_be_bytes(*siz.get(36..)?.first_chunk()?);
    Some(Claim {
        rows: number(8)?.checked_sub(number(16)?)?,
        columns: number(4)?.checked_sub(number(12)?)?,
        samples: components,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_says_its_size_behind_other_segments() {
        let mut stream = vec![0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x04, 1, 2, 0xFF, 0xFF, 0xC0, 0, 17, 8];
        stream.extend([0x01, 0x02, 0x03, 0x04, 3]);
        assert_eq!(jpeg(&stream), Some(Claim { rows: 0x102, columns: 0x304, samples: 3 }));
        for cut in 0..stream.len() {
            assert_eq!(jpeg(&stream[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn a_jpeg_2000_stream_says_its_size_without_its_offset() {
        let mut stream = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        for number in [110_u32, 220, 10, 20] {
            stream.extend(number.to_be_bytes());
        }
        stream.extend([0; 16]);
        stream.extend([0, 3]);
        assert_eq!(jpeg2000(&stream), Some(Claim { rows: 200, columns: 100, samples: 3 }));
        for cut in 0..stream.len() {
            assert_eq!(jpeg2000(&stream[..cut]), None, "cut at {cut}");
        }
    }
}
