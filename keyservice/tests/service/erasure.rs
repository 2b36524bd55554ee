//! The end of a record.

use crate::support::{Process, World, asker, files, item, peer};
use keyservice::audit::{Action, Decision};
use record::{Identifier, Outcome, Pseudonym, Purpose, Role};
use seal::message::custody::Basis;
use seal::message::{AdminAnswer, AdminRequest, AdmitItem, Answer, Asker, Context, Part, Proof, ReleaseItem, Request};
use std::path::Path;

fn erase(who: &Asker, patient: Pseudonym) -> Request {
    Request::Erase {
        asker: who.clone(),
        patient,
        reason: "the patient asked".into(),
        basis: Some(Basis::PatientRequest),
    }
}

/// The sealed secret as it lies in the state.
fn sealed_secret(folder: &Path, patient: Pseudonym) -> Option<Vec<u8>> {
    let db = rusqlite::Connection::open(folder.join("state.sqlite")).unwrap();
    db.query_row("SELECT secret FROM patient WHERE pseudonym = ?1", [patient.0], |row| row.get(0)).unwrap()
}

/// How many files hold these bytes, or their middle.
fn holding(folder: &Path, needle: &[u8]) -> usize {
    let middle = &needle[8..needle.len() - 8];
    let holds = |path: &std::path::PathBuf| std::fs::read(path).unwrap().windows(middle.len()).any(|w| w == middle);
    files(folder).iter().filter(|path| holds(path)).count()
}

#[test]
fn an_erased_patient_opens_for_nobody_and_its_secret_is_in_no_file() {
    let mut world = World::new();
    let mut node = world.node();
    let identifiers = vec![Identifier::Local { issuer: "RIS".into(), value: "1".into() }];
    let image = item(identifiers.clone());
    let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
    let kept =
        node.admit(&peer("CT-A"), vec![item(vec![Identifier::Local { issuer: "RIS".into(), value: "2".into() }])]);
    let patient = admitted.patient;
    let context = Context { patient, object: image.object, version: 1 };
    let content = ReleaseItem { context, wrapped: admitted.content };
    let secret = sealed_secret(world.folder.path(), patient).unwrap();
    assert!(holding(world.folder.path(), &secret) > 0);

    let who = |name: &str, facility: &str, role, purpose| {
        asker(Proof::Bearer(world.person(name, facility, role, purpose)), purpose)
    };
    let registrar = who("Ani", "A", Role::Registrar, Purpose::PatientRequest);
    for (refused, decision) in [
        (who("dr. Sari", "A", Role::Clinician, Purpose::PatientRequest), Decision::RefusedRole),
        (who("Tono", "A", Role::Auditor, Purpose::SystemAdministration), Decision::RefusedRole),
        (who("PACS", "A", Role::System, Purpose::SystemAdministration), Decision::RefusedRole),
        (who("Iwan", "A", Role::Registrar, Purpose::Treat), Decision::RefusedPurpose),
        (who("Budi", "B", Role::Registrar, Purpose::PatientRequest), Decision::RefusedRelation),
        (peer("CT-A"), Decision::RefusedRole),
    ] {
        assert_eq!(node.failure(erase(&refused, patient)), Outcome::Refused);
        let event = world.events().pop().unwrap();
        assert_eq!((event.action, event.decision), (Action::Erase, decision));
    }
    assert_eq!(node.release(&peer("CT-A"), Part::Content, vec![content.clone()]).remove(0), Some(image.content.0));
    let silent =
        Request::Erase { asker: registrar.clone(), patient, reason: " ".into(), basis: Some(Basis::PatientRequest) };
    assert_eq!(node.failure(silent), Outcome::Invalid);

    let Answer::Erased(position) = node.call(erase(&registrar, patient)) else { panic!("not erased") };
    let event = world.events().remove(usize::try_from(position).unwrap());
    assert_eq!((event.action, event.decision, event.patient), (Action::Erase, Decision::Permitted, Some(patient)));
    assert_eq!(event.detail.as_deref(), Some("the patient asked"));
    assert_eq!(
        holding(world.folder.path(), &secret),
        0,
        "the secret is gone at once, from the log beside the state too"
    );
    assert_eq!(sealed_secret(world.folder.path(), patient), None);

    assert_eq!(node.release(&peer("CT-A"), Part::Content, vec![content]).remove(0), None);
    assert_eq!(world.events().pop().unwrap().decision, Decision::RefusedUnknown);
    assert_eq!(node.failure(erase(&registrar, patient)), Outcome::Refused);
    let named = AdmitItem { patient: Some(patient), ..item(vec![]) };
    assert_eq!(node.failure(Request::Admit { asker: peer("CT-A"), items: vec![named] }), Outcome::Refused);
    // Whoever comes with the same number later is a new patient, and nobody else was touched.
    let again = node.admit(&peer("CT-A"), vec![item(identifiers)]).remove(0);
    assert_ne!(again.patient, patient);
    assert!(sealed_secret(world.folder.path(), kept[0].patient).is_some());
    drop(node);
    world.verified();
}

/// SIGKILL at any moment of many erasures: whoever was answered for is gone from every copy, and nobody else is.
#[test]
fn a_kill_among_erasures_loses_none_that_was_answered_and_nobody_else() {
    const PATIENTS: u32 = 24;
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &[]);
    process.set_up();
    let facility = record::FacilityCode::new("A").unwrap();
    let ani = AdminRequest::AddPerson { name: "Ani".into(), facility, role: Role::Registrar };
    assert_eq!(process.admin().admin(ani), AdminAnswer::Done);
    let purpose = Purpose::PatientRequest;
    let token = AdminRequest::Token { name: "Ani".into(), purpose, seconds: 3_600 };
    let AdminAnswer::Token(token) = process.admin().admin(token) else { panic!("no token") };
    let registrar = asker(Proof::Bearer(token), purpose);
    let mut node = process.node();
    let kept: Vec<(ReleaseItem, [u8; 32])> = (0..PATIENTS)
        .map(|number| {
            let image = item(vec![Identifier::Local { issuer: "RIS".into(), value: number.to_string() }]);
            let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
            let context = Context { patient: admitted.patient, object: image.object, version: 1 };
            (ReleaseItem { context, wrapped: admitted.content }, image.content.0)
        })
        .collect();
    drop(node);
    let mut next = 0;
    let mut gone = Vec::new();
    for round in 0..4_u64 {
        let mut node = process.node();
        let killer = process.child.id();
        // Each round dies some milliseconds later, in another step.
        let kill = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(40 + 37 * round));
            let pid = rustix::process::Pid::from_raw(i32::try_from(killer).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        });
        // The one whose answer did not come may be gone or not: it is asked again in the next round, or was the last.
        while let Some((one, _)) = kept.get(next).filter(|_| next < usize::try_from(PATIENTS).unwrap() / 2) {
            match node.try_call(erase(&registrar, one.context.patient)) {
                Ok(Answer::Erased(_)) => gone.push(next),
                Ok(Answer::Failed(failure)) => {
                    assert_eq!(failure.outcome, Outcome::Refused, "it was erased before the kill")
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
            next += 1;
        }
        kill.join().unwrap();
        process.kill();
        process = Process::start(folder.path(), &[]);
        let mut node = process.node();
        for (number, (one, key)) in kept.iter().enumerate() {
            let opened = node.release(&peer("CT-A"), Part::Content, vec![one.clone()]).remove(0);
            if gone.contains(&number) {
                assert_eq!(opened, None, "patient {number} was erased");
            } else if number > next {
                assert_eq!(opened, Some(*key), "patient {number} was not");
            }
        }
    }
    assert!(!gone.is_empty(), "somebody was erased");
}
