//! SIGKILL at any moment: whatever was answered stands, and the ledger has it.

use crate::support::{Process, bearer, item, peer, random};
use keyservice::audit::{Action, Decision};
use record::{Identifier, ObjectId, Role};
use seal::message::{Answer, Asker, Context, Part, ReleaseItem, Released, Request};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// What clients were told, across all lives of the service.
#[derive(Default)]
struct Told {
    /// Objects admitted, with what opens their content and the key that must come out.
    admitted: Vec<(ReleaseItem, [u8; 32])>,
    /// How often each object's key was handed out.
    released: HashMap<ObjectId, usize>,
}

/// Asks until the connection breaks: half of it puts in, half of it opens what was put in.
fn work(folder: &Path, clinician: &Asker, number: usize, told: &Mutex<Told>) {
    let Ok(mut node) = crate::support::Client::connect(&folder.join("node.sock")) else { return };
    for turn in 0_usize.. {
        if (turn + number).is_multiple_of(2) {
            let value = format!("{}", u32::from_be_bytes(random()) % 50);
            let image = item(vec![Identifier::Local { issuer: "RIS".into(), value }]);
            let request = Request::Admit { asker: peer("CT-A"), items: vec![image.clone()] };
            let Ok(Answer::Admitted(mut admitted)) = node.try_call(request) else { return };
            let admitted = admitted.remove(0);
            let context = Context { patient: admitted.patient, object: image.object, version: 1 };
            let kept = ReleaseItem { context, wrapped: admitted.content };
            told.lock().unwrap().admitted.push((kept, image.content.0));
        } else {
            let chosen: Vec<(ReleaseItem, [u8; 32])> = {
                let told = told.lock().unwrap();
                let start = usize::from(random::<1>()[0]) % told.admitted.len().max(1);
                told.admitted.iter().skip(start).take(5).cloned().collect()
            };
            let items = chosen.iter().map(|(item, _)| item.clone()).collect();
            let request = Request::Release { asker: clinician.clone(), part: Part::Content, items };
            let Ok(Answer::Released(released)) = node.try_call(request) else { return };
            let mut told = told.lock().unwrap();
            for ((item, key), released) in chosen.iter().zip(released) {
                assert!(matches!(&released, Released::Key(got) if got.0 == *key), "an admitted object opens");
                *told.released.entry(item.context.object).or_default() += 1;
            }
        }
    }
}

#[test]
fn killed_at_random_points_under_load_it_loses_nothing_that_was_answered() {
    let kills: usize = std::env::var("SEGEL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let folder = tempfile::tempdir().unwrap();
    let told = Mutex::new(Told::default());
    let mut process = Process::start(folder.path(), &[]);
    process.set_up();
    let clinician = bearer(&process.person("dr. Sari", "A", Role::Clinician));
    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        thread::scope(|scope| {
            for number in 0..8 {
                let (folder, clinician, told) = (folder.path(), &clinician, &told);
                scope.spawn(move || work(folder, clinician, number, told));
            }
            thread::sleep(Duration::from_millis(u64::from(u16::from_be_bytes(random())) % 250));
            process.kill();
        });
        let started = Instant::now();
        process = Process::start(folder.path(), &[]);
        slowest = slowest.max(started.elapsed());
    }

    let told = told.into_inner().unwrap();
    let mut admitted: HashMap<ObjectId, usize> = HashMap::new();
    let mut released: HashMap<ObjectId, usize> = HashMap::new();
    let events = process.events();
    for event in events.iter().filter(|event| event.decision == Decision::Permitted) {
        let counted = match event.action {
            Action::Admit => &mut admitted,
            Action::Release => &mut released,
            _ => continue,
        };
        for touched in &event.objects {
            *counted.entry(touched.object).or_default() += 1;
        }
    }
    for (object, times) in &told.released {
        assert!(released.get(object) >= Some(times), "{object:?} was opened {times} times");
    }
    let mut node = process.node();
    for chunk in told.admitted.chunks(1_000) {
        let items = chunk.iter().map(|(item, _)| item.clone()).collect();
        let opened = node.release(&clinician, Part::Content, items);
        for ((item, key), opened) in chunk.iter().zip(opened) {
            assert_eq!(admitted.get(&item.context.object), Some(&1));
            assert_eq!(opened, Some(*key));
        }
    }
    let handed_out: usize = told.released.values().sum();
    assert!(told.admitted.len() > kills && handed_out > kills, "there was load");
    assert!(slowest < Duration::from_secs(5), "ready again after {slowest:?}");
    println!(
        "{kills} kills, {} admitted, {handed_out} released, {} events, slowest start {slowest:?}",
        told.admitted.len(),
        events.len()
    );

    let seal::message::AdminAnswer::Ledger { vkey, .. } = process.admin().admin(seal::message::AdminRequest::Ledger)
    else {
        panic!("no ledger")
    };
    drop(process.input.take());
    process.kill();
    // Even after a last kill the checkpoint covers a whole, verifying log; one more start brings it up to date.
    ledger::verify(&folder.path().join("ledger"), &vkey).unwrap();
    let mut process = Process::start(folder.path(), &[]);
    let size = process.events().len();
    let report = ledger::verify(&folder.path().join("ledger"), &vkey).unwrap();
    assert_eq!(report.size, size as u64);
    process.kill();
}
