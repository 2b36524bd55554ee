//! An entry of the ledger, handed out to whom it concerns and verified with nothing but the public key.

use crate::support::{World, bearer, item, peer};
use keyservice::audit::{self, Action, Decision, Event};
use ledger::{TlogProof, VerifierKey};
use record::{Identifier, Outcome, Purpose, Role};
use seal::disclosure::Disclosure;
use seal::message::ledger_proof::{LedgerAsk, LedgerProof, LedgerTold};
use seal::message::{AdminAnswer, AdminRequest, Answer, Asker, Context, Part, ReleaseItem, Request};
use std::time::Duration;

/// The next checkpoint covers an entry within a moment.
const PATIENCE: u32 = 500;

fn ask(world: &World, asker: &Asker, position: u64) -> Answer {
    let mut node = world.node();
    for _ in 0..PATIENCE {
        match node.call(Request::LedgerProof { asker: asker.clone(), position }) {
            Answer::Failed(failure) if failure.outcome == Outcome::Busy => {
                std::thread::sleep(Duration::from_millis(20));
            }
            answer => return answer,
        }
    }
    panic!("no checkpoint ever covered entry {position}")
}

/// Verifies a proof as somebody outside does; the event that it shows.
fn verified(proof: &LedgerProof, key: &VerifierKey) -> Event {
    let read = TlogProof::parse(&proof.proof).unwrap();
    assert_eq!((read.index, &read.extra), (proof.position, &proof.extra));
    let Disclosure::Event { key: opening, sealed } = Disclosure::decode(&read.extra).unwrap() else {
        panic!("no event")
    };
    assert!(read.verify(&audit::leaf(&sealed), key).unwrap().size > read.index);
    assert!(audit::disclosed(read.index + 1, &opening, &sealed).is_err(), "it is of this position alone");
    audit::disclosed(read.index, &opening, &sealed).unwrap()
}

#[test]
fn an_entry_is_shown_to_whom_it_concerns_and_is_not_there_for_anybody_else() {
    let world = World::new();
    let mut node = world.node();
    let sari = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
    let budi = bearer(&world.person("dr. Budi", "A", Role::Clinician, Purpose::Treat));
    let reader_a = bearer(&world.person("Tono", "A", Role::Auditor, Purpose::HealthcareOperations));
    let reader_b = bearer(&world.person("Tini", "B", Role::Auditor, Purpose::HealthcareOperations));
    let image = item(vec![Identifier::Local { issuer: "RIS".into(), value: "12".into() }]);
    let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
    let context = Context { patient: admitted.patient, object: image.object, version: 1 };
    let content = ReleaseItem { context, wrapped: admitted.content.clone() };
    assert!(node.release(&sari, Part::Content, vec![content]).remove(0).is_some());
    let events = world.events();
    let position = events.iter().position(|event| event.action == Action::Release).unwrap();
    let release = events[position].clone();
    let position = u64::try_from(position).unwrap();
    let vkey = std::fs::read_to_string(world.folder.path().join("ledger/vkey")).unwrap();
    let key: VerifierKey = vkey.parse().unwrap();

    for asker in [&sari, &reader_a] {
        let Answer::LedgerProof(proof) = ask(&world, asker, position) else { panic!("it concerns them") };
        assert_eq!(verified(&proof, &key), release);
    }
    // Refused and not there are one answer.
    let refused = ask(&world, &budi, position);
    assert!(matches!(&refused, Answer::Failed(failure) if failure.outcome == Outcome::Refused));
    for (asker, position) in [(&reader_b, position), (&sari, 0), (&sari, 1_000_000), (&sari, u64::MAX)] {
        assert_eq!(ask(&world, asker, position), refused, "{position}");
    }
    let AdminAnswer::LedgerTold(LedgerTold::Proof(proof)) =
        world.admin().admin(AdminRequest::LedgerAsk(LedgerAsk::Proof(position)))
    else {
        panic!("no proof for the administrator")
    };
    assert_eq!(verified(&proof, &key), release);

    // Who asked for what is in the ledger itself.
    let asked: Vec<_> = world.events().into_iter().filter(|event| event.action == Action::Report).collect();
    let decisions = |decision| asked.iter().filter(|event| event.decision == decision).count();
    assert!(decisions(Decision::Permitted) >= 3, "{asked:?}");
    assert!(decisions(Decision::RefusedRole) >= 3, "{asked:?}");
    let words = format!("the proof of entry {position}");
    assert!(asked.iter().any(|event| event.detail.as_ref() == Some(&words)), "{asked:?}");
}

#[test]
fn without_witnesses_the_ledger_stands_alone_and_says_so() {
    let world = World::new();
    let AdminAnswer::LedgerTold(LedgerTold::Standing(standing)) =
        world.admin().admin(AdminRequest::LedgerAsk(LedgerAsk::Standing))
    else {
        panic!("no standing")
    };
    assert_eq!((standing.needed, standing.cosigned, standing.is_late), (0, None, false));
    assert!(standing.size >= 5 && standing.witnesses.is_empty());
}
