//! What a sample shows of marks.

use super::code::{BiasKey, LEVELS, RecordId};
use aws_lc_rs::error::Unspecified;
use std::collections::HashMap;

/// One row of a sample that was found to be a record of ours.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// Whose marks it should carry.
    pub record: RecordId,
    /// The record's number, by which disclosures tell what they held.
    pub ordinal: u32,
    /// The six digits, if they are there.
    pub tag: Option<u32>,
    /// The spelling, if it is one of the two.
    pub bit: Option<bool>,
}

/// The rows of a sample, each record once, in groups of one level and one bit.
pub struct Leak {
    pub(super) groups: Vec<Group>,
    /// Records and the tags that were seen with them, each pair once.
    pub(super) tags: Vec<(RecordId, u32)>,
}

/// Records of one bias that the sample shows with one bit.
pub(super) struct Group {
    pub level: u8,
    pub bit: bool,
    pub records: Vec<RecordId>,
    /// The records' numbers.
    pub ordinals: Vec<u32>,
}

/// Records whose bits are looked at: far more than the largest coalition that can be found needs.
const BITS_MAX: usize = 200_000;

impl Leak {
    /// Sorts what was observed. A record seen with both bits says nothing by its bit: it was in two copies, or was made up.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn new(observed: &[Observed], biases: &BiasKey) -> Result<Self, Unspecified> {
        let mut bits: HashMap<(RecordId, u32), Option<bool>> = HashMap::new();
        let mut tags = Vec::new();
        for row in observed {
            tags.extend(row.tag.map(|tag| (row.record, tag)));
            if let Some(bit) = row.bit {
                bits.entry((row.record, row.ordinal))
                    .and_modify(|seen| *seen = seen.filter(|seen| *seen == bit))
                    .or_insert(Some(bit));
            }
        }
        tags.sort_unstable();
        tags.dedup();
        let mut rows: Vec<(RecordId, u32, bool)> =
            bits.into_iter().filter_map(|((record, ordinal), bit)| Some((record, ordinal, bit?))).collect();
        // Ids are random, so the first ones are as good as any, and nobody's marks have a part in the choice.
        rows.sort_unstable();
        rows.truncate(BITS_MAX);
        Ok(Self { groups: grouped(&rows, biases)?, tags })
    }

    /// Records that show a bit.
    #[must_use]
    pub fn rows_with_bits(&self) -> usize {
        self.groups.iter().map(|group| group.records.len()).sum()
    }

    /// Pairs of a record and a tag.
    #[must_use]
    pub fn rows_with_tags(&self) -> usize {
        self.tags.len()
    }
}

fn grouped(rows: &[(RecordId, u32, bool)], biases: &BiasKey) -> Result<Vec<Group>, Unspecified> {
    let records: Vec<RecordId> = rows.iter().map(|(record, ..)| *record).collect();
    let levels = biases.levels(&records)?;
    let mut groups: Vec<Group> = Vec::with_capacity(2 * LEVELS);
    for level in 0..32 {
        groups.extend([false, true].map(|bit| Group { level, bit, records: Vec::new(), ordinals: Vec::new() }));
    }
    for ((record, ordinal, bit), level) in rows.iter().zip(levels) {
        let place = 2 * usize::from(level) + usize::from(*bit);
        if let Some(group) = groups.get_mut(place) {
            group.records.push(*record);
            group.ordinals.push(*ordinal);
        }
    }
    groups.retain(|group| !group.records.is_empty());
    Ok(groups)
}
