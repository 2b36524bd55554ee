//! A clinician's whole device, key and session, in a thief's hands for a day.

use super::sealed::{HOUR, Sealed, Taken};
use super::thief::Random;
use crate::support::finding;
use keyservice::Budgets;
use policy::budget::{Holder, Measure, Scope};
use record::Role;
use seal::message::Part;

const ROW: &str = "a clinician's whole device";

#[test]
fn a_stolen_device_gives_the_hours_and_the_days_budget_and_nobody_else() {
    let mut sealed = Sealed::new(700, 1, "");
    let holder = Holder { scope: Scope::Actor, name: String::new() };
    let numbers = Budgets::default().limits(&holder, Role::Clinician, Measure::Content).of(700);
    sealed.pass(48 * HOUR);
    // The luckiest thief: no canary is met. In no order, slower than a program, and each hour until it is full.
    let mut order: Vec<_> = sealed
        .patients
        .iter()
        .filter(|one| one.facility == "A" && !sealed.canaries.contains(&one.pseudonym))
        .cloned()
        .collect();
    Random(51).shuffle(&mut order);
    let strangers: Vec<_> = sealed.patients.iter().filter(|one| one.facility == "B").cloned().collect();
    let (mut in_a_day, mut most_in_an_hour, mut study, mut elapsed) = (0, 0, 0, 0);
    while elapsed < 24 * HOUR {
        sealed.pass(0);
        let mut in_this_hour = 0;
        for n in 0..=numbers.hour {
            assert!(n % 10 != 0 || sealed.sign_in(0), "a thief with the device signs in");
            study += 1;
            let one = order.last().unwrap().clone();
            match sealed.take(&sealed.click(0, &format!("7.{study}")), Part::Content, &one) {
                Taken::Opened => {
                    order.pop();
                    in_this_hour += 1;
                    sealed.go(40);
                    elapsed += 40;
                }
                Taken::Spent => break,
                Taken::Refused => panic!("frozen after {in_a_day}: {:?}", sealed.alarms()),
            }
        }
        in_a_day += in_this_hour;
        most_in_an_hour = most_in_an_hour.max(in_this_hour);
        // An hour after the last one everything of this hour has left its window.
        sealed.go(HOUR + 2);
        elapsed += HOUR + 2;
    }
    let alarms: Vec<_> = sealed.alarms().iter().map(|alarm| alarm.kind.name()).collect();
    let note = format!("alarms meanwhile: {alarms:?}");
    let taken = |way, patients, limit| finding(ROW, way, f64::from(patients), f64::from(limit), "patients", &note);
    assert!(taken("key and session, an hour's budget", most_in_an_hour, numbers.hour));
    assert!(taken("key and session, a day's budget, no canary met", in_a_day, numbers.day));
    assert_eq!((most_in_an_hour, in_a_day), (numbers.hour, numbers.day), "the thief takes all of it");

    // Everybody outside of the person's care relations, on a fresh day.
    sealed.pass(25 * HOUR);
    assert!(sealed.sign_in(0));
    let mut outside = 0;
    for (n, one) in strangers.iter().enumerate() {
        if n % 20 == 0 {
            sealed.go(601);
            assert!(sealed.sign_in(0));
        }
        let asker = sealed.click(0, &format!("8.{n}"));
        outside += u32::from(sealed.take(&asker, Part::Content, one) == Taken::Opened);
        outside += u32::from(sealed.take(&asker, Part::Summary, one) == Taken::Opened);
    }
    let note = format!("{} patients of another facility asked for", strangers.len());
    assert!(finding(ROW, "patients without a care relation", f64::from(outside), 0.0, "patients", &note));
    let own = order.pop().unwrap();
    assert_eq!(sealed.take(&sealed.click(0, "8.own"), Part::Content, &own), Taken::Opened, "and still signed in");
}
