//! The lossless process (ITU-T T.81 annex H).

use super::bits::{Bits, Huffman};
use super::{Scan, Tables};

/// One component of the scan: its place in a pixel, its table, the line above and the one at hand.
struct Channel<'a> {
    place: usize,
    table: &'a Huffman,
    above: Vec<i32>,
    line: Vec<i32>,
}

/// Decodes one scan into the samples.
pub fn scan(tables: &Tables, scan: &Scan, bits: &mut Bits<'_>, samples: &mut [u16]) -> Option<()> {
    let mut channels = Vec::new();
    for (place, dc, _) in &scan.components {
        let table = tables.dc.get(*dc)?.as_ref()?;
        channels.push(Channel { place: *place, table, above: vec![0; tables.columns], line: vec![0; tables.columns] });
    }
    if !(1..=7).contains(&scan.start) || scan.low >= tables.precision {
        return None;
    }
    let first = 1_i32 << (tables.precision - scan.low - 1);
    let pixel_samples = tables.components.len();
    // H.1.2.1: behind a restart marker prediction begins anew, so intervals are whole lines.
    let interval_rows = tables.restart_interval / tables.columns;
    if tables.restart_interval != interval_rows * tables.columns {
        return None;
    }
    for (row, pixels) in samples.chunks_exact_mut(tables.columns * pixel_samples).enumerate() {
        let anew = row == 0 || (interval_rows > 0 && row.is_multiple_of(interval_rows));
        if anew && row > 0 {
            bits.restart()?;
        }
        line(&mut channels, bits, if anew { Start::Anew(first) } else { Start::Below }, scan.start)?;
        for channel in &mut channels {
            let places = pixels.iter_mut().skip(channel.place).step_by(pixel_samples);
            for (sample, value) in places.zip(&channel.line) {
                *sample = u16::try_from((value << scan.low) & 0xFFFF).ok()?;
            }
            std::mem::swap(&mut channel.above, &mut channel.line);
        }
    }
    Some(())
}

/// What the first sample of a line is predicted from.
#[derive(Clone, Copy)]
enum Start {
    /// From nothing: half of the range.
    Anew(i32),
    /// From the sample above.
    Below,
}

fn line(channels: &mut [Channel<'_>], bits: &mut Bits<'_>, start: Start, predictor: u8) -> Option<()> {
    let columns = channels.first()?.line.len();
    for x in 0..columns {
        for channel in channels.iter_mut() {
            let left = x.checked_sub(1).and_then(|left| channel.line.get(left).copied());
            let above = channel.above.get(x).copied()?;
            let prediction = match (start, left) {
                (Start::Anew(first), None) => first,
                (Start::Anew(_), Some(left)) => left,
                (Start::Below, None) => above,
                (Start::Below, Some(left)) => predict(predictor, left, above, channel.above.get(x - 1).copied()?),
            };
            let difference = match bits.code(channel.table)? {
                16 => 32_768,
                length @ 0..=15 => bits.number(length)?,
                _ => return None,
            };
            // H.1.2.1: all is modulo 65,536.
            *channel.line.get_mut(x)? = (prediction + difference) & 0xFFFF;
        }
    }
    Some(())
}

/// Table H.1.
fn predict(predictor: u8, left: i32, above: i32, corner: i32) -> i32 {
    match predictor {
        1 => left,
        2 => above,
        3 => corner,
        4 => left + above - corner,
        5 => left + ((above - corner) >> 1),
        6 => above + ((left - corner) >> 1),
        _ => (left + above) >> 1,
    }
}
