//! Proofs of identity that fail, and what remains of them.

use crate::support::{World, asker, bearer, item, peer};
use keyservice::audit::{Action, Decision};
use record::limits::FAILED_PROOFS_LOGGED_PER_MINUTE;
use record::{FacilityCode, Identifier, Outcome, Purpose, Role};
use seal::message::custody::Basis;
use seal::message::{AdminAnswer, AdminRequest, Answer, Asker, Context, Part, Proof, ReleaseItem, Request, WrappedKey};
use std::thread::sleep;
use std::time::Duration;

/// Every kind of request that has an asker.
fn requests(asker: &Asker) -> Vec<Request> {
    let identifier = Identifier::Local { issuer: "RIS".into(), value: "1".into() };
    let context = Context { patient: record::Pseudonym([1; 16]), object: record::ObjectId([1; 16]), version: 1 };
    let kept = ReleaseItem { context, wrapped: WrappedKey { epoch: 1, sealed: vec![0; 60] } };
    vec![
        Request::Authenticate(asker.clone()),
        Request::Admit { asker: asker.clone(), items: vec![item(vec![identifier])] },
        Request::Tokens { asker: asker.clone(), terms: Vec::new() },
        Request::Release { asker: asker.clone(), part: Part::Content, items: vec![kept.clone()] },
        Request::Compare { asker: asker.clone(), kept, commitment: [0; 32], arrived: [0; 32] },
        Request::Erase {
            asker: asker.clone(),
            patient: context.patient,
            reason: "asked".into(),
            basis: Some(Basis::PatientRequest),
        },
    ]
}

fn tls_peer(ae_title: &str, certificate: [u8; 32]) -> Asker {
    asker(Proof::Peer { ae_title: ae_title.into(), certificate: Some(certificate) }, Purpose::Treat)
}

/// Everything fails for this asker, and the log says why.
fn fails(world: &World, who: &Asker, why: &str) {
    let mut node = world.node();
    for request in requests(who) {
        let before = world.events().len();
        assert_eq!(node.failure(request.clone()), Outcome::Refused, "{why}: {request:?}");
        let events = world.events();
        assert_eq!(events.len(), before + 1, "{why}: {request:?}");
        let event = events.last().unwrap();
        assert_eq!((event.action, event.decision), (Action::Authenticate, Decision::RefusedProof), "{why}");
        assert!(event.detail.as_ref().unwrap().contains(why), "{why}: {event:?}");
    }
}

#[test]
fn altered_and_foreign_tokens_are_refused() {
    let world = World::new();
    let token = world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat);
    let other = World::new().person("dr. Sari", "A", Role::Clinician, Purpose::Treat);
    let mut altered = token.clone();
    let last = if altered.pop() == Some('A') { 'B' } else { 'A' };
    altered.push(last);
    for forged in [altered, other, String::new()] {
        fails(&world, &bearer(&forged), "not signed here");
    }
    assert!(matches!(world.node().call(Request::Authenticate(bearer(&token))), Answer::Who(_)));
}

#[test]
fn a_token_ends_with_its_time() {
    let world = World::new();
    world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat);
    let request = AdminRequest::Token { name: "dr. Sari".into(), purpose: Purpose::Treat, seconds: 1 };
    let AdminAnswer::Token(token) = world.admin().admin(request) else { panic!("no token") };
    sleep(Duration::from_millis(1_100));
    fails(&world, &bearer(&token), "outside its time");
}

#[test]
fn a_removed_person_stops_at_once_and_does_not_come_back_with_its_name() {
    let world = World::new();
    let token = world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat);
    let mut node = world.node();
    assert!(matches!(node.call(Request::Authenticate(bearer(&token))), Answer::Who(_)));
    assert_eq!(world.admin().admin(AdminRequest::Remove { name: "dr. Sari".into() }), AdminAnswer::Done);
    fails(&world, &bearer(&token), "nobody registered");
    let new = world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat);
    assert_eq!(node.failure(Request::Authenticate(bearer(&token))), Outcome::Refused);
    assert!(matches!(node.call(Request::Authenticate(bearer(&new))), Answer::Who(_)));
}

#[test]
fn peers_show_the_certificate_that_is_registered_for_them() {
    let world = World::new();
    let add = AdminRequest::AddPeer {
        ae_title: "MR".into(),
        facility: FacilityCode::new("A").unwrap(),
        certificate: Some([1; 32]),
        host: None,
        port: None,
    };
    assert_eq!(world.admin().admin(add), AdminAnswer::Done);
    fails(&world, &peer("MR"), "certificate");
    fails(&world, &tls_peer("MR", [2; 32]), "certificate");
    fails(&world, &tls_peer("CT-A", [1; 32]), "certificate");
    fails(&world, &peer("NOBODY"), "AE title");
    for who in [tls_peer("MR", [1; 32]), peer("CT-A"), peer(" CT-A ")] {
        assert!(matches!(world.node().call(Request::Authenticate(who)), Answer::Who(_)));
    }
    assert_eq!(world.admin().admin(AdminRequest::Remove { name: "MR".into() }), AdminAnswer::Done);
    assert_eq!(world.node().failure(Request::Authenticate(tls_peer("MR", [1; 32]))), Outcome::Refused);
}

#[test]
fn a_flood_of_strangers_is_written_down_up_to_the_limit() {
    let mut world = World::new();
    let mut node = world.node();
    let knocks = FAILED_PROOFS_LOGGED_PER_MINUTE * 4;
    for _ in 0..knocks {
        assert_eq!(node.failure(Request::Authenticate(peer("NOBODY"))), Outcome::Refused);
    }
    drop(node);
    world.verified();
    let events: Vec<_> = world.events().into_iter().filter(|e| e.action == Action::Authenticate).collect();
    // A full minute may have begun meanwhile: then two minutes' worth were written.
    let logged = u32::try_from(events.len()).unwrap();
    assert!((FAILED_PROOFS_LOGGED_PER_MINUTE..=2 * FAILED_PROOFS_LOGGED_PER_MINUTE + 1).contains(&logged), "{logged}");
    assert!(events.iter().any(|e| e.detail.as_ref().unwrap().contains("more failed proofs")), "the rest is counted");
}

#[test]
fn auditors_search_nothing_and_it_is_logged() {
    let world = World::new();
    let token = world.person("Tono", "A", Role::Auditor, Purpose::Treat);
    let request = Request::Tokens { asker: bearer(&token), terms: Vec::new() };
    assert_eq!(world.node().failure(request), Outcome::Refused);
    let event = world.events().pop().unwrap();
    assert_eq!((event.action, event.decision), (Action::Search, Decision::RefusedRole));
}
