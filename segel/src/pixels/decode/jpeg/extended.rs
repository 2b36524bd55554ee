//! The sequential process of one component, with 8 or 12 bits (ITU-T T.81 F.2).

use super::bits::Bits;
use super::{Scan, Tables};
use std::f64::consts::PI;

/// Figure A.6: where each coefficient of the zig-zag sequence lies.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// Decodes one scan into the samples.
pub fn scan(tables: &Tables, scan: &Scan, bits: &mut Bits<'_>, samples: &mut [u16]) -> Option<()> {
    let [(component, dc, ac)] = scan.components.as_slice() else { return None };
    let dc = tables.dc.get(*dc)?.as_ref()?;
    let ac = tables.ac.get(*ac)?.as_ref()?;
    let quantization = tables.quantization.get(usize::from(tables.components.get(*component)?.quantization))?;
    if quantization.len() != 64 {
        return None;
    }
    let middle = f64::from(1_u32 << (tables.precision - 1));
    let top = f64::from((1_u32 << tables.precision) - 1);
    let cosines = cosines();
    let mut previous = 0;
    let across = tables.columns.div_ceil(8);
    for block in 0..across * tables.rows.div_ceil(8) {
        if tables.restart_interval > 0 && block > 0 && block.is_multiple_of(tables.restart_interval) {
            bits.restart()?;
            previous = 0;
        }
        let mut coefficients = [0.0; 64];
        let length = bits.code(dc).filter(|length| *length <= 15)?;
        previous += bits.number(length)?;
        *coefficients.first_mut()? = f64::from(previous) * f64::from(*quantization.first()?);
        let mut k = 1;
        while k < 64 {
            let code = bits.code(ac)?;
            let (run, length) = (usize::from(code >> 4), code & 15);
            if length == 0 {
                if run != 15 {
                    break;
                }
                k += 16;
                continue;
            }
            k += run;
            *coefficients.get_mut(*ZIGZAG.get(k)?)? =
                f64::from(bits.number(length)?) * f64::from(*quantization.get(k)?);
            k += 1;
        }
        let block = (block % across * 8, block / across * 8);
        place(&inverse(&coefficients, &cosines), block, tables, samples, |value| (value + middle).clamp(0.0, top))?;
    }
    Some(())
}

/// Writes the part of a block that lies inside the image.
fn place(
    block: &[f64; 64],
    (left, upper): (usize, usize),
    tables: &Tables,
    samples: &mut [u16],
    level: impl Fn(f64) -> f64,
) -> Option<()> {
    let lines = samples.chunks_exact_mut(tables.columns).skip(upper).take(8);
    for (line, values) in lines.zip(block.chunks_exact(8)) {
        for (sample, value) in line.iter_mut().skip(left).zip(values) {
            *sample = rounded(level(*value));
        }
    }
    Some(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to at most 16 bits before")]
fn rounded(value: f64) -> u16 {
    value.round() as u16
}

/// `cosines[x][u]` with the factors of A.3.3.
fn cosines() -> [[f64; 8]; 8] {
    let number = |n: usize| u8::try_from(n).map_or(0.0, f64::from);
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let factor = if u == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
            factor / 2.0 * ((2.0 * number(x) + 1.0) * number(u) * PI / 16.0).cos()
        })
    })
}

/// The inverse transform of A.3.3, rows and then columns, in doubles: no rounding that another decoder might do otherwise.
fn inverse(coefficients: &[f64; 64], cosines: &[[f64; 8]; 8]) -> [f64; 64] {
    let mut rows = [0.0; 64];
    for (out, line) in rows.chunks_exact_mut(8).zip(coefficients.chunks_exact(8)) {
        for (value, cosine) in out.iter_mut().zip(cosines) {
            *value = line.iter().zip(cosine).map(|(a, b)| a * b).sum();
        }
    }
    let mut block = [0.0; 64];
    for x in 0..8 {
        for (y, cosine) in cosines.iter().enumerate() {
            let column = rows.iter().skip(x).step_by(8);
            if let Some(value) = block.get_mut(y * 8 + x) {
                *value = column.zip(cosine).map(|(a, b)| a * b).sum();
            }
        }
    }
    block
}
