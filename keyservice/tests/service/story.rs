//! What happens between an archive node and the key service, told through its sockets.

use crate::support::{World, asker, bearer, item, peer, terms};
use keyservice::audit::{Action, Decision};
use record::{FacilityCode, Identifier, ObjectId, Outcome, Purpose, Role};
use seal::digest;
use seal::message::{
    AdminAnswer, AdminRequest, AdmitItem, Admitted, Answer, Context, DataKey, Part, ReleaseItem, Request, WrappedKey,
};

const NIK: &str = "3174012345678901";

fn local(value: &str) -> Identifier {
    Identifier::Local { issuer: "RIS".into(), value: value.into() }
}

fn key(item: &AdmitItem, admitted: &Admitted, part: Part) -> ReleaseItem {
    let context = Context { patient: admitted.patient, object: item.object, version: item.version };
    let wrapped = if part == Part::Summary { &admitted.summary } else { &admitted.content };
    ReleaseItem { context, wrapped: wrapped.clone() }
}

#[test]
fn a_study_arrives_and_opens_for_those_who_treat_the_patient() {
    let mut world = World::new();
    let mut node = world.node();
    let clinician_a = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
    let clinician_b = bearer(&world.person("dr. Budi", "B", Role::Clinician, Purpose::Treat));
    let registrar_a = bearer(&world.person("Ani", "A", Role::Registrar, Purpose::Treat));
    let auditor_a = bearer(&world.person("Tono", "A", Role::Auditor, Purpose::Treat));

    let image = AdmitItem { terms: terms(&["12", NIK]), ..item(vec![local("12"), Identifier::Nik(NIK.into())]) };
    let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
    assert_eq!(admitted.facility, FacilityCode::new("A").unwrap());
    let Answer::Tokens(tokens) = node.call(Request::Tokens { asker: clinician_a.clone(), terms: terms(&["12", NIK]) })
    else {
        panic!("no tokens")
    };
    let tokens: Vec<_> = tokens.into_iter().flatten().flatten().collect();
    assert_eq!(tokens, admitted.tokens, "what was put in is found by the same tokens");

    let (summary, content) = (key(&image, &admitted, Part::Summary), key(&image, &admitted, Part::Content));
    let mut open = |who, part, item: &ReleaseItem| node.release(who, part, vec![item.clone()]).remove(0);
    assert_eq!(open(&clinician_a, Part::Content, &content), Some(image.content.0));
    assert_eq!(open(&clinician_a, Part::Summary, &summary), Some(image.summary.0));
    assert_eq!(open(&registrar_a, Part::Summary, &summary), Some(image.summary.0));
    assert_eq!(open(&registrar_a, Part::Content, &content), None);
    assert_eq!(open(&auditor_a, Part::Summary, &summary), None);
    assert_eq!(open(&clinician_b, Part::Content, &content), None);

    // The patient comes to B, which knows the same NIK: from then on B treats the patient.
    let letter = item(vec![local("77"), Identifier::Nik(NIK.into())]);
    let at_b = node.admit(&clinician_b, vec![letter]).remove(0);
    assert_eq!(at_b.patient, admitted.patient);
    assert_eq!(node.release(&clinician_b, Part::Content, vec![content]).remove(0), Some(image.content.0));

    let releases: Vec<_> = world.events().into_iter().filter(|e| e.action == Action::Release).collect();
    let decisions: Vec<Decision> = releases.iter().map(|e| e.decision).collect();
    assert_eq!(
        decisions,
        [
            Decision::Permitted,
            Decision::Permitted,
            Decision::Permitted,
            Decision::RefusedRole,
            Decision::RefusedRole,
            Decision::RefusedRelation,
            Decision::Permitted,
        ]
    );
    assert!(releases.iter().all(|e| e.patient == Some(admitted.patient) && e.objects[0].object == image.object));
    let Answer::Checkpoint(_) = node.call(Request::Checkpoint) else { panic!("no checkpoint") };
    world.verified();
}

#[test]
fn forged_swapped_and_unknown_keys_open_nothing() {
    let mut world = World::new();
    let mut node = world.node();
    let sender = peer("CT-A");
    let (one, two) = (item(vec![local("1")]), item(vec![local("2")]));
    let admitted = node.admit(&sender, vec![one.clone(), two.clone()]);
    let (good, other) = (key(&one, &admitted[0], Part::Content), key(&two, &admitted[1], Part::Content));
    let with = |context: Context| ReleaseItem { context, ..good.clone() };
    let sealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut sealed = good.wrapped.sealed.clone();
        change(&mut sealed);
        ReleaseItem { wrapped: WrappedKey { sealed, ..good.wrapped.clone() }, ..good.clone() }
    };
    let cases = [
        ("another patient", with(Context { patient: other.context.patient, ..good.context }), Decision::RefusedForged),
        ("another object", with(Context { object: other.context.object, ..good.context }), Decision::RefusedForged),
        ("another version", with(Context { version: 2, ..good.context }), Decision::RefusedForged),
        (
            "a patient of nobody",
            with(Context { patient: record::Pseudonym([9; 16]), ..good.context }),
            Decision::RefusedUnknown,
        ),
        ("the other half", key(&one, &admitted[0], Part::Summary), Decision::RefusedForged),
        (
            "another's wrapped key",
            ReleaseItem { wrapped: other.wrapped.clone(), ..good.clone() },
            Decision::RefusedForged,
        ),
        ("a changed nonce", sealed(&|s| s[0] ^= 1), Decision::RefusedForged),
        ("a changed key", sealed(&|s| s[20] ^= 1), Decision::RefusedForged),
        ("a changed tag", sealed(&|s| s[59] ^= 1), Decision::RefusedForged),
        ("a short key", sealed(&|s| s.truncate(59)), Decision::RefusedForged),
        ("no key", sealed(&Vec::clear), Decision::RefusedForged),
        (
            "another epoch",
            ReleaseItem { wrapped: WrappedKey { epoch: 2, ..good.wrapped.clone() }, ..good.clone() },
            Decision::RefusedForged,
        ),
    ];
    // All in one request: a refused item refuses itself alone.
    let mut items: Vec<ReleaseItem> = cases.iter().map(|(_, item, _)| item.clone()).collect();
    items.push(good.clone());
    let mut opened = node.release(&sender, Part::Content, items);
    assert_eq!(opened.pop().unwrap(), Some(one.content.0));
    for ((name, item, decision), opened) in cases.into_iter().zip(opened) {
        assert_eq!(opened, None, "{name}");
        assert_eq!(node.release(&sender, Part::Content, vec![item]).remove(0), None, "{name}");
        let event = world.events().pop().unwrap();
        assert_eq!((event.action, event.decision), (Action::Release, decision), "{name}");
    }
    assert_eq!(node.release(&sender, Part::Content, Vec::new()), Vec::new());
    world.verified();
}

#[test]
fn a_purpose_is_bounded_by_the_token() {
    let world = World::new();
    let mut node = world.node();
    let image = item(vec![local("1")]);
    let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
    let content = key(&image, &admitted, Part::Content);
    for (granted, asked, opens) in [
        (Purpose::Treat, Purpose::Treat, true),
        (Purpose::Treat, Purpose::EmergencyTreat, true),
        (Purpose::Treat, Purpose::Research, false),
        (Purpose::Treat, Purpose::PatientRequest, false),
        (Purpose::EmergencyTreat, Purpose::Treat, false),
        (Purpose::PatientRequest, Purpose::PatientRequest, true),
        (Purpose::Research, Purpose::Research, false),
        (Purpose::SystemAdministration, Purpose::SystemAdministration, false),
    ] {
        let token = world.person("dr. Sari", "A", Role::Clinician, granted);
        let who = asker(seal::message::Proof::Bearer(token), asked);
        let opened = node.release(&who, Part::Content, vec![content.clone()]).remove(0).is_some();
        assert_eq!(opened, opens, "{granted:?} for {asked:?}");
    }
}

#[test]
fn two_records_of_one_person_are_linked_and_open_for_both_facilities() {
    let mut world = World::new();
    let mut node = world.node();
    let old = item(vec![local("1")]);
    let at_a = node.admit(&peer("CT-A"), vec![old.clone()]).remove(0);
    let theirs = item(vec![local("1"), Identifier::Nik(NIK.into())]);
    let at_b = node.admit(&peer("CT-B"), vec![theirs.clone()]).remove(0);
    assert_ne!(at_a.patient, at_b.patient, "equal numbers of two facilities do not join");
    assert!(node.release(&peer("CT-A"), Part::Content, vec![key(&theirs, &at_b, Part::Content)]).remove(0).is_none());

    // A learns the NIK: its own record stays its own, and both are known as one person.
    let new = item(vec![local("1"), Identifier::Nik(NIK.into())]);
    let joined = node.admit(&peer("CT-A"), vec![new]).remove(0);
    assert_eq!((joined.patient, joined.linked), (at_a.patient, vec![at_b.patient]));
    let opened = node.release(&peer("CT-A"), Part::Content, vec![key(&theirs, &at_b, Part::Content)]).remove(0);
    assert_eq!(opened, Some(theirs.content.0));
    let opened = node.release(&peer("CT-B"), Part::Content, vec![key(&old, &at_a, Part::Content)]).remove(0);
    assert_eq!(opened, Some(old.content.0));
    let conflict = world.events().into_iter().find(|e| e.action == Action::IdentityConflict).unwrap();
    assert_eq!(conflict.detail.unwrap(), format!("linked with {}", at_b.patient.to_hex()));
    world.verified();
}

#[test]
fn a_patient_may_be_named_by_pseudonym_where_it_was_treated() {
    let world = World::new();
    let mut node = world.node();
    let admitted = node.admit(&peer("CT-A"), vec![item(vec![local("1")])]).remove(0);
    let result = AdmitItem { patient: Some(admitted.patient), kind: "Observation".into(), ..item(vec![]) };
    assert_eq!(node.admit(&peer("CT-A"), vec![result.clone()]).remove(0).patient, admitted.patient);
    for (who, patient) in [(peer("CT-B"), admitted.patient), (peer("CT-A"), record::Pseudonym([7; 16]))] {
        let items = vec![item(vec![local("2")]), AdmitItem { patient: Some(patient), ..result.clone() }];
        assert_eq!(node.failure(Request::Admit { asker: who, items }), Outcome::Refused);
    }
    // All or none: the patient of the refused message was never made.
    let events = world.events();
    let refused: Vec<_> = events.iter().filter(|e| e.decision == Decision::RefusedRelation).collect();
    assert_eq!(refused.len(), 2);
    assert_eq!(events.iter().filter(|e| e.action == Action::Admit && e.decision == Decision::Permitted).count(), 2);
    assert_eq!(node.failure(Request::Admit { asker: peer("CT-A"), items: vec![item(vec![])] }), Outcome::Invalid);
}

#[test]
fn a_new_version_is_logged_as_one() {
    let world = World::new();
    let mut node = world.node();
    let first = item(vec![local("1")]);
    let second = AdmitItem { version: 2, content: DataKey([5; 32]), ..first.clone() };
    node.admit(&peer("CT-A"), vec![first.clone()]);
    node.admit(&peer("CT-A"), vec![second.clone()]);
    let event = world.events().pop().unwrap();
    assert_eq!((event.action, event.objects[0].version), (Action::NewVersion, 2));
    let items = vec![AdmitItem { version: 0, ..second }];
    assert_eq!(node.failure(Request::Admit { asker: peer("CT-A"), items }), Outcome::Invalid);
}

#[test]
fn arrived_bytes_are_compared_without_a_key_going_out() {
    let world = World::new();
    let mut node = world.node();
    let image = item(vec![local("1")]);
    let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
    let commitment = digest::commit(&image.content, &[1; 32]).unwrap();
    let compare = |who, kept: ReleaseItem, arrived| Request::Compare { asker: who, kept, commitment, arrived };
    let kept = key(&image, &admitted, Part::Content);
    assert_eq!(node.call(compare(peer("CT-A"), kept.clone(), [1; 32])), Answer::Same(true));
    assert_eq!(node.call(compare(peer("CT-A"), kept.clone(), [2; 32])), Answer::Same(false));
    let summary = key(&image, &admitted, Part::Summary);
    let elsewhere = ReleaseItem { context: Context { object: ObjectId([1; 16]), ..kept.context }, ..kept.clone() };
    for (who, kept) in [(peer("CT-B"), kept.clone()), (peer("CT-A"), summary), (peer("CT-A"), elsewhere)] {
        assert_eq!(node.failure(compare(who, kept, [1; 32])), Outcome::Refused);
    }
    let decisions: Vec<_> =
        world.events().into_iter().filter(|e| e.action == Action::Compare).map(|e| e.decision).collect();
    assert_eq!(
        decisions,
        [
            Decision::Permitted,
            Decision::Permitted,
            Decision::RefusedRelation,
            Decision::RefusedForged,
            Decision::RefusedForged,
        ]
    );
}

#[test]
fn different_patients_are_counted_and_not_requests() {
    let mut world = World::new();
    let mut node = world.node();
    let sari = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
    let images: Vec<_> = (0..3).map(|n| item(vec![local(&n.to_string())])).collect();
    let admitted = node.admit(&peer("CT-A"), images.clone());
    let keys: Vec<_> = images.iter().zip(&admitted).map(|(i, a)| key(i, a, Part::Content)).collect();
    let last = |world: &World| world.events().pop().unwrap().patients_day;
    node.release(&sari, Part::Content, vec![keys[0].clone(), keys[0].clone()]);
    node.release(&sari, Part::Content, vec![keys[0].clone()]);
    assert_eq!(last(&world), Some(1));
    node.release(&sari, Part::Content, keys.clone());
    assert_eq!(last(&world), Some(3));
    node.release(&sari, Part::Summary, vec![key(&images[0], &admitted[0], Part::Summary)]);
    assert_eq!(last(&world), Some(1), "lists are counted apart");
    // What is refused is not charged, and a restart forgets nothing.
    let stranger = bearer(&world.person("dr. Budi", "B", Role::Clinician, Purpose::Treat));
    node.release(&stranger, Part::Content, keys.clone());
    assert_eq!(last(&world), Some(0));
    drop(node);
    world.stop();
    world.start().unwrap();
    world.node().release(&sari, Part::Content, vec![keys[0].clone()]);
    assert_eq!(last(&world), Some(3));
}

#[test]
fn who_asks_is_told_from_the_register() {
    let world = World::new();
    let mut node = world.node();
    let token = world.person("dr. Sari", "A", Role::Clinician, Purpose::HealthcareOperations);
    let Answer::Who(who) = node.call(Request::Authenticate(bearer(&token))) else { panic!("nobody") };
    assert_eq!((who.facility.as_str(), who.role, who.purpose), ("A", Role::Clinician, Purpose::HealthcareOperations));
    assert!(who.expires.is_some() && !who.actor.contains("Sari"));
    // Moved to B: the token is the same, what it means is not.
    world.person("dr. Sari", "B", Role::Radiographer, Purpose::Treat);
    let Answer::Who(moved) = node.call(Request::Authenticate(bearer(&token))) else { panic!("nobody") };
    assert_eq!((moved.actor, moved.facility.as_str(), moved.role), (who.actor, "B", Role::Radiographer));
}

#[test]
fn the_register_is_set_up_and_listed() {
    let mut world = World::new();
    world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat);
    let code = |text: &str| FacilityCode::new(text).unwrap();
    let add_peer = |facility: &str, ae_title: &str| AdminRequest::AddPeer {
        ae_title: ae_title.into(),
        facility: code(facility),
        certificate: Some([3; 32]),
        host: Some("10.0.0.1".into()),
        port: Some(104),
    };
    let mut admin = world.admin();
    assert_eq!(admin.admin(AdminRequest::AddFacility { code: code("A"), name: "RSUP A".into() }), AdminAnswer::Done);
    assert_eq!(admin.admin(add_peer("B", "CT-A")), AdminAnswer::Done);
    for bad in [
        add_peer("NOWHERE", "CT"),
        add_peer("A", "AN AE TITLE TOO LONG"),
        AdminRequest::AddPerson { name: " ".into(), facility: code("A"), role: Role::System },
        AdminRequest::AddPerson { name: "x".into(), facility: code("NOWHERE"), role: Role::System },
        AdminRequest::Token { name: "nobody".into(), purpose: Purpose::Treat, seconds: 60 },
        AdminRequest::Token { name: "dr. Sari".into(), purpose: Purpose::Treat, seconds: 90 * 24 * 3_600 + 1 },
        AdminRequest::Remove { name: "nobody".into() },
    ] {
        let answer = admin.admin(bad.clone());
        assert!(matches!(&answer, AdminAnswer::Failed(f) if f.outcome == Outcome::Invalid), "{bad:?}: {answer:?}");
    }
    drop(admin);
    for _ in 0..2 {
        let AdminAnswer::Register(register) = world.admin().admin(AdminRequest::List) else { panic!("no list") };
        assert_eq!(register.facilities, [(code("A"), "RSUP A".into()), (code("B"), "Rumah Sakit B".into())]);
        assert_eq!(register.people, [("dr. Sari".into(), code("A"), Role::Clinician)]);
        assert_eq!((register.peers.len(), register.peers[0].facility.as_str()), (2, "B"));
        let Answer::Certificates(listed) = world.node().call(Request::Certificates) else { panic!("none") };
        assert_eq!((listed.len(), listed[0].sha256, listed[0].ae_title.as_str()), (1, [3; 32], "CT-A"));
        world.stop();
        world.start().unwrap();
    }
    let AdminAnswer::Ledger { vkey, size } = world.admin().admin(AdminRequest::Ledger) else { panic!("none") };
    assert_eq!(vkey, world.service().vkey());
    assert_eq!(size, world.verified());
}

#[test]
fn where_a_peer_listens_is_told_to_those_who_are_known() {
    let code = |code| FacilityCode::new(code).unwrap();
    let world = World::new();
    let listening = AdminRequest::AddPeer {
        ae_title: "PACS".into(),
        facility: code("A"),
        certificate: Some([7; 32]),
        host: Some("pacs.rs-a.example".into()),
        port: Some(11_112),
    };
    assert_eq!(world.admin().admin(listening), AdminAnswer::Done);
    let entries = world.events().len();
    let mut node = world.node();
    let asked = |asker, title: &str| Request::Peer { asker, ae_title: title.into() };
    let Answer::Peer(address) = node.call(asked(peer("CT-A"), " PACS ")) else { panic!("no address") };
    assert_eq!((address.ae_title.as_str(), address.facility), ("PACS", code("A")));
    assert_eq!((address.host.as_str(), address.port), ("pacs.rs-a.example", 11_112));
    assert_eq!(address.certificate, Some([7; 32]));
    // Not registered, and registered without an address: nobody can tell them apart.
    let refused = node.call(asked(peer("CT-A"), "NOWHERE"));
    assert!(matches!(&refused, Answer::Failed(failure) if failure.outcome == Outcome::Refused), "{refused:?}");
    assert_eq!(node.call(asked(peer("CT-A"), "CT-A")), refused);
    assert_eq!(world.events().len(), entries, "an address opens nothing and is not logged");
    assert_eq!(node.failure(asked(peer("STRANGER"), "PACS")), Outcome::Refused);
    assert_eq!(world.events().len(), entries + 1, "a stranger is");
}
