//! Look-up tables and palettes (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5, C.7.9.2).

use super::description::Table;
use super::error::Error;

/// Entries of the longest table.
const ENTRIES_MAX: usize = 65_536;

/// A table that was read.
pub struct Lut {
    first: i64,
    /// How far an entry is to be moved to the right to become a byte.
    shift: u16,
    entries: Vec<u16>,
}

impl Lut {
    /// Reads a table: entries of 16 bits, or, as old files have it, of 8; or segments.
    pub fn read(table: &Table) -> Result<Self, Error> {
        let expected = usize::try_from(table.entries).unwrap_or(0).min(ENTRIES_MAX);
        let words = table.data.chunks_exact(2).filter_map(|two| two.first_chunk().map(|two| u16::from_le_bytes(*two)));
        let entries: Vec<u16> = if table.is_segmented {
            segments(&words.collect::<Vec<_>>()).ok_or_else(unusable)?
        } else if table.bits <= 8 && table.data.len() < expected.saturating_mul(2) {
            table.data.iter().take(expected).map(|byte| u16::from(*byte)).collect()
        } else {
            words.take(expected).collect()
        };
        if entries.is_empty() || !(1..=16).contains(&table.bits) {
            return Err(unusable());
        }
        // Some tables say 16 bits and use 8, or 8 and use 16: what their entries need tells.
        let most = entries.iter().copied().max().unwrap_or(0);
        let bits = if table.bits <= 8 && most > 0xFF { 16 } else { table.bits };
        Ok(Self { first: table.first, shift: bits.max(8) - 8, entries })
    }

    /// The entry of a value; values outside the table take its first or last entry.
    pub fn entry(&self, value: i64) -> u16 {
        let index = usize::try_from(value.saturating_sub(self.first)).unwrap_or(0);
        self.entries.get(index).or(self.entries.last()).copied().unwrap_or(0)
    }

    /// The same as a byte.
    pub fn byte(&self, value: i64) -> u8 {
        u8::try_from(self.entry(value) >> self.shift).unwrap_or(u8::MAX)
    }
}

fn unusable() -> Error {
    Error::invalid("A look-up table of the image cannot be used.")
}

/// Expands segments (C.7.9.2): 0 discrete, 1 linear, 2 indirect (segments that were given before).
fn segments(words: &[u16]) -> Option<Vec<u16>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let [opcode, length, ..] = words.get(at..)? else { return None };
        let length = usize::from(*length);
        if *opcode != 2 {
            at += expand(words, at, &mut entries)?;
            continue;
        }
        let [low, high] = *words.get(at + 2..at + 4)?.first_chunk::<2>()?;
        // The offset is one of bytes. Only discrete and linear segments may be named, so there is no recursion.
        let mut from = usize::try_from(u32::from(high) << 16 | u32::from(low)).ok()? / 2;
        for _ in 0..length {
            from += expand(words, from, &mut entries)?;
        }
        at += 4;
    }
    Some(entries)
}

/// Expands one segment; answers how many words it takes.
fn expand(words: &[u16], at: usize, entries: &mut Vec<u16>) -> Option<usize> {
    let [opcode, length, ..] = words.get(at..)? else { return None };
    let length = usize::from(*length);
    if entries.len() + length > ENTRIES_MAX {
        return None;
    }
    match opcode {
        0 => {
            entries.extend(words.get(at + 2..at + 2 + length)?);
            Some(2 + length)
        }
        1 => {
            let start = i64::from(*entries.last()?);
            let end = i64::from(*words.get(at + 2)?);
            let steps = i64::try_from(length).ok()?;
            for step in 1..=steps {
                entries.push(u16::try_from(start + (end - start) * step / steps).ok()?);
            }
            Some(3)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(bits: u16, entries: u32, data: &[u8]) -> Result<Lut, Error> {
        Lut::read(&Table { entries, first: 10, bits, is_segmented: false, data: data.to_vec() })
    }

    #[test]
    fn a_table_answers_for_values_outside_it_with_its_ends() {
        let lut = table(8, 2, &[1, 2]).unwrap();
        assert_eq!([10, 11, 0, 99].map(|value| lut.byte(value)), [1, 2, 1, 2]);
        assert_eq!(table(16, 2, &[0, 1, 0, 255]).unwrap().byte(11), 255);
        assert_eq!(table(8, 2, &[7, 0, 9, 0]).unwrap().byte(11), 9);
        assert_eq!(table(12, 1, &[0xFF, 0x0F]).unwrap().byte(10), 255);
        assert!(table(8, 2, &[]).is_err());
    }

    #[test]
    fn segments_are_expanded_and_bounded() {
        // Three entries; from 30 to 60 in three steps; both again.
        let words = [0, 3, 10, 20, 30, 1, 3, 60, 2, 2, 0, 0];
        assert_eq!(segments(&words), Some(vec![10, 20, 30, 40, 50, 60, 10, 20, 30, 40, 50, 60]));
        for wrong in [&[1, 1, 5][..], &[0, 5, 1], &[2, 1, 0, 0], &[2, 1, 99, 0], &[3, 1, 1], &[0]] {
            assert_eq!(segments(wrong), None, "{wrong:?}");
        }
        // One segment of 65,535 entries fits, one more entry after another does, beyond that none.
        assert_eq!(segments(&[0, 1, 5, 1, 65_535, 9]).map(|entries| entries.len()), Some(65_536));
        assert_eq!(segments(&[0, 2, 5, 5, 1, 65_535, 9]), None);
    }
}
