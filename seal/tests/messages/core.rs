//! The bytes of every message are the format: `golden/messages.txt` has a line for each variant.

use crate::line;
use record::{FacilityCode, Field, Identifier, ObjectId, Outcome, Pseudonym, Purpose, Role, Term, Token};
use seal::message::{
    AdminAnswer, AdminCall, AdminReply, AdminRequest, AdmitItem, Admitted, Answer, Asker, Assertion, Call, Certificate,
    Challenge, Context, Credential, DataKey, Failure, KeyEntry, KeyProof, OutsideIssuer, Part, PeerAddress, PeerEntry,
    Proof, Register, ReleaseItem, Released, Reply, Request, SignIn, SignInAnswer, SignedIn, Staff, StaffEntry, Terms,
    Ways, Who, WrappedKey,
};

fn facility() -> FacilityCode {
    FacilityCode::new("RSUP-1").unwrap()
}

fn bearer() -> Asker {
    Asker { proof: Proof::Bearer("eyJ0".into()), purpose: Purpose::Treat, channel: "dicomweb".into() }
}

fn peer() -> Asker {
    let proof = Proof::Peer { ae_title: "CT1".into(), certificate: Some([1; 32]) };
    Asker { proof, purpose: Purpose::EmergencyTreat, channel: "dimse".into() }
}

fn wrapped() -> WrappedKey {
    WrappedKey { epoch: 1, sealed: vec![2; 60] }
}

fn item() -> ReleaseItem {
    let context = Context { patient: Pseudonym([3; 16]), object: ObjectId([4; 16]), version: 5 };
    ReleaseItem { context, wrapped: wrapped() }
}

fn admit_item() -> AdmitItem {
    AdmitItem {
        object: ObjectId([4; 16]),
        version: 1,
        kind: "dicom".into(),
        identifiers: vec![
            Identifier::Local { issuer: "RSUP-1".into(), value: "12".into() },
            Identifier::Nik("3171".into()),
            Identifier::JknCard("0001".into()),
            Identifier::Passport("X1".into()),
            Identifier::Ihs("P02".into()),
            Identifier::Unidentified { facility: facility(), study: "1.2".into() },
        ],
        patient: Some(Pseudonym([3; 16])),
        terms: vec![Term { field: Field::NameWord, text: "SITI".into() }],
        summary: DataKey([6; 32]),
        content: DataKey([7; 32]),
        says: None,
    }
}

fn requests() -> Vec<Request> {
    let terms = [
        Field::Identifier,
        Field::Number,
        Field::AccessionNumber,
        Field::NameWord,
        Field::NamePrefix,
        Field::NameSound,
        Field::Code,
    ];
    vec![
        Request::Authenticate(peer()),
        Request::Admit { asker: bearer(), items: vec![admit_item()] },
        Request::Tokens { asker: bearer(), terms: terms.map(|field| Term { field, text: "t".into() }).to_vec() },
        Request::Release { asker: bearer(), part: Part::Summary, items: vec![item()] },
        Request::Release { asker: bearer(), part: Part::Content, items: vec![item()] },
        Request::Compare { asker: bearer(), kept: item(), commitment: [8; 32], arrived: [9; 32] },
        Request::Erase { asker: bearer(), patient: Pseudonym([3; 16]), reason: "asked".into(), basis: None },
        Request::Checkpoint,
        Request::Closings,
        Request::Certificates,
        Request::Peer { asker: peer(), ae_title: "PACS".into() },
    ]
    .into_iter()
    .chain(sign_ins().into_iter().map(Request::SignIn))
    .chain([Request::Authenticate(bound())])
    .collect()
}

fn bound() -> Asker {
    let proof = Proof::Bound {
        token: "eyJ0".into(),
        proof: "eyJ1".into(),
        method: "GET".into(),
        uri: "https://a.example/fhir/Patient".into(),
    };
    Asker { proof, purpose: Purpose::Treat, channel: "fhir".into() }
}

fn sign_ins() -> Vec<SignIn> {
    let proof = KeyProof { jwt: "eyJ1".into(), method: "POST".into(), uri: "https://a.example/sign-in".into() };
    let assertion = Assertion {
        credential: vec![1; 2],
        client_data_json: b"{}".to_vec(),
        authenticator_data: vec![3; 2],
        signature: vec![4; 2],
        user_handle: Some(vec![5; 2]),
    };
    let (name, thumbprint, purpose) = (Some("SITI".into()), [9; 32], Purpose::Treat);
    let (invitation, issuer) = ("eyJ2".to_owned(), "o".to_owned());
    vec![
        SignIn::Ways,
        SignIn::Begin { name, thumbprint },
        SignIn::Finish { assertion, proof: proof.clone(), purpose },
        SignIn::BeginEnrol { invitation: invitation.clone(), thumbprint },
        SignIn::Enrol {
            invitation: invitation.clone(),
            client_data_json: b"{}".to_vec(),
            attestation_object: vec![6; 2],
            proof: proof.clone(),
            purpose,
        },
        SignIn::OidcBegin { issuer: issuer.clone(), thumbprint },
        SignIn::Oidc { issuer, id_token: "eyJ3".into(), proof: proof.clone(), purpose },
        SignIn::Client {
            assertion: "eyJ4".into(),
            audience: "https://a.example/token".into(),
            proof: None,
            purpose,
            scope: Some("system/*.rs".into()),
        },
        SignIn::DeviceBegin { thumbprint },
        SignIn::Device { proof: proof.clone(), purpose },
        SignIn::EnrolDevice { invitation, proof: proof.clone(), purpose },
        SignIn::Renew { token: "eyJ0".into(), proof: proof.clone() },
        SignIn::Revoke { token: "eyJ0".into(), proof },
    ]
}

fn sign_in_answers() -> Vec<SignInAnswer> {
    let who = Who {
        actor: "a1".into(),
        facility: facility(),
        role: Role::Clinician,
        purpose: Purpose::Treat,
        expires: Some(9),
    };
    let issuer = OutsideIssuer { name: "o".into(), issuer: "https://o.example".into(), client_id: "c".into() };
    let challenge = Challenge {
        challenge: vec![0xab; 2],
        rp_id: "a.example".into(),
        credentials: vec![Credential(vec![0xab; 2])],
        user_handle: Some(b"0001".to_vec()),
        name: Some("SITI".into()),
    };
    let signed_in = SignedIn {
        token: "eyJ0".into(),
        is_bound: true,
        expires: 9,
        session_ends: Some(10),
        who,
        name: "SITI".into(),
        scope: None,
    };
    vec![
        SignInAnswer::Ways(Ways {
            rp_id: "a.example".into(),
            origins: vec!["https://a.example".into()],
            issuers: vec![issuer],
        }),
        SignInAnswer::Challenge(challenge),
        SignInAnswer::Nonce("n".into()),
        SignInAnswer::Token(signed_in),
        SignInAnswer::Ended,
    ]
}

fn staff() -> Vec<Staff> {
    let name = || "SITI".to_owned();
    let terms = Terms {
        duty_from: Some(1),
        duty_until: Some(2),
        training_until: Some(3),
        purposes: Some(vec![Purpose::Treat, Purpose::Research]),
    };
    vec![
        Staff::Terms { name: name(), terms },
        Staff::Invite { name: name(), seconds: 60, thumbprint: Some([9; 32]) },
        Staff::Keys { name: name(), jwks: "{}".into() },
        Staff::RemoveKey { name: name(), key: "k".into() },
        Staff::SignOut { name: name() },
        Staff::List,
    ]
}

fn answers() -> Vec<Answer> {
    let who = Who {
        actor: "a1".into(),
        facility: facility(),
        role: Role::Clinician,
        purpose: Purpose::Treat,
        expires: Some(9),
    };
    let admitted = Admitted {
        patient: Pseudonym([3; 16]),
        linked: vec![Pseudonym([4; 16])],
        tokens: vec![Token(vec![3, 1, 2])],
        summary: wrapped(),
        content: wrapped(),
        facility: facility(),
        is_labelled: true,
    };
    let mut answers = vec![
        Answer::Who(who),
        Answer::Admitted(vec![admitted]),
        Answer::Tokens(vec![Some(vec![Token(vec![6, 1])]), None]),
        Answer::Released(vec![Released::Key(DataKey([6; 32])), Released::Refused]),
        Answer::Same(true),
        Answer::Erased(7),
        Answer::Checkpoint("note\n".into()),
        Answer::Certificates(vec![Certificate { sha256: [1; 32], ae_title: "CT1".into() }]),
    ];
    for outcome in
        [Outcome::Invalid, Outcome::Refused, Outcome::Busy, Outcome::Damaged, Outcome::Closed, Outcome::Exhausted]
    {
        answers.push(Answer::Failed(Failure { outcome, text: "why".into(), retry_after_seconds: None }));
    }
    answers.push(Answer::Peer(PeerAddress {
        ae_title: "PACS".into(),
        facility: facility(),
        host: "h".into(),
        port: 104,
        certificate: Some([1; 32]),
    }));
    answers.extend(sign_in_answers().into_iter().map(Answer::SignIn));
    answers.push(Answer::Closings(7));
    answers
}

fn admin_requests() -> Vec<AdminRequest> {
    vec![
        AdminRequest::AddFacility { code: facility(), name: "RSUP".into() },
        AdminRequest::AddPeer {
            ae_title: "CT1".into(),
            facility: facility(),
            certificate: None,
            host: Some("h".into()),
            port: Some(104),
        },
        AdminRequest::AddPerson { name: "ani".into(), facility: facility(), role: Role::Auditor },
        AdminRequest::Token { name: "ani".into(), purpose: Purpose::Research, seconds: 60 },
        AdminRequest::List,
        AdminRequest::Remove { name: "ani".into() },
        AdminRequest::Ledger,
    ]
    .into_iter()
    .chain(staff().into_iter().map(AdminRequest::Staff))
    .collect()
}

fn admin_answers() -> Vec<AdminAnswer> {
    let peer =
        PeerEntry { ae_title: "CT1".into(), facility: facility(), certificate: Some([1; 32]), host: None, port: None };
    let register = Register {
        facilities: vec![(facility(), "RSUP".into())],
        peers: vec![peer],
        people: vec![("ani".into(), facility(), Role::System)],
    };
    vec![
        AdminAnswer::Done,
        AdminAnswer::Token("eyJ0".into()),
        AdminAnswer::Register(register),
        AdminAnswer::Ledger { vkey: "v".into(), size: 3 },
        AdminAnswer::Failed(Failure { outcome: Outcome::Refused, text: "why".into(), retry_after_seconds: Some(60) }),
        AdminAnswer::Invitation("eyJ2".into()),
        AdminAnswer::Staff(vec![StaffEntry {
            name: "SITI".into(),
            actor: "a1".into(),
            facility: facility(),
            role: Role::Clinician,
            terms: Terms::default(),
            keys: vec![KeyEntry { id: "k".into(), kind: "passkey".into(), since: 4 }],
            sessions: 1,
        }]),
    ]
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let mut text = String::new();
    text.extend(requests().into_iter().map(|request| line("call", &Call { id: 1, request })));
    text.extend(answers().into_iter().map(|answer| line("reply", &Reply { id: 1, answer })));
    text.extend(admin_requests().into_iter().map(|request| line("admin-call", &AdminCall { id: 1, request })));
    text.extend(admin_answers().into_iter().map(|answer| line("admin-reply", &AdminReply { id: 1, answer })));
    assert_eq!(text, include_str!("../golden/messages.txt"));
}

#[test]
fn nothing_personal_or_secret_is_printed() {
    let printed =
        format!("{:?} {:?} {:?} {:?} {:?}", requests(), answers(), staff(), admin_answers(), DataKey([0xab; 32]));
    for secret in ["SITI", "3171", "0001", "eyJ", "171", "abab"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}
