//! The books: who was opened within each window, exactly and in little memory.

use super::{DAY_SECONDS, HOUR_SECONDS, Holder, Measure, Numbers, PatientNumber, Seconds, Spent, Window};
use record::limits::METERED_OPENINGS_MAX;
use std::collections::{HashMap, HashSet, VecDeque};

/// Different patients in the two windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the last hour.
    pub patients_hour: u32,
    /// In the last day.
    pub patients_day: u32,
}

impl Counts {
    fn of(self, window: Window) -> u32 {
        match window {
            Window::Hour => self.patients_hour,
            Window::Day => self.patients_day,
        }
    }
}

/// For each holder of a budget and each measure, the patients of a day.
///
/// An opening counts for as many whole seconds as its window has and up to one more, because moments are kept in whole
/// seconds: never shorter.
#[derive(Clone, Debug, Default)]
pub struct Books {
    days: HashMap<(Holder, Measure), Day>,
}

/// The openings of one holder. A patient is in `last` once, with the latest opening; `openings` has every opening in order,
/// and those that are not the latest of their patient are dead and count nothing.
#[derive(Clone, Debug, Default)]
struct Day {
    last: HashMap<PatientNumber, Seconds>,
    openings: VecDeque<(Seconds, PatientNumber)>,
    /// Where in `openings` the last hour begins.
    hour_begins: usize,
    /// Patients whose latest opening lies there.
    in_hour: usize,
}

/// Dead openings that are kept before the living are gathered anew: so small a list costs nothing.
const DEAD_MIN: usize = 64;

impl Day {
    fn is_latest(&self, (at, patient): (Seconds, PatientNumber)) -> bool {
        self.last.get(&patient) == Some(&at)
    }

    /// What has left a window goes; each opening leaves once, so the cost of this is the cost of charging.
    fn slide(&mut self, now: Seconds) {
        while let Some(opening) = self.openings.get(self.hour_begins).copied()
            && has_left(opening.0, now, HOUR_SECONDS)
        {
            self.hour_begins += 1;
            self.in_hour -= usize::from(self.is_latest(opening));
        }
        while let Some(opening) = self.openings.front().copied()
            && has_left(opening.0, now, DAY_SECONDS)
        {
            self.openings.pop_front();
            // INVARIANT: whatever has left the day has left the hour before.
            self.hour_begins = self.hour_begins.saturating_sub(1);
            if self.is_latest(opening) {
                self.last.remove(&opening.1);
            }
        }
    }

    fn counts(&mut self, now: Seconds) -> Counts {
        self.slide(now);
        let count = |patients: usize| u32::try_from(patients).unwrap_or(u32::MAX);
        Counts { patients_hour: count(self.in_hour), patients_day: count(self.last.len()) }
    }

    fn charge(&mut self, patient: PatientNumber, now: Seconds) {
        // The clock of the budgets does not go back; if it did, an opening would not look older than it is.
        let now = self.openings.back().map_or(now, |(latest, _)| now.max(*latest));
        self.slide(now);
        match self.last.insert(patient, now) {
            Some(before) if before == now => return,
            Some(before) if !has_left(before, now, HOUR_SECONDS) => {}
            _ => self.in_hour += 1,
        }
        self.openings.push_back((now, patient));
        if self.openings.len() > 2 * self.last.len() + DEAD_MIN {
            let last = &self.last;
            self.openings.retain(|(at, patient)| last.get(patient) == Some(at));
            self.openings.shrink_to(2 * last.len() + DEAD_MIN);
            self.hour_begins = self.openings.partition_point(|(at, _)| has_left(*at, now, HOUR_SECONDS));
        }
    }

    /// Whether a patient counts in a window already. The books have slid to `now`.
    fn holds(&self, patient: PatientNumber, window: Window, now: Seconds) -> bool {
        self.last.get(&patient).is_some_and(|at| !has_left(*at, now, window.seconds()))
    }

    /// In how many seconds all of these patients fit, if nothing else is opened meanwhile; `None` if they never do. Those of
    /// them who count now may have left by then, so only the others are looked at.
    fn room_in(&self, window: Window, patients: &HashSet<PatientNumber>, limit: u32, now: Seconds) -> Option<Seconds> {
        let begins = if window == Window::Hour { self.hour_begins } else { 0 };
        let room = usize::try_from(limit).ok()?.checked_sub(patients.len())?;
        let is_other = |opening: &(Seconds, PatientNumber)| self.is_latest(*opening) && !patients.contains(&opening.1);
        let others = self.openings.iter().skip(begins).copied().filter(is_other);
        let must_leave = others.clone().count().checked_sub(room)?;
        let (at, _) = others.clone().nth(must_leave.checked_sub(1)?)?;
        Some(at.saturating_add(window.seconds()).saturating_add(1).saturating_sub(now))
    }
}

fn has_left(at: Seconds, now: Seconds, span: Seconds) -> bool {
    now.saturating_sub(at) > span
}

impl Books {
    /// Writes one opening down. Opening the same patient again renews its time and adds nothing.
    pub fn charge(&mut self, holder: &Holder, measure: Measure, patient: PatientNumber, now: Seconds) {
        // The name is copied only where somebody opens for the first time in a day.
        let place = (holder.clone(), measure);
        self.days.entry(place).or_default().charge(patient, now);
    }

    /// The patients that a holder has opened within an hour and within a day.
    pub fn counts(&mut self, holder: &Holder, measure: Measure, now: Seconds) -> Counts {
        self.days.get_mut(&(holder.clone(), measure)).map_or_else(Counts::default, |day| day.counts(now))
    }

    /// Whether these patients fit a holder's budget. Those that count already need no room.
    ///
    /// # Errors
    /// The window that does not hold them.
    pub fn fits(
        &mut self,
        holder: &Holder,
        measure: Measure,
        patients: &HashSet<PatientNumber>,
        numbers: Numbers,
        now: Seconds,
    ) -> Result<(), Spent> {
        let empty = Day::default();
        let mut counts = Counts::default();
        let mut day = &empty;
        if let Some(found) = self.days.get_mut(&(holder.clone(), measure)) {
            counts = found.counts(now);
            day = found;
        }
        for window in [Window::Hour, Window::Day] {
            let new = patients.iter().filter(|patient| !day.holds(**patient, window, now)).count();
            let wanted = u32::try_from(new).unwrap_or(u32::MAX);
            let (limit, counted) = (numbers.of(window), counts.of(window));
            let over = counted.saturating_add(wanted).saturating_sub(limit);
            // Who asks for nothing new is never in the way of a budget that was lowered since.
            if wanted > 0 && over > 0 {
                let retry_after_seconds = day.room_in(window, patients, limit, now);
                return Err(Spent { scope: holder.scope, window, limit, counted, wanted, retry_after_seconds });
            }
        }
        Ok(())
    }

    /// Drops what no window can see any more.
    pub fn forget_before(&mut self, now: Seconds) {
        self.days.retain(|_, day| day.counts(now).patients_day > 0);
    }

    /// How many (holder, measure, patient) the books hold.
    #[must_use]
    pub fn len(&self) -> usize {
        self.days.values().map(|day| day.last.len()).sum()
    }

    /// Whether so many more would still be held: the books have an end, as the memory has.
    #[must_use]
    pub fn has_room(&self, more: usize) -> bool {
        self.len().saturating_add(more) <= METERED_OPENINGS_MAX
    }

    /// Whether nothing is written down.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }
}

#[cfg(test)]
mod tests;
