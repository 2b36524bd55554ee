//! What an actor usually does, day by day. Everything here can be heard twice without counting twice, so a restart may
//! replay its last hour.

use super::HOUR_MICROS;
use minicbor::{Decode, Encode};
use record::Micros;
use std::collections::BTreeSet;

const DAY_MICROS: Micros = 24 * HOUR_MICROS;
/// Hours after work that are still overtime.
const OVERTIME_HOURS: u32 = 5;
/// Hours before work that are an early start.
const EARLY_HOURS: u32 = 3;
/// Facilities that are remembered for one actor.
const HOMES_MAX: usize = 64;
/// Days after which older ones weigh half: habits change with the roster.
const DAYS_MAX: u16 = 60;

/// An actor's habits, sealed in the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Habit {
    /// Days on which it worked, before this one.
    #[n(0)]
    pub days: u16,
    /// On how many of them it worked at each hour of the day, local time.
    #[n(1)]
    pub hours: [u16; 24],
    /// Patients in the busiest hour of its days, the newest weighing most, times 8.
    #[n(2)]
    pub peak: u32,
    /// Facilities whose patients it has opened.
    #[n(3)]
    pub homes: BTreeSet<i64>,
    /// The day it works on now.
    #[n(4)]
    pub today: i64,
    /// The hours of that day, a bit each.
    #[n(5)]
    pub mask: u32,
    /// Patients in the busiest hour of that day.
    #[n(6)]
    pub busiest: u32,
    /// Facilities that it has opened a patient of for the first time on that day.
    #[n(7)]
    pub new_homes: BTreeSet<i64>,
}

impl Habit {
    /// The hour of the day.
    pub fn hour(at: Micros, offset: Micros) -> u32 {
        let hour = at.saturating_add(offset).rem_euclid(DAY_MICROS) / HOUR_MICROS;
        u32::try_from(hour).unwrap_or_default()
    }

    /// Adds work at a time, with so many patients in its hour.
    pub fn work(&mut self, at: Micros, offset: Micros, patients: u32, home: i64) {
        let day = at.saturating_add(offset).div_euclid(DAY_MICROS);
        if day > self.today {
            self.fold();
            self.today = day;
        }
        self.mask |= 1 << Self::hour(at, offset).min(23);
        self.busiest = self.busiest.max(patients);
        if !self.homes.contains(&home) && self.new_homes.len() < HOMES_MAX {
            self.new_homes.insert(home);
        }
    }

    /// The day is over and becomes habit.
    fn fold(&mut self) {
        if self.mask == 0 {
            return;
        }
        self.days = self.days.saturating_add(1);
        for (hour, days) in self.hours.iter_mut().enumerate() {
            *days = days.saturating_add(u16::from(self.mask & (1 << hour) != 0));
        }
        // The busiest days stay in mind for some weeks: a peak fades by an eighth a day.
        self.peak = (self.peak.saturating_sub(self.peak / 8)).max(self.busiest.saturating_mul(8));
        if self.homes.len() < HOMES_MAX {
            self.homes.append(&mut self.new_homes);
        }
        if self.days >= DAYS_MAX {
            self.days /= 2;
            self.hours.iter_mut().for_each(|days| *days = days.div_ceil(2));
        }
        (self.mask, self.busiest) = (0, 0);
        self.new_homes.clear();
    }

    /// Patients in its usual busiest hour.
    #[must_use]
    pub fn usual_peak(&self) -> u32 {
        self.peak / 8
    }

    /// Whether it has never worked at this hour, nor in the five before it or the three after it: overtime and an early
    /// start are not strange, and neither is work that goes on.
    #[must_use]
    pub fn is_strange_hour(&self, at: Micros, offset: Micros) -> bool {
        let hour = Self::hour(at, offset);
        let is_today = at.saturating_add(offset).div_euclid(DAY_MICROS) == self.today;
        (hour + 24 - OVERTIME_HOURS..=hour + 24 + EARLY_HOURS).all(|hour| {
            let index = usize::try_from(hour % 24).unwrap_or_default();
            let has_worked_today =
                is_today && hour < Self::hour(at, offset) + 24 && self.mask & (1 << (hour % 24)) != 0;
            !has_worked_today && self.hours.get(index).is_some_and(|days| *days == 0)
        })
    }
}
