//! Overshoot is nothing: not under load, not through kills, not by any clock.

use super::{contents, open, patients};
use crate::support::{Client, Process, bearer, peer, random};
use keyservice::audit::{Action, Decision};
use record::{Outcome, Pseudonym, Role};
use seal::message::{Answer, Asker, Part, ReleaseItem, Released, Request};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

const SETTINGS: &str = "
    [budgets.actor.clinician]
    contents = { hour = 25, day = 25 }
    summaries = { hour = 100, day = 100 }
    [budgets.facility]
    contents = { hour = 40, day = 40 }
    summaries = { hour = 100, day = 100 }
    [budgets.feed]
    contents = { hour = 10, day = 10 }
    summaries = { hour = 100, day = 100 }
";

fn write_settings(folder: &Path) -> String {
    let path = folder.join("keyservice.toml");
    std::fs::write(&path, SETTINGS).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Asks for one to four patients at a time, until the connection breaks.
fn rummage(folder: &Path, asker: &Asker, all: &[ReleaseItem], got: &Mutex<BTreeSet<Pseudonym>>) {
    let Ok(mut node) = Client::connect(&folder.join("node.sock")) else { return };
    loop {
        let pick = |_| all[usize::from(random::<1>()[0]) % all.len()].clone();
        let items: Vec<ReleaseItem> = (0..1 + random::<1>()[0] % 4).map(pick).collect();
        let patients: Vec<_> = items.iter().map(|item| item.context.patient).collect();
        match node.try_call(Request::Release { asker: asker.clone(), part: Part::Content, items }) {
            Ok(Answer::Released(released)) => {
                let opened = patients.iter().zip(&released).filter(|(_, one)| matches!(one, Released::Key(_)));
                got.lock().unwrap().extend(opened.map(|(patient, _)| *patient));
            }
            Ok(Answer::Failed(failure)) => {
                assert!(matches!(failure.outcome, Outcome::Exhausted | Outcome::Busy | Outcome::Closed), "{failure}");
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => return,
        }
    }
}

#[test]
fn sixty_four_clients_and_kills_at_any_moment_get_not_one_patient_more() {
    const LIVES: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let config = write_settings(folder.path());
    let flags = ["--config", config.as_str()];
    let mut process = Process::start(folder.path(), &flags);
    process.set_up();
    let all = contents(&patients(&mut process.node(), &peer("CT-A"), 200));
    let askers = ["dr. Sari", "dr. Budi"].map(|name| bearer(&process.person(name, "A", Role::Clinician)));
    let got = [const { Mutex::new(BTreeSet::new()) }; 2];
    for _ in 0..LIVES {
        thread::scope(|scope| {
            for number in 0..64 {
                let (folder, all, asker, got) = (folder.path(), &all, &askers[number % 2], &got[number % 2]);
                scope.spawn(move || rummage(folder, asker, all, got));
            }
            thread::sleep(Duration::from_millis(20 + u64::from(random::<1>()[0])));
            process.kill();
        });
        process = Process::start(folder.path(), &flags);
    }
    // One last life without a kill: whatever is left in the budgets is taken now.
    let mut node = process.node();
    for (asker, got) in askers.iter().zip(&got) {
        for item in &all {
            if let Ok(opened) = open(&mut node, asker, Part::Content, vec![item.clone()]) {
                got.lock().unwrap().extend(opened);
            }
        }
    }
    let logged = |actor: &str| -> BTreeSet<Pseudonym> {
        let events = process.events();
        let opened = events.iter().filter(|event| {
            event.action == Action::Release
                && event.decision == Decision::Permitted
                && event.actor.as_deref() == Some(actor)
        });
        opened.flat_map(|event| event.concerned().map(|(patient, _)| patient).collect::<Vec<_>>()).collect()
    };
    let mut whole = BTreeSet::new();
    for (asker, got) in askers.iter().zip(&got) {
        let Answer::Who(who) = node.call(Request::Authenticate(asker.clone())) else { panic!("nobody") };
        let (got, logged) = (got.lock().unwrap(), logged(&who.actor));
        assert!(got.is_subset(&logged), "no key without an entry");
        assert!(logged.len() <= 25, "{} of 25", logged.len());
        println!("{} of 25 patients, {} answered", logged.len(), got.len());
        whole.extend(logged);
    }
    // The facility has room for fewer than both together, and all of it was taken.
    assert_eq!(whole.len(), 40);
}

#[test]
fn a_clock_that_jumps_a_day_ahead_or_back_empties_no_budget() {
    assert!(Path::new(LIBRARY).exists(), "{LIBRARY} is missing: install the Debian package libfaketime");
    let folder = tempfile::tempdir().unwrap();
    let config = write_settings(folder.path());
    let clock = folder.path().join("clock");
    let set = |text: &str| std::fs::write(&clock, text).unwrap();
    set("+0");
    let environment = [
        ("LD_PRELOAD", LIBRARY),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let start = || Process::start_in(folder.path(), &["--config", config.as_str()], &environment);
    let mut process = start();
    process.set_up();
    let mut node = process.node();
    let all = contents(&patients(&mut node, &peer("CT-A"), 30));
    assert_eq!(open(&mut node, &peer("CT-A"), Part::Content, all[..10].to_vec()).unwrap().len(), 10);
    // A peer's certificate does not run out, so that only the budget stands between it and the rest.
    let mut jumps = 0;
    for jump in ["+25h", "-25h", "+400d", "+0"] {
        set(jump);
        for restart in [false, true] {
            if restart {
                process.kill();
                process = start();
                node = process.node();
            }
            for item in &all[10..] {
                let spent = open(&mut node, &peer("CT-A"), Part::Content, vec![item.clone()]).unwrap_err();
                assert_eq!(spent.outcome, Outcome::Exhausted, "{jump}");
                assert!(spent.retry_after_seconds.unwrap() <= 3_601, "{jump}: a jump does not make it longer either");
            }
            assert_eq!(open(&mut node, &peer("CT-A"), Part::Content, all[..10].to_vec()).unwrap().len(), 10);
            jumps += 1;
        }
    }
    assert_eq!(jumps, 8);
    let times: Vec<_> = process.events().iter().map(|event| event.at).collect();
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(last - first > 400 * 86_400 * 1_000_000, "the clock did jump");
}
