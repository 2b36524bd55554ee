//! The marks of one row for one recipient.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use zeroize::{Zeroize as _, Zeroizing};

/// Biases that a record may have.
pub const LEVELS: usize = 32;
/// Values that a tag may have: six decimal digits.
pub const TAGS: u64 = 1_000_000;
/// Biases end here on both sides: beyond it, one row would say too much about the few who have the rarer bit.
const CUTOFF: f64 = 0.003;

/// What a row's marks are made of: the record's id, 16 bytes that no two records share and that outlive its versions.
pub type RecordId = [u8; 16];

/// The key of the biases, for one epoch. A recipient who had it could choose better what to change.
pub struct BiasKey(Cipher);

/// The key of one disclosure's marks.
pub struct DisclosureKey(Cipher);

struct Cipher(EncryptingKey);

impl Cipher {
    fn new(mut key: [u8; 16]) -> Result<Self, Unspecified> {
        let unbound = UnboundCipherKey::new(&AES_128, &key);
        key.zeroize();
        Ok(Self(EncryptingKey::ecb(unbound?)?))
    }

    /// A block for each record, in order. One call for many: a call costs more than a block.
    fn blocks(&self, records: &[RecordId]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let mut blocks = Zeroizing::new(records.concat());
        if !blocks.is_empty() {
            self.0.encrypt(&mut blocks)?;
        }
        Ok(blocks)
    }
}

/// What one row carries for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Six digits, for the microseconds of a time that has none of its own.
    pub tag: u32,
    /// Which of two spellings.
    pub bit: bool,
}

impl BiasKey {
    /// From 16 secret bytes.
    ///
    /// # Errors
    /// If the cipher cannot be set up.
    pub fn new(key: [u8; 16]) -> Result<Self, Unspecified> {
        Cipher::new(key).map(Self)
    }

    /// The level of each record: an index into the biases, below [`LEVELS`].
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn levels(&self, records: &[RecordId]) -> Result<Vec<u8>, Unspecified> {
        let blocks = self.0.blocks(records)?;
        Ok(blocks.as_chunks::<16>().0.iter().map(|[first, ..]| first % 32).collect())
    }
}

impl DisclosureKey {
    /// From 16 secret bytes.
    ///
    /// # Errors
    /// If the cipher cannot be set up.
    pub fn new(key: [u8; 16]) -> Result<Self, Unspecified> {
        Cipher::new(key).map(Self)
    }

    /// The marks of each record, whose level is beside it.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn marks(&self, records: &[RecordId], levels: &[u8]) -> Result<Vec<Marks>, Unspecified> {
        let blocks = self.0.blocks(records)?;
        let marks = blocks.as_chunks::<16>().0.iter().zip(levels);
        Ok(marks.map(|(block, level)| Marks { tag: tag(block), bit: is_one(block, threshold(*level)) }).collect())
    }

    /// How many of the records, all of one level, have the bit one.
    pub(super) fn ones(&self, records: &[RecordId], level: u8) -> Result<Vec<bool>, Unspecified> {
        let blocks = self.0.blocks(records)?;
        let threshold = threshold(level);
        Ok(blocks.as_chunks::<16>().0.iter().map(|block| is_one(block, threshold)).collect())
    }

    pub(super) fn tags(&self, records: &[RecordId]) -> Result<Vec<u32>, Unspecified> {
        let blocks = self.0.blocks(records)?;
        Ok(blocks.as_chunks::<16>().0.iter().map(tag).collect())
    }
}

fn is_one([low, high, ..]: &[u8; 16], threshold: u16) -> bool {
    u16::from_le_bytes([*low, *high]) < threshold
}

/// Of 64 bits: each of a million values comes up as often as any other but for a part in 10^13.
fn tag([.., a, b, c, d, e, f, g, h]: &[u8; 16]) -> u32 {
    let wide = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
    u32::try_from(wide % TAGS).unwrap_or_default()
}

/// Of 2^16 values that a bit is drawn from, how many are ones: the biases are the middles of 32 equal parts of the arcsine
/// distribution between the cutoffs.
fn threshold(level: u8) -> u16 {
    let (low, high) = (CUTOFF.sqrt().asin(), (1.0 - CUTOFF).sqrt().asin());
    let part = (f64::from(level % 32) + 0.5) / 32.0;
    let bias = (low + (high - low) * part).sin().powi(2);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bias is between the cutoffs")]
    let threshold = (bias * 65_536.0).round() as u16;
    threshold
}

/// The probability of a one at a level, exactly.
#[must_use]
pub fn probability(level: u8) -> f64 {
    f64::from(threshold(level)) / 65_536.0
}
