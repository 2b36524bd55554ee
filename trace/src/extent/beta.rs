//! The distribution functions behind the intervals.

use crate::tail::ln_gamma;

/// The regularised incomplete beta function I_x(a, b): by its continued fraction, evaluated from the front (Lentz).
pub(super) fn incomplete(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on one side of the mean; the other side is its mirror image.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete(1.0 - x, b, a);
    }
    let front = (ln_gamma_of(a + b) - ln_gamma_of(a) - ln_gamma_of(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    front * fraction(x, a, b)
}

/// Of any positive number; the series of [`ln_gamma`] begins at 1.
fn ln_gamma_of(x: f64) -> f64 {
    if x < 1.0 { ln_gamma(x + 1.0) - x.ln() } else { ln_gamma(x) }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const SMALL: f64 = 1e-300;
    let away = |value: f64| if value.abs() < SMALL { SMALL } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    let mut m = 0.0;
    while m < 3000.0 {
        m += 1.0;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// Where I_x(a, b) reaches a level.
pub(super) fn quantile(level: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if incomplete(middle, a, b) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The probability that a chi-squared variable of so many degrees of freedom is at least `value`: the regularised upper incomplete gamma
/// function, by its series below the mean and by its continued fraction above.
pub(super) fn chi_squared_tail(value: f64, degrees: f64) -> f64 {
    let (x, a) = (value / 2.0, degrees / 2.0);
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma_of(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-16 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    let (mut b, mut c) = (x + 1.0 - a, f64::MAX);
    let mut d = 1.0 / b;
    let mut value = d;
    let mut n = 0.0;
    while n < 5000.0 {
        n += 1.0;
        let step = -n * (n - a);
        b += 2.0;
        d = 1.0 / (step * d + b);
        c = b + step / c;
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * value).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_have_their_published_values() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b.abs().max(1e-3), "{a} is not {b}");
        // I_x(1, b) = 1 - (1-x)^b; I_x(a, 1) = x^a; I_{1/2}(a, a) = 1/2.
        near(incomplete(0.3, 1.0, 7.0), 1.0 - 0.7_f64.powi(7));
        near(incomplete(0.3, 7.0, 1.0), 0.3_f64.powi(7));
        near(incomplete(0.5, 0.5, 0.5), 0.5);
        near(incomplete(0.5, 1234.0, 1234.0), 0.5);
        // Abramowitz and Stegun, table 26.8: the 5 % points of chi-squared.
        for (degrees, point) in [(1.0, 3.84146), (2.0, 5.99146), (10.0, 18.3070), (30.0, 43.7729), (100.0, 124.342)] {
            assert!((chi_squared_tail(point, degrees) - 0.05).abs() < 1e-6, "{degrees}");
        }
        near(chi_squared_tail(9.0, 2.0), (-4.5_f64).exp());
    }
}
