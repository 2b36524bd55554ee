//! The bytes of the messages about isolation are the format: `golden/isolation.txt` has a line for each variant.

use crate::line;
use record::{FacilityCode, Pseudonym, Purpose};
use seal::message::isolation::{
    IsolationAnswer, IsolationEntry, IsolationId, IsolationOrder, IsolationReport, IsolationRequest, IsolationRule,
    Whom,
};
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest, Answer, Asker, Call, Proof, Reply, Request};

fn facility() -> FacilityCode {
    FacilityCode::new("RSB").unwrap()
}

fn rule() -> IsolationRule {
    IsolationRule {
        id: IsolationId([7; 8]),
        facility: Some(facility()),
        senders: vec!["peer-01".into()],
        from: 1,
        until: 9,
        is_lifted: true,
    }
}

fn report() -> IsolationReport {
    IsolationReport { id: IsolationId([7; 8]), is_lifted: false, is_done: true, versions: 100_000 }
}

fn lines() -> String {
    let whom = [
        Whom::Facility(facility()),
        Whom::Peer("CT1".into()),
        Whom::Certificate([5; 32]),
        Whom::Sender("peer-01".into()),
    ];
    let order = |whom| IsolationOrder { whom, from: 1, until: 9, reason: "stolen".into() };
    let mut requests: Vec<IsolationRequest> =
        whom.into_iter().map(|whom| IsolationRequest::Isolate(order(whom))).collect();
    requests.push(IsolationRequest::Preview(order(Whom::Facility(facility()))));
    requests.push(IsolationRequest::List);
    requests.push(IsolationRequest::Lift { id: IsolationId([7; 8]), reason: "a mistake".into() });
    let mut lines: Vec<String> = requests
        .into_iter()
        .map(|request| line("admin-call", &AdminCall { id: 1, request: AdminRequest::Isolation(request) }))
        .collect();
    let entry = IsolationEntry {
        rule: rule(),
        whom: Whom::Peer("CT1".into()),
        reason: "stolen".into(),
        ordered: 10,
        relations: 3,
        is_settled: true,
        archive: Some(report()),
    };
    let answers =
        [IsolationAnswer::Ordered(entry.clone()), IsolationAnswer::Preview(rule()), IsolationAnswer::List(vec![entry])];
    lines.extend(
        answers.map(|answer| line("admin-reply", &AdminReply { id: 1, answer: AdminAnswer::Isolation(answer) })),
    );
    let proof = Proof::Peer { ae_title: "CT1".into(), certificate: Some([5; 32]) };
    let asker = Asker { proof, purpose: Purpose::Treat, channel: "dimse".into() };
    let confirmed = Request::Confirmed { asker, patients: vec![Pseudonym([3; 16])] };
    lines
        .extend([Request::Isolations(vec![report()]), confirmed].map(|request| line("call", &Call { id: 1, request })));
    lines.extend(
        [Answer::Isolations(vec![rule()]), Answer::Confirmed(vec![true, false])]
            .map(|answer| line("reply", &Reply { id: 1, answer })),
    );
    lines.concat()
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/isolation.txt");
    if std::env::var_os("SEGEL_GOLDEN").is_some() {
        std::fs::write(path, lines()).unwrap();
    }
    assert_eq!(lines(), std::fs::read_to_string(path).unwrap_or_default());
}
