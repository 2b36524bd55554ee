//! A colleague's word on the spot.

use super::{SMALL, config, contents, open, patients};
use crate::support::{Client, World, asker, bearer, peer};
use keyservice::audit::{Action, Decision};
use record::{Outcome, Purpose, Role};
use seal::message::step_up::{StepUpAsk, StepUpEntry, StepUpState};
use seal::message::{Answer, Asker, Failure, Part, Proof, Request};

fn call(node: &mut Client, asker: &Asker, ask: StepUpAsk) -> Result<Vec<StepUpEntry>, Failure> {
    match node.call(Request::StepUp { asker: asker.clone(), ask }) {
        Answer::StepUp(entries) => Ok(entries),
        Answer::Failed(failure) => Err(failure),
        other => panic!("{other:?}"),
    }
}

fn ask(node: &mut Client, asker: &Asker) -> u64 {
    let entries = call(node, asker, StepUpAsk::Ask { reason: "a full emergency department".into() }).unwrap();
    entries.iter().rfind(|entry| entry.is_own && entry.state == StepUpState::Waiting).unwrap().id
}

fn approve(node: &mut Client, asker: &Asker, id: u64) -> Result<Vec<StepUpEntry>, Failure> {
    call(node, asker, StepUpAsk::Approve { id })
}

fn settings(more: &str) -> String {
    format!("[budgets.step_up]\ncontents = 2\nsummaries = 20\n{more}\n{SMALL}")
}

#[test]
fn a_colleague_gives_an_hour_more_and_the_day_stays_as_it_is() {
    let mut world = World::with(config(&settings("")));
    let mut node = world.node();
    let all = patients(&mut node, &peer("CT-A"), 8);
    let person = |name: &str, facility: &str, role| bearer(&world.person(name, facility, role, Purpose::Treat));
    let sari = person("dr. Sari", "A", Role::Clinician);
    let budi = person("dr. Budi", "A", Role::Clinician);
    let far = person("dr. Jauh", "B", Role::Clinician);
    let ani = person("Ani", "A", Role::Registrar);
    assert_eq!(open(&mut node, &sari, Part::Content, contents(&all[..3])).unwrap().len(), 3);
    assert!(open(&mut node, &sari, Part::Content, contents(&all[3..4])).is_err());

    let id = ask(&mut node, &sari);
    assert_eq!(ask(&mut node, &sari), id, "asking again is the same asking");
    let waiting = call(&mut node, &budi, StepUpAsk::List).unwrap();
    assert_eq!((waiting.len(), waiting[0].id, waiting[0].name.as_str()), (1, id, "dr. Sari"));
    assert!(call(&mut node, &far, StepUpAsk::List).unwrap().is_empty(), "another hospital hears nothing");
    for (who, why) in [(&sari, "for herself"), (&far, "of another facility"), (&ani, "by role")] {
        assert_eq!(approve(&mut node, who, id).unwrap_err().outcome, Outcome::Refused, "{why}");
    }
    // A machine has neither colleagues nor a word.
    assert_eq!(call(&mut node, &peer("CT-A"), StepUpAsk::List).unwrap_err().outcome, Outcome::Refused);
    assert!(open(&mut node, &sari, Part::Content, contents(&all[3..4])).is_err());

    approve(&mut node, &budi, id).unwrap();
    let own = call(&mut node, &sari, StepUpAsk::List).unwrap();
    assert_eq!((own[0].state, own[0].contents), (StepUpState::Approved, 2));
    assert_eq!(approve(&mut node, &budi, id).unwrap_err().outcome, Outcome::Refused, "once");
    assert_eq!(open(&mut node, &sari, Part::Content, contents(&all[3..5])).unwrap().len(), 2);
    let spent = open(&mut node, &sari, Part::Content, contents(&all[5..6])).unwrap_err();
    assert!(spent.text.contains("in a hour: 5 of 5"), "{}", spent.text);
    // The day holds five: another approval gives nothing.
    let id = ask(&mut node, &sari);
    approve(&mut node, &budi, id).unwrap();
    let spent = open(&mut node, &sari, Part::Content, contents(&all[5..6])).unwrap_err();
    assert!(spent.text.contains("in a day: 5 of 5"), "{}", spent.text);

    let events = world.events();
    let of = |decision| events.iter().filter(|e| e.action == Action::StepUp && e.decision == decision).count();
    assert_eq!(of(Decision::Permitted), 4, "asked twice, approved twice");
    assert_eq!(of(Decision::RefusedApproval), 4);
    world.verified();
}

#[test]
fn two_who_approve_each_other_come_to_an_end() {
    let world =
        World::with(config(&settings("grants_a_day = 9\napprovals_a_day = 9\nasks_a_day = 9\nrings_a_day = 2")));
    let mut node = world.node();
    let person = |name: &str| bearer(&world.person(name, "A", Role::Clinician, Purpose::Treat));
    let [a, b, c] = ["dr. A", "dr. B", "dr. C"].map(person);
    let mut given = |from: &Asker, to: &Asker| {
        let id = ask(&mut node, to);
        let done = approve(&mut node, from, id).is_ok();
        // What waits is approved by somebody who is in no ring, so that the next can be asked.
        if !done {
            approve(&mut node, &c, id).unwrap();
        }
        done
    };
    assert!(given(&a, &b) && given(&b, &a), "once each way");
    assert!(given(&a, &b), "and the first once more");
    assert!(!given(&b, &a), "then it goes round");
    // A longer way round is no way out either: c has approved a by now, and a has approved b.
    assert!(given(&a, &b) || !given(&b, &a));
}

#[test]
fn numbers_of_a_day_are_reached_and_not_passed() {
    let world = World::with(config(&settings("asks_a_day = 3\ngrants_a_day = 2\napprovals_a_day = 2")));
    let mut node = world.node();
    let person = |name: &str| bearer(&world.person(name, "A", Role::Clinician, Purpose::Treat));
    let [a, b, c] = ["dr. A", "dr. B", "dr. C"].map(person);
    for _ in 0..2 {
        let id = ask(&mut node, &a);
        approve(&mut node, &b, id).unwrap();
    }
    let third = ask(&mut node, &a);
    assert_eq!(approve(&mut node, &b, third).unwrap_err().outcome, Outcome::Refused, "b has given all it may");
    assert_eq!(approve(&mut node, &c, third).unwrap_err().outcome, Outcome::Refused, "a has got all it may");
    let id = ask(&mut node, &c);
    assert_eq!(approve(&mut node, &b, id).unwrap_err().outcome, Outcome::Refused);
    approve(&mut node, &a, id).unwrap();
    for _ in 0..2 {
        let id = ask(&mut node, &c);
        let _refused_or_not = approve(&mut node, &a, id);
    }
    let too_often = call(&mut node, &c, StepUpAsk::Ask { reason: "again".into() });
    assert!(too_often.is_ok() || too_often.is_err_and(|failure| failure.outcome == Outcome::Exhausted));
    for reason in [String::new(), " ".into(), "x".repeat(record::limits::REASON_BYTES_MAX + 1)] {
        let wrong = call(&mut node, &b, StepUpAsk::Ask { reason }).unwrap_err();
        assert_eq!(wrong.outcome, Outcome::Invalid);
    }
    call(&mut node, &b, StepUpAsk::Ask { reason: "x".repeat(record::limits::REASON_BYTES_MAX) }).unwrap();
}

#[test]
fn a_proof_that_was_made_for_looking_approves_nothing() {
    let world = World::with(config(&settings("")));
    let mut node = world.node();
    let sari = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
    let id = ask(&mut node, &sari);
    for uri in ["https://rs.example/dicomweb/studies", "https://rs.example/x?/auth/step-up/approve"] {
        let proof = Proof::Bound { token: "t".into(), proof: "p".into(), method: "GET".into(), uri: uri.into() };
        let refused = approve(&mut node, &asker(proof, Purpose::Treat), id).unwrap_err();
        assert_eq!(refused.outcome, Outcome::Refused, "{uri}");
    }
}
