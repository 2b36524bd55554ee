//! One frame's bytes as kept, to samples in pixel order, little-endian.

use super::codestream;
use super::colour;
use super::picture::{Photometric, Picture};
use crate::dicomweb::accept::is_native;
use crate::http::Problem;
use dicom_encoding::Codec;
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_encoding::transfer_syntax::TransferSyntaxIndex;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Decodes a frame. Changes the picture's photometric interpretation to that of the samples returned.
///
/// Codecs are large and old; one that panics on a frame spoils this answer and nothing else.
pub fn samples(picture: &mut Picture, frame: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let expected = usize::try_from(picture.frame_bytes()).map_err(|_| undecodable())?;
    let mut samples = if is_native(&picture.transfer_syntax_uid) {
        native(picture, frame, expected)?
    } else {
        codestream::check(picture, &frame)?;
        let decoded = catch_unwind(AssertUnwindSafe(|| encapsulated(picture, frame)));
        let decoded = decoded.map_err(|_| undecodable())??;
        if picture.samples == 3 && picture.transfer_syntax_uid != "1.2.840.10008.1.2.5" {
            // The codecs turn what they decode into RGB; only RLE knows nothing of colour.
            picture.photometric = Photometric::Rgb;
        }
        decoded
    };
    if samples.len() < expected {
        return Err(undecodable());
    }
    samples.truncate(expected);
    Ok(samples)
}

fn undecodable() -> Problem {
    Problem::not_acceptable("The frame cannot be decoded; retrieve it as it is.")
}

fn native(picture: &Picture, mut frame: Vec<u8>, expected: usize) -> Result<Vec<u8>, Problem> {
    let bytes = usize::try_from(picture.native_frame_bits().div_ceil(8)).map_err(|_| undecodable())?;
    if picture.bits_allocated == 1 {
        let bit = |n: usize| frame.get(n / 8).map(|byte| (byte >> (n % 8)) & 1);
        return (0..expected).map(bit).collect::<Option<_>>().ok_or_else(undecodable);
    }
    if frame.len() < bytes {
        return Err(undecodable());
    }
    frame.truncate(bytes);
    Ok(match (picture.photometric, picture.samples, picture.planar) {
        (Photometric::YbrFull422, ..) if picture.bits_allocated == 8 => colour::spread_422(&frame),
        (_, 3, true) => colour::interleave(&frame, usize::from(picture.bits_allocated / 8)),
        _ => frame,
    })
}

fn encapsulated(picture: &Picture, frame: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let Some(syntax) = TransferSyntaxRegistry.get(&picture.transfer_syntax_uid) else { return Err(undecodable()) };
    let Codec::EncapsulatedPixelData(Some(decoder), _) = syntax.codec() else {
        return Err(Problem::not_acceptable(
            "Images of this transfer syntax cannot be rendered here; retrieve the frames.",
        ));
    };
    let mut samples = Vec::new();
    decoder.decode_frame(&OneFrame { picture, frame }, 0, &mut samples).map_err(|error| {
        tracing::debug!(%error, syntax = picture.transfer_syntax_uid, "a frame cannot be decoded");
        undecodable()
    })?;
    Ok(samples)
}

/// One frame in one fragment, as the codecs want to see it.
struct OneFrame<'a> {
    picture: &'a Picture,
    frame: Vec<u8>,
}

impl PixelDataObject for OneFrame<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        &self.picture.transfer_syntax_uid
    }
    fn rows(&self) -> Option<u16> {
        Some(self.picture.rows)
    }
    fn cols(&self) -> Option<u16> {
        Some(self.picture.columns)
    }
    fn samples_per_pixel(&self) -> Option<u16> {
        Some(self.picture.samples)
    }
    fn bits_allocated(&self) -> Option<u16> {
        Some(self.picture.bits_allocated)
    }
    fn bits_stored(&self) -> Option<u16> {
        Some(self.picture.bits_stored)
    }
    fn photometric_interpretation(&self) -> Option<&str> {
        Some(match self.picture.photometric {
            Photometric::Monochrome1 => "MONOCHROME1",
            Photometric::Monochrome2 => "MONOCHROME2",
            Photometric::Palette => "PALETTE COLOR",
            Photometric::Rgb => "RGB",
            Photometric::YbrFull => "YBR_FULL",
            Photometric::YbrFull422 => "YBR_FULL_422",
        })
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
