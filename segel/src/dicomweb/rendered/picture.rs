//! What the metadata says of an image's pixels (PS3.3 C.7.6.3, C.11.1, C.11.2).

use crate::dicomweb::accept::is_native;
use crate::dicomweb::attributes::Attributes;
use crate::http::Problem;
use serde_json::Value;

/// A decoded frame may take this much: 16,384 x 16,384 of one byte, or a 64-megapixel colour slide.
pub const FRAME_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How samples become colour (PS3.3 C.7.6.3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photometric {
    /// Low values are white.
    Monochrome1,
    /// Low values are black.
    Monochrome2,
    /// Samples are indices.
    Palette,
    /// Red, green, blue.
    Rgb,
    /// Luminance and two colour differences.
    YbrFull,
    /// The same, with colour at half the horizontal resolution.
    YbrFull422,
}

/// A window's shape (PS3.3 C.11.2.1.2, C.11.2.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VoiFunction {
    /// `LINEAR`.
    #[default]
    Linear,
    /// `LINEAR_EXACT`.
    LinearExact,
    /// `SIGMOID`.
    Sigmoid,
}

impl VoiFunction {
    /// Reads VOILUTFunction (0028,1056), or its lower-case form in a URL (PS3.18 8.3.5.1.4).
    pub fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "linear" => Some(Self::Linear),
            "linear_exact" | "linear-exact" => Some(Self::LinearExact),
            "sigmoid" => Some(Self::Sigmoid),
            _ => None,
        }
    }
}

/// Which values are shown between black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// WindowCenter (0028,1050).
    pub center: f64,
    /// WindowWidth (0028,1051).
    pub width: f64,
    /// VOILUTFunction (0028,1056).
    pub function: VoiFunction,
}

/// The pixels' description, for one frame.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Rows (0028,0010).
    pub rows: u16,
    /// Columns (0028,0011).
    pub columns: u16,
    /// SamplesPerPixel (0028,0002).
    pub samples: u16,
    /// BitsAllocated (0028,0100).
    pub bits_allocated: u16,
    /// BitsStored (0028,0101).
    pub bits_stored: u16,
    /// PixelRepresentation (0028,0103) is 1.
    pub signed: bool,
    /// PhotometricInterpretation (0028,0004).
    pub photometric: Photometric,
    /// PlanarConfiguration (0028,0006) is 1.
    pub planar: bool,
    /// NumberOfFrames (0028,0008).
    pub frames: u32,
    /// TransferSyntaxUID (0002,0010).
    pub transfer_syntax_uid: String,
    /// RescaleSlope (0028,1053).
    pub slope: f64,
    /// RescaleIntercept (0028,1052).
    pub intercept: f64,
    /// The first window that the image proposes.
    pub window: Option<Window>,
    /// PixelPaddingValue (0028,0120): shows as background and does not widen a window.
    pub padding: Option<f64>,
}

impl Picture {
    /// Reads the description of frame `frame` (from 0).
    pub fn of(metadata: &Value, transfer_syntax_uid: &str, frame: u32) -> Result<Self, Problem> {
        let top = Attributes(metadata);
        let needed = |tag: &str, name: &str| {
            top.count(tag).and_then(|n| u16::try_from(n).ok()).ok_or_else(|| {
                Problem::not_acceptable(format!("The image has no usable {name}; it cannot be rendered."))
            })
        };
        let frames = top.count("00280008").unwrap_or(1).max(1);
        if frame >= frames {
            return Err(Problem::not_found());
        }
        let groups = groups(top, frame);
        let within = |sequence: &str| groups.iter().flatten().find_map(|group| group.item(sequence, 0)).unwrap_or(top);
        let scale = within("00289145");
        let voi = within("00289132");
        let bits_allocated = needed("00280100", "BitsAllocated")?;
        let picture = Self {
            rows: needed("00280010", "Rows")?,
            columns: needed("00280011", "Columns")?,
            samples: needed("00280002", "SamplesPerPixel").unwrap_or(1),
            bits_allocated,
            bits_stored: needed("00280101", "BitsStored").unwrap_or(bits_allocated).clamp(1, bits_allocated.max(1)),
            signed: top.count("00280103") == Some(1),
            photometric: photometric(top.text("00280004").unwrap_or("MONOCHROME2"))?,
            planar: top.count("00280006") == Some(1),
            frames,
            transfer_syntax_uid: transfer_syntax_uid.to_owned(),
            slope: scale.number("00281053").filter(|slope| *slope != 0.0).unwrap_or(1.0),
            intercept: scale.number("00281052").unwrap_or(0.0),
            window: window(voi),
            padding: top.number("00280120"),
        };
        picture.check()?;
        Ok(picture)
    }

    fn check(&self) -> Result<(), Problem> {
        let sizes = self.rows > 0 && self.columns > 0;
        let samples = match self.photometric {
            Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::Palette => self.samples == 1,
            Photometric::Rgb | Photometric::YbrFull | Photometric::YbrFull422 => self.samples == 3,
        };
        let bits = match self.bits_allocated {
            1 => is_native(&self.transfer_syntax_uid) && self.samples == 1,
            8 | 16 => true,
            32 => is_native(&self.transfer_syntax_uid) && self.samples == 1,
            _ => false,
        };
        if !(sizes && samples && bits) {
            return Err(Problem::not_acceptable(
                "The image's pixel description fits no kind of image that can be rendered.",
            ));
        }
        if self.frame_bytes() > FRAME_BYTES_MAX {
            return Err(Problem::not_acceptable("The image is too large to be rendered here; retrieve its frames."));
        }
        Ok(())
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    /// Bytes of a decoded frame.
    pub fn frame_bytes(&self) -> u64 {
        self.pixels() * u64::from(self.samples) * u64::from(self.bits_allocated.div_ceil(8))
    }

    /// Bits of a frame as it lies in native pixel data.
    pub fn native_frame_bits(&self) -> u64 {
        match (self.photometric, self.bits_allocated) {
            // PS3.3 C.7.6.3.1.2: two luminances share one pair of colour differences.
            (Photometric::YbrFull422, 8) => self.pixels() * 16,
            _ => self.pixels() * u64::from(self.samples) * u64::from(self.bits_allocated),
        }
    }
}

/// PerFrameFunctionalGroups (5200,9230) of the frame, then SharedFunctionalGroups (5200,9229) (PS3.3 C.7.6.16).
fn groups(top: Attributes<'_>, frame: u32) -> [Option<Attributes<'_>>; 2] {
    let index = usize::try_from(frame).unwrap_or(usize::MAX);
    [top.item("52009230", index), top.item("52009229", 0)]
}

fn window(voi: Attributes<'_>) -> Option<Window> {
    let function = voi.text("00281056").and_then(VoiFunction::read).unwrap_or_default();
    let window = Window { center: voi.number("00281050")?, width: voi.number("00281051")?, function };
    (window.width > 0.0).then_some(window)
}

fn photometric(text: &str) -> Result<Photometric, Problem> {
    match text {
        "MONOCHROME1" => Ok(Photometric::Monochrome1),
        "MONOCHROME2" => Ok(Photometric::Monochrome2),
        "PALETTE COLOR" => Ok(Photometric::Palette),
        // The colour transforms of JPEG 2000 are part of its decoding.
        "RGB" | "YBR_ICT" | "YBR_RCT" => Ok(Photometric::Rgb),
        "YBR_FULL" => Ok(Photometric::YbrFull),
        "YBR_FULL_422" => Ok(Photometric::YbrFull422),
        _ => Err(Problem::not_acceptable("The image's PhotometricInterpretation cannot be rendered.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(rows: u32, columns: u32, bits: u32) -> Value {
        json!({
            "00280002": {"vr": "US", "Value": [1]},
            "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
            "00280010": {"vr": "US", "Value": [rows]},
            "00280011": {"vr": "US", "Value": [columns]},
            "00280100": {"vr": "US", "Value": [bits]},
            "00280101": {"vr": "US", "Value": [bits]},
        })
    }

    const LITTLE: &str = "1.2.840.10008.1.2.1";

    #[test]
    fn a_frame_may_reach_its_size_limit_and_not_pass_it() {
        assert!(Picture::of(&metadata(16_384, 16_384, 8), LITTLE, 0).is_ok());
        assert_eq!(Picture::of(&metadata(16_385, 16_384, 8), LITTLE, 0).unwrap_err().status, 406);
        assert_eq!(Picture::of(&metadata(65_535, 65_535, 16), LITTLE, 0).unwrap_err().status, 406);
    }

    #[test]
    fn impossible_descriptions_are_refused() {
        for wrong in [metadata(0, 5, 8), metadata(5, 5, 12), metadata(5, 5, 64), metadata(70_000, 5, 8), json!({})] {
            assert_eq!(Picture::of(&wrong, LITTLE, 0).unwrap_err().status, 406);
        }
        assert_eq!(Picture::of(&metadata(5, 5, 8), LITTLE, 1).unwrap_err().status, 404);
    }

    #[test]
    fn a_frames_own_functional_group_comes_before_the_shared_one() {
        let mut enhanced = metadata(5, 5, 16);
        enhanced["00280008"] = json!({"vr": "IS", "Value": [2]});
        let window =
            |center: i32| json!({"00281050": {"vr": "DS", "Value": [center]}, "00281051": {"vr": "DS", "Value": [10]}});
        enhanced["52009229"] = json!({"vr": "SQ", "Value": [{
            "00289132": {"vr": "SQ", "Value": [window(1)]},
            "00289145": {"vr": "SQ", "Value": [{"00281053": {"vr": "DS", "Value": [2.5]}, "00281052": {"vr": "DS", "Value": [-7]}}]},
        }]});
        enhanced["52009230"] = json!({"vr": "SQ", "Value": [{}, {"00289132": {"vr": "SQ", "Value": [window(2)]}}]});
        let of = |frame| Picture::of(&enhanced, LITTLE, frame).unwrap();
        assert_eq!(of(0).window.unwrap().center, 1.0);
        assert_eq!(of(1).window.unwrap().center, 2.0);
        assert_eq!((of(1).slope, of(1).intercept), (2.5, -7.0));
    }
}
