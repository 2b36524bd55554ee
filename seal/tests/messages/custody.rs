//! The bytes of the messages about custody are the format: `golden/custody.txt` has a line for each variant.

use crate::line;
use record::{Pseudonym, Purpose};
use seal::message::custody::{Basis, CustodyAnswer, CustodyRequest, Held};
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest, Answer, Asker, Call, Proof, Reply, Request};

const PATIENT: Pseudonym = Pseudonym([3; 16]);

fn requests() -> Vec<Request> {
    let asker =
        || Asker { proof: Proof::Bearer("eyJ0".into()), purpose: Purpose::PatientRequest, channel: "command".into() };
    let erase = |basis| Request::Erase { asker: asker(), patient: PATIENT, reason: "asked".into(), basis };
    let mut requests: Vec<Request> = Basis::all().iter().map(|(basis, _)| erase(Some(*basis))).collect();
    requests.push(erase(None));
    requests.push(Request::Certificate { asker: asker(), patient: PATIENT });
    requests
}

fn admin_requests() -> Vec<AdminRequest> {
    let reason = || "a dispute".to_owned();
    let all = [
        CustodyRequest::Hold { patient: PATIENT, reason: reason() },
        CustodyRequest::Lift { patient: PATIENT, reason: reason() },
        CustodyRequest::Holds,
        CustodyRequest::PutInForce,
        CustodyRequest::BackedUp { entries: 9, sha256: [7; 32] },
    ];
    all.map(AdminRequest::Custody).to_vec()
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let held = Held { patient: PATIENT, since: 5, reason: "a dispute".into() };
    let answer = AdminAnswer::Custody(CustodyAnswer::Holds(vec![held]));
    let mut text = String::new();
    text.extend(requests().into_iter().map(|request| line("call", &Call { id: 1, request })));
    text.extend([line("reply", &Reply { id: 1, answer: Answer::Certificate("{}".into()) })]);
    text.extend(admin_requests().into_iter().map(|request| line("admin-call", &AdminCall { id: 1, request })));
    text.extend([line("admin-reply", &AdminReply { id: 1, answer })]);
    assert_eq!(text, include_str!("../golden/custody.txt"));
}

#[test]
fn every_basis_has_its_word() {
    for (basis, word) in Basis::all() {
        assert_eq!((basis.word(), Basis::from_word(word)), (word, Some(basis)));
    }
    assert_eq!(Basis::from_word("because"), None);
}
