//! From stored values to grey (PS3.3 C.11.1 modality, C.11.2 values of interest, C.11.6 presentation).

use super::description::{Photometric, PixelDescription};
use super::error::Error;
use super::table::Lut;
use super::view::{VoiFunction, Window};

/// Renders unpacked grey samples (little-endian) to one byte a pixel.
pub fn grey(picture: &PixelDescription, samples: &[u8], wanted: Option<Window>) -> Result<Vec<u8>, Error> {
    let scale = Scale::of(picture, wanted)?;
    let voi = match scale.voi {
        Some(voi) => voi,
        None => Voi::Window(untold(picture, samples, &scale.modality)),
    };
    let invert = (picture.photometric == Photometric::Monochrome1) != picture.tone.is_inverse;
    let shade = |raw: u32| {
        let grey = voi.grey(scale.modality.value(stored(picture, raw)));
        if invert { 255 - grey } else { grey }
    };
    Ok(match picture.sample_bytes() {
        1 => {
            let table: Vec<u8> = (0..=u8::MAX).map(|raw| shade(raw.into())).collect();
            samples.iter().map(|raw| table.get(usize::from(*raw)).copied().unwrap_or(0)).collect()
        }
        2 => {
            let table: Vec<u8> = (0..=u16::MAX).map(|raw| shade(raw.into())).collect();
            let raw = samples.chunks_exact(2).filter_map(|pair| pair.first_chunk().map(|b| u16::from_le_bytes(*b)));
            raw.map(|raw| table.get(usize::from(raw)).copied().unwrap_or(0)).collect()
        }
        bytes_each => samples.chunks_exact(bytes_each).map(|bytes| shade(raw(bytes))).collect(),
    })
}

/// From stored to meaningful values.
enum Modality {
    Linear { slope: f64, intercept: f64 },
    Table(Lut),
}

impl Modality {
    fn value(&self, stored: i64) -> f64 {
        match self {
            Self::Linear { slope, intercept } => to_f64(stored) * slope + intercept,
            Self::Table(table) => f64::from(table.entry(stored)),
        }
    }
}

/// From meaningful values to grey.
enum Voi {
    Window(Window),
    Table(Lut),
}

impl Voi {
    fn grey(&self, value: f64) -> u8 {
        match self {
            Self::Window(window) => apply(window, value),
            Self::Table(table) => table.byte(whole(value)),
        }
    }
}

/// Both steps. Without a `voi` the image says nothing of what shall be seen.
struct Scale {
    modality: Modality,
    voi: Option<Voi>,
}

impl Scale {
    fn of(picture: &PixelDescription, wanted: Option<Window>) -> Result<Self, Error> {
        let tone = &picture.tone;
        let modality = match &tone.modality {
            Some(table) => Modality::Table(Lut::read(table)?),
            None => Modality::Linear { slope: tone.slope, intercept: tone.intercept },
        };
        let voi = match (wanted, tone.window, &tone.voi) {
            // C.11.2.1.1: of a table and a window either may be used; a table is what the sender took more pains with.
            (None, _, Some(table)) => Some(Voi::Table(Lut::read(table)?)),
            (Some(window), ..) | (None, Some(window), None) => Some(Voi::Window(window)),
            // C.11.1.1: what a table of the modality gives without a window is in that table's bits.
            (None, None, None) => match &tone.modality {
                Some(table) => Some(Voi::Window(full(table.bits))),
                // PS3.4 N.2.1.3, PS3.3 C.11.6: without a VOI LUT the values pass as they are, over their full range. For 8 bits and
                // fewer that is what they were made for (secondary captures, ultrasound, photographs, segmentations); stretching
                // them would change greys that somebody chose.
                None if picture.bits_stored <= 8 && tone.is_identity() => Some(Voi::Window(own(picture))),
                // Of 9 to 32 bits an image uses a small part: a CT of 16 bits would be black. Like the viewers that people know, a
                // preview spreads the values that occur. Two frames of a series may then differ in brightness, which is why a
                // reader who compares asks for a window.
                None => None,
            },
        };
        Ok(Self { modality, voi })
    }
}

/// The window of all values of so many bits.
fn full(bits: u16) -> Window {
    let top = f64::from((1_u32 << bits.clamp(1, 16)) - 1);
    Window { center: top / 2.0, width: top, function: VoiFunction::LinearExact }
}

/// The window of all values that the image's stored bits can have.
fn own(picture: &PixelDescription) -> Window {
    let window = full(picture.bits_stored);
    let below = if picture.signed { (window.width + 1.0) / 2.0 } else { 0.0 };
    Window { center: window.center - below, ..window }
}

fn raw(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |raw, byte| (raw << 8) | u32::from(*byte))
}

/// The stored value in a sample: BitsStored bits up to HighBit, sign-extended if signed (PS3.5 8.1.1). What lies above and below
/// them, overlays of old files, is no part of it.
pub fn stored(picture: &PixelDescription, raw: u32) -> i64 {
    let bits = u32::from(picture.bits_stored);
    let below = u32::from((picture.high_bit + 1).saturating_sub(picture.bits_stored));
    let value = i64::from(raw >> below.min(31)) & ((1_i64 << bits) - 1);
    let negative = picture.signed && value >> (bits - 1) == 1;
    if negative { value - (1_i64 << bits) } else { value }
}

/// Values of 32 bits are exact in a double.
fn to_f64(value: i64) -> f64 {
    i32::try_from(value).map(f64::from).or_else(|_| u32::try_from(value).map(f64::from)).unwrap_or(0.0)
}

#[expect(clippy::cast_possible_truncation, reason = "clamped far inside the range before")]
fn whole(value: f64) -> i64 {
    value.round().clamp(-1e15, 1e15) as i64
}

/// A window over all values that occur, the padding left out.
fn untold(picture: &PixelDescription, samples: &[u8], modality: &Modality) -> Window {
    let values = samples.chunks_exact(picture.sample_bytes().max(1)).map(|bytes| stored(picture, raw(bytes)));
    let seen = values.filter(|value| picture.tone.padding.is_none_or(|(low, high)| !(low..=high).contains(value)));
    let (low, high) = seen.fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return Window { center: picture.tone.intercept, width: 1.0, function: VoiFunction::LinearExact };
    }
    let [first, last] = [low, high].map(|value| modality.value(value));
    Window {
        center: f64::midpoint(first, last),
        width: (last - first).abs().max(1.0),
        function: VoiFunction::LinearExact,
    }
}

/// PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and .2.
fn apply(window: &Window, value: f64) -> u8 {
    let Window { center, width, function } = *window;
    let share = match function {
        VoiFunction::Linear if width <= 1.0 => f64::from(u8::from(value > center - 0.5)),
        VoiFunction::Linear => (value - (center - 0.5)) / (width - 1.0) + 0.5,
        VoiFunction::LinearExact => (value - center) / width + 0.5,
        VoiFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
    };
    byte(share * 255.0)
}

/// Rounds to a byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of a byte before")]
pub fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::description::{Table, Tone};

    fn picture(bits_allocated: u16, bits_stored: u16, signed: bool, photometric: Photometric) -> PixelDescription {
        PixelDescription {
            rows: 1,
            columns: 1,
            samples: 1,
            bits_allocated,
            bits_stored,
            high_bit: bits_stored - 1,
            signed,
            photometric,
            planar: false,
            frames: 1,
            tone: Tone::default(),
            palette: None,
        }
    }

    fn window(center: f64, width: f64, function: VoiFunction) -> Window {
        Window { center, width, function }
    }

    fn words(values: &[i16]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn windows_follow_the_formulas_of_ps3_3_c_11_2_1() {
        use VoiFunction::{Linear, LinearExact, Sigmoid};
        for (window, value, grey) in [
            // C.11.2.1.2.1, the examples of note 4: center 2048, width 4096 spans 0 to 4095.
            (window(2048.0, 4096.0, Linear), 0.0, 0),
            (window(2048.0, 4096.0, Linear), 4095.0, 255),
            (window(2048.0, 4096.0, Linear), 5000.0, 255),
            (window(2048.0, 1.0, Linear), 2047.0, 0),
            (window(2048.0, 1.0, Linear), 2048.0, 255),
            (window(100.0, 50.0, LinearExact), 75.0, 0),
            (window(100.0, 50.0, LinearExact), 100.0, 128),
            (window(100.0, 50.0, LinearExact), 125.0, 255),
            (window(100.0, 50.0, Sigmoid), 100.0, 128),
            (window(100.0, 50.0, Sigmoid), 1e9, 255),
        ] {
            assert_eq!(apply(&window, value), grey, "{window:?} {value}");
        }
    }

    #[test]
    fn stored_bits_are_masked_moved_and_signed() {
        let signed = picture(16, 12, true, Photometric::Monochrome2);
        assert_eq!(stored(&signed, 0xF800), -2048);
        assert_eq!(stored(&signed, 0xFFFF), -1);
        assert_eq!(stored(&signed, 0xA7FF), 2047);
        assert_eq!(stored(&picture(16, 12, false, Photometric::Monochrome2), 0xF800), 2048);
        assert_eq!(stored(&picture(32, 32, true, Photometric::Monochrome2), u32::MAX), -1);
        let mut high = picture(16, 12, false, Photometric::Monochrome2);
        high.high_bit = 15;
        assert_eq!(stored(&high, 0xABCF), 0xABC, "an overlay in the low bits is left out");
    }

    #[test]
    fn without_a_window_all_values_but_the_padding_are_spread() {
        let mut picture = picture(16, 16, true, Photometric::Monochrome2);
        picture.tone.padding = Some((-2000, -2000));
        let samples = words(&[-2000, 0, 50, 100]);
        assert_eq!(grey(&picture, &samples, None).unwrap(), [0, 0, 128, 255]);
        picture.photometric = Photometric::Monochrome1;
        assert_eq!(grey(&picture, &samples, None).unwrap(), [255, 255, 127, 0]);
        picture.tone.is_inverse = true;
        assert_eq!(grey(&picture, &samples, None).unwrap(), [0, 0, 128, 255]);
        assert_eq!(grey(&picture, &[], None).unwrap(), Vec::<u8>::new());
    }

    #[test]
    fn up_to_eight_bits_without_a_window_are_shown_as_they_are() {
        let one = |bits, signed| picture(8, bits, signed, Photometric::Monochrome2);
        let picture = one(8, false);
        assert_eq!(grey(&picture, &[10, 20, 30], None).unwrap(), [10, 20, 30]);
        // The least and the greatest of fewer bits are black and white, also when a frame has only one of them.
        assert_eq!(grey(&one(1, false), &[0, 0], None).unwrap(), [0, 0]);
        assert_eq!(grey(&one(1, false), &[0, 1], None).unwrap(), [0, 255]);
        assert_eq!(grey(&one(4, false), &[0, 3, 15], None).unwrap(), [0, 51, 255]);
        assert_eq!(grey(&one(8, true), &[0x80, 0, 0x7F], None).unwrap(), [0, 128, 255]);
        // Nine bits are spread.
        let nine = [words(&[100]), words(&[300])].concat();
        assert_eq!(grey(&self::picture(16, 9, false, Photometric::Monochrome2), &nine, None).unwrap(), [0, 255]);
    }

    #[test]
    fn tables_of_modality_and_values_of_interest_come_before_lines() {
        let table = |first, bits, values: &[i16]| {
            let entries = u32::try_from(values.len()).unwrap();
            Some(Table { entries, first, bits, is_segmented: false, data: words(values) })
        };
        let mut picture = picture(16, 16, true, Photometric::Monochrome2);
        picture.tone.modality = table(-1, 8, &[100, 50, 25]);
        picture.tone.slope = 77.0;
        // Outside the table its ends answer (C.11.1.1.1).
        assert_eq!(grey(&picture, &words(&[-9, -1, 0, 1, 9]), None).unwrap(), [100, 100, 50, 25, 25]);
        picture.tone.voi = table(25, 12, &[0, 4095]);
        picture.tone.window = Some(window(0.0, 1.0, VoiFunction::Linear));
        assert_eq!(grey(&picture, &words(&[1, -1]), None).unwrap(), [0, 255]);
        let asked = window(50.0, 100.0, VoiFunction::LinearExact);
        assert_eq!(grey(&picture, &words(&[1, -1]), Some(asked)).unwrap(), [64, 255]);
    }
}
