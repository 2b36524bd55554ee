//! How much there is in a budget.

use super::{Measure, Window};

/// A share of all patients, within bounds: a small archive must be usable, and a large one must not lose more with its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of a thousand patients so many.
    pub per_mille: u32,
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
}

/// A number, or a share of all patients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many patients.
    Number(u32),
    /// A share of them.
    Share(Share),
}

impl Amount {
    /// The number of an archive with so many patients.
    #[must_use]
    pub fn of(self, patients: u64) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Share(share) => {
                let part = u128::from(patients) * u128::from(share.per_mille) / 1_000;
                // The lower bound is kept below the upper one, which is what a thief meets.
                u32::try_from(part).unwrap_or(u32::MAX).max(share.min).min(share.max)
            }
        }
    }
}

/// One measure's two windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In an hour.
    pub hour: Amount,
    /// In a day.
    pub day: Amount,
}

impl Limits {
    /// The numbers of an archive with so many patients.
    #[must_use]
    pub fn of(&self, patients: u64) -> Numbers {
        Numbers { hour: self.hour.of(patients), day: self.day.of(patients) }
    }
}

/// Limits as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// In an hour.
    pub hour: u32,
    /// In a day.
    pub day: u32,
}

impl Numbers {
    /// That of a window.
    #[must_use]
    pub fn of(self, window: Window) -> u32 {
        match window {
            Window::Hour => self.hour,
            Window::Day => self.day,
        }
    }
}

impl Measure {
    /// Its word, for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Summary => "summaries",
            Self::Content => "contents",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_stays_within_its_bounds() {
        let share = Amount::Share(Share { per_mille: 2, min: 200, max: 2_000 });
        for (patients, expected) in [
            (0, 200),
            (100_000, 200),
            (100_500, 201),
            (500_000, 1_000),
            (1_000_000, 2_000),
            (6_000_000, 2_000),
            (u64::MAX, 2_000),
        ] {
            assert_eq!(share.of(patients), expected, "{patients}");
        }
        assert_eq!(Amount::Share(Share { per_mille: 2, min: 300, max: 100 }).of(0), 100);
        assert_eq!(Amount::Number(7).of(u64::MAX), 7);
        let limits = Limits { hour: Amount::Number(1), day: share };
        assert_eq!([Window::Hour, Window::Day].map(|window| limits.of(0).of(window)), [1, 200]);
    }
}
