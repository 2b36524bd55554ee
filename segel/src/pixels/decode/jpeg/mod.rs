//! The JPEG processes that the fast decoder does not know: lossless (process 14), and sequential with 12 bits (ITU-T T.81).

mod bits;
mod extended;
mod lossless;

use crate::pixels::error::Error;
use bits::{Bits, Huffman};

/// One component of a frame header (B.2.2).
#[derive(Clone, Copy, Debug, Default)]
struct Component {
    id: u8,
    sampling: u8,
    quantization: u8,
}

/// What the segments before a scan have said.
#[derive(Default)]
struct Tables {
    rows: usize,
    columns: usize,
    precision: u8,
    components: Vec<Component>,
    is_lossless: bool,
    restart_interval: usize,
    quantization: [Vec<u16>; 4],
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
}

/// A scan header (B.2.3).
struct Scan {
    /// Which component, its DC table, its AC table.
    components: Vec<(usize, usize, usize)>,
    /// Start of spectral selection; of a lossless scan, the predictor.
    start: u8,
    /// Successive approximation low; of a lossless scan, the point transform.
    low: u8,
}

/// Decodes a stream of which the size has been checked: samples in pixel order.
pub fn decode(stream: &[u8]) -> Result<Vec<u16>, Error> {
    read(stream).ok_or_else(Error::undecodable)
}

fn read(stream: &[u8]) -> Option<Vec<u16>> {
    let mut at = stream.strip_prefix(&[0xFF, 0xD8])?;
    let mut tables = Tables::default();
    let mut samples = Vec::new();
    let mut scans = 0;
    loop {
        let [0xFF, marker, rest @ ..] = at else { return None };
        match marker {
            0xFF => at = at.get(1..)?,
            0xD9 => break,
            0x01 | 0xD0..=0xD8 => at = rest,
            _ => {
                let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
                let segment = rest.get(2..length)?;
                at = rest.get(length..)?;
                if *marker == 0xDA {
                    let scan = tables.scan(segment)?;
                    if samples.is_empty() {
                        samples =
                            vec![0; tables.rows.checked_mul(tables.columns)?.checked_mul(tables.components.len())?];
                    }
                    let mut bits = Bits::new(at);
                    if tables.is_lossless {
                        lossless::scan(&tables, &scan, &mut bits, &mut samples)?;
                    } else {
                        extended::scan(&tables, &scan, &mut bits, &mut samples)?;
                    }
                    at = bits.rest();
                    scans += scan.components.len();
                    // Some encoders leave the end marker out, or cut it.
                    if scans >= tables.components.len() {
                        break;
                    }
                } else {
                    tables.segment(*marker, segment)?;
                }
            }
        }
    }
    (scans >= tables.components.len() && scans > 0).then_some(samples)
}

impl Tables {
    fn segment(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        match marker {
            0xC0 | 0xC1 | 0xC3 => self.frame(marker, segment),
            0xC4 => self.huffman(segment),
            0xDB => self.quantization(segment),
            0xDD => {
                self.restart_interval = usize::from(u16::from_be_bytes(*segment.first_chunk()?));
                Some(())
            }
            // Progressive, hierarchical and arithmetic processes are not in these transfer syntaxes; a height that comes later
            // (DNL) is in no DICOM stream.
            0xC2 | 0xC5..=0xCF | 0xDC | 0xDE | 0xDF => None,
            _ => Some(()),
        }
    }

    fn frame(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        let [precision, y0, y1, x0, x1, count, components @ ..] = segment else { return None };
        if !self.components.is_empty() || !matches!(count, 1 | 3) || components.len() < usize::from(*count) * 3 {
            return None;
        }
        self.is_lossless = marker == 0xC3;
        self.precision = *precision;
        self.rows = usize::from(u16::from_be_bytes([*y0, *y1]));
        self.columns = usize::from(u16::from_be_bytes([*x0, *x1]));
        let component = |three: &[u8]| match three {
            [id, sampling, quantization] => Component { id: *id, sampling: *sampling, quantization: *quantization },
            _ => Component::default(),
        };
        self.components = components.chunks_exact(3).take(usize::from(*count)).map(component).collect();
        let alone = self.components.len() == 1;
        let known = if self.is_lossless { (2..=16).contains(precision) } else { matches!(precision, 8 | 12) && alone };
        // Samples of which some are fewer than others are in no lossless image; one component is never thinned out.
        let full = alone || self.components.iter().all(|component| component.sampling == 0x11);
        (known && full && self.rows > 0 && self.columns > 0).then_some(())
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [place, rest @ ..] = segment {
            let (table, rest) = Huffman::read(rest)?;
            let kind = if place >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *kind.get_mut(usize::from(place & 15))? = Some(table);
            segment = rest;
        }
        Some(())
    }

    fn quantization(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [place, rest @ ..] = segment {
            let bytes_each = usize::from(place >> 4) + 1;
            let entries = rest.get(..64 * bytes_each)?;
            let value = |bytes: &[u8]| bytes.iter().fold(0, |value: u16, byte| (value << 8) | u16::from(*byte));
            *self.quantization.get_mut(usize::from(place & 15))? =
                entries.chunks_exact(bytes_each).map(value).collect();
            segment = rest.get(64 * bytes_each..)?;
        }
        Some(())
    }

    fn scan(&self, segment: &[u8]) -> Option<Scan> {
        let (count, rest) = segment.split_first()?;
        let count = usize::from(*count);
        let selectors = rest.get(..count * 2)?;
        let [start, _end, approximation, ..] = rest.get(count * 2..)? else { return None };
        let one = |pair: &[u8]| {
            let [id, tables] = pair else { return None };
            let component = self.components.iter().position(|component| component.id == *id)?;
            Some((component, usize::from(tables >> 4), usize::from(tables & 15)))
        };
        let components: Vec<_> = selectors.chunks_exact(2).map(one).collect::<Option<_>>()?;
        let fits = (1..=self.components.len()).contains(&components.len());
        fits.then_some(Scan { components, start: *start, low: approximation & 15 })
    }
}
