//! From which figures on work does not look honest. Each number has its reason; a hospital that works otherwise changes it.

use record::Role;
use serde::Deserialize;

/// `[alarms.thresholds]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Patients an hour that need no habit, by role.
    pub volume: PerRole,
    /// How many times its own busiest hour an actor may open before it is a matter of volume.
    pub volume_times: u32,
    /// Identities an hour that may be listed though next to nothing is opened, by role.
    pub listed: PerRole,
    /// Of a hundred listed, so many at least are opened by whoever looks for somebody.
    pub opened_percent: u32,
    /// Other facilities' patients: from how many facilities on within an hour.
    pub facilities: u32,
    /// Patients at an unusual hour, or of a facility never seen before, before it is worth a word: one may be a favour.
    pub strange_patients: u32,
    /// Days of work that make a habit.
    pub habit_days: u16,
    /// Patients in a row that make a shape.
    pub shape_patients: u32,
    /// Of a hundred steps from one patient to the next, so many at least go the same way in a walk.
    pub shape_percent: u32,
    /// A walk along a list goes at this pace at least: seconds from one patient to the next. Reading takes longer.
    pub shape_seconds: u32,
    /// Refusals within ten minutes.
    pub refusals: u32,
    /// Objects an hour that a feed sends otherwise than before.
    pub rewrites: u32,
}

/// A number for each role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PerRole {
    /// Clinicians.
    pub clinician: u32,
    /// Radiographers.
    pub radiographer: u32,
    /// Laboratories.
    pub laboratory: u32,
    /// Registrars.
    pub registrar: u32,
    /// Systems and feeds.
    pub system: u32,
    /// Everybody else.
    pub other: u32,
}

impl PerRole {
    /// The number of a role.
    #[must_use]
    pub fn of(&self, role: Option<Role>) -> u32 {
        match role {
            Some(Role::Clinician) => self.clinician,
            Some(Role::Radiographer) => self.radiographer,
            Some(Role::Laboratory) => self.laboratory,
            Some(Role::Registrar) => self.registrar,
            Some(Role::System) => self.system,
            _ => self.other,
        }
    }
}

impl Default for PerRole {
    fn default() -> Self {
        Thresholds::default().volume
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            // A radiologist reads up to 40 radiographs an hour and a ward round sees 30 patients; a room makes 20 examinations;
            // a laboratory validates results in batches of 100; a desk registers one patient a minute; a router sends one
            // study every 6 s; auditors and others look at single records.
            volume: PerRole { clinician: 45, radiographer: 30, laboratory: 120, registrar: 60, system: 600, other: 30 },
            // A busy hour is twice a usual one; three times has another reason.
            volume_times: 3,
            // A work list of a day has up to 150 patients and is looked at in two or three variants; a system polls the lists
            // of a whole hospital.
            listed: PerRole {
                clinician: 450,
                radiographer: 450,
                laboratory: 450,
                registrar: 600,
                system: 3_000,
                other: 300,
            },
            // Whoever searches for somebody opens that one. One in fifty is less than the rarest honest search.
            opened_percent: 2,
            // Two referring facilities within an hour happen in a large hospital; four do not.
            facilities: 4,
            strange_patients: 3,
            // Two weeks of work.
            habit_days: 10,
            // Twenty steps that go the same way by chance: less than one in 40,000 at 90 of a hundred.
            shape_patients: 20,
            shape_percent: 90,
            // A radiograph is read in 30 s at best. A program that takes a patient every 10 s takes 360 an hour.
            shape_seconds: 12,
            // A lapsed relation is tried two or three times.
            refusals: 25,
            // A department that corrects a mislabelled series sends some ten objects anew for a patient, and a few patients a day.
            rewrites: 100,
        }
    }
}
