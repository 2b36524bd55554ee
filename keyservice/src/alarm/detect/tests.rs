//! Honest shifts, which must give few alarms, and thieves, who must not pass.

use super::*;
use std::collections::BTreeMap;

/// SplitMix64: a failure replays from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

const DAY: Micros = 24 * HOUR_MICROS;
const SECOND: Micros = 1_000_000;
/// Monday 00:00 in Jakarta.
const MONDAY: Micros = 19_723 * DAY - 7 * HOUR_MICROS;

/// A patient's pseudonym is random, as the service makes it.
fn pseudonym(row: i64) -> Pseudonym {
    let mut random = Random(u64::try_from(row).unwrap().wrapping_mul(77));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random.next().to_be_bytes());
    bytes[8..].copy_from_slice(&random.next().to_be_bytes());
    Pseudonym(bytes)
}

fn opened(row: i64, objects: u32, at: Micros, age: Micros, home: i64, is_own: bool) -> What {
    What::Opened(Opened { patient: pseudonym(row), objects, row, since: at - age, home, is_own })
}

struct Hospital {
    number: i64,
    /// Rows of its patients; today's are at the end.
    newest: i64,
}

/// What an actor does on a working day, in order of time.
struct Shift<'a> {
    random: &'a mut Random,
    hospital: &'a mut Hospital,
    heard: Vec<Heard>,
    actor: String,
    role: Role,
}

impl Shift<'_> {
    fn hear(&mut self, at: Micros, what: What) {
        self.heard.push(Heard { at, actor: self.actor.clone(), role: Some(self.role), what });
    }

    /// Today's patient, or one who was here before: rows ascend with arrivals.
    fn patient(&mut self) -> (i64, Micros) {
        if self.random.percent(45) {
            let back = i64::try_from(self.random.below(60)).unwrap();
            ((self.hospital.newest - back).max(1), 4 * HOUR_MICROS)
        } else {
            let back = i64::try_from(self.random.between(100, 8_000)).unwrap();
            ((self.hospital.newest - back).max(1), 90 * DAY)
        }
    }

    fn list(&mut self, at: Micros, count: u64) {
        for _ in 0..count {
            let (row, _) = self.patient();
            self.hear(at, What::Listed(pseudonym(row)));
        }
    }

    /// An hour of reading, ward or laboratory work: so many patients, with looks back at some.
    fn hour(&mut self, start: Micros, patients: u64, objects: u64, back: u64) {
        let listed = self.random.between(20, 90);
        self.list(start, listed);
        let mut seen: Vec<(i64, Micros)> = Vec::new();
        for n in 0..patients {
            let at = start + 3_500 * SECOND * i64::try_from(n).unwrap() / i64::try_from(patients).unwrap();
            let (row, age) = self.patient();
            let is_own = !self.random.percent(3);
            let home = if is_own { self.hospital.number } else { 1 + i64::try_from(self.random.below(3)).unwrap() };
            let count = u32::try_from(self.random.between(1, objects)).unwrap();
            self.hear(at, opened(row, count, at, age, home, home == self.hospital.number));
            seen.push((row, age));
            if self.random.percent(back) {
                let (row, age) = seen[usize::try_from(self.random.below(seen.len() as u64)).unwrap()];
                self.hear(at + SECOND, opened(row, 1, at, age, self.hospital.number, true));
            }
            if self.random.percent(2) {
                self.hear(at + 2 * SECOND, What::Refused);
            }
        }
    }
}

fn hours_of(role: Role, random: &mut Random, day: i64, person: u64) -> Vec<i64> {
    let weekend = day % 7 >= 5;
    match role {
        Role::System => (0..24).collect(),
        // A third is on nights one week in three; the others are on call now and then.
        Role::Clinician if person.is_multiple_of(3) && (day / 7) % 3 == 0 => vec![21, 22, 23, 0, 1, 2, 3, 4, 5, 6],
        Role::Clinician if random.percent(4) => vec![9, 10, 11, 20, 21, 22],
        _ if weekend && !random.percent(20) => Vec::new(),
        Role::Laboratory => (6..15).collect(),
        _ => (8..16).collect(),
    }
}

fn work(random: &mut Random, hospital: &mut Hospital, role: Role, person: u64, day: i64) -> Vec<Heard> {
    let actor = format!("{}-{}-{person}", hospital.number, role.name());
    let hours = hours_of(role, random, day, person);
    let mut shift = Shift { random, hospital, heard: Vec::new(), actor, role };
    for hour in hours {
        let start = MONDAY + day * DAY + hour * HOUR_MICROS + i64::try_from(shift.random.below(90)).unwrap() * SECOND;
        match role {
            // Every fourth is a radiologist, who reads down a list.
            Role::Clinician if person.is_multiple_of(4) => {
                let count = shift.random.between(10, 36);
                shift.hour(start, count, 60, 25);
            }
            Role::Clinician => {
                let count = shift.random.between(1, 9);
                shift.hour(start, count, 12, 40);
            }
            Role::Laboratory => {
                let count = shift.random.between(15, 90);
                shift.hour(start, count, 2, 12);
            }
            Role::System => {
                let count = shift.random.between(5, 60);
                shift.hour(start, count, 40, 5);
                let rewritten = u32::try_from(shift.random.below(12)).unwrap();
                shift.hear(start, What::Rewrote(rewritten));
            }
            _ => {
                let count = shift.random.between(4, 18);
                shift.hour(start, count, 4, 30);
            }
        }
    }
    shift.heard
}

const STAFF: [(Role, u64); 5] =
    [(Role::Clinician, 40), (Role::Radiographer, 10), (Role::Laboratory, 4), (Role::Registrar, 6), (Role::System, 2)];

#[test]
fn an_honest_fortnight_gives_few_alarms_and_freezes_nobody() {
    let mut random = Random(20_260_105);
    let mut detector = Detector::new(Thresholds::default(), 7);
    let mut hospitals = [1, 2, 3].map(|number| Hospital { number, newest: 20_000 });
    let mut rung: BTreeMap<(&str, Severity), u32> = BTreeMap::new();
    let (mut openings, mut actor_days) = (0_u64, 0_u64);
    // Two weeks make habits, the next two are counted.
    for day in 0..28 {
        let mut heard = Vec::new();
        for hospital in &mut hospitals {
            hospital.newest += 250;
            for (role, count) in STAFF {
                for person in 0..count {
                    let shift = work(&mut random, hospital, role, person, day);
                    actor_days += u64::from(day >= 14 && !shift.is_empty());
                    heard.extend(shift);
                }
            }
        }
        heard.sort_by_key(|heard| heard.at);
        for heard in heard {
            let found = detector.hear(&heard);
            if day >= 14 {
                openings += u64::from(matches!(heard.what, What::Opened(_)));
                for finding in found {
                    *rung.entry((finding.kind.name(), finding.severity)).or_default() += 1;
                }
            }
        }
    }
    let all: u32 = rung.values().sum();
    println!("honest fortnight: {openings} openings on {actor_days} actor-days, {all} alarms: {rung:?}");
    assert!(rung.keys().all(|(_, severity)| *severity != Severity::Critical), "nobody honest is frozen: {rung:?}");
    // One in two hundred actor-days at most: three hospitals then hear one alarm a day.
    assert!(u64::from(all) * 200 <= actor_days, "{all} alarms on {actor_days} actor-days: {rung:?}");
}

/// What a login that is used in a way rings, and after how many patients.
fn rings(role: Role, each: impl Fn(u64) -> (Micros, What), count: u64) -> BTreeMap<Kind, (Severity, u64)> {
    let mut detector = Detector::new(Thresholds::default(), 7);
    let mut rung = BTreeMap::new();
    for n in 0..count {
        let (after, what) = each(n);
        let heard = Heard { at: MONDAY + 10 * HOUR_MICROS + after, actor: "thief".into(), role: Some(role), what };
        for finding in detector.hear(&heard) {
            let told = rung.entry(finding.kind).or_insert((finding.severity, n + 1));
            *told = (finding.severity.max(told.0), told.1);
        }
    }
    rung
}

/// Some patient, in no order.
fn anybody(n: u64) -> i64 {
    nth(Random(n).below(40_000)) + 1
}

fn nth(n: u64) -> i64 {
    i64::try_from(n).unwrap()
}

#[test]
fn walks_are_recognised_within_forty_patients_whatever_their_order() {
    let at = |n: u64, seconds: i64| nth(n) * seconds * SECOND;
    // In the order of admission, one a minute.
    let rung = rings(Role::Clinician, |n| (at(n, 60), opened(5_000 + nth(n) * 3, 5, at(n, 60), 90 * DAY, 1, true)), 40);
    assert!(rung[&Kind::Enumeration].1 <= 20 && rung[&Kind::Enumeration].0 == Severity::Critical, "{rung:?}");
    // Backwards.
    let rung = rings(Role::Clinician, |n| (at(n, 60), opened(5_000 - nth(n) * 3, 5, at(n, 60), 90 * DAY, 1, true)), 40);
    assert_eq!(rung[&Kind::Enumeration].0, Severity::Critical);
    // In the order of the store: pseudonyms ascend.
    let mut rows: Vec<i64> = (1..=40).collect();
    rows.sort_by_key(|row| pseudonym(*row));
    let rung = rings(Role::Registrar, |n| (at(n, 50), opened(rows[n as usize], 9, at(n, 50), 90 * DAY, 1, true)), 40);
    assert_eq!(rung[&Kind::Enumeration].0, Severity::Critical);
    // Any order, one object each, at a program's pace.
    let mixed = anybody;
    let rung = rings(Role::Clinician, |n| (at(n, 2), opened(mixed(n), 1, at(n, 2), 90 * DAY, 1, true)), 60);
    assert!(rung[&Kind::Enumeration].1 <= 40, "{rung:?}");
    // A system is reported and not stopped.
    let rung = rings(Role::System, |n| (at(n, 6), opened(5_000 + nth(n), 5, at(n, 6), 90 * DAY, 1, true)), 60);
    assert_eq!(rung[&Kind::Enumeration].0, Severity::Warning);
}

#[test]
fn a_walk_down_a_list_at_a_programs_pace_is_one_and_at_a_readers_pace_is_not() {
    for (seconds, expected) in [(5, true), (70, false)] {
        let mut detector = Detector::new(Thresholds::default(), 7);
        let mut has_rung = false;
        let row = anybody;
        for n in 0..60 {
            let what = What::Listed(pseudonym(row(n)));
            detector.hear(&Heard { at: MONDAY, actor: "a".into(), role: Some(Role::Clinician), what });
        }
        for n in 0..40 {
            let at = MONDAY + nth(n) * seconds * SECOND;
            let what = opened(row(n), 7, at, 90 * DAY, 1, true);
            let found = detector.hear(&Heard { at, actor: "a".into(), role: Some(Role::Clinician), what });
            has_rung |= found.iter().any(|finding| finding.kind == Kind::Enumeration);
        }
        assert_eq!(has_rung, expected, "every {seconds} s");
    }
}

#[test]
fn every_threshold_is_reached_and_not_a_step_before() {
    let limits = Thresholds::default();
    // Newly arrived patients, three objects each, at a person's pace: nothing but volume can be said of it.
    let volume = |count: u32| {
        let each =
            |n: u64| (nth(n) * 20 * SECOND, opened(nth((n * 7_919) % 4_001) + 1, 3, nth(n) * SECOND, 0, 1, true));
        rings(Role::Clinician, each, u64::from(count)).get(&Kind::Volume).copied()
    };
    assert_eq!(volume(limits.volume.clinician), None);
    assert_eq!(volume(limits.volume.clinician + 1).unwrap().0, Severity::Warning);
    assert_eq!(volume(limits.volume.clinician * 2).unwrap().0, Severity::Warning);
    assert_eq!(volume(limits.volume.clinician * 2 + 1).unwrap().0, Severity::Critical);

    let breadth = |count: u32| {
        let each = |n: u64| (nth(n) * 60 * SECOND, opened(nth(n) + 1, 3, 0, 0, nth(n) + 2, false));
        rings(Role::Clinician, each, u64::from(count)).contains_key(&Kind::Breadth)
    };
    assert!(!breadth(limits.facilities - 1) && breadth(limits.facilities));

    let listed = |count: u32| {
        let each = |n: u64| (nth(n) * SECOND, What::Listed(pseudonym(nth(n) + 1)));
        rings(Role::Clinician, each, u64::from(count)).contains_key(&Kind::Searches)
    };
    assert!(!listed(limits.listed.clinician) && listed(limits.listed.clinician + 1));

    let refused = |count: u32, seconds: i64| {
        rings(Role::Clinician, |n| (nth(n) * seconds * SECOND, What::Refused), u64::from(count))
            .contains_key(&Kind::Refusals)
    };
    assert!(!refused(limits.refusals - 1, 1) && refused(limits.refusals, 1) && !refused(200, 60));

    let rewrote =
        |objects: u32| rings(Role::System, |n| (nth(n), What::Rewrote(objects)), 1).contains_key(&Kind::Rewrites);
    assert!(!rewrote(limits.rewrites - 1) && rewrote(limits.rewrites));
}

#[test]
fn strange_hours_and_facilities_need_a_habit() {
    // The day after, with its first opening, is one of the ten.
    for (days, expected) in [(8, false), (9, true)] {
        let mut detector = Detector::new(Thresholds::default(), 7);
        let mut hear = |at: Micros, row: i64, home: i64| {
            let what = opened(row, 3, at, 0, home, home == 1);
            detector.hear(&Heard { at, actor: "a".into(), role: Some(Role::Clinician), what })
        };
        for day in 0..days {
            for hour in 8..16 {
                hear(MONDAY + day * DAY + hour * HOUR_MICROS, day * 10 + hour, 1);
            }
        }
        // A first opening closes the last day, in the usual hours and at home.
        hear(MONDAY + days * DAY + 8 * HOUR_MICROS, 9_000, 1);
        let night = MONDAY + (days + 1) * DAY + 3 * HOUR_MICROS;
        let found: Vec<Kind> = (0..3).flat_map(|n| hear(night + n, 5_000 + n, 2)).map(|finding| finding.kind).collect();
        assert_eq!(found.contains(&Kind::Hour), expected, "after {days} days");
        assert_eq!(found.contains(&Kind::UnseenFacility), expected, "after {days} days");
    }
}

#[test]
fn a_habit_heard_twice_counts_once() {
    let hear = |times: u32| {
        let mut habit = Habit::default();
        for day in 0..12 {
            for _ in 0..times {
                habit.work(MONDAY + day * DAY + 9 * HOUR_MICROS, 7 * HOUR_MICROS, 12, 1);
            }
        }
        habit
    };
    assert_eq!(hear(1), hear(5));
    assert_eq!((hear(1).days, hear(1).usual_peak()), (11, 12));
}

#[test]
fn a_flood_of_everything_stays_in_its_room() {
    let mut detector = Detector::new(Thresholds::default(), 7);
    for n in 0..20_000 {
        for what in [What::Listed(pseudonym(n)), opened(n + 1, 1, MONDAY, 0, 1, true), What::Refused, What::Rewrote(1)]
        {
            detector.hear(&Heard { at: MONDAY + n, actor: "a".into(), role: Some(Role::System), what });
        }
    }
    let told = format!("{:?}", detector.actors["a"]);
    assert!(told.len() < 4 << 20, "{}", told.len());
}
