//! Signing in, and what a token without its key, a key without its token, and everything stale, turned or torn are worth.

mod kept;
mod otherwise;

use crate::support::holder::{Authenticator, Holder, Signer, URI, encode, seconds};
use crate::support::{Client, Process, World, bearer, item, peer};
use keyservice::audit::{Action, Decision, Event};
use record::limits::{DPOP_AGE_SECONDS_MAX, DPOP_AHEAD_SECONDS_MAX, PATIENTS_PER_PROOF_MAX};
use record::{FacilityCode, Identifier, Outcome, Purpose, Role};
use seal::message::{
    AdminAnswer, AdminRequest, AdmitItem, Admitted, Answer, Asker, Challenge, Context, Part, Proof, ReleaseItem,
    Request, SignIn, SignInAnswer, SignedIn, Staff, StaffEntry, Terms,
};
use serde_json::{Value, json};

const SARI: &str = "dr. Sari";

fn add(admin: &mut Client, name: &str, role: Role) {
    let facility = FacilityCode::new("A").unwrap();
    let request = AdminRequest::AddPerson { name: name.into(), facility, role };
    assert_eq!(admin.admin(request), AdminAnswer::Done);
}

fn staff(admin: &mut Client, name: &str) -> StaffEntry {
    let AdminAnswer::Staff(staff) = admin.admin(AdminRequest::Staff(Staff::List)) else { panic!("no staff") };
    staff.into_iter().find(|one| one.name == name).unwrap()
}

fn change(admin: &mut Client, staff: Staff) {
    assert_eq!(admin.admin(AdminRequest::Staff(staff)), AdminAnswer::Done);
}

fn invite(admin: &mut Client, name: &str, thumbprint: Option<[u8; 32]>) -> String {
    let invite = Staff::Invite { name: name.into(), seconds: 600, thumbprint };
    match admin.admin(AdminRequest::Staff(invite)) {
        AdminAnswer::Invitation(code) => code,
        other => panic!("no invitation: {other:?}"),
    }
}

fn ask(node: &mut Client, asked: SignIn) -> SignInAnswer {
    match node.call(Request::SignIn(asked)) {
        Answer::SignIn(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

fn challenge(node: &mut Client, asked: SignIn) -> Challenge {
    match ask(node, asked) {
        SignInAnswer::Challenge(challenge) => challenge,
        other => panic!("no challenge: {other:?}"),
    }
}

fn nonce(node: &mut Client, asked: SignIn) -> String {
    match ask(node, asked) {
        SignInAnswer::Nonce(nonce) => nonce,
        other => panic!("no nonce: {other:?}"),
    }
}

fn token(node: &mut Client, asked: SignIn) -> SignedIn {
    match ask(node, asked) {
        SignInAnswer::Token(token) => token,
        other => panic!("no token: {other:?}"),
    }
}

fn refused(node: &mut Client, asked: SignIn) {
    assert_eq!(node.failure(Request::SignIn(asked)), Outcome::Refused);
}

fn last(world: &World) -> Event {
    // What is refused so often also rings, and that is written down after it.
    world.events().into_iter().rfind(|event| event.action != Action::Alarm).unwrap()
}

/// The last event is of this decision and says this.
fn logged(world: &World, decision: Decision, why: &str) {
    let event = last(world);
    assert_eq!(event.decision, decision, "{event:?}");
    assert!(event.detail.as_ref().is_some_and(|detail| detail.contains(why)), "{why}: {event:?}");
}

fn enrolment(node: &mut Client, code: &str, holder: &Holder, authenticator: &mut Authenticator) -> SignIn {
    let thumbprint = holder.0.thumbprint();
    let challenge = challenge(node, SignIn::BeginEnrol { invitation: code.into(), thumbprint });
    let (client_data_json, attestation_object) = authenticator.create(&challenge);
    SignIn::Enrol {
        invitation: code.into(),
        client_data_json,
        attestation_object,
        proof: holder.proof(),
        purpose: Purpose::Treat,
    }
}

/// Dr. Sari with a passkey, signed in; and one of her patients.
struct Told {
    world: World,
    holder: Holder,
    authenticator: Authenticator,
    signed_in: SignedIn,
    item: ReleaseItem,
}

fn local(value: &str) -> Identifier {
    Identifier::Local { issuer: "RIS".into(), value: value.into() }
}

fn key(item: &AdmitItem, admitted: &Admitted) -> ReleaseItem {
    let context = Context { patient: admitted.patient, object: item.object, version: item.version };
    ReleaseItem { context, wrapped: admitted.content.clone() }
}

fn told_in(world: World) -> Told {
    let (mut node, mut admin) = (world.node(), world.admin());
    add(&mut admin, SARI, Role::Clinician);
    let image = item(vec![local("1")]);
    let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
    let (holder, mut authenticator) = (Holder::new(), Authenticator::new());
    let code = invite(&mut admin, SARI, None);
    let enrolment = enrolment(&mut node, &code, &holder, &mut authenticator);
    let signed_in = token(&mut node, enrolment);
    Told { world, holder, authenticator, signed_in, item: key(&image, &admitted) }
}

fn told() -> Told {
    told_in(World::new())
}

fn opens(node: &mut Client, asker: &Asker, item: &ReleaseItem) -> bool {
    match node.call(Request::Release { asker: asker.clone(), part: Part::Content, items: vec![item.clone()] }) {
        Answer::Released(released) => matches!(released[0], seal::message::Released::Key(_)),
        Answer::Failed(failure) => {
            assert_eq!(failure.outcome, Outcome::Refused);
            false
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_passkey_is_enrolled_and_signs_in_and_opens() {
    let Told { mut world, holder, authenticator, signed_in, item } = told();
    let (mut node, mut admin) = (world.node(), world.admin());
    assert!(signed_in.is_bound && signed_in.name == SARI && signed_in.who.role == Role::Clinician);
    assert!(opens(&mut node, &holder.asker(&signed_in.token), &item));
    // At another workstation, tomorrow.
    let other = Holder::new();
    let begin = SignIn::Begin { name: Some(SARI.into()), thumbprint: other.0.thumbprint() };
    let given = challenge(&mut node, begin);
    assert_eq!(
        given.credentials.iter().map(|one| one.0.as_slice()).collect::<Vec<_>>(),
        [authenticator.credential.as_slice()]
    );
    let finish =
        SignIn::Finish { assertion: authenticator.answer(&given), proof: other.proof(), purpose: Purpose::Treat };
    let second = token(&mut node, finish);
    assert!(opens(&mut node, &other.asker(&second.token), &item));
    // Renewed, and ended: the first goes on.
    let renew = SignIn::Renew { token: second.token.clone(), proof: other.proof_of(Some(&second.token), None) };
    let third = token(&mut node, renew);
    assert_eq!(third.session_ends, second.session_ends);
    assert!(opens(&mut node, &other.asker(&third.token), &item));
    assert_eq!(staff(&mut admin, SARI).sessions, 2);
    let revoke = SignIn::Revoke { token: third.token.clone(), proof: other.proof_of(Some(&third.token), None) };
    assert_eq!(ask(&mut node, revoke), SignInAnswer::Ended);
    for ended in [&second, &third] {
        assert!(!opens(&mut node, &other.asker(&ended.token), &item));
        logged(&world, Decision::RefusedProof, "session ended");
        let renew = SignIn::Renew { token: ended.token.clone(), proof: other.proof_of(Some(&ended.token), None) };
        refused(&mut node, renew);
        logged(&world, Decision::RefusedProof, "no session");
    }
    assert!(opens(&mut node, &holder.asker(&signed_in.token), &item));
    let entries: Vec<Action> = world.events().iter().map(|event| event.action).collect();
    for action in [Action::ChangeKey, Action::SignIn, Action::SignToken] {
        assert!(entries.contains(&action), "{action:?}");
    }
    world.verified();
}

#[test]
fn a_token_alone_and_a_proof_turned_open_nothing() {
    let Told { world, holder, signed_in, item, .. } = told();
    let mut node = world.node();
    let token = signed_in.token.as_str();
    let (thief, now) = (Holder::new(), seconds());
    let with = |field: &str, value: Value| {
        let mut claims = Holder::claims("GET", URI, Some(token));
        claims[field] = value;
        holder.asker_with(token, &claims)
    };
    let mut unsigned = Holder::claims("GET", URI, Some(token));
    unsigned["jti"] = json!("unsigned");
    let header = json!({"typ": "dpop+jwt", "alg": "none", "jwk": holder.0.jwk()});
    let unsigned = format!("{}.{}.", encode(header.to_string()), encode(unsigned.to_string()));
    let bound = |proof: String, method: &str, uri: &str| Asker {
        proof: Proof::Bound { token: token.into(), proof, method: method.into(), uri: uri.into() },
        ..bearer(token)
    };
    let good = || holder.sign(&Holder::claims("GET", URI, Some(token)));
    let plain = world.person("dr. Adi", "A", Role::Clinician, Purpose::Treat);
    for (name, asker, why) in [
        ("as a plain bearer token", bearer(token), "token without proof"),
        ("with a thief's key", thief.asker(token), "token bound to another key"),
        ("with no proof", bound(String::new(), "GET", URI), "proof not signed"),
        ("unsigned", bound(unsigned, "GET", URI), "proof not signed"),
        ("for another method", bound(good(), "DELETE", URI), "proof for another method"),
        ("for another URI", bound(good(), "GET", "http://localhost:8080/fhir/Patient"), "proof for another URI"),
        ("over another token", with("ath", json!(encode([7; 32]))), "proof for another token"),
        ("over no token", with("ath", Value::Null), "proof for another token"),
        ("expired", with("iat", json!(now - DPOP_AGE_SECONDS_MAX - 2)), "proof too old"),
        ("of yesterday", with("iat", json!(now - 86_400)), "proof too old"),
        ("of the future", with("iat", json!(now + DPOP_AHEAD_SECONDS_MAX + 60)), "proof dated ahead"),
        ("of tomorrow", with("iat", json!(now + 86_400)), "proof dated ahead"),
        ("with an unbound token", holder.asker(&plain), "token bound to no key"),
        ("with a changed token", holder.asker(&token.replacen('a', "b", 1)), "token not signed here"),
    ] {
        assert!(!opens(&mut node, &asker, &item), "{name}");
        logged(&world, Decision::RefusedProof, why);
        assert_eq!(node.failure(Request::Authenticate(asker)), Outcome::Refused, "{name}");
    }
    // One proof is one request: its several calls, and no other proof of its number.
    let claims = Holder::claims("GET", URI, Some(token));
    let asker = holder.asker_with(token, &claims);
    for _ in 0..3 {
        assert!(matches!(node.call(Request::Authenticate(asker.clone())), Answer::Who(_)));
        assert!(opens(&mut node, &asker, &item));
    }
    let mut again = claims.clone();
    again["more"] = json!(1);
    assert!(!opens(&mut node, &holder.asker_with(token, &again), &item));
    logged(&world, Decision::RefusedProof, "proof shown before");
}

#[test]
fn one_click_is_not_a_hundred_patients() {
    let Told { world, holder, signed_in, .. } = told();
    let mut node = world.node();
    let many: Vec<AdmitItem> = (0..=PATIENTS_PER_PROOF_MAX).map(|n| item(vec![local(&format!("p{n}"))])).collect();
    let admitted = node.admit(&peer("CT-A"), many.clone());
    let items: Vec<ReleaseItem> = many.iter().zip(&admitted).map(|(item, admitted)| key(item, admitted)).collect();
    let asker = holder.asker(&signed_in.token);
    let opened = node.release(&asker, Part::Content, items.clone());
    assert_eq!(opened.iter().filter(|key| key.is_some()).count(), PATIENTS_PER_PROOF_MAX);
    assert!(opened.last().unwrap().is_none());
    let refusals: Vec<Decision> = world.events().iter().map(|event| event.decision).collect();
    assert_eq!(refusals.iter().filter(|decision| **decision == Decision::RefusedBudget).count(), 1);
}

#[test]
fn after_a_restart_sessions_go_on_and_old_proofs_do_not() {
    let Told { mut world, holder, signed_in, item, .. } = told();
    let asker = holder.asker(&signed_in.token);
    assert!(opens(&mut world.node(), &asker, &item));
    world.stop();
    world.start().unwrap();
    let mut node = world.node();
    assert!(!opens(&mut node, &asker, &item));
    logged(&world, Decision::RefusedProof, "proof shown before");
    // A proof of a later second counts.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert!(opens(&mut node, &holder.asker(&signed_in.token), &item));
}

#[test]
fn a_challenge_is_for_one_key_and_good_once() {
    let Told { world, authenticator, .. } = told();
    let mut node = world.node();
    let (holder, thief) = (Holder::new(), Holder::new());
    let begin = |holder: &Holder| SignIn::Begin { name: Some(SARI.into()), thumbprint: holder.0.thumbprint() };
    let given = challenge(&mut node, begin(&holder));
    let finish =
        |assertion, holder: &Holder| SignIn::Finish { assertion, proof: holder.proof(), purpose: Purpose::Treat };
    // What the archive node could try with what it has seen: its own key in place of the person's.
    refused(&mut node, finish(authenticator.answer(&given), &thief));
    logged(&world, Decision::RefusedProof, "challenge not given out");
    token(&mut node, finish(authenticator.answer(&given), &holder));
    refused(&mut node, finish(authenticator.answer(&given), &holder));
    logged(&world, Decision::RefusedProof, "used before");
    let invented = Challenge { challenge: vec![7; 56], ..given.clone() };
    refused(&mut node, finish(authenticator.answer(&invented), &holder));
    let stranger = Authenticator::new();
    let given = challenge(&mut node, begin(&holder));
    refused(&mut node, finish(stranger.answer(&given), &holder));
    logged(&world, Decision::RefusedProof, "key not registered");
    let mut claimed = stranger.answer(&given);
    claimed.credential.clone_from(&authenticator.credential);
    refused(&mut node, finish(claimed, &holder));
    logged(&world, Decision::RefusedProof, "signature not the passkey's");
    let mut other = authenticator.answer(&given);
    other.user_handle = Some(b"person-0".to_vec());
    refused(&mut node, finish(other, &holder));
    let mut purpose = finish(authenticator.answer(&given), &holder);
    if let SignIn::Finish { purpose, .. } = &mut purpose {
        *purpose = Purpose::SystemAdministration;
    }
    refused(&mut node, purpose);
    assert_eq!(last(&world).decision, Decision::RefusedPurpose);
}

#[test]
fn nobody_learns_who_is_registered() {
    let Told { world, .. } = told();
    let mut node = world.node();
    let mut begin = |name: &str| {
        let begin = SignIn::Begin { name: Some(name.into()), thumbprint: [7; 32] };
        challenge(&mut node, begin).credentials
    };
    let (known, unknown) = (begin(SARI), begin("dr. Nobody"));
    assert!((1..=2).contains(&unknown.len()) && known.len() == 1);
    assert!(unknown.iter().all(|made_up| made_up.0.len() == known[0].0.len()));
    assert_eq!(unknown, begin("dr. Nobody"), "it is always the same");
    assert_ne!(unknown, begin("dr. Somebody Else"));
    refused(&mut node, SignIn::BeginEnrol { invitation: "0000".into(), thumbprint: [7; 32] });
}

#[test]
fn an_invitation_is_used_once() {
    let world = World::new();
    let (mut node, mut admin) = (world.node(), world.admin());
    add(&mut admin, SARI, Role::Clinician);
    let first = invite(&mut admin, SARI, None);
    let code = invite(&mut admin, SARI, None);
    let holder = Holder::new();
    // The last one counts; and it reads as people type it.
    refused(&mut node, SignIn::BeginEnrol { invitation: first, thumbprint: holder.0.thumbprint() });
    let typed = code.to_uppercase().replace('-', " ");
    let (mut one, mut two) = (Authenticator::new(), Authenticator::new());
    let enrol_one = enrolment(&mut node, &typed, &holder, &mut one);
    let enrol_two = enrolment(&mut node, &code, &holder, &mut two);
    token(&mut node, enrol_one);
    refused(&mut node, enrol_two);
    logged(&world, Decision::RefusedProof, "no such invitation");
    assert_eq!(staff(&mut admin, SARI).keys.len(), 1);
    // The same passkey for somebody else would answer for both.
    add(&mut admin, "dr. Adi", Role::Clinician);
    let code = invite(&mut admin, "dr. Adi", None);
    let enrol = enrolment(&mut node, &code, &holder, &mut one);
    refused(&mut node, enrol);
    logged(&world, Decision::RefusedProof, "a passkey of this id is registered");
    // One that is refused for its passkey is not used up.
    let enrol = enrolment(&mut node, &code, &holder, &mut two);
    token(&mut node, enrol);
    // And one ends with its time.
    let invite = Staff::Invite { name: SARI.into(), seconds: 1, thumbprint: None };
    let AdminAnswer::Invitation(code) = admin.admin(AdminRequest::Staff(invite)) else { panic!("no invitation") };
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    refused(&mut node, SignIn::BeginEnrol { invitation: code, thumbprint: [7; 32] });
}
