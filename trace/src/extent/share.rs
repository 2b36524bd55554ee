//! The part of a sample that is ours.

use super::beta::quantile;
use crate::tail::amount;

/// An interval that contains the true value with at least its confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The interval of Clopper and Pearson (1934) for a share of which `found` of `looked_at` were seen: exact, so rather too wide
/// than too narrow, for a sample drawn at random from what it stands for.
#[must_use]
pub fn share(found: u64, looked_at: u64, confidence: f64) -> Interval {
    let (hits, misses) = (amount(found), amount(looked_at.saturating_sub(found)));
    let outside = (1.0 - confidence) / 2.0;
    Interval {
        low: if found == 0 { 0.0 } else { quantile(outside, hits, misses + 1.0) },
        high: if found >= looked_at { 1.0 } else { quantile(1.0 - outside, hits + 1.0, misses) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_published_ones() {
        // 10 of 100 at 95 %: 0.0490 to 0.1762; none of 20: up to 0.1684 (Clopper and Pearson's tables, to four digits).
        for (found, of, low, high) in
            [(10, 100, 0.0490, 0.1762), (0, 20, 0.0, 0.1684), (20, 20, 0.8316, 1.0), (1, 10, 0.0025, 0.4450)]
        {
            let interval = share(found, of, 0.95);
            assert!((interval.low - low).abs() < 1e-4, "{found} of {of}: {interval:?}");
            assert!((interval.high - high).abs() < 1e-4, "{found} of {of}: {interval:?}");
        }
        assert_eq!(share(0, 0, 0.95), Interval { low: 0.0, high: 1.0 });
    }
}
