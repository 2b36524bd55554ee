//! Records that change now and then, copied at one instant.

use super::unit;
use crate::random::Random;
use record::Micros;
use trace::dating::Shown;

/// A day.
pub const DAY: Micros = 86_400_000_000;

/// What was copied, and how well.
#[derive(Clone, Copy, Debug)]
pub struct Copying {
    /// Changes of one record in a year, on the average.
    pub changes_per_year: f64,
    /// Rows that show some other state than the one that held, in a thousand.
    pub wrong_per_mille: u64,
}

/// Rows copied at `at`, of an archive that began at 0 and is looked at when it is `end` old.
pub fn copied(rows: usize, at: Micros, end: Micros, how: Copying, chance: &mut Random) -> Vec<Shown> {
    let mut shown = Vec::with_capacity(rows);
    for _ in 0..rows {
        let is_wrong = chance.chance(how.wrong_per_mille, 1000);
        let seen_at = if is_wrong { i64::try_from(chance.below(end.unsigned_abs())).unwrap_or_default() } else { at };
        shown.push(state_at(seen_at, end, how.changes_per_year, chance));
    }
    shown
}

fn state_at(at: Micros, end: Micros, changes_per_year: f64, chance: &mut Random) -> Shown {
    let (mut from, mut next) = (0, 0);
    loop {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "microseconds of some years")]
        let lasting = (-(1.0 - unit(chance)).ln() / changes_per_year * (365 * DAY) as f64) as Micros;
        next += lasting.max(1);
        if next > at {
            return Shown { from, until: (next < end).then_some(next) };
        }
        from = next;
    }
}
