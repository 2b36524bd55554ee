//! What an image says of its pixels (PS3.3 C.7.6.3, C.11.1, C.11.2), as far as decoding and drawing need it.

mod metadata;

pub use metadata::{Bulks, FrameMissing, bulks};

use super::error::Error;
use super::view::Window;
use minicbor::{Decode, Encode};
use record::limits::DECODED_FRAME_BYTES_MAX;

/// How samples become colour (PS3.3 C.7.6.3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Photometric {
    /// Low values are white.
    #[n(0)]
    Monochrome1,
    /// Low values are black.
    #[n(1)]
    Monochrome2,
    /// Samples are indices.
    #[n(2)]
    Palette,
    /// Red, green, blue.
    #[n(3)]
    Rgb,
    /// Luminance and two colour differences.
    #[n(4)]
    YbrFull,
    /// The same, with colour at half the horizontal resolution.
    #[n(5)]
    YbrFull422,
    /// Luminance from 16 to 235 and colour differences at half the horizontal resolution.
    #[n(6)]
    YbrPartial422,
    /// The irreversible colour transform of JPEG 2000.
    #[n(7)]
    YbrIct,
    /// The reversible colour transform of JPEG 2000.
    #[n(8)]
    YbrRct,
    /// The colour space of JPEG XL.
    #[n(9)]
    Xyb,
}

impl Photometric {
    const NAMES: [(Self, &'static str); 10] = [
        (Self::Monochrome1, "MONOCHROME1"),
        (Self::Monochrome2, "MONOCHROME2"),
        (Self::Palette, "PALETTE COLOR"),
        (Self::Rgb, "RGB"),
        (Self::YbrFull, "YBR_FULL"),
        (Self::YbrFull422, "YBR_FULL_422"),
        (Self::YbrPartial422, "YBR_PARTIAL_422"),
        (Self::YbrIct, "YBR_ICT"),
        (Self::YbrRct, "YBR_RCT"),
        (Self::Xyb, "XYB"),
    ];

    /// Reads PhotometricInterpretation (0028,0004).
    pub fn read(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, name)| *name == text.trim()).map(|(photometric, _)| *photometric)
    }

    /// The value of PhotometricInterpretation (0028,0004).
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(photometric, _)| *photometric == self).map_or("", |(_, name)| name)
    }

    /// SamplesPerPixel (0028,0002) that belongs to it.
    pub fn samples(self) -> u16 {
        if matches!(self, Self::Monochrome1 | Self::Monochrome2 | Self::Palette) { 1 } else { 3 }
    }

    /// Whether two pixels share their colour differences in native form.
    pub fn is_halved(self) -> bool {
        matches!(self, Self::YbrFull422 | Self::YbrPartial422)
    }
}

/// A look-up table (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5), not read yet: that is done where pixels are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Table {
    /// Entries: the descriptor's first value, of which 0 means 65,536.
    #[n(0)]
    pub entries: u32,
    /// The value that the first entry stands for.
    #[n(1)]
    pub first: i64,
    /// Bits of an entry.
    #[n(2)]
    pub bits: u16,
    /// Segments of PS3.3 C.7.9.2 and not plain entries.
    #[n(3)]
    pub is_segmented: bool,
    /// Little-endian.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub data: Vec<u8>,
}

/// From stored values to those that have a meaning (PS3.3 C.11.1), and which of them are shown (C.11.2).
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Tone {
    /// RescaleSlope (0028,1053).
    #[n(0)]
    pub slope: f64,
    /// RescaleIntercept (0028,1052).
    #[n(1)]
    pub intercept: f64,
    /// ModalityLUTSequence (0028,3000), in place of slope and intercept.
    #[n(2)]
    pub modality: Option<Table>,
    /// The first window that the image proposes.
    #[n(3)]
    pub window: Option<Window>,
    /// The first item of VOILUTSequence (0028,3010).
    #[n(4)]
    pub voi: Option<Table>,
    /// PixelPaddingValue (0028,0120) and PixelPaddingRangeLimit (0028,0121): shown as background, and no reason to widen a window.
    #[n(5)]
    pub padding: Option<(i64, i64)>,
    /// PresentationLUTShape (2050,0020) is INVERSE.
    #[n(6)]
    pub is_inverse: bool,
}

impl Default for Tone {
    fn default() -> Self {
        Self { slope: 1.0, intercept: 0.0, modality: None, window: None, voi: None, padding: None, is_inverse: false }
    }
}

impl Tone {
    /// Whether stored values mean what they are.
    pub fn is_identity(&self) -> bool {
        self.slope == 1.0 && self.intercept == 0.0 && self.modality.is_none()
    }
}

/// The pixels' description, for one frame.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct PixelDescription {
    /// Rows (0028,0010).
    #[n(0)]
    pub rows: u16,
    /// Columns (0028,0011).
    #[n(1)]
    pub columns: u16,
    /// SamplesPerPixel (0028,0002).
    #[n(2)]
    pub samples: u16,
    /// BitsAllocated (0028,0100).
    #[n(3)]
    pub bits_allocated: u16,
    /// BitsStored (0028,0101).
    #[n(4)]
    pub bits_stored: u16,
    /// HighBit (0028,0102).
    #[n(5)]
    pub high_bit: u16,
    /// PixelRepresentation (0028,0103) is 1.
    #[n(6)]
    pub signed: bool,
    /// PhotometricInterpretation (0028,0004).
    #[n(7)]
    pub photometric: Photometric,
    /// PlanarConfiguration (0028,0006) is 1.
    #[n(8)]
    pub planar: bool,
    /// NumberOfFrames (0028,0008).
    #[n(9)]
    pub frames: u32,
    /// Grey.
    #[n(10)]
    pub tone: Tone,
    /// Red, green and blue of PALETTE COLOR.
    #[n(11)]
    pub palette: Option<[Table; 3]>,
}

impl PixelDescription {
    /// Refuses descriptions that no image can have, and frames beyond the limit.
    pub fn check(&self) -> Result<(), Error> {
        let sizes = self.rows > 0 && self.columns > 0;
        let samples = self.samples == self.photometric.samples();
        let allocated = match self.bits_allocated {
            1 | 12 | 32 => self.samples == 1 && self.photometric != Photometric::Palette,
            8 | 16 => true,
            _ => false,
        };
        let stored = (1..=self.bits_allocated).contains(&self.bits_stored)
            && self.high_bit < self.bits_allocated
            && self.high_bit + 1 >= self.bits_stored;
        let halved = !self.photometric.is_halved() || (self.columns.is_multiple_of(2) && self.bits_allocated == 8);
        if !(sizes && samples && allocated && stored && halved) {
            return Err(Error::invalid(
                "The image's pixel description fits no kind of image that can be decoded here.",
            ));
        }
        if self.frame_bytes() > DECODED_FRAME_BYTES_MAX {
            return Err(Error::invalid("The frame is too large to be decoded here; retrieve it as it is."));
        }
        Ok(())
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    /// Bytes of one sample by itself.
    pub fn sample_bytes(&self) -> usize {
        usize::from(self.bits_allocated.div_ceil(8))
    }

    /// Bytes of a decoded frame, each sample in bytes of its own.
    pub fn frame_bytes(&self) -> u64 {
        self.pixels() * u64::from(self.samples) * u64::from(self.bits_allocated.div_ceil(8))
    }

    /// Bits of a frame as it lies in native pixel data.
    pub fn native_frame_bits(&self) -> u64 {
        if self.photometric.is_halved() {
            // PS3.3 C.7.6.3.1.2: two luminances share one pair of colour differences.
            return self.pixels() * 16;
        }
        self.pixels() * u64::from(self.samples) * u64::from(self.bits_allocated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photometric_interpretation_has_one_name() {
        for (photometric, name) in Photometric::NAMES {
            assert_eq!((Photometric::read(name), photometric.name()), (Some(photometric), name));
        }
        assert_eq!(Photometric::read("HSV"), None);
    }
}
