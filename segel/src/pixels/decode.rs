//! One frame's bytes as kept, to native pixel data.

use super::codestream;
use super::colour;
use super::description::{Photometric, PixelDescription};
use super::error::Error;
use super::work::{Encoded, Native};
use dicom_encoding::Codec;
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_encoding::transfer_syntax::TransferSyntaxIndex;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

const RLE: &str = "1.2.840.10008.1.2.5";

/// Whether pixel data lie as they are.
fn is_native(transfer_syntax_uid: &str) -> bool {
    // Implicit and Explicit VR Little Endian, Explicit VR Big Endian (whose words have been turned), Deflated Explicit VR,
    // and encapsulated uncompressed (PS3.5 A.1, A.2, A.3, A.5, A.4.11).
    matches!(
        transfer_syntax_uid,
        "1.2.840.10008.1.2"
            | "1.2.840.10008.1.2.1"
            | "1.2.840.10008.1.2.2"
            | "1.2.840.10008.1.2.1.99"
            | "1.2.840.10008.1.2.1.98"
    )
}

/// Decodes a frame to the form of native pixel data.
pub fn native(frame: Encoded) -> Result<Native, Error> {
    let Encoded { transfer_syntax_uid, mut description, bytes } = frame;
    if is_native(&transfer_syntax_uid) {
        let bytes = exactly(bytes, description.native_frame_bits().div_ceil(8))?;
        return Ok(Native { description, bytes });
    }
    codestream::check(&transfer_syntax_uid, &description, &bytes)?;
    let frame = OneFrame { syntax: &transfer_syntax_uid, description: &description, frame: bytes };
    let decoded = catch_unwind(AssertUnwindSafe(|| encapsulated(&frame)));
    let bytes = decoded.map_err(|_| Error::undecodable())??;
    if description.samples == 3 {
        description.planar = false;
        if transfer_syntax_uid != RLE {
            // The codecs turn what they decode into RGB; only RLE knows nothing of colour.
            description.photometric = Photometric::Rgb;
        }
    }
    let bytes = exactly(bytes, description.frame_bytes())?;
    Ok(Native { description, bytes })
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

/// Brings native pixel data into pixel order, each sample in bytes of its own.
pub fn unpacked(description: &PixelDescription, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    if description.bits_allocated == 1 {
        let pixels = usize::try_from(description.pixels()).map_err(|_| Error::undecodable())?;
        let bit = |n: usize| bytes.get(n / 8).map(|byte| (byte >> (n % 8)) & 1);
        return (0..pixels).map(bit).collect::<Option<_>>().ok_or_else(Error::undecodable);
    }
    Ok(match (description.photometric.is_halved(), description.samples, description.planar) {
        (true, ..) if description.native_frame_bits() / 8 == u64::try_from(bytes.len()).unwrap_or(0) => {
            colour::spread_422(&bytes)
        }
        (_, 3, true) => colour::interleave(&bytes, description.sample_bytes()),
        _ => bytes,
    })
}

fn encapsulated(frame: &OneFrame<'_>) -> Result<Vec<u8>, Error> {
    let Some(syntax) = TransferSyntaxRegistry.get(frame.syntax) else { return Err(Error::undecodable()) };
    let Codec::EncapsulatedPixelData(Some(decoder), _) = syntax.codec() else {
        return Err(codestream::unsupported());
    };
    let mut samples = Vec::new();
    decoder.decode_frame(frame, 0, &mut samples).map_err(|_| Error::undecodable())?;
    Ok(samples)
}

/// One frame in one fragment, as the codecs want to see it.
struct OneFrame<'a> {
    syntax: &'a str,
    description: &'a PixelDescription,
    frame: Vec<u8>,
}

impl PixelDataObject for OneFrame<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        self.syntax
    }
    fn rows(&self) -> Option<u16> {
        Some(self.description.rows)
    }
    fn cols(&self) -> Option<u16> {
        Some(self.description.columns)
    }
    fn samples_per_pixel(&self) -> Option<u16> {
        Some(self.description.samples)
    }
    fn bits_allocated(&self) -> Option<u16> {
        Some(self.description.bits_allocated)
    }
    fn bits_stored(&self) -> Option<u16> {
        Some(self.description.bits_stored)
    }
    fn photometric_interpretation(&self) -> Option<&str> {
        Some(self.description.photometric.name())
    }
    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }
    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }
    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(&self.frame))
    }
    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        None
    }
    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        let fragments = std::iter::once(self.frame.clone()).collect();
        Some(RawPixelData { fragments, offset_table: std::iter::empty().collect() })
    }
}
