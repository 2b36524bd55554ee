//! Honest shifts against the default budgets: how much of honest work is refused, or needs a colleague's word.
//!
//! What decides are the books and the defaults that the service decides by (`policy::budget`, `keyservice::Budgets`), with the time as a value:
//! weeks of many hospitals in seconds. How much people do is `shifts/hospital.rs`, a judgement about hospitals and none about budgets; each
//! figure there has its reason, and seeds are drawn apart for each archive.

mod hospital;

use crate::support::finding;
use hospital::{Act, Asker, Hospital, Random};
use keyservice::Budgets;
use policy::budget::{Books, DAY_SECONDS, HOUR_SECONDS, Holder, Measure, Scope, Spent};
use record::Role;
use std::collections::{BTreeMap, HashSet};

/// An archive: how many patients it has, its hospitals by beds, and how many of them send through one node.
struct Archive {
    name: &'static str,
    patients: u64,
    beds: &'static [u32],
    hospitals_per_node: usize,
}

const REGION: [u32; 15] = [1_000, 500, 500, 300, 300, 250, 200, 200, 150, 100, 100, 100, 80, 50, 50];

const ARCHIVES: [Archive; 5] = [
    Archive { name: "one small hospital", patients: 5_000, beds: &[50], hospitals_per_node: 1 },
    // A hospital that has begun a fortnight ago: much work, few patients in the archive.
    Archive { name: "one that has just begun", patients: 5_000, beds: &[250], hospitals_per_node: 1 },
    Archive { name: "one of 250 beds", patients: 100_000, beds: &[250], hospitals_per_node: 1 },
    Archive { name: "one of 1,000 beds", patients: 700_000, beds: &[1_000], hospitals_per_node: 1 },
    // A ministry's archive of 6,000,000 has four of these, each with a node of its own.
    Archive { name: "a region of 15 hospitals", patients: 1_500_000, beds: &REGION, hospitals_per_node: 15 },
];

/// What came of everybody's work.
#[derive(Default)]
struct Told {
    openings: u64,
    blocked: u64,
    lists: u64,
    lists_blocked: u64,
    by: BTreeMap<(String, &'static str), u64>,
    busiest: BTreeMap<(&'static str, &'static str), [u32; 2]>,
    held: usize,
}

fn charge(books: &mut Books, budgets: &Budgets, archive: &Archive, act: &Act, told: &mut Told) {
    let asker = &act.asker;
    let feed = asker.role == Role::System;
    let mut holders = vec![Holder { scope: if feed { Scope::Feed } else { Scope::Actor }, name: asker.name.clone() }];
    if let Some(device) = &asker.device {
        holders.push(Holder { scope: Scope::Device, name: device.clone() });
    }
    holders.push(Holder { scope: Scope::Facility, name: format!("H{}", asker.hospital) });
    if asker.is_claimed {
        let node = asker.hospital / archive.hospitals_per_node;
        holders.push(Holder { scope: Scope::Node, name: node.to_string() });
    }
    holders.push(Holder { scope: Scope::System, name: String::new() });
    let patients: HashSet<u32> = act.patients.iter().copied().collect();
    let refused: Option<Spent> = holders.iter().find_map(|holder| {
        let numbers = budgets.limits(holder, asker.role, act.measure).of(archive.patients);
        books.fits(holder, act.measure, &patients, numbers, act.at).err()
    });
    let (all, blocked) = match act.measure {
        Measure::Content => (&mut told.openings, &mut told.blocked),
        Measure::Summary => (&mut told.lists, &mut told.lists_blocked),
    };
    *all += 1;
    if let Some(spent) = refused {
        *blocked += 1;
        let who = format!("{} {} in a {}", spent.scope.name(), act.measure.name(), spent.window.name());
        *told.by.entry((who, asker.kind)).or_default() += 1;
        return;
    }
    for holder in &holders {
        for patient in &patients {
            books.charge(holder, act.measure, *patient, act.at);
        }
        let counts = books.counts(holder, act.measure, act.at);
        let most = told.busiest.entry((holder.scope.name(), act.measure.name())).or_default();
        *most = [most[0].max(counts.patients_hour), most[1].max(counts.patients_day)];
    }
}

fn work(archive: &Archive, seed: u64, days: u32) -> Told {
    let budgets = Budgets::default();
    let mut random = Random(seed);
    let mut hospitals: Vec<Hospital> =
        archive.beds.iter().enumerate().map(|(n, beds)| Hospital::new(n, *beds, &mut random)).collect();
    let (mut books, mut told) = (Books::default(), Told::default());
    let mut waiting: Vec<Act> = Vec::new();
    for day in 0..days {
        waiting.extend(hospitals.iter_mut().flat_map(|hospital| hospital.day(day, &mut random)));
        waiting.sort_by_key(|act| act.at);
        // Nights go on into the next day, among whose work they come.
        let rest = waiting.split_off(waiting.partition_point(|act| act.at < (day + 1) * DAY_SECONDS));
        for act in &waiting {
            charge(&mut books, &budgets, archive, act, &mut told);
        }
        waiting = rest;
        books.forget_before((day + 1) * DAY_SECONDS);
        told.held = told.held.max(books.len());
    }
    told
}

/// The exact interval of Clopper and Pearson for so many of so many, at 95 %.
fn interval(hits: u64, all: u64) -> (f64, f64) {
    let (k, n) = (hits as f64, all as f64);
    // P(X <= k) of a binomial, by its terms' logarithms.
    let at_most = |k: u64, p: f64| {
        if p <= 0.0 {
            return 1.0;
        }
        let (mut term, mut sum) = (n * (1.0 - p).ln(), 0.0);
        for i in 0..=k {
            sum += term.exp();
            let i = i as f64;
            term += ((n - i) / (i + 1.0)).ln() + (p / (1.0 - p)).ln();
        }
        sum.min(1.0)
    };
    let bisect = |is_below: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if is_below(middle) { low = middle } else { high = middle }
        }
        low
    };
    let lower = if hits == 0 { 0.0 } else { bisect(&|p| 1.0 - at_most(hits - 1, p) < 0.025) };
    let upper = if k >= n { 1.0 } else { bisect(&|p| at_most(hits, p) > 0.025) };
    (lower, upper)
}

#[test]
fn the_interval_is_that_of_clopper_and_pearson() {
    // Textbook values: 0 of 100 and 10 of 100.
    for (hits, all, low, high) in [(0, 100, 0.0, 0.036_217), (10, 100, 0.049_005, 0.176_223)] {
        let (lower, upper) = interval(hits, all);
        assert!((lower - low).abs() < 1e-4 && (upper - high).abs() < 1e-4, "{lower} {upper}");
    }
}

#[test]
fn honest_shifts_are_not_in_the_way_of_the_default_budgets() {
    let mut not_met = Vec::new();
    for (n, archive) in ARCHIVES.iter().enumerate() {
        let is_long = std::env::var_os("SEGEL_LONG").is_some();
        let days = if is_long || archive.beds[0] <= 250 { 28 } else { 7 };
        let told = work(archive, 7_700 + n as u64, days);
        println!(
            "{}, {} patients, {days} days: {} openings, {} lists",
            archive.name, archive.patients, told.openings, told.lists
        );
        println!("  blocked by: {:?}", told.by);
        println!("  busiest hour and day by scope: {:?}; {} held in the books", told.busiest, told.held);
        for (what, blocked, all) in
            [("openings", told.blocked, told.openings), ("lists", told.lists_blocked, told.lists)]
        {
            let share = |value: f64| (value * 1e6).round() / 1e4;
            let (lower, upper) = interval(blocked, all);
            let is_met = finding(
                "a clinician's whole device",
                &format!("honest shifts, {}: {what} refused or stepped up", archive.name),
                share(blocked as f64 / all as f64),
                0.1,
                &format!("% of {what}"),
                &format!("{blocked} of {all}, 95 % interval {} to {} %", share(lower), share(upper)),
            );
            if !is_met || upper > 0.001 {
                not_met.push((archive.name, what, told.by.clone()));
            }
        }
    }
    assert!(not_met.is_empty(), "{not_met:?}");
}

#[test]
fn a_shift_is_what_it_is_said_to_be() {
    // The simulation must be able to fail: with half of the defaults a busy reader is in the way of them.
    let mut random = Random(5);
    let mut hospital = Hospital::new(0, 250, &mut random);
    let acts = hospital.day(0, &mut random);
    let of = |kind: &str| {
        let mut by: BTreeMap<&str, HashSet<u32>> = BTreeMap::new();
        for act in acts.iter().filter(|act| act.asker.kind == kind && act.measure == Measure::Content) {
            by.entry(&act.asker.name).or_default().extend(&act.patients);
        }
        by.values().map(HashSet::len).collect::<Vec<_>>()
    };
    assert!(of("radiologist").iter().all(|count| (80..=230).contains(count)), "{:?}", of("radiologist"));
    assert!(!of("night duty").is_empty() && !of("emergency").is_empty() && !of("PACS").is_empty());
    assert!(acts.iter().all(|act| act.at < DAY_SECONDS + 12 * HOUR_SECONDS && !act.patients.is_empty()));
    let asker: Vec<&Asker> = acts.iter().map(|act| &act.asker).collect();
    assert!(asker.iter().any(|asker| asker.is_claimed) && asker.iter().any(|asker| !asker.is_claimed));
}
