//! A state that was meddled with, and deaths between any two steps.

use super::{Approver, RULES, add_approver, add_person, entry, order, propose, refused, set_up, world};
use crate::support::{Process, item, peer};
use record::{Identifier, Role};
use seal::approval::Verdict;
use seal::message::quorum::{QuorumOrder, Standing, Subject};
use seal::message::{AdminAnswer, AdminRequest};

/// An administrator of the database puts the state back to where there were no approvers, or only fewer.
#[test]
fn a_state_whose_decisions_were_taken_away_or_put_back_does_not_start() {
    let (mut world, _) = world(RULES);
    world.stop();
    let file = world.folder.path().join("state.sqlite");
    let kept = std::fs::read(&file).unwrap();
    for change in [
        "DELETE FROM quorum_fact",
        "DELETE FROM quorum_fact WHERE name = 'in-force'",
        "DELETE FROM quorum_fact WHERE name = 'approvers'",
        "DELETE FROM quorum_fact WHERE name = 'history'",
        "UPDATE quorum_fact SET sealed = (SELECT sealed FROM quorum_fact WHERE name = 'rules') WHERE name = 'approvers'",
    ] {
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute_batch(change).unwrap();
        drop(db);
        let started = world.start();
        assert!(started.is_err(), "{change}");
        std::fs::write(&file, &kept).unwrap();
    }
    world.start().unwrap();
}

#[test]
fn killed_after_each_step_nothing_is_lost_and_nothing_is_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyservice.toml");
    std::fs::write(&file, RULES).unwrap();
    let flags = ["--config", file.to_str().unwrap()];
    let mut process = Process::start(folder.path(), &flags);
    let again = |process: &mut Process| {
        process.kill();
        *process = Process::start(folder.path(), &flags);
        process.admin()
    };
    let mut admin = process.admin();
    set_up(&mut admin);
    let [ani, budi] = ["Ani", "Budi"].map(Approver::new);
    for approver in [&ani, &budi] {
        assert_eq!(admin.admin(add_person(approver.name, Role::Auditor)), AdminAnswer::Done);
        assert_eq!(admin.admin(add_approver(approver)), AdminAnswer::Done);
        admin = again(&mut process);
    }
    let image = item(vec![Identifier::Local { issuer: String::new(), value: "1".into() }]);
    process.node().admit(&peer("CT-A"), vec![image]);
    let id = propose(&mut admin, Subject::administer(&add_person("dr. Dewi", Role::Clinician)).unwrap());
    admin = again(&mut process);
    for approver in [&ani, &budi] {
        refused(order(&mut admin, QuorumOrder::Enact(id)));
        order(&mut admin, QuorumOrder::Verdict(approver.signed(id, Verdict::Approve)));
        admin = again(&mut process);
    }
    assert_eq!(entry(order(&mut admin, QuorumOrder::Show(id))).standing, Standing::Approved(0));
    assert_eq!(order(&mut admin, QuorumOrder::Enact(id)), AdminAnswer::Done);
    admin = again(&mut process);
    refused(order(&mut admin, QuorumOrder::Enact(id)));
    let AdminAnswer::Register(register) = admin.admin(AdminRequest::List) else { panic!("no register") };
    assert_eq!(register.people.iter().filter(|(name, ..)| name == "dr. Dewi").count(), 1);
    process.kill();
}
