//! JPEG-LS (ITU-T T.87): lossless, and with a bounded error.

mod bits;
mod model;

use crate::pixels::error::Error;
use bits::Bits;
use model::{Model, Parameters};

/// One component's lines: the one above and the one at hand, each with a sample more on both sides.
struct Lines {
    above: Vec<i32>,
    line: Vec<i32>,
    run_index: usize,
}

impl Lines {
    fn new(columns: usize) -> Self {
        Self { above: vec![0; columns + 2], line: vec![0; columns + 2], run_index: 0 }
    }

    /// A.2.1: what lies outside the image is taken from the line above.
    fn begin(&mut self) -> Option<()> {
        std::mem::swap(&mut self.above, &mut self.line);
        let columns = self.above.len() - 2;
        *self.above.last_mut()? = *self.above.get(columns)?;
        *self.line.first_mut()? = *self.above.get(1)?;
        Some(())
    }
}

/// Decodes a stream of which the size has been checked: samples in pixel order.
pub fn decode(stream: &[u8]) -> Result<Vec<u16>, Error> {
    read(stream).ok_or_else(Error::undecodable)
}

#[derive(Default)]
struct Frame {
    rows: usize,
    columns: usize,
    precision: u8,
    ids: Vec<u8>,
    /// MAXVAL, T1, T2, T3, RESET of an LSE segment (C.2.4.1.1); 0 means the default.
    preset: [i32; 5],
}

fn read(stream: &[u8]) -> Option<Vec<u16>> {
    let mut at = stream.strip_prefix(&[0xFF, 0xD8])?;
    let mut frame = Frame::default();
    let mut samples = Vec::new();
    let mut done = 0;
    loop {
        let [0xFF, marker, rest @ ..] = at else { return None };
        if *marker == 0xFF {
            at = at.get(1..)?;
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let segment = rest.get(2..length)?;
        at = rest.get(length..)?;
        match marker {
            0xF7 => frame.header(segment)?,
            0xF8 => frame.preset(segment)?,
            // Restart intervals and mapping tables are in no DICOM stream.
            0xDD => return None,
            // The colour transforms of one vendor, which no standard knows.
            0xE8 if matches!(segment, [b'm', b'r', b'f', b'x', transform, ..] if *transform != 0) => return None,
            0xDA => {
                if samples.is_empty() {
                    samples = vec![0; frame.rows.checked_mul(frame.columns)?.checked_mul(frame.ids.len())?];
                }
                let mut bits = Bits::new(at);
                done += frame.scan(segment, &mut bits, &mut samples)?;
                at = bits.rest();
                if done >= frame.ids.len() {
                    return Some(samples);
                }
            }
            0xD0..=0xD9 => return None,
            _ => {}
        }
    }
}

impl Frame {
    fn header(&mut self, segment: &[u8]) -> Option<()> {
        let [precision, y0, y1, x0, x1, count, components @ ..] = segment else { return None };
        self.precision = *precision;
        self.rows = usize::from(u16::from_be_bytes([*y0, *y1]));
        self.columns = usize::from(u16::from_be_bytes([*x0, *x1]));
        let components = components.chunks_exact(3).take(usize::from(*count));
        let component = |three: &[u8]| match three {
            [id, 0x11, _] => Some(*id),
            _ => None,
        };
        self.ids = components.map(component).collect::<Option<_>>()?;
        let known = (2..=16).contains(precision) && matches!(self.ids.len(), 1 | 3);
        (known && self.rows > 0 && self.columns > 0 && self.ids.len() == usize::from(*count)).then_some(())
    }

    fn preset(&mut self, segment: &[u8]) -> Option<()> {
        let [1, numbers @ ..] = segment else { return None };
        let mut numbers =
            numbers.chunks_exact(2).filter_map(|two| two.first_chunk().map(|two| u16::from_be_bytes(*two)));
        for place in &mut self.preset {
            *place = numbers.next()?.into();
        }
        Some(())
    }

    /// Decodes one scan; answers how many components it held.
    fn scan(&self, segment: &[u8], bits: &mut Bits<'_>, samples: &mut [u16]) -> Option<usize> {
        let (count, rest) = segment.split_first()?;
        let count = usize::from(*count);
        let places: Vec<usize> = rest
            .get(..count * 2)?
            .chunks_exact(2)
            .map(|two| self.ids.iter().position(|id| two.first() == Some(id)))
            .collect::<Option<_>>()?;
        let [near, interleave, 0, ..] = rest.get(count * 2..)? else { return None };
        let alone = count == 1 && *interleave == 0;
        let together = count == self.ids.len() && matches!(interleave, 1 | 2);
        if !alone && !together {
            return None;
        }
        let mut model = Model::new(Parameters::new(self.precision, i32::from(*near), self.preset)?);
        let mut lines: Vec<Lines> = places.iter().map(|_| Lines::new(self.columns)).collect();
        let pixel_samples = self.ids.len();
        for pixels in samples.chunks_exact_mut(self.columns * pixel_samples) {
            for line in &mut lines {
                line.begin()?;
            }
            if *interleave == 2 {
                model.pixels(bits, &mut lines)?;
            } else {
                for line in &mut lines {
                    model.line(bits, line)?;
                }
            }
            for (place, line) in places.iter().zip(&lines) {
                let out = pixels.iter_mut().skip(*place).step_by(pixel_samples);
                for (sample, value) in out.zip(line.line.iter().skip(1)) {
                    *sample = u16::try_from(*value).ok()?;
                }
            }
        }
        Some(count)
    }
}
