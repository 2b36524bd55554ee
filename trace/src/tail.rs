//! Bounds on how often chance alone would have done as well, as natural logarithms of probabilities.

/// One kind of independent step of a score: how many there are, and what each adds with which probability.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// How many.
    pub count: f64,
    /// The probability of the first outcome.
    pub probability: f64,
    /// What the first outcome adds.
    pub with: f64,
    /// What the other adds.
    pub without: f64,
}

impl Steps {
    /// The logarithm of the moment generating function at `tilt`, and its first derivative, for all steps of the kind.
    fn cumulant(&self, tilt: f64) -> (f64, f64) {
        let (p, q) = (self.probability, 1.0 - self.probability);
        // The larger exponent is taken out: a tilt may be large.
        let top = (tilt * self.with).max(tilt * self.without);
        let with = p * (tilt * self.with - top).exp();
        let without = q * (tilt * self.without - top).exp();
        let sum = with + without;
        (self.count * (top + sum.ln()), self.count * (with * self.with + without * self.without) / sum)
    }
}

/// The logarithm of Chernoff's bound on the probability that independent steps add up to `score` or more: at most 0, and
/// never below the true value.
#[must_use]
pub fn ln_chernoff(steps: &[Steps], score: f64) -> f64 {
    let at = |tilt: f64| {
        steps
            .iter()
            .map(|kind| kind.cumulant(tilt))
            .fold((0.0, 0.0), |sum, (value, slope)| (sum.0 + value, sum.1 + slope))
    };
    if at(0.0).1 >= score {
        return 0.0;
    }
    // The slope grows with the tilt: an upper end is doubled into, then halved between. Every tilt gives a valid bound, so
    // stopping early costs sharpness and not truth.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        if at(high).1 >= score {
            break;
        }
        low = high;
        high *= 2.0;
    }
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if at(middle).1 < score {
            low = middle;
        } else {
            high = middle;
        }
    }
    let bound = |tilt: f64| at(tilt).0 - tilt * score;
    bound(low).min(bound(high)).min(0.0)
}

/// The logarithm of an upper bound on P(Binomial(`trials`, `probability`) >= `hits`): the first term times the geometric
/// series that the later ones stay under.
#[must_use]
pub fn ln_binomial_tail(trials: u64, probability: f64, hits: u64) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    if hits > trials {
        return f64::NEG_INFINITY;
    }
    let (n, k) = (amount(trials), amount(hits));
    if k <= n * probability {
        return 0.0;
    }
    let first = ln_choose(n, k) + k * probability.ln() + (n - k) * (-probability).ln_1p();
    // Each later term is at most this part of the one before it.
    let ratio = (n - k) / (k + 1.0) * probability / (1.0 - probability);
    (first - (-ratio).ln_1p()).min(0.0)
}

/// A count as a number: exact up to 2^53, and no sample has more rows.
#[expect(clippy::cast_precision_loss, reason = "counts of rows stay far below 2^53")]
#[must_use]
pub fn amount(count: u64) -> f64 {
    count as f64
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// The logarithm of the gamma function for x >= 1, to twelve digits: Stirling's series, after a step up for small x.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 16.0 {
        below += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P(Binomial(n, p) >= k), summed.
    fn exact(n: u64, p: f64, k: u64) -> f64 {
        let term =
            |i: u64| (ln_choose(amount(n), amount(i)) + amount(i) * p.ln() + amount(n - i) * (1.0 - p).ln()).exp();
        (k..=n).map(term).sum()
    }

    #[test]
    fn bounds_are_never_below_the_truth_and_not_far_above() {
        for n in [1, 10, 100, 1000] {
            for p in [1e-6, 0.01, 0.3, 0.5, 0.9] {
                for k in [1, 2, n / 2, 3 * n / 4, n].into_iter().filter(|k| (1..=n).contains(k)) {
                    let truth = exact(n, p, k).ln();
                    if truth == f64::NEG_INFINITY {
                        // Too small to be summed.
                        continue;
                    }
                    let tail = ln_binomial_tail(n, p, k);
                    assert!(tail >= truth - 1e-9, "{n} {p} {k}: {tail} is below {truth}");
                    assert!(tail <= 0.0 && (truth > -1.5 || tail < truth + 1.2), "{n} {p} {k}: {tail} of {truth}");
                    let steps = [Steps { count: amount(n), probability: p, with: 1.0, without: 0.0 }];
                    let chernoff = ln_chernoff(&steps, amount(k));
                    assert!(chernoff >= truth - 1e-9, "{n} {p} {k}: {chernoff} is below {truth}");
                    assert!(
                        chernoff <= 0.0 && (truth > -0.7 || chernoff < truth + 5.0),
                        "{n} {p} {k}: {chernoff} of {truth}"
                    );
                }
            }
        }
    }

    #[test]
    fn steps_of_several_kinds_are_bounded_together() {
        let kinds = [
            Steps { count: 40.0, probability: 0.2, with: 2.0, without: -0.5 },
            Steps { count: 60.0, probability: 0.7, with: 0.4, without: -1.0 },
        ];
        // All of 300,000 draws, by a generator that is good enough for this.
        let mut state = 88_172_645_463_325_252_u64;
        let mut unit = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 31)
        };
        let draws: Vec<f64> = (0..100_000)
            .map(|_| {
                let of = |kind: &Steps, unit: &mut dyn FnMut() -> f64| {
                    let mut sum = 0.0;
                    let mut left = kind.count;
                    while left > 0.0 {
                        sum += if unit() < kind.probability { kind.with } else { kind.without };
                        left -= 1.0;
                    }
                    sum
                };
                of(&kinds[0], &mut unit) + of(&kinds[1], &mut unit)
            })
            .collect();
        for score in [0.0, 5.0, 10.0, 20.0] {
            let seen = draws.iter().filter(|draw| **draw >= score).fold(0.0, |sum, _| sum + 1e-5);
            assert!(ln_chernoff(&kinds, score).exp() >= seen, "{score}: {seen}");
        }
        assert!(ln_chernoff(&kinds, 200.0) < -1000.0, "what cannot be is as unlikely as can be said");
    }

    #[test]
    fn the_gamma_function_has_its_values() {
        for (x, value) in [(1.0, 1.0_f64), (5.0, 24.0), (11.0, 3_628_800.0)] {
            assert!((ln_gamma(x) - value.ln()).abs() < 1e-11, "{x}");
        }
    }
}
