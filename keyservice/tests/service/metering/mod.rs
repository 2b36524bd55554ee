//! Budgets through the service's sockets: what fits, what does not, and that nothing gets beyond them.

mod emergency;
mod overshoot;
mod step_up;

use crate::support::{Client, World, bearer, item, peer};
use keyservice::Config;
use keyservice::audit::{Action, Decision};
use record::{Identifier, Outcome, Pseudonym, Purpose, Role};
use seal::message::{Answer, Asker, Context, Failure, Part, ReleaseItem, Released, Request};
use std::collections::BTreeSet;

/// Settings from a file's text.
fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyservice.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap()
}

/// So many patients of a facility, one object each; what opens its summary and its content.
fn patients(node: &mut Client, sender: &Asker, count: usize) -> Vec<[ReleaseItem; 2]> {
    let one = |number: usize| item(vec![Identifier::Local { issuer: "RIS".into(), value: format!("n{number}") }]);
    let items: Vec<_> = (0..count).map(one).collect();
    let admitted = node.admit(sender, items.clone());
    items
        .iter()
        .zip(admitted)
        .map(|(item, admitted)| {
            let context = Context { patient: admitted.patient, object: item.object, version: 1 };
            [admitted.summary, admitted.content].map(|wrapped| ReleaseItem { context, wrapped })
        })
        .collect()
}

/// Asks; the patients that were opened, or why none was.
fn open(node: &mut Client, asker: &Asker, part: Part, items: Vec<ReleaseItem>) -> Result<BTreeSet<Pseudonym>, Failure> {
    let patients: Vec<Pseudonym> = items.iter().map(|item| item.context.patient).collect();
    match node.call(Request::Release { asker: asker.clone(), part, items }) {
        Answer::Released(released) => Ok(patients
            .into_iter()
            .zip(released)
            .filter(|(_, released)| matches!(released, Released::Key(_)))
            .map(|(patient, _)| patient)
            .collect()),
        Answer::Failed(failure) => Err(failure),
        other => panic!("no release: {other:?}"),
    }
}

fn contents(all: &[[ReleaseItem; 2]]) -> Vec<ReleaseItem> {
    all.iter().map(|[_, content]| content.clone()).collect()
}

fn summaries(all: &[[ReleaseItem; 2]]) -> Vec<ReleaseItem> {
    all.iter().map(|[summary, _]| summary.clone()).collect()
}

const SMALL: &str = "
    [budgets.actor.clinician]
    contents = { hour = 3, day = 5 }
    summaries = { hour = 4, day = 6 }
";

#[test]
fn a_budget_holds_its_patients_and_not_one_more() {
    let mut world = World::with(config(SMALL));
    let mut node = world.node();
    let all = patients(&mut node, &peer("CT-A"), 8);
    let sari = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
    let budi = bearer(&world.person("dr. Budi", "A", Role::Clinician, Purpose::Treat));

    assert_eq!(open(&mut node, &sari, Part::Content, contents(&all[..2])).unwrap().len(), 2);
    // Two more do not fit, and then neither is opened; the whole is refused as what it is.
    let spent = open(&mut node, &sari, Part::Content, contents(&all[2..4])).unwrap_err();
    assert_eq!(spent.outcome, Outcome::Exhausted);
    assert!(spent.text.contains("actor contents in a hour: 2 of 3 patients, 2 more asked for"), "{}", spent.text);
    assert!((1..=3_601).contains(&spent.retry_after_seconds.unwrap()));
    assert_eq!(open(&mut node, &sari, Part::Content, contents(&all[2..3])).unwrap().len(), 1);
    let spent = open(&mut node, &sari, Part::Content, contents(&all[3..4])).unwrap_err();
    assert_eq!(spent.outcome, Outcome::Exhausted);
    let never = open(&mut node, &sari, Part::Content, contents(&all[3..8])).unwrap_err();
    assert_eq!(never.retry_after_seconds, None, "five never fit into three");
    // Whom she has opened stays open to her, in any company that needs no more room.
    assert_eq!(open(&mut node, &sari, Part::Content, contents(&all[..3])).unwrap().len(), 3);
    // Lists are metered apart, and a colleague has a budget of his own.
    assert_eq!(open(&mut node, &sari, Part::Summary, summaries(&all[..4])).unwrap().len(), 4);
    assert!(open(&mut node, &sari, Part::Summary, summaries(&all[4..5])).is_err());
    assert_eq!(open(&mut node, &budi, Part::Content, contents(&all[3..6])).unwrap().len(), 3);
    // What she may not open at all is refused as ever: a spent budget tells of no patient.
    let other = patients(&mut node, &peer("CT-B"), 1);
    assert_eq!(open(&mut node, &sari, Part::Content, contents(&other)).unwrap().len(), 0);

    let events = world.events();
    let releases: Vec<_> = events.iter().filter(|event| event.action == Action::Release).collect();
    let refused: Vec<_> = releases.iter().filter(|event| event.decision == Decision::RefusedBudget).collect();
    assert_eq!(refused.len(), 4, "each refusal is in the ledger");
    assert_eq!(refused[0].concerned().map(|(patient, _)| patient).collect::<BTreeSet<_>>().len(), 2);
    let listed: Vec<_> = releases.iter().filter(|event| event.part == Some(Part::Summary)).collect();
    assert_eq!(listed.len(), 2, "a list is one event");
    assert_eq!(listed[0].concerned().count(), 4, "that names everybody whom it showed");
    assert_eq!((listed[0].patients_hour, listed[0].patient), (Some(4), None));
    assert!(listed[0].concerned().all(|(_, objects)| objects.len() == 1));
    world.verified();
}

#[test]
fn each_holder_has_a_budget_and_the_smallest_room_decides() {
    for (scope, settings) in [
        ("facility", "[budgets.facility]"),
        ("node", "[budgets.node]"),
        ("system", "[budgets.system]"),
        ("facility", "[budgets.facilities.A]"),
    ] {
        let text = format!("{settings}\ncontents = {{ hour = 4, day = 4 }}\nsummaries = {{ hour = 9, day = 9 }}\n");
        let world = World::with(config(&text));
        let mut node = world.node();
        let all = patients(&mut node, &peer("CT-A"), 6);
        let sari = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
        assert_eq!(open(&mut node, &sari, Part::Content, contents(&all[..2])).unwrap().len(), 2, "{scope}");
        assert_eq!(open(&mut node, &peer("CT-A"), Part::Content, contents(&all[2..4])).unwrap().len(), 2, "{scope}");
        let spent = open(&mut node, &sari, Part::Content, contents(&all[4..5])).unwrap_err();
        assert!(spent.text.contains(&format!("{scope} contents")), "{}", spent.text);
        // Who was opened by the one has room for the other.
        assert_eq!(open(&mut node, &sari, Part::Content, contents(&all[2..4])).unwrap().len(), 2, "{scope}");
    }
    let text = "[budgets.feed]\ncontents = { hour = 1, day = 1 }\nsummaries = { hour = 1, day = 1 }\n";
    let world = World::with(config(text));
    let mut node = world.node();
    let all = patients(&mut node, &peer("CT-A"), 2);
    assert!(open(&mut node, &peer("CT-A"), Part::Content, contents(&all[..1])).is_ok());
    let spent = open(&mut node, &peer("CT-A"), Part::Content, contents(&all[1..])).unwrap_err();
    assert!(spent.text.contains("feed contents"), "{}", spent.text);
    // Putting in is no opening.
    patients(&mut node, &peer("CT-A"), 5);
}

#[test]
fn an_operator_who_only_counts_refuses_nobody() {
    let world = World::with(config(&format!("[budgets]\nmode = \"observe\"\n{SMALL}")));
    let mut node = world.node();
    let all = patients(&mut node, &peer("CT-A"), 8);
    let sari = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
    assert_eq!(open(&mut node, &sari, Part::Content, contents(&all)).unwrap().len(), 8);
    let events = world.events();
    let last = events.iter().rfind(|event| event.action == Action::Release).unwrap();
    assert_eq!((last.patients_hour, last.patients_day), (Some(8), Some(8)));
    assert!(
        events.iter().any(|event| event.action == Action::Start
            && event.detail.as_deref().is_some_and(|detail| detail.contains("budgets observe"))),
        "whoever reads the ledger knows"
    );
}
