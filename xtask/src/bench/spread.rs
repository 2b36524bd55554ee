//! Medians with their spread, as a table prints them.

/// The middle of some measurements, and how far they lie apart.
#[derive(Clone, Copy)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The lowest.
    pub least: f64,
    /// The highest.
    pub most: f64,
}

impl Spread {
    /// Of measurements in any order.
    pub fn of(measured: &[f64]) -> Self {
        let mut sorted = measured.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(sorted.len() / 2), least: at(0), most: at(sorted.len().saturating_sub(1)) }
    }

    /// Of the ratios of two things measured in the same rounds.
    pub fn of_ratios(of: &[f64], to: &[f64]) -> Self {
        let ratios: Vec<f64> = of.iter().zip(to).map(|(of, to)| of / to).collect();
        Self::of(&ratios)
    }

    /// As text: the median, and the range in brackets.
    pub fn digits(&self, digits: usize) -> String {
        format!("{:.digits$} [{:.digits$} to {:.digits$}]", self.median, self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_middle_and_the_ends() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]).digits(1), "2.0 [1.0 to 3.0]");
        assert_eq!(Spread::of_ratios(&[2.0, 9.0, 4.0], &[1.0, 3.0, 1.0]).digits(0), "3 [2 to 4]");
    }
}
