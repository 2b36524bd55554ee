//! One frame's bytes as kept, to native pixel data.

mod baseline;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod jpeg_xl;
mod packed;
mod rle;

use super::codestream;
use super::colour;
use super::description::{Photometric, PixelDescription};
use super::error::Error;
use super::work::{Encoded, Native};
use record::limits::{DECODED_FRAME_BYTES_MAX, JPEG_2000_SAMPLES_MAX, JPEG_XL_SAMPLES_MAX};

/// The transfer syntaxes that are read here (PS3.6 table A-1), by what reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Pixels lie as they are.
    Native,
    /// Each frame deflated.
    Deflated,
    /// RLE Lossless.
    Rle,
    /// JPEG with DCT: processes 1, 2 and 4.
    JpegDct,
    /// JPEG lossless: process 14.
    JpegLossless,
    /// JPEG-LS.
    JpegLs,
    /// JPEG 2000 and High-Throughput JPEG 2000.
    Jpeg2000,
    /// JPEG XL.
    JpegXl,
}

impl Coding {
    /// What reads a transfer syntax.
    pub fn of(transfer_syntax_uid: &str) -> Option<Self> {
        let rest = transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2")?;
        Some(match rest {
            // Implicit and Explicit VR Little Endian, Explicit VR Big Endian (whose words have been turned), Deflated Explicit VR,
            // and encapsulated uncompressed (PS3.5 A.1, A.2, A.3, A.5, A.4.11).
            "" | ".1" | ".2" | ".1.99" | ".1.98" => Self::Native,
            ".8.1" => Self::Deflated,
            ".5" => Self::Rle,
            ".4.50" | ".4.51" => Self::JpegDct,
            ".4.57" | ".4.70" => Self::JpegLossless,
            ".4.80" | ".4.81" => Self::JpegLs,
            ".4.90" | ".4.91" | ".4.92" | ".4.93" | ".4.201" | ".4.202" | ".4.203" => Self::Jpeg2000,
            ".4.110" | ".4.111" | ".4.112" => Self::JpegXl,
            _ => return None,
        })
    }

    /// Samples of a frame whose decoding fits the worker's memory.
    fn samples_max(self) -> u64 {
        match self {
            Self::Jpeg2000 => JPEG_2000_SAMPLES_MAX,
            Self::JpegXl => JPEG_XL_SAMPLES_MAX,
            // One of eight bits takes a byte, and so many bytes are the limit of all frames.
            _ => DECODED_FRAME_BYTES_MAX,
        }
    }
}

/// Decodes a frame to the form of native pixel data.
pub fn native(frame: Encoded) -> Result<Native, Error> {
    let Encoded { transfer_syntax_uid, mut description, bytes } = frame;
    let coding = Coding::of(&transfer_syntax_uid).ok_or_else(codestream::unsupported)?;
    if description.pixels() * u64::from(description.samples) > coding.samples_max() {
        return Err(codestream::too_large());
    }
    let bytes = match coding {
        Coding::Native => exactly(bytes, native_bytes(&description))?,
        Coding::Deflated => packed::inflate(&bytes, native_bytes(&description))?,
        _ => {
            codestream::check(coding, &description, &bytes)?;
            encapsulated(coding, &mut description, &bytes)?
        }
    };
    Ok(Native { description, bytes })
}

fn native_bytes(description: &PixelDescription) -> u64 {
    description.native_frame_bits().div_ceil(8)
}

/// Decodes a compressed frame and says what has become of its colours.
fn encapsulated(coding: Coding, description: &mut PixelDescription, frame: &[u8]) -> Result<Vec<u8>, Error> {
    if !matches!((description.bits_allocated, coding), (8 | 16, _) | (32, Coding::Rle)) {
        return Err(codestream::depth());
    }
    // What codecs give has as many colour differences as luminances.
    let whole = match description.photometric {
        Photometric::YbrFull422 => Photometric::YbrFull,
        // The colour transforms of JPEG 2000 and JPEG XL are undone by their decoders.
        Photometric::YbrIct | Photometric::YbrRct | Photometric::Xyb => Photometric::Rgb,
        other => other,
    };
    let bytes = match coding {
        Coding::Rle => rle::decode(frame, description)?,
        Coding::JpegDct if codestream::precision(frame) == Some(8) => {
            let bytes = baseline::decode(frame, description)?;
            if description.samples == 3 {
                description.photometric = Photometric::Rgb;
            }
            widened(bytes, description)?
        }
        Coding::JpegDct | Coding::JpegLossless => stored(&jpeg::decode(frame)?, description)?,
        Coding::JpegLs => stored(&jpeg_ls::decode(frame)?, description)?,
        Coding::Jpeg2000 => jpeg2000::decode(frame, description)?,
        Coding::JpegXl => jpeg_xl::decode(frame, description)?,
        Coding::Native | Coding::Deflated => return Err(Error::undecodable()),
    };
    if description.photometric != Photometric::Rgb {
        description.photometric = whole;
    }
    if coding == Coding::JpegXl && description.samples == 3 {
        description.photometric = Photometric::Rgb;
    }
    description.planar = false;
    exactly(bytes, description.frame_bytes())
}

/// Values as samples of the size that the image allocates, with their sign.
fn stored(values: &[u16], description: &PixelDescription) -> Result<Vec<u8>, Error> {
    if description.bits_allocated == 8 {
        // Collecting results would grow by doubling; the largest frames would not fit the worker's memory.
        let mut bytes = Vec::with_capacity(values.len());
        for value in values {
            bytes.push(u8::try_from(*value).map_err(|_| Error::undecodable())?);
        }
        return Ok(bytes);
    }
    let bits = u32::from(description.bits_stored);
    // A lossless stream keeps the bits of a signed value; those above the stored ones repeat its sign in native pixel data.
    let extend = |value: u16| {
        let is_negative = description.signed && bits < 16 && (value >> (bits - 1)) & 1 == 1;
        if is_negative { value | (u16::MAX << bits) } else { value }
    };
    Ok(values.iter().flat_map(|value| extend(*value).to_le_bytes()).collect())
}

/// Bytes as samples of the size that the image allocates.
fn widened(bytes: Vec<u8>, description: &PixelDescription) -> Result<Vec<u8>, Error> {
    if description.bits_allocated == 8 {
        return Ok(bytes);
    }
    stored(&bytes.into_iter().map(u16::from).collect::<Vec<_>>(), description)
}

/// Bytes cut to a length that they must have.
fn exactly(mut bytes: Vec<u8>, length: u64) -> Result<Vec<u8>, Error> {
    let length = usize::try_from(length).map_err(|_| Error::undecodable())?;
    if bytes.len() < length {
        return Err(Error::undecodable());
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Brings native pixel data into pixel order, each sample in bytes of its own. A description says the size of a sample then by
/// `sample_bytes`.
pub fn unpacked(description: &PixelDescription, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let pixels = usize::try_from(description.pixels()).map_err(|_| Error::undecodable())?;
    match description.bits_allocated {
        1 => return packed::bits(&bytes, pixels).ok_or_else(Error::undecodable),
        12 => return packed::twelve(&bytes, pixels).ok_or_else(Error::undecodable),
        _ => {}
    }
    Ok(match (description.photometric.is_halved(), description.samples, description.planar) {
        (true, ..) => colour::spread_422(&bytes),
        (_, 3, true) => colour::interleave(&bytes, description.sample_bytes()),
        _ => bytes,
    })
}
