//! The budgets' settings: `[budgets]` of the configuration.
//!
//! The defaults are for a hospital that has not counted its own work yet. Whoever has counted sets other numbers; what
//! they mean to a thief is in `docs/threat-model.md`.

use policy::budget::{Amount, Holder, Limits, Measure, Scope, Share};
use record::Role;
use serde::Deserialize;
use std::collections::BTreeMap;

/// All budgets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// Whether a spent budget refuses.
    pub mode: Mode,
    /// People, by role.
    pub actor: Roles,
    /// A machine of a facility: a DICOM peer, or a system with a token.
    pub feed: Both,
    /// The browser or tool that a person's session is bound to.
    pub device: Both,
    /// A facility.
    pub facility: Both,
    /// Facilities that have numbers of their own, by code.
    pub facilities: BTreeMap<String, Both>,
    /// One archive node.
    pub node: Both,
    /// Everything.
    pub system: Both,
    /// What a colleague may approve on the spot.
    pub step_up: StepUp,
    /// Emergencies.
    pub break_glass: BreakGlass,
}

/// What a colleague may approve on the spot. The day's budgets stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepUp {
    /// Patients more to open in an hour.
    pub contents: u32,
    /// Patients more to list in an hour.
    pub summaries: u32,
    /// For how long.
    pub minutes: u32,
    /// How long an asking waits.
    pub wait_minutes: u32,
    /// How often somebody may ask in a day.
    pub asks_a_day: usize,
    /// How often in a day it may be approved for one person.
    pub grants_a_day: usize,
    /// How often one person may approve in a day.
    pub approvals_a_day: usize,
    /// So many approvals in a day, between people who have approved each other directly or in a ring, end it.
    pub rings_a_day: usize,
}

impl Default for StepUp {
    fn default() -> Self {
        Self {
            // A third of a clinician's hour, for the hour that it is asked in: an unusual clinic, not another reader.
            contents: 20,
            summaries: 200,
            minutes: 60,
            // A colleague who is asked stands beside.
            wait_minutes: 15,
            asks_a_day: 6,
            // Three bad hours are a bad day; more is a budget that is too small.
            grants_a_day: 3,
            approvals_a_day: 5,
            // Two on night duty may help each other once.
            rings_a_day: 2,
        }
    }
}

/// Emergencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakGlass {
    /// How often one person may declare one in a day.
    pub actor_a_day: usize,
    /// How often the people of one facility may.
    pub facility_a_day: usize,
    /// For how long the patient's record is open.
    pub minutes: u32,
    /// Within how many hours it has to be reviewed.
    pub review_hours: u32,
}

impl Default for BreakGlass {
    fn default() -> Self {
        Self {
            // Unknown patients come to an emergency department by the day, not by the hour.
            actor_a_day: 5,
            facility_a_day: 25,
            // What is left of a shift when it happens.
            minutes: 240,
            // The next day at the same hour somebody is at work again.
            review_hours: 24,
        }
    }
}

/// What a spent budget does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It refuses.
    #[default]
    Enforce,
    /// Nothing: openings are counted and logged alone. For an operator who counts honest work before setting numbers, and for
    /// measurements; every start in this mode is in the ledger.
    Observe,
}

/// People's budgets by role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Who reads and reports.
    pub clinician: Both,
    /// Who takes images.
    pub radiographer: Both,
    /// Who makes results.
    pub laboratory: Both,
    /// Who keeps identities.
    pub registrar: Both,
    /// Every other role.
    pub other: Both,
}

/// Contents opened and identities listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Both {
    /// Patients whose contents are opened.
    pub contents: Windows,
    /// Patients who are shown in a list.
    pub summaries: Windows,
}

/// A measure's two windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// In an hour.
    pub hour: Quantity,
    /// In a day.
    pub day: Quantity,
}

/// A number of patients, or a share of all: `60`, or `{ per_mille = 2, min = 200, max = 2000 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Quantity {
    /// So many.
    Number(u32),
    /// A share of all patients, within bounds.
    Share {
        /// Of a thousand patients so many.
        per_mille: u32,
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
}

const fn numbers(contents: [u32; 2], summaries: [u32; 2]) -> Both {
    const fn windows([hour, day]: [u32; 2]) -> Windows {
        Windows { hour: Quantity::Number(hour), day: Quantity::Number(day) }
    }
    Both { contents: windows(contents), summaries: windows(summaries) }
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            // Plain films are the fastest honest reading, one a minute, and 200 are a long day of it. A list shows 50
            // patients a page: eight pages an hour while looking for one, thirty a day.
            clinician: numbers([60, 200], [400, 1_500]),
            // A room takes a patient every two minutes; its list is that of the day.
            radiographer: numbers([30, 150], [300, 1_200]),
            // One person looks over the results of some 150 patients that a machine has not released, on bad days 350, and in batches.
            laboratory: numbers([120, 400], [400, 1_500]),
            // A desk serves one patient a minute, found among five namesakes, and opens contents for a patient who asks.
            registrar: numbers([10, 20], [300, 1_500]),
            // Nobody whose work is not known needs many.
            other: numbers([10, 20], [50, 200]),
        }
    }
}

impl Default for Budgets {
    fn default() -> Self {
        let share = |per_mille, min, max| Quantity::Share { per_mille, min, max };
        // What rests on a node's own word: peers' names, tokens without a key, and whatever a proof was not made for. A thief who
        // rules the node must not get more than 0.2 % of all patients a day by it, nor more than 2,000 of however many there are.
        // A small hospital whose viewers are all DICOM peers opens up to 100 in a day, however few patients its archive has. An
        // hour may have it all: mornings are busy, and the day decides. Identities in lists weigh less and are many more: a
        // hospital's peers list who is there today.
        let node = Both {
            contents: Windows { hour: share(2, 100, 2_000), day: share(2, 100, 2_000) },
            summaries: Windows { hour: share(5, 1_000, 10_000), day: share(10, 2_000, 20_000) },
        };
        // Everything that is opened at all. One large hospital must fit, and of many hospitals the sum of their days, which simulated
        // weeks put at 0.4 to 1 % of all patients in archives of some years: twice that.
        let system = Both {
            contents: Windows { hour: share(5, 1_500, 30_000), day: share(20, 5_000, 100_000) },
            summaries: Windows { hour: share(20, 6_000, 120_000), day: share(40, 15_000, 300_000) },
        };
        Self {
            mode: Mode::default(),
            actor: Roles::default(),
            // A hospital's own system asks for everybody there, so it has what the hospital has.
            feed: numbers([300, 2_000], [5_000, 10_000]),
            // A ward's or laboratory's computer serves a few people in turn, never two at once.
            device: numbers([150, 450], [600, 2_500]),
            // 1,000 beds and 2,500 outpatients a day: each is opened by somebody, in a busy hour a quarter of them.
            facility: numbers([1_500, 5_000], [6_000, 15_000]),
            facilities: BTreeMap::new(),
            node,
            system,
            step_up: StepUp::default(),
            break_glass: BreakGlass::default(),
        }
    }
}

impl Budgets {
    /// The limits of a holder, who has a role.
    #[must_use]
    pub fn limits(&self, holder: &Holder, role: Role, measure: Measure) -> Limits {
        let both = match holder.scope {
            Scope::Actor => self.actor.of(role),
            Scope::Feed => &self.feed,
            Scope::Device => &self.device,
            Scope::Facility => self.facilities.get(&holder.name).unwrap_or(&self.facility),
            Scope::Node => &self.node,
            Scope::System => &self.system,
        };
        let windows = match measure {
            Measure::Summary => both.summaries,
            Measure::Content => both.contents,
        };
        Limits { hour: windows.hour.into(), day: windows.day.into() }
    }
}

impl Roles {
    fn of(&self, role: Role) -> &Both {
        match role {
            Role::Clinician => &self.clinician,
            Role::Radiographer => &self.radiographer,
            Role::Laboratory => &self.laboratory,
            Role::Registrar => &self.registrar,
            _ => &self.other,
        }
    }
}

impl From<Quantity> for Amount {
    fn from(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Number(number) => Self::Number(number),
            Quantity::Share { per_mille, min, max } => Self::Share(Share { per_mille, min, max }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(budgets: &Budgets, scope: Scope, name: &str, measure: Measure, patients: u64) -> [u32; 2] {
        let holder = Holder { scope, name: name.into() };
        let numbers = budgets.limits(&holder, Role::Clinician, measure).of(patients);
        [numbers.hour, numbers.day]
    }

    #[test]
    fn what_is_not_set_stays_as_it_is() {
        let text = "
            [actor.clinician]
            contents = { hour = 7, day = 9 }
            summaries = { hour = 70, day = 90 }
            [node]
            contents = { hour = 50, day = { per_mille = 1, min = 5, max = 60 } }
            summaries = { hour = 500, day = 600 }
            [facilities.RSX]
            contents = { hour = 1, day = 2 }
            summaries = { hour = 3, day = 4 }
        ";
        let budgets: Budgets = toml::from_str(text).unwrap();
        assert_eq!(of(&budgets, Scope::Actor, "p", Measure::Content, 0), [7, 9]);
        assert_eq!(of(&budgets, Scope::Actor, "p", Measure::Summary, 0), [70, 90]);
        assert_eq!(of(&budgets, Scope::Node, "n", Measure::Content, 20_000), [50, 20]);
        assert_eq!(of(&budgets, Scope::Facility, "RSX", Measure::Summary, 0), [3, 4]);
        let default = Budgets::default();
        assert_eq!((budgets.system, budgets.feed, budgets.mode), (default.system, default.feed, Mode::Enforce));
        for wrong in ["[actor.surgeon]\n", "mode = \"off\"", "[node]\ncontents = { hour = 1 }"] {
            assert!(toml::from_str::<Budgets>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whatever_rules_a_node_gets_a_two_thousandth_and_never_more_than_two_thousand() {
        let budgets = Budgets::default();
        for (patients, day) in [(5_000, 100), (50_000, 100), (100_000, 200), (500_000, 1_000), (6_000_000, 2_000)] {
            assert_eq!(of(&budgets, Scope::Node, "", Measure::Content, patients)[1], day, "{patients}");
        }
    }

    #[test]
    fn a_day_is_never_less_than_an_hour() {
        let budgets = Budgets::default();
        for scope in [Scope::Actor, Scope::Feed, Scope::Device, Scope::Facility, Scope::Node, Scope::System] {
            for (role, _) in Role::all() {
                for measure in [Measure::Summary, Measure::Content] {
                    for patients in [0, 100_000, 6_000_000] {
                        let holder = Holder { scope, name: String::new() };
                        let numbers = budgets.limits(&holder, *role, measure).of(patients);
                        assert!(0 < numbers.hour && numbers.hour <= numbers.day, "{scope:?} {role:?} {measure:?}");
                    }
                }
            }
        }
    }
}
