//! How many records there were in the whole that a sample was drawn from.

use super::share::Interval;
use crate::tail::amount;

/// What is said of the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Total {
    /// An estimate with its interval.
    Estimate {
        /// The most likely number.
        records: f64,
        /// Where it lies, with the confidence asked for.
        interval: Interval,
    },
    /// The sample is not drawn evenly, so nothing is estimated: at least so many.
    AtLeast(f64),
}

/// By numbers that were given in sequence from `first` on, of which the sample shows `distinct`, the largest of them `largest`: the whole ends
/// not far behind the largest, if the sample is drawn at random (Goodman 1952). The interval has no part below the largest seen.
#[must_use]
pub fn by_sequence(first: u64, largest: u64, distinct: u64, confidence: f64) -> Total {
    let (seen, k) = (amount(largest.saturating_sub(first).saturating_add(1)), amount(distinct));
    if distinct == 0 {
        return Total::AtLeast(0.0);
    }
    let records = (seen + seen / k - 1.0).max(seen);
    // P(largest <= m | N) is at most (m/N)^k.
    let high = seen * (1.0 - confidence).powf(-1.0 / k);
    Total::Estimate { records, interval: Interval { low: seen, high: high.max(records) } }
}

/// By two samples of one whole, drawn apart: the more they have in common, the smaller it is (Chapman 1951; the interval is of the logarithm of the
/// number that neither has). Only for samples that look evenly drawn, and that have at least seven records in common: fewer make the
/// interval a guess (Robson and Regier 1964).
#[must_use]
pub fn by_recapture(first: u64, second: u64, common: u64, z: f64) -> Total {
    const COMMON_MIN: u64 = 7;
    let (a, b, both) = (amount(first), amount(second), amount(common));
    let seen = a + b - both;
    if common < COMMON_MIN {
        return Total::AtLeast(seen);
    }
    let records = (a + 1.0) * (b + 1.0) / (both + 1.0) - 1.0;
    let variance = (a + 1.0) * (b + 1.0) * (a - both) * (b - both) / ((both + 1.0).powi(2) * (both + 2.0));
    let unseen = (records - seen).max(0.5);
    let spread = (z * (1.0 + variance / unseen.powi(2)).ln().sqrt()).exp();
    Total::Estimate { records, interval: Interval { low: seen + unseen / spread, high: seen + unseen * spread } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_sequence_end_near_the_largest() {
        let Total::Estimate { records, interval } = by_sequence(1, 60, 4, 0.95) else { panic!("no estimate") };
        assert!((records - 74.0).abs() < 1e-9);
        assert!(interval.low == 60.0 && (interval.high - 60.0 * 0.05_f64.powf(-0.25)).abs() < 1e-9);
        assert_eq!(by_sequence(1, 0, 0, 0.95), Total::AtLeast(0.0));
    }

    #[test]
    fn few_in_common_are_no_estimate() {
        assert_eq!(by_recapture(100, 100, 6, 1.96), Total::AtLeast(194.0));
        let Total::Estimate { records, interval } = by_recapture(1000, 1000, 100, 1.96) else { panic!("no estimate") };
        assert!((records - 9919.8).abs() < 0.1, "{records}");
        assert!(interval.low < 8500.0 && interval.low > 7900.0 && interval.high > 11_500.0 && interval.high < 12_300.0);
        assert_eq!(by_recapture(0, 0, 0, 1.96), Total::AtLeast(0.0));
    }
}
