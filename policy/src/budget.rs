//! How many different patients each actor has opened lately.
//!
//! Patients are counted, not requests: reading one patient's study of 900 images is one, reading one image each of 900
//! patients is what a thief does. Both windows slide, so nobody gets twice the count around a full hour.

use record::{Micros, Pseudonym};
use std::collections::{BTreeSet, HashMap};

/// One hour.
pub const HOUR_MICROS: Micros = 3_600_000_000;
/// One day.
pub const DAY_MICROS: Micros = 24 * HOUR_MICROS;

/// What is metered apart: an identity shown in a list weighs less than a record opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Summaries opened.
    Summary,
    /// Contents opened.
    Content,
}

/// Different patients in the two windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the last hour.
    pub patients_hour: u32,
    /// In the last day.
    pub patients_day: u32,
}

/// The books: for each actor and measure, who was opened within each window.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    windows: HashMap<(String, Measure), Windows>,
}

#[derive(Clone, Debug)]
struct Windows {
    hour: Window,
    day: Window,
}

/// The patients opened within a span, each once, at its latest time. Both collections hold the same pairs.
#[derive(Clone, Debug)]
struct Window {
    span: Micros,
    last: HashMap<Pseudonym, Micros>,
    by_time: BTreeSet<(Micros, Pseudonym)>,
}

impl Window {
    fn new(span: Micros) -> Self {
        Self { span, last: HashMap::new(), by_time: BTreeSet::new() }
    }

    fn charge(&mut self, patient: Pseudonym, at: Micros) {
        let last = self.last.entry(patient).or_insert(at);
        self.by_time.remove(&(*last, patient));
        // A clock that steps back must not make an opening look older than it is.
        *last = (*last).max(at);
        self.by_time.insert((*last, patient));
    }

    /// What has left the window goes; each opening is dropped once, so the cost of this is the cost of charging.
    fn count(&mut self, now: Micros) -> u32 {
        while let Some((at, patient)) = self.by_time.first().copied() {
            if now.saturating_sub(at) < self.span {
                break;
            }
            self.by_time.remove(&(at, patient));
            self.last.remove(&patient);
        }
        u32::try_from(self.last.len()).unwrap_or(u32::MAX)
    }
}

impl Meter {
    /// Writes one opening down. Opening the same patient again renews its time and adds nothing.
    pub fn charge(&mut self, actor: &str, measure: Measure, patient: Pseudonym, at: Micros) {
        let windows = self
            .windows
            .entry((actor.to_owned(), measure))
            .or_insert_with(|| Windows { hour: Window::new(HOUR_MICROS), day: Window::new(DAY_MICROS) });
        windows.hour.charge(patient, at);
        windows.day.charge(patient, at);
    }

    /// The patients that an actor has opened within an hour and within a day before `now`.
    pub fn counts(&mut self, actor: &str, measure: Measure, now: Micros) -> Counts {
        let Some(windows) = self.windows.get_mut(&(actor.to_owned(), measure)) else { return Counts::default() };
        Counts { patients_hour: windows.hour.count(now), patients_day: windows.day.count(now) }
    }

    /// Drops what no window can see any more.
    pub fn forget_before(&mut self, now: Micros) {
        self.windows.retain(|_, windows| {
            windows.hour.count(now);
            windows.day.count(now) > 0
        });
    }

    /// How many (actor, measure, patient) the books hold.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.values().map(|windows| windows.day.last.len()).sum()
    }

    /// Whether nothing is written down.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn patient(n: u8) -> Pseudonym {
        Pseudonym([n; 16])
    }

    #[test]
    fn one_patient_opened_a_thousand_times_counts_once() {
        let mut meter = Meter::default();
        for at in 0..1_000 {
            meter.charge("a", Measure::Content, patient(1), at);
        }
        assert_eq!(meter.counts("a", Measure::Content, 1_000), Counts { patients_hour: 1, patients_day: 1 });
    }

    #[test]
    fn actors_and_measures_are_counted_apart() {
        let mut meter = Meter::default();
        meter.charge("a", Measure::Summary, patient(1), 0);
        meter.charge("a", Measure::Content, patient(2), 0);
        meter.charge("b", Measure::Content, patient(3), 0);
        meter.charge("b", Measure::Content, patient(4), 0);
        assert_eq!(meter.counts("a", Measure::Summary, 0).patients_day, 1);
        assert_eq!(meter.counts("a", Measure::Content, 0).patients_day, 1);
        assert_eq!(meter.counts("b", Measure::Content, 0).patients_day, 2);
        assert_eq!(meter.counts("c", Measure::Content, 0), Counts::default());
    }

    #[test]
    fn windows_end_to_the_microsecond() {
        let mut meter = Meter::default();
        meter.charge("a", Measure::Content, patient(1), 0);
        for (now, hour, day) in
            [(HOUR_MICROS - 1, 1, 1), (HOUR_MICROS, 0, 1), (DAY_MICROS - 1, 0, 1), (DAY_MICROS, 0, 0)]
        {
            let expected = Counts { patients_hour: hour, patients_day: day };
            assert_eq!(meter.counts("a", Measure::Content, now), expected, "at {now}");
        }
        let mut meter = Meter::default();
        meter.charge("a", Measure::Content, patient(1), 0);
        meter.forget_before(DAY_MICROS - 1);
        assert_eq!(meter.len(), 1);
        meter.forget_before(DAY_MICROS);
        assert!(meter.is_empty());
    }

    #[test]
    fn a_clock_that_steps_back_forgets_nothing() {
        let mut meter = Meter::default();
        meter.charge("a", Measure::Content, patient(1), HOUR_MICROS);
        meter.charge("a", Measure::Content, patient(1), 0);
        assert_eq!(meter.counts("a", Measure::Content, HOUR_MICROS + 1).patients_hour, 1);
    }

    proptest! {
        #[test]
        fn counts_equal_a_plain_recount(openings in prop::collection::vec((0u8..4, 0u8..20, 0i64..2 * DAY_MICROS), 0..200)) {
            let mut openings = openings;
            openings.sort_by_key(|(_, _, at)| *at);
            let mut meter = Meter::default();
            let now = openings.last().map_or(0, |(_, _, at)| *at);
            for (actor, p, at) in &openings {
                meter.charge(&actor.to_string(), Measure::Content, patient(*p), *at);
                if at % 7 == 0 {
                    meter.forget_before(*at);
                }
            }
            for actor in 0u8..4 {
                let distinct = |window: Micros| {
                    let seen: HashSet<u8> = openings
                        .iter()
                        .filter(|(a, _, at)| *a == actor && now - at < window)
                        .map(|(_, p, _)| *p)
                        .collect();
                    u32::try_from(seen.len()).unwrap()
                };
                let expected = Counts { patients_hour: distinct(HOUR_MICROS), patients_day: distinct(DAY_MICROS) };
                prop_assert_eq!(meter.counts(&actor.to_string(), Measure::Content, now), expected);
            }
        }
    }
}
