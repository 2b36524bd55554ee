//! What does not look like honest work, from the stream of decided requests. Time is a value; nothing here reads a clock, a
//! disk or a name of a patient.
//!
//! Budgets bound what anybody can take. This notices earlier, and says what it looks like: who opens more than ever, at an
//! hour at which it never works, patients of strangers, one after the other in the order of a store or a list.

mod actor;
mod habit;
mod shape;
mod thresholds;

pub use actor::Actor;
pub use habit::Habit;
pub use thresholds::Thresholds;

use super::{Kind, Severity};
use record::{Micros, Pseudonym, Role};
use std::collections::HashMap;

/// One minute.
pub(super) const MINUTE_MICROS: Micros = 60_000_000;
/// One hour.
pub(super) const HOUR_MICROS: Micros = 60 * MINUTE_MICROS;

/// One decided request about one patient, or one refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When.
    pub at: Micros,
    /// Whose; empty for strangers.
    pub actor: String,
    /// In which role.
    pub role: Option<Role>,
    /// What came of it.
    pub what: What,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Contents were opened.
    Opened(Opened),
    /// An identity was shown in a list.
    Listed(Pseudonym),
    /// It was refused.
    Refused,
    /// Other bytes or another identity were sent for what had been sent before.
    Rewrote(u32),
}

/// One patient whose contents were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Whose.
    pub patient: Pseudonym,
    /// How many objects.
    pub objects: u32,
    /// The patient's place in the order of admission.
    pub row: i64,
    /// Since when the patient is known.
    pub since: Micros,
    /// The facility whose patient it is; the actor's own if it has treated the patient.
    pub home: i64,
    /// Whether that is the actor's own.
    pub is_own: bool,
}

/// Something that does not look like honest work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it looks like.
    pub kind: Kind,
    /// How sure that is.
    pub severity: Severity,
    /// One sentence with figures and no patient.
    pub text: String,
}

/// Everybody who was at work lately, and everybody's habits.
#[derive(Debug, Default)]
pub struct Detector {
    thresholds: Thresholds,
    offset: Micros,
    actors: HashMap<String, Actor>,
}

impl Detector {
    /// A detector with nothing heard. Local time tells usual hours.
    #[must_use]
    pub fn new(thresholds: Thresholds, utc_offset_hours: i8) -> Self {
        Self { thresholds, offset: Micros::from(utc_offset_hours) * HOUR_MICROS, actors: HashMap::new() }
    }

    /// Hears of one request; says what is new about it.
    pub fn hear(&mut self, heard: &Heard) -> Vec<Finding> {
        let actor = self.actors.entry(heard.actor.clone()).or_default();
        actor.hear(heard, &self.thresholds, self.offset)
    }

    /// What is known of an actor's habits comes back.
    pub fn remember(&mut self, actor: String, habit: Habit) {
        self.actors.insert(actor, Actor::with(habit));
    }

    /// The habits that have changed since they were last asked for.
    pub fn changed(&mut self) -> Vec<(String, Habit)> {
        let changed = self.actors.iter_mut().filter(|(actor, _)| !actor.is_empty());
        changed.filter_map(|(actor, state)| Some((actor.clone(), state.changed()?))).collect()
    }

    /// Drops what no window can see any more.
    pub fn forget_before(&mut self, now: Micros) {
        self.actors.values_mut().for_each(|actor| actor.forget_before(now));
    }
}

#[cfg(test)]
mod tests;
