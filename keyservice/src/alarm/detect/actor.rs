//! One actor's last hour, held against thresholds and habits.

use super::habit::Habit;
use super::shape::{self, Step};
use super::thresholds::Thresholds;
use super::{Finding, HOUR_MICROS, Heard, Kind, MINUTE_MICROS, Opened, Severity, What};
use record::{Micros, Pseudonym, Role};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Patients, listed identities and refusals that are remembered of one actor's hour; budgets end far below.
const REMEMBERED_MAX: usize = 4_096;
/// How many steps a shape is looked for in.
const SHAPE_STEPS: usize = 60;

/// One actor.
#[derive(Debug, Default)]
pub struct Actor {
    habit: Habit,
    has_changed: bool,
    steps: VecDeque<Step>,
    last: Option<Pseudonym>,
    listed: HashMap<Pseudonym, (Micros, u64)>,
    lists: u64,
    /// When listed identities were last looked through.
    swept: Micros,
    refusals: VecDeque<Micros>,
    rewrites: VecDeque<(Micros, u32)>,
    rung: HashMap<Kind, (Micros, Severity)>,
}

impl Actor {
    pub(super) fn with(habit: Habit) -> Self {
        Self { habit, ..Self::default() }
    }

    pub(super) fn changed(&mut self) -> Option<Habit> {
        std::mem::take(&mut self.has_changed).then(|| self.habit.clone())
    }

    pub(super) fn forget_before(&mut self, now: Micros) {
        let hour_ago = now.saturating_sub(HOUR_MICROS);
        while self.steps.front().is_some_and(|step| step.at <= hour_ago) || self.steps.len() > REMEMBERED_MAX {
            self.steps.pop_front();
        }
        if now.saturating_sub(self.swept) >= MINUTE_MICROS {
            self.swept = now;
            self.listed.retain(|_, (at, _)| *at > hour_ago);
        }
        while self.refusals.front().is_some_and(|at| now.saturating_sub(*at) > 10 * MINUTE_MICROS)
            || self.refusals.len() > REMEMBERED_MAX
        {
            self.refusals.pop_front();
        }
        while self.rewrites.front().is_some_and(|(at, _)| *at <= hour_ago) || self.rewrites.len() > REMEMBERED_MAX {
            self.rewrites.pop_front();
        }
    }

    pub(super) fn hear(&mut self, heard: &Heard, thresholds: &Thresholds, offset: Micros) -> Vec<Finding> {
        let mut found = Vec::new();
        match heard.what {
            What::Opened(opened) => {
                if self.open(heard, opened) {
                    found.extend(self.volume(heard, thresholds));
                    found.extend(self.breadth(heard, thresholds));
                    found.extend(self.strangeness(heard, thresholds, offset));
                    found.extend(self.enumeration(heard, thresholds));
                }
                let patients = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
                self.habit.work(heard.at, offset, patients, opened.home);
                self.has_changed = true;
            }
            What::Listed(patient) => found.extend(self.list(heard, patient, thresholds)),
            What::Refused => {
                self.refusals.push_back(heard.at);
                self.forget_before(heard.at);
                found.extend(self.refused(thresholds));
            }
            What::Rewrote(objects) => {
                self.rewrites.push_back((heard.at, objects));
                self.forget_before(heard.at);
                found.extend(self.rewrote(thresholds));
            }
        }
        found.retain(|finding| self.is_news(finding, heard.at));
        found
    }

    /// Whether it is a patient that was not opened within the hour.
    fn open(&mut self, heard: &Heard, opened: Opened) -> bool {
        let returns = u32::from(self.last != Some(opened.patient));
        self.last = Some(opened.patient);
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.opened.patient == opened.patient) {
            step.returns += returns;
            step.opened.objects = step.opened.objects.saturating_add(opened.objects);
            return false;
        }
        let listed = self.listed.get(&opened.patient).map(|(_, place)| *place);
        self.steps.push_back(Step { at: heard.at, opened, listed, returns: 0 });
        self.forget_before(heard.at);
        true
    }

    fn volume(&self, heard: &Heard, thresholds: &Thresholds) -> Option<Finding> {
        let patients = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        let usual = self.habit.usual_peak();
        let limit = thresholds.volume.of(heard.role).max(usual.saturating_mul(thresholds.volume_times));
        let severity = match patients {
            _ if patients <= limit => return None,
            _ if patients > limit.saturating_mul(2) => Severity::Critical,
            _ => Severity::Warning,
        };
        let text =
            format!("opened {patients} patients within an hour; usual is up to {usual}, worth a word above {limit}");
        Some(Finding { kind: Kind::Volume, severity, text })
    }

    fn breadth(&self, heard: &Heard, thresholds: &Thresholds) -> Option<Finding> {
        let homes: BTreeSet<i64> = self.steps.iter().filter(|s| !s.opened.is_own).map(|s| s.opened.home).collect();
        let count = u32::try_from(homes.len()).unwrap_or(u32::MAX);
        let is_much = count >= thresholds.facilities && heard.role != Some(Role::System);
        is_much.then(|| Finding {
            kind: Kind::Breadth,
            severity: Severity::Warning,
            text: format!("opened patients of {count} other facilities within an hour"),
        })
    }

    /// Unusual hours and facilities; both need a habit, and systems work around the clock.
    fn strangeness(&self, heard: &Heard, thresholds: &Thresholds, offset: Micros) -> Vec<Finding> {
        if self.habit.days < thresholds.habit_days || heard.role == Some(Role::System) {
            return Vec::new();
        }
        let count = |is_strange: &dyn Fn(&Step) -> bool| {
            u32::try_from(self.steps.iter().filter(|step| is_strange(step)).count()).unwrap_or(u32::MAX)
        };
        let mut found = Vec::new();
        let at_hour = count(&|step| self.habit.is_strange_hour(step.at, offset));
        if at_hour >= thresholds.strange_patients && self.habit.is_strange_hour(heard.at, offset) {
            let text =
                format!("opened {at_hour} patients at an hour at which it has not worked on {} days", self.habit.days);
            found.push(Finding { kind: Kind::Hour, severity: Severity::Warning, text });
        }
        let unseen = count(&|step| !step.opened.is_own && !self.habit.homes.contains(&step.opened.home));
        if unseen >= thresholds.strange_patients {
            let text = format!("opened {unseen} patients of facilities that it had never opened a patient of");
            found.push(Finding { kind: Kind::UnseenFacility, severity: Severity::Warning, text });
        }
        found
    }

    fn enumeration(&self, heard: &Heard, thresholds: &Thresholds) -> Option<Finding> {
        let from = self.steps.len().saturating_sub(SHAPE_STEPS);
        let last: Vec<Step> = self.steps.iter().skip(from).copied().collect();
        let walk = shape::walk(&last, thresholds)?;
        // A synchronising system walks too. Whether that was agreed is for a person to say.
        let is_sure = walk.patients >= thresholds.shape_patients + thresholds.shape_patients / 2;
        let severity = if is_sure && heard.role != Some(Role::System) { Severity::Critical } else { Severity::Warning };
        let text = format!("opened {} patients {}, hardly any of them twice", walk.patients, walk.order);
        Some(Finding { kind: Kind::Enumeration, severity, text })
    }

    fn list(&mut self, heard: &Heard, patient: Pseudonym, thresholds: &Thresholds) -> Option<Finding> {
        self.lists += 1;
        let place = self.lists;
        let is_known = self.listed.contains_key(&patient);
        if is_known || self.listed.len() < REMEMBERED_MAX {
            self.listed.insert(patient, (heard.at, place));
        }
        if is_known {
            return None;
        }
        let limit = thresholds.listed.of(heard.role);
        let listed = |actor: &Self| u32::try_from(actor.listed.len()).unwrap_or(u32::MAX);
        if listed(self) <= limit {
            return None;
        }
        self.forget_before(heard.at);
        let (listed, opened) = (listed(self), u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        let is_much = listed > limit && opened.saturating_mul(100) < listed.saturating_mul(thresholds.opened_percent);
        is_much.then(|| Finding {
            kind: Kind::Searches,
            severity: Severity::Warning,
            text: format!("had {listed} identities listed within an hour and opened {opened}"),
        })
    }

    fn refused(&self, thresholds: &Thresholds) -> Option<Finding> {
        let count = u32::try_from(self.refusals.len()).unwrap_or(u32::MAX);
        let is_flood = count >= thresholds.refusals.saturating_mul(4);
        (count >= thresholds.refusals).then(|| Finding {
            kind: Kind::Refusals,
            severity: if is_flood { Severity::Critical } else { Severity::Warning },
            text: format!("was refused {count} times within ten minutes"),
        })
    }

    fn rewrote(&self, thresholds: &Thresholds) -> Option<Finding> {
        let objects: u32 = self.rewrites.iter().map(|(_, objects)| *objects).fold(0, u32::saturating_add);
        (objects >= thresholds.rewrites).then(|| Finding {
            kind: Kind::Rewrites,
            severity: Severity::Warning,
            text: format!("sent {objects} objects within an hour otherwise than it had sent them before"),
        })
    }

    /// The same is told once an hour, unless it has become worse.
    fn is_news(&mut self, finding: &Finding, now: Micros) -> bool {
        let told = self.rung.get(&finding.kind);
        let is_news = told.is_none_or(|(at, severity)| now - at >= HOUR_MICROS || finding.severity > *severity);
        if is_news {
            self.rung.insert(finding.kind, (now, finding.severity));
        }
        is_news
    }
}
