//! Signing in, and what a token without its key, a key without its token, and everything stale, turned or torn are worth.

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
        given.credentials.iter().map(|one| one.0.clone()).collect::<Vec<_>>(),
        [authenticator.credential.clone()]
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

#[test]
fn a_device_signs_in_by_its_own_key() {
    let Told { world, item, .. } = told();
    let (mut node, mut admin) = (world.node(), world.admin());
    let (device, thief) = (Holder::new(), Holder::new());
    let begin = |holder: &Holder| SignIn::DeviceBegin { thumbprint: holder.0.thumbprint() };
    let code = invite(&mut admin, SARI, Some(device.0.thumbprint()));
    // The code was made for one key: whoever reads it over a shoulder, or is the node, has no use for it.
    let given = nonce(&mut node, begin(&thief));
    let enrol = |holder: &Holder, nonce: &str| SignIn::EnrolDevice {
        invitation: code.clone(),
        proof: holder.proof_of(None, Some(nonce)),
        purpose: Purpose::Treat,
    };
    refused(&mut node, enrol(&thief, &given));
    logged(&world, Decision::RefusedProof, "no such invitation");
    refused(&mut node, enrol(&device, &given));
    logged(&world, Decision::RefusedProof, "challenge not given out");
    let given = nonce(&mut node, begin(&device));
    let first = token(&mut node, enrol(&device, &given));
    assert!(opens(&mut node, &device.asker(&first.token), &item));
    let sign_in = |holder: &Holder, nonce: &str| SignIn::Device {
        proof: holder.proof_of(None, Some(nonce)),
        purpose: Purpose::Treat,
    };
    refused(&mut node, sign_in(&device, &given));
    let given = nonce(&mut node, begin(&device));
    let second = token(&mut node, sign_in(&device, &given));
    assert!(opens(&mut node, &device.asker(&second.token), &item));
    let given = nonce(&mut node, begin(&thief));
    refused(&mut node, sign_in(&thief, &given));
    logged(&world, Decision::RefusedProof, "key not registered");
    // Lost: its key goes, and its sessions with it.
    let id = encode(device.0.thumbprint());
    change(&mut admin, Staff::RemoveKey { name: SARI.into(), key: id });
    assert!(!opens(&mut node, &device.asker(&second.token), &item));
    let given = nonce(&mut node, begin(&device));
    refused(&mut node, sign_in(&device, &given));
}

#[test]
fn what_lapses_stops_opening_and_leavers_are_cut_off() {
    let Told { world, holder, authenticator, signed_in, item } = told();
    let (mut node, mut admin) = (world.node(), world.admin());
    let (now, hour) = (record::time::now(), 3_600_000_000);
    let asker = || holder.asker(&signed_in.token);
    let sign_in = |node: &mut Client| {
        let begin = SignIn::Begin { name: None, thumbprint: holder.0.thumbprint() };
        let given = challenge(node, begin);
        SignIn::Finish { assertion: authenticator.answer(&given), proof: holder.proof(), purpose: Purpose::Treat }
    };
    for (terms, expected) in [
        (Terms { duty_until: Some(now - hour), ..Terms::default() }, false),
        (Terms { duty_from: Some(now + hour), ..Terms::default() }, false),
        (Terms { training_until: Some(now - hour), ..Terms::default() }, false),
        (
            Terms {
                duty_from: Some(now - hour),
                duty_until: Some(now + hour),
                training_until: Some(now + hour),
                purposes: None,
            },
            true,
        ),
        (Terms::default(), true),
    ] {
        change(&mut admin, Staff::Terms { name: SARI.into(), terms: terms.clone() });
        assert_eq!(opens(&mut node, &asker(), &item), expected, "{terms:?}");
        let attempt = sign_in(&mut node);
        if expected {
            let signed_in = token(&mut node, attempt);
            let ends = signed_in.session_ends.unwrap();
            assert!(terms.duty_until.is_none_or(|until| ends <= until), "a session ends with the duty");
        } else {
            assert_eq!(last(&world).decision, Decision::RefusedLapsed);
            assert_eq!(node.failure(Request::Tokens { asker: asker(), terms: Vec::new() }), Outcome::Refused);
            let admit = Request::Admit { asker: asker(), items: vec![crate::support::item(vec![local("9")])] };
            assert_eq!(node.failure(admit), Outcome::Refused);
            refused(&mut node, attempt);
            assert_eq!(last(&world).decision, Decision::RefusedLapsed);
        }
    }
    change(&mut admin, Staff::SignOut { name: SARI.into() });
    assert!(!opens(&mut node, &asker(), &item));
    assert_eq!(staff(&mut admin, SARI).sessions, 0);
    let attempt = sign_in(&mut node);
    let again = token(&mut node, attempt);
    assert!(opens(&mut node, &holder.asker(&again.token), &item));
    assert_eq!(admin.admin(AdminRequest::Remove { name: SARI.into() }), AdminAnswer::Done);
    assert!(!opens(&mut node, &holder.asker(&again.token), &item));
    let attempt = sign_in(&mut node);
    refused(&mut node, attempt);
    // Whoever comes back under the name is somebody else, without keys.
    add(&mut admin, SARI, Role::Clinician);
    assert!(!opens(&mut node, &holder.asker(&again.token), &item));
    assert!(staff(&mut admin, SARI).keys.is_empty());
}

#[test]
fn a_system_signs_in_by_assertion() {
    let Told { world, item, .. } = told();
    let (mut node, mut admin) = (world.node(), world.admin());
    add(&mut admin, "router", Role::System);
    let audience = "http://localhost:8080/oauth/token";
    let (es384, rs384, stranger) = (Signer::es384(), Signer::rsa("RS384"), Signer::es384());
    let mut named = es384.jwk();
    named["kid"] = json!("one");
    let jwks = json!({"keys": [named, rs384.jwk()]}).to_string();
    change(&mut admin, Staff::Keys { name: "router".into(), jwks });
    let claims =
        |jti: &str| json!({"iss": "router", "sub": "router", "aud": audience, "exp": seconds() + 290, "jti": jti});
    let client = |assertion: String, holder: Option<&Holder>| SignIn::Client {
        assertion,
        audience: audience.into(),
        proof: holder.map(Holder::proof),
        purpose: Purpose::Treat,
        scope: Some("system/*.rs".into()),
    };
    let header = || json!({"typ": "JWT", "kid": "one"});
    let plain = token(&mut node, client(es384.sign(header(), &claims("1")), None));
    assert!(!plain.is_bound && plain.session_ends.is_none() && plain.scope.as_deref() == Some("system/*.rs"));
    assert!(plain.expires - record::time::now() <= 300_000_000);
    assert!(opens(&mut node, &bearer(&plain.token), &item));
    // It asked to read.
    let admit = Request::Admit { asker: bearer(&plain.token), items: vec![crate::support::item(vec![local("9")])] };
    assert_eq!(node.failure(admit), Outcome::Refused);
    logged(&world, Decision::RefusedPolicy, "scope");
    let holder = Holder::new();
    let bound = token(&mut node, client(rs384.sign(json!({"typ": "JWT"}), &claims("2")), Some(&holder)));
    assert!(bound.is_bound && opens(&mut node, &holder.asker(&bound.token), &item));
    assert!(!opens(&mut node, &bearer(&bound.token), &item));
    let with = |field: &str, value: Value| {
        let mut claims = claims(&format!("with {field}"));
        claims[field] = value;
        es384.sign(header(), &claims)
    };
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(claims("3").to_string()));
    for (name, assertion) in [
        ("shown twice", es384.sign(header(), &claims("1"))),
        ("a stranger's", stranger.sign(header(), &claims("4"))),
        ("unsigned", unsigned),
        ("for another audience", with("aud", json!("https://elsewhere.example/token"))),
        ("over", with("exp", json!(seconds() - 1))),
        ("for a day", with("exp", json!(seconds() + 86_400))),
        ("dated ahead", with("iat", json!(seconds() + 600))),
        ("about another", with("sub", json!("another"))),
        ("of a person", with("iss", json!(SARI))),
        ("of nobody", with("iss", json!("nobody"))),
        ("without number", with("jti", json!(""))),
        ("by another key's name", es384.sign(json!({"kid": "two"}), &claims("5"))),
    ] {
        // The set's second key has no name, so every name may mean it; the signature then does not hold.
        refused(&mut node, client(assertion, None));
        assert_eq!(last(&world).decision, Decision::RefusedProof, "{name}");
    }
    // A key that is taken away ends what was given for it.
    change(&mut admin, Staff::Keys { name: "router".into(), jwks: json!({"keys": [rs384.jwk()]}).to_string() });
    assert!(!opens(&mut node, &bearer(&plain.token), &item));
    logged(&world, Decision::RefusedProof, "session ended");
    assert!(opens(&mut node, &holder.asker(&bound.token), &item));
    // People sign in by what they hold themselves.
    let keys = Staff::Keys { name: SARI.into(), jwks: json!({"keys": [es384.jwk()]}).to_string() };
    assert!(
        matches!(admin.admin(AdminRequest::Staff(keys)), AdminAnswer::Failed(failure) if failure.outcome == Outcome::Invalid)
    );
}

#[test]
fn an_outside_issuer_vouches_for_one_key() {
    let (folder, signer) = (tempfile::tempdir().unwrap(), Signer::rsa("RS256"));
    let jwks = folder.path().join("jwks.json");
    std::fs::write(&jwks, json!({"keys": [signer.jwk()]}).to_string()).unwrap();
    let text = "[[identity.issuers]]\nname = \"rs\"\nissuer = \"https://id.example\"\nclient_id = \"segel\"\njwks = \"jwks.json\"\n";
    let mut world = World::empty(keyservice::Config::parse(text, folder.path()).unwrap());
    world.start().unwrap();
    world.set_up();
    let Told { world, item, .. } = told_in(world);
    let mut node = world.node();
    let (holder, thief) = (Holder::new(), Holder::new());
    let begin = |holder: &Holder| SignIn::OidcBegin { issuer: "rs".into(), thumbprint: holder.0.thumbprint() };
    let claims = |nonce: &str| {
        json!({"iss": "https://id.example", "aud": "segel", "sub": "1", "exp": seconds() + 60, "iat": seconds(),
               "nonce": nonce, "preferred_username": SARI})
    };
    let show = |id_token: String, holder: &Holder| SignIn::Oidc {
        issuer: "rs".into(),
        id_token,
        proof: holder.proof(),
        purpose: Purpose::Treat,
    };
    let given = nonce(&mut node, begin(&holder));
    let id_token = signer.sign(json!({}), &claims(&given));
    refused(&mut node, show(id_token.clone(), &thief));
    let signed_in = token(&mut node, show(id_token.clone(), &holder));
    assert!(signed_in.is_bound && opens(&mut node, &holder.asker(&signed_in.token), &item));
    refused(&mut node, show(id_token, &holder));
    logged(&world, Decision::RefusedProof, "used before");
    let mut with = |field: &str, value: Value| {
        let mut claims = claims(&nonce(&mut node, begin(&holder)));
        claims[field] = value;
        claims
    };
    let cases = [
        ("another issuer", with("iss", json!("https://other.example")), Decision::RefusedProof),
        ("another client", with("aud", json!("other")), Decision::RefusedProof),
        ("two clients", with("aud", json!(["segel", "other"])), Decision::RefusedProof),
        ("over", with("exp", json!(seconds() - 120)), Decision::RefusedProof),
        ("old", with("iat", json!(seconds() - 3_600)), Decision::RefusedProof),
        ("ahead", with("iat", json!(seconds() + 3_600)), Decision::RefusedProof),
        ("no nonce", with("nonce", Value::Null), Decision::RefusedProof),
        ("an invented nonce", with("nonce", json!(encode([7; 56]))), Decision::RefusedProof),
        ("no name", with("preferred_username", Value::Null), Decision::RefusedProof),
        ("nobody's name", with("preferred_username", json!("nobody")), Decision::RefusedUnknown),
    ];
    for (name, claims, decision) in cases {
        refused(&mut node, show(signer.sign(json!({}), &claims), &holder));
        assert_eq!(last(&world).decision, decision, "{name}");
    }
    let given = nonce(&mut node, begin(&holder));
    refused(&mut node, show(Signer::rsa("RS256").sign(json!({}), &claims(&given)), &holder));
    // The issuer's next key counts as soon as it is in the file.
    let next = Signer::es256();
    std::fs::write(&jwks, json!({"keys": [next.jwk()]}).to_string()).unwrap();
    token(&mut node, show(next.sign(json!({}), &claims(&given)), &holder));
}

#[test]
fn whose_tokens_may_be_unbound_is_a_setting() {
    for (setting, clinician, system) in [("everyone", true, true), ("systems", false, true), ("nobody", false, false)] {
        let text = format!("[identity]\nunbound_tokens = \"{setting}\"\n");
        let mut world = World::empty(keyservice::Config::parse(&text, std::path::Path::new(".")).unwrap());
        world.start().unwrap();
        world.set_up();
        for (name, role, expected) in [("dr. Adi", Role::Clinician, clinician), ("router", Role::System, system)] {
            let token = world.person(name, "A", role, Purpose::Treat);
            let answer = world.node().call(Request::Authenticate(bearer(&token)));
            assert_eq!(matches!(answer, Answer::Who(_)), expected, "{setting} {name}");
            if !expected {
                logged(&world, Decision::RefusedProof, "token bound to no key");
            }
        }
    }
}

#[test]
fn a_proof_for_another_origin_is_refused() {
    let text = "[identity]\norigins = [\"http://localhost:8080\"]\n";
    let mut world = World::empty(keyservice::Config::parse(text, std::path::Path::new(".")).unwrap());
    world.start().unwrap();
    world.set_up();
    let Told { world, holder, signed_in, item, .. } = told_in(world);
    let mut node = world.node();
    assert!(opens(&mut node, &holder.asker(&signed_in.token), &item));
    let uri = "http://elsewhere.example/dicom-web/studies";
    let proof = holder.sign(&Holder::claims("GET", uri, Some(&signed_in.token)));
    let proof = Proof::Bound { token: signed_in.token.clone(), proof, method: "GET".into(), uri: uri.into() };
    assert!(!opens(&mut node, &Asker { proof, ..bearer("") }, &item));
    logged(&world, Decision::RefusedProof, "proof for another archive");
}

/// Killed at any moment of an enrolment: either the key is there and the invitation is used, or neither.
#[test]
fn a_kill_leaves_no_half_enrolled_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &[]);
    process.set_up();
    add(&mut process.admin(), SARI, Role::Clinician);
    let (mut enrolled, mut not) = (0_usize, 0_usize);
    for round in 0..8_u64 {
        let code = invite(&mut process.admin(), SARI, None);
        let (holder, mut authenticator) = (Holder::new(), Authenticator::new());
        let mut node = process.node();
        let asked = enrolment(&mut node, &code, &holder, &mut authenticator);
        let before = staff(&mut process.admin(), SARI).keys.len();
        node.send(Request::SignIn(asked)).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(round * 1_500));
        process.kill();
        process = Process::start(folder.path(), &[]);
        let now = staff(&mut process.admin(), SARI);
        let begin = SignIn::BeginEnrol { invitation: code, thumbprint: holder.0.thumbprint() };
        let is_unused = matches!(process.node().call(Request::SignIn(begin)), Answer::SignIn(_));
        assert_eq!(now.keys.len(), before + usize::from(!is_unused), "round {round}");
        let events = process.events();
        let entries = events.iter().filter(|e| e.detail.as_ref().is_some_and(|d| d.contains("enrolled"))).count();
        assert_eq!(entries, now.keys.len(), "every key has its entry");
        if is_unused { not += 1 } else { enrolled += 1 }
    }
    assert_eq!(enrolled + not, 8);
}
