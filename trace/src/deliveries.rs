//! Which disclosures the goods could have come from, by what each was really sent.
//!
//! This ranks and never names. Whoever holds everything can offer one hospital's rows, and everything that is counted here
//! then points at that hospital: so a disclosure is told together with those that could have been cut down to the same rows.

use crate::tail::amount;
use roaring::RoaringBitmap;

/// The part of a sample that may come from elsewhere.
pub const FOREIGN: f64 = 0.05;
/// By how much better the best must explain the sample before the others are out: a hundred times.
const AS_GOOD: f64 = 4.605_170_185_988_091;

/// What the sample says of one disclosure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rank {
    /// Its place among the disclosures given.
    pub disclosure: usize,
    /// The sample's rows that it held.
    pub held: u64,
    /// Its probability, if the sample came from one of the disclosures as it was sent, and each was as likely before.
    pub posterior: f64,
    /// Whether, cut down to one of the parts, it explains the sample as well as the best does.
    pub is_possible: bool,
}

/// Ranks disclosures, the likeliest first.
///
/// `parts` are the ways in which a thief may have cut a disclosure down before he offered it: a hospital's records, a year's,
/// a kind's. `records` is how many there are in all.
#[must_use]
pub fn rank(sample: &RoaringBitmap, disclosures: &[RoaringBitmap], parts: &[RoaringBitmap], records: u64) -> Vec<Rank> {
    let matching: Vec<&RoaringBitmap> = parts.iter().filter(|part| most_of(sample, part)).collect();
    let scored: Vec<(f64, f64)> = disclosures
        .iter()
        .map(|sent| {
            let whole = ln_likelihood(sample, sent, records);
            let cut = matching.iter().map(|part| ln_likelihood(sample, &(sent & *part), records));
            (whole, cut.fold(whole, f64::max))
        })
        .collect();
    let top = scored.iter().map(|(whole, _)| *whole).fold(f64::NEG_INFINITY, f64::max);
    let top_cut = scored.iter().map(|(_, cut)| *cut).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scored.iter().map(|(whole, _)| (whole - top).exp()).sum();
    let mut ranks: Vec<Rank> = scored
        .iter()
        .zip(disclosures)
        .enumerate()
        .map(|(disclosure, ((whole, cut), sent))| Rank {
            disclosure,
            held: sample.intersection_len(sent),
            posterior: (whole - top).exp() / sum,
            is_possible: top_cut - cut <= AS_GOOD,
        })
        .collect();
    ranks.sort_by(|a, b| b.posterior.total_cmp(&a.posterior).then(a.disclosure.cmp(&b.disclosure)));
    ranks
}

/// Whether the ranking leaves only one disclosure.
#[must_use]
pub fn only_one(ranks: &[Rank]) -> Option<usize> {
    let mut possible = ranks.iter().filter(|rank| rank.is_possible);
    possible.next().filter(|_| possible.next().is_none()).map(|rank| rank.disclosure)
}

/// The logarithm of how likely a disclosure explains the sample: a row that it held is one of so many, and the more it held the less
/// it explains (the size principle); a row that it did not hold is any record's.
fn ln_likelihood(sample: &RoaringBitmap, sent: &RoaringBitmap, records: u64) -> f64 {
    let elsewhere = FOREIGN / amount(records.max(1));
    let held = sample.intersection_len(sent);
    let from_it = if sent.is_empty() { 0.0 } else { (1.0 - FOREIGN) / amount(sent.len()) };
    amount(held) * (from_it + elsewhere).ln() + amount(sample.len() - held) * elsewhere.ln()
}

/// A part is worth trying if most of the sample lies in it.
fn most_of(sample: &RoaringBitmap, part: &RoaringBitmap) -> bool {
    2 * sample.intersection_len(part) > sample.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: u32, until: u32) -> RoaringBitmap {
        (from..until).collect()
    }

    #[test]
    fn the_smaller_copy_that_holds_all_explains_more() {
        let (hospital, province) = (range(0, 1000), range(0, 20_000));
        let ranks = rank(&range(10, 20), &[province, hospital], &[], 1_000_000);
        assert_eq!(ranks[0].disclosure, 1);
        assert!(ranks[0].posterior > 0.99 && ranks[0].held == 10);
        assert_eq!(only_one(&ranks), Some(1));
    }

    #[test]
    fn whoever_could_have_cut_the_same_rows_out_is_possible_too() {
        let hospitals: Vec<RoaringBitmap> = (0..10).map(|n| range(n * 1000, n * 1000 + 1000)).collect();
        let mut disclosures = hospitals.clone();
        disclosures.push(range(0, 10_000));
        let sample: RoaringBitmap = (3000..3400).step_by(20).collect();
        let ranks = rank(&sample, &disclosures, &hospitals, 10_000);
        assert_eq!(ranks[0].disclosure, 3, "counting alone blames the hospital");
        assert!(ranks[0].posterior > 0.99);
        assert_eq!(only_one(&ranks), None, "and must not");
        assert!(ranks.iter().filter(|rank| rank.is_possible).map(|rank| rank.disclosure).eq([3, 10]));
    }

    #[test]
    fn nothing_sent_or_nothing_found_is_nobodys() {
        let ranks = rank(&RoaringBitmap::new(), &[range(0, 10), range(0, 20)], &[], 100);
        assert_eq!(only_one(&ranks), None);
        assert!(rank(&range(0, 10), &[], &[], 100).is_empty());
        let ranks = rank(&range(0, 10), &[RoaringBitmap::new(), range(0, 10)], &[], 0);
        assert_eq!(only_one(&ranks), Some(1));
    }
}
