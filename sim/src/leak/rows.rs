//! Marked rows that some recipients put together, changed and offered.

use super::unit;
use crate::random::Random;
use trace::rows::{Attack, BiasKey, DisclosureKey, Leak, Observed, RecordId, Suspect};

/// Recipients of the same records, and what only the holder of the keys knows.
pub struct Recipients {
    biases: BiasKey,
    /// The recipients, in no order that tells anything.
    pub suspects: Vec<Suspect>,
}

/// What was done to the copies.
#[derive(Clone, Copy, Debug)]
pub struct Treatment {
    /// How the colluders chose.
    pub attack: Attack,
    /// Rows whose mark was replaced by one drawn by lot, in a thousand.
    pub destroyed_per_mille: u64,
}

/// What cannot happen with keys of the right length.
pub type Result<T> = std::result::Result<T, aws_lc_rs::error::Unspecified>;

impl Recipients {
    /// So many, with keys from a seed.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn new(count: usize, chance: &mut Random) -> Result<Self> {
        let mut key = || block(chance);
        let biases = BiasKey::new(key())?;
        let suspects: Result<Vec<Suspect>> =
            (0..count).map(|_| Ok(Suspect { key: DisclosureKey::new(key())?, received: None })).collect();
        Ok(Self { biases, suspects: suspects? })
    }

    /// A leak of so many rows by the first `copies` recipients, by their bits.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn leak_of_bits(&self, copies: usize, rows: u32, how: Treatment, chance: &mut Random) -> Result<Leak> {
        let records: Vec<RecordId> = (0..rows).map(|_| block(chance)).collect();
        let levels = self.biases.levels(&records)?;
        let colluders = self.suspects.iter().take(copies);
        let marks: Result<Vec<_>> = colluders.map(|colluder| colluder.key.marks(&records, &levels)).collect();
        let marks = marks?;
        let of = u32::try_from(copies).unwrap_or(u32::MAX);
        let mut observed = Vec::with_capacity(records.len());
        for (place, (ordinal, record)) in (0..).zip(&records).enumerate() {
            let ones: u32 = marks.iter().filter_map(|copy| copy.get(place)).map(|marks| u32::from(marks.bit)).sum();
            let is_destroyed = chance.chance(how.destroyed_per_mille, 1000);
            let one = if is_destroyed { 0.5 } else { how.attack.shows_one(ones, of) };
            let bit = Some(unit(chance) < one);
            observed.push(Observed { record: *record, ordinal, tag: None, bit });
        }
        Leak::new(&observed, &self.biases)
    }

    /// A leak of so many rows, each from one of the first `copies` recipients, by their tags.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn leak_of_tags(
        &self,
        copies: usize,
        rows: u32,
        destroyed_per_mille: u64,
        chance: &mut Random,
    ) -> Result<Leak> {
        let records: Vec<RecordId> = (0..rows).map(|_| block(chance)).collect();
        let levels = self.biases.levels(&records)?;
        let colluders = self.suspects.iter().take(copies);
        let marks: Result<Vec<_>> = colluders.map(|colluder| colluder.key.marks(&records, &levels)).collect();
        let marks = marks?;
        let mut observed = Vec::with_capacity(records.len());
        for (place, (ordinal, record)) in (0..).zip(&records).enumerate() {
            let copy = marks.get(chance.index(copies)).and_then(|copy| copy.get(place));
            let made_up = u32::try_from(chance.below(trace::rows::TAGS)).unwrap_or_default();
            let is_destroyed = chance.chance(destroyed_per_mille, 1000);
            let tag = if is_destroyed { Some(made_up) } else { copy.map(|marks| marks.tag) };
            observed.push(Observed { record: *record, ordinal, tag, bit: None });
        }
        Leak::new(&observed, &self.biases)
    }
}

fn block(chance: &mut Random) -> [u8; 16] {
    std::array::from_fn(|_| u8::try_from(chance.below(256)).unwrap_or_default())
}
