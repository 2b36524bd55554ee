//! From stored values to grey (PS3.3 C.11.1 modality, C.11.2 values of interest).

use super::description::{Photometric, PixelDescription};
use super::error::Error;
use super::view::{VoiFunction, Window};

/// Renders decoded grey samples (little-endian, as allocated) to one byte a pixel.
pub fn grey(picture: &PixelDescription, samples: &[u8], wanted: Option<Window>) -> Result<Vec<u8>, Error> {
    let window = wanted.or(picture.tone.window).unwrap_or_else(|| full_range(picture, samples));
    let invert = picture.photometric == Photometric::Monochrome1;
    let shade = |stored: i64| {
        let grey = apply(&window, to_f64(stored) * picture.tone.slope + picture.tone.intercept);
        if invert { 255 - grey } else { grey }
    };
    Ok(match picture.bits_allocated {
        1 => samples.iter().map(|bit| shade(i64::from(*bit))).collect(),
        8 => {
            let table: Vec<u8> = (0..=u8::MAX).map(|raw| shade(stored(picture, u32::from(raw)))).collect();
            samples.iter().map(|raw| table.get(usize::from(*raw)).copied().unwrap_or(0)).collect()
        }
        16 => {
            let table: Vec<u8> = (0..=u16::MAX).map(|raw| shade(stored(picture, u32::from(raw)))).collect();
            let raw = samples.chunks_exact(2).filter_map(|pair| pair.first_chunk().map(|b| u16::from_le_bytes(*b)));
            raw.map(|raw| table.get(usize::from(raw)).copied().unwrap_or(0)).collect()
        }
        _ => raw_values(picture, samples).map(shade).collect(),
    })
}

/// Every pixel's stored value.
fn raw_values<'a>(picture: &'a PixelDescription, samples: &'a [u8]) -> impl Iterator<Item = i64> + 'a {
    let bytes_each = usize::from(picture.bits_allocated.div_ceil(8)).max(1);
    samples.chunks_exact(bytes_each).map(|bytes| {
        let raw = bytes.iter().rev().fold(0_u32, |raw, byte| (raw << 8) | u32::from(*byte));
        stored(picture, raw)
    })
}

/// The stored value in a sample: its lowest BitsStored bits, sign-extended if signed (PS3.5 8.1.1).
fn stored(picture: &PixelDescription, raw: u32) -> i64 {
    let bits = u32::from(picture.bits_stored);
    let value = i64::from(raw) & ((1_i64 << bits) - 1);
    let negative = picture.signed && value >> (bits - 1) == 1;
    if negative { value - (1_i64 << bits) } else { value }
}

/// Values of 32 bits are exact in a double.
fn to_f64(value: i64) -> f64 {
    i32::try_from(value).map(f64::from).or_else(|_| u32::try_from(value).map(f64::from)).unwrap_or(0.0)
}

/// A window over all values that occur, the padding left out.
fn full_range(picture: &PixelDescription, samples: &[u8]) -> Window {
    let values = raw_values(picture, samples);
    let seen = values.filter(|value| picture.tone.padding.is_none_or(|(low, high)| !(low..=high).contains(value)));
    let (low, high) = seen.fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return Window { center: picture.tone.intercept, width: 1.0, function: VoiFunction::LinearExact };
    }
    let ends = [low, high].map(|value| to_f64(value) * picture.tone.slope + picture.tone.intercept);
    let [first, last] = ends;
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
    use crate::pixels::description::Tone;

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
    fn stored_bits_are_masked_and_signed() {
        let signed = picture(16, 12, true, Photometric::Monochrome2);
        assert_eq!(stored(&signed, 0xF800), -2048);
        assert_eq!(stored(&signed, 0xFFFF), -1);
        assert_eq!(stored(&signed, 0xA7FF), 2047);
        assert_eq!(stored(&picture(16, 12, false, Photometric::Monochrome2), 0xF800), 2048);
        assert_eq!(stored(&picture(32, 32, true, Photometric::Monochrome2), u32::MAX), -1);
    }

    #[test]
    fn without_a_window_all_values_but_the_padding_are_spread() {
        let mut picture = picture(16, 16, true, Photometric::Monochrome2);
        picture.tone.padding = Some((-2000, -2000));
        let samples: Vec<u8> = [-2000_i16, 0, 50, 100].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(grey(&picture, &samples, None).unwrap(), [0, 0, 128, 255]);
        picture.photometric = Photometric::Monochrome1;
        assert_eq!(grey(&picture, &samples, None).unwrap(), [255, 255, 127, 0]);
        assert_eq!(grey(&picture, &[], None).unwrap(), Vec::<u8>::new());
    }
}
