//! A look at a compressed frame's own header before a decoder sees it.
//!
//! Decoders reserve what the header claims: a kilobyte of JPEG that says 65,535 x 65,535 would take gigabytes. Here the
//! claim must be what Rows, Columns and SamplesPerPixel say, which have been bounded already.

use super::decode::Coding;
use super::description::PixelDescription;
use super::error::Error;

/// Where a frame's header is looked for: application segments, ICC profiles and thumbnails may come before it.
const HEADER_BYTES_MAX: usize = 1024 * 1024;

/// Checks a frame's header against the picture.
pub fn check(coding: Coding, picture: &PixelDescription, frame: &[u8]) -> Result<(), Error> {
    let claim = match coding {
        // PS3.5 annex G: 15 segments at most, each named by an offset in a header of 64 bytes.
        Coding::Rle => return rle(picture, frame).ok_or_else(disagrees),
        Coding::JpegDct | Coding::JpegLossless | Coding::JpegLs => jpeg(frame).map(|(claim, _)| claim),
        Coding::Jpeg2000 if is_extended(frame) => return Err(extended()),
        Coding::Jpeg2000 => jpeg2000(frame),
        // Its decoder says what the header claims before it takes memory for that.
        Coding::JpegXl | Coding::Native | Coding::Deflated => return Ok(()),
    };
    let expected = Claim { rows: picture.rows.into(), columns: picture.columns.into(), samples: picture.samples };
    if claim == Some(expected) { Ok(()) } else { Err(disagrees()) }
}

/// Bits of a sample, by the first frame header of a JPEG stream.
pub fn precision(frame: &[u8]) -> Option<u8> {
    jpeg(frame).map(|(_, precision)| precision)
}

/// What a JPEG stream says of its colours before its first frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// An APP14 segment of Adobe with this transform (ITU-T T.872 6.5.3).
    Adobe(u8),
    /// A JFIF segment (ITU-T T.871).
    Jfif,
    /// Neither.
    Unsaid,
}

/// Reads what a JPEG stream says of its colours.
pub fn colour_markers(frame: &[u8]) -> Colour {
    let mut colour = Colour::Unsaid;
    let mut segments = Segments::of(frame);
    while let Some((marker, segment)) = segments.as_mut().and_then(Segments::next) {
        match (marker, segment) {
            (0xEE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                return Colour::Adobe(*transform);
            }
            (0xE0, [b'J', b'F', b'I', b'F', 0, ..]) => colour = Colour::Jfif,
            (0xDA, _) => break,
            _ => {}
        }
    }
    colour
}

/// No decoder here reads this transfer syntax.
pub fn unsupported() -> Error {
    Error::invalid("Images of this transfer syntax cannot be decoded here; retrieve the frames as they are.")
}

/// The frame needs Part 2 of JPEG 2000.
fn extended() -> Error {
    Error::invalid("Frames that use the extensions of JPEG 2000 cannot be decoded here; retrieve them as they are.")
}

/// No decoder here reads samples of this size in this form.
pub fn depth() -> Error {
    Error::invalid(
        "Compressed images with samples of this size cannot be decoded here; retrieve the frames as they are.",
    )
}

/// The decoder would need more memory than a worker has.
pub fn too_large() -> Error {
    Error::invalid("The frame is too large to be decoded here; retrieve it as it is.")
}

/// The frame and the description are of two images.
pub fn disagrees() -> Error {
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

/// The marker segments of a JPEG stream (ITU-T T.81 B.1.1), up to where no marker is.
pub struct Segments<'a>(&'a [u8]);

impl<'a> Segments<'a> {
    /// Of a stream; `None` if it is none.
    pub fn of(frame: &'a [u8]) -> Option<Self> {
        frame.get(..HEADER_BYTES_MAX.min(frame.len()))?.strip_prefix(&[0xFF, 0xD8]).map(Self)
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let [0xFF, marker, rest @ ..] = self.0 else { return None };
            match marker {
                // Any number of fill bytes may come before a marker (B.1.1.2).
                0xFF => self.0 = self.0.get(1..)?,
                // Markers that stand alone.
                0x01 | 0xD0..=0xD7 => self.0 = rest,
                _ => {
                    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
                    let segment = rest.get(2..length)?;
                    self.0 = rest.get(length..)?;
                    return Some((*marker, segment));
                }
            }
        }
    }
}

/// The first frame header of a JPEG or JPEG-LS stream (ITU-T T.81 B.2.2, T.87 C.2.2), and its precision.
fn jpeg(frame: &[u8]) -> Option<(Claim, u8)> {
    for (marker, segment) in Segments::of(frame)? {
        if matches!(marker, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7) {
            let [precision, y0, y1, x0, x1, components, ..] = segment else { return None };
            let claim = Claim {
                rows: u16::from_be_bytes([*y0, *y1]).into(),
                columns: u16::from_be_bytes([*x0, *x1]).into(),
                samples: (*components).into(),
            };
            return Some((claim, *precision));
        }
    }
    None
}

fn siz(frame: &[u8]) -> Option<&[u8]> {
    let head = frame.get(..HEADER_BYTES_MAX.min(frame.len()))?;
    let at = memchr::memmem::find(head, &[0xFF, 0x4F, 0xFF, 0x51])?;
    head.get(at + 4..at + 4 + 38)
}

/// Whether the highest bit of Rsiz says that extensions are used (ITU-T T.801 A.2.1). Transforms over several components are not
/// undone here, and what comes out without that is no picture.
fn is_extended(frame: &[u8]) -> bool {
    matches!(siz(frame), Some([_, _, rsiz, ..]) if rsiz & 0x80 != 0)
}

/// The SIZ segment of a JPEG 2000 code stream (ITU-T T.800 A.5.1), bare or in a JP2 file.
fn jpeg2000(frame: &[u8]) -> Option<Claim> {
    let siz = siz(frame)?;
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
        let mut stream = vec![0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x04, 1, 2, 0xFF, 0xFF, 0xC0, 0, 8, 12];
        stream.extend([0x01, 0x02, 0x03, 0x04, 3]);
        assert_eq!(jpeg(&stream), Some((Claim { rows: 0x102, columns: 0x304, samples: 3 }, 12)));
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
        assert!(!is_extended(&stream));
        let mut other = stream.clone();
        other[6] = 0x80;
        assert!(is_extended(&other));
        for cut in 0..stream.len() {
            assert_eq!(jpeg2000(&stream[..cut]), None, "cut at {cut}");
        }
    }
}
