//! The clock of the budgets: it cannot be set.
//!
//! A clock on the wall can be moved, by a mistake or by somebody who wants yesterday's openings to be long ago. The budgets
//! count the seconds that the service's machine has run, which the system tells since its start and nobody sets. Between
//! two starts of the machine only as much time counts as it has run since the later one, which is never more than has passed.
//! So no jump of any clock empties a window, and what is lost is the time that a machine was off: after a long pause
//! budgets come back later than they could, never earlier.

use super::Seconds;

const MICROS: u64 = 1_000_000;

/// What the machine tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which of its starts this is: a random number of the system.
    pub boot: [u8; 16],
    /// Microseconds since then, asleep or awake.
    pub since_boot_micros: u64,
}

/// The clock, as it was last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    micros: u64,
    reading: Reading,
}

impl Clock {
    /// A clock that starts now, at zero.
    #[must_use]
    pub fn start(reading: Reading) -> Self {
        Self { micros: 0, reading }
    }

    /// A clock that was at `micros` when the machine told `before`, and tells `reading` now. Something was written down at
    /// `latest`, which is not in the future.
    #[must_use]
    pub fn resume(micros: u64, before: Reading, latest: Seconds, reading: Reading) -> Self {
        let mut clock = Self { micros, reading: before };
        // In this order: what passed between the two would count twice otherwise, and each restart would gain it.
        clock.advance(reading);
        clock.micros = clock.micros.max(u64::from(latest) * MICROS);
        clock
    }

    /// Goes on to a later reading; answers the whole seconds.
    pub fn advance(&mut self, reading: Reading) -> Seconds {
        let passed = if reading.boot == self.reading.boot {
            reading.since_boot_micros.saturating_sub(self.reading.since_boot_micros)
        } else {
            reading.since_boot_micros
        };
        // A reading that is older than the last one, of the same start, changes nothing.
        if reading.boot != self.reading.boot || passed > 0 {
            (self.micros, self.reading) = (self.micros.saturating_add(passed), reading);
        }
        self.seconds()
    }

    /// Whole seconds.
    #[must_use]
    pub fn seconds(&self) -> Seconds {
        Seconds::try_from(self.micros / MICROS).unwrap_or(Seconds::MAX)
    }

    /// What has to be kept of it.
    #[must_use]
    pub fn parts(&self) -> (u64, Reading) {
        (self.micros, self.reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: u8, seconds: u64) -> Reading {
        Reading { boot: [boot; 16], since_boot_micros: seconds * MICROS }
    }

    #[test]
    fn it_counts_what_the_machine_has_run() {
        let mut clock = Clock::start(at(1, 500));
        for (reading, expected) in [
            (at(1, 510), 10),
            // The service was killed for an hour; the machine was not.
            (at(1, 4_110), 3_610),
            // An older reading, from a snapshot of the machine for example.
            (at(1, 20), 3_610),
            (at(1, 4_120), 3_620),
            // The machine was started again: at least its new run has passed.
            (at(2, 30), 3_650),
            (at(2, 31), 3_651),
        ] {
            assert_eq!(clock.advance(reading), expected, "{reading:?}");
        }
        let (micros, reading) = clock.parts();
        assert_eq!(Clock::resume(micros, reading, 3_651, at(2, 41)).seconds(), 3_661);
    }

    #[test]
    fn what_was_written_down_is_never_in_the_future() {
        for (latest, reading, expected) in [
            // Written down at 470, charged at 500, asked again at 501: not one second is gained by a restart.
            (500, at(1, 131), 501),
            (470, at(1, 131), 501),
            // The machine was started again, 3 s ago: what was charged before is at least as old as that.
            (500, at(2, 3), 500),
            (400, at(2, 3), 473),
        ] {
            assert_eq!(Clock::resume(470 * MICROS, at(1, 100), latest, reading).seconds(), expected, "{reading:?}");
        }
    }
}
