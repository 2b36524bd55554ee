//! Which frames there are, by their sequence.

use std::collections::BTreeMap;

/// Which sequences were seen, as runs: an undamaged archive is one run, however large.
#[derive(Default)]
pub(super) struct Sequences {
    /// First of a run to its last.
    runs: BTreeMap<u64, u64>,
}

impl Sequences {
    pub(super) fn insert(&mut self, sequence: u64) {
        let before = self.runs.range(..=sequence).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= sequence) {
            return;
        }
        let first = before.filter(|(_, last)| last + 1 == sequence).map_or(sequence, |(first, _)| first);
        let last = self.runs.remove(&sequence.saturating_add(1)).unwrap_or(sequence);
        self.runs.insert(first, last);
    }

    /// The runs that are missing from 1 to the highest seen, or to `at_least`.
    pub(super) fn gaps(&self, at_least: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut next = 1;
        for (first, last) in &self.runs {
            if *first > next {
                gaps.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= at_least {
            gaps.push((next, at_least));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_between_runs_in_any_order() {
        type Case = (&'static [u64], u64, &'static [(u64, u64)]);
        let table: [Case; 6] = [
            (&[], 0, &[]),
            (&[], 3, &[(1, 3)]),
            (&[1, 2, 3], 3, &[]),
            (&[3, 1, 2, 2], 0, &[]),
            (&[9, 2, 4, 3, 8], 10, &[(1, 1), (5, 7), (10, 10)]),
            (&[2, 1, 4, 6, 5, 3], 6, &[]),
        ];
        for (seen, at_least, expected) in table {
            let mut sequences = Sequences::default();
            seen.iter().for_each(|sequence| sequences.insert(*sequence));
            assert_eq!(sequences.gaps(at_least), expected, "{seen:?}");
        }
    }
}
