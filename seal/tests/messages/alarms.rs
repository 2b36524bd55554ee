//! The bytes of the messages about alarms and canaries are the format: `golden/alarms.txt` has a line for each variant.

use crate::line;
use record::{FacilityCode, Pseudonym, Purpose};
use seal::message::alarm::{
    AlarmAnswer, AlarmEntry, AlarmRequest, Delivery, Fact, FrozenEntry, IncidentEntry, Kind, Severity, State,
};
use seal::message::canary::{CanaryAnswer, CanaryCount, CanaryPlan, CanaryRequest, Identity, Planting};
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest, Answer, Asker, Call, Proof, Reply, Request};

fn facility() -> FacilityCode {
    FacilityCode::new("RSA").unwrap()
}

fn identity() -> Identity {
    Identity {
        name: "A^B".into(),
        number: "RM-1".into(),
        nik: "3171011205750301".into(),
        born: "19750512".into(),
        sex: "M".into(),
        card: "0009000000001".into(),
    }
}

fn requests() -> Vec<AdminRequest> {
    let (by, note, name) = (|| "dpo".to_owned(), || "a word".to_owned(), || "dr".to_owned());
    let plan =
        CanaryPlan { facility: facility(), recipient: Some("lab".into()), is_sleeping: false, identity: identity() };
    let alarms = [
        AlarmRequest::List { all: true },
        AlarmRequest::Take { alarm: 1, by: by(), note: note() },
        AlarmRequest::Close { alarm: 1, by: by(), note: note() },
        AlarmRequest::Incidents,
        AlarmRequest::Facts { incident: 2 },
        AlarmRequest::Freeze { name: name(), by: by(), reason: note() },
        AlarmRequest::Thaw { name: name(), by: by(), note: note() },
        AlarmRequest::Frozen,
        AlarmRequest::Outbox,
    ];
    let canaries = [CanaryRequest::Plan { plans: vec![plan], at_once: true }, CanaryRequest::Count];
    alarms.map(AdminRequest::Alarm).into_iter().chain(canaries.map(AdminRequest::Canary)).collect()
}

fn alarm(kind: Kind) -> AlarmEntry {
    AlarmEntry {
        alarm: 1,
        kind,
        severity: Severity::Critical,
        at: 1,
        last: 2,
        count: 3,
        actor: Some("person-1".into()),
        name: Some("dr".into()),
        facility: Some(facility()),
        text: "a sentence".into(),
        state: State::Taken,
        stage: 1,
        due: 4,
        by: Some("dpo".into()),
        note: Some("a word".into()),
        incident: Some(2),
        position: 5,
    }
}

fn answers() -> Vec<AdminAnswer> {
    let incident = || IncidentEntry {
        incident: 2,
        at: 1,
        alarm: 1,
        kind: Kind::Canary,
        actor: "person-1".into(),
        name: None,
        facility: Some(facility()),
        channel: Some("dimse".into()),
        since: 0,
        position: 5,
        is_frozen: true,
        device: Some("d".into()),
    };
    let fact = Fact {
        at: 1,
        action: "Release".into(),
        decision: "Permitted".into(),
        patient: Some(Pseudonym([3; 16])),
        part: Some("Content".into()),
        channel: Some("dimse".into()),
        objects: 2,
        position: 4,
    };
    let frozen =
        FrozenEntry { actor: "person-1".into(), name: None, since: 1, by: "alarm".into(), reason: "alarm 1".into() };
    let delivery = Delivery {
        id: 1,
        alarm: 1,
        to: "mail a@b".into(),
        attempts: 2,
        is_dead: true,
        error: Some("away".into()),
        next: 9,
    };
    let count = CanaryCount { facility: facility(), recipient: None, is_sleeping: true, waiting: 1, planted: 2 };
    let alarms = Kind::all().iter().map(|(kind, _)| alarm(*kind)).collect();
    vec![
        AdminAnswer::Alarm(AlarmAnswer::Alarms(alarms)),
        AdminAnswer::Alarm(AlarmAnswer::Incidents(vec![incident()])),
        AdminAnswer::Alarm(AlarmAnswer::Facts { incident: incident(), facts: vec![fact], is_cut: false }),
        AdminAnswer::Alarm(AlarmAnswer::Frozen(vec![frozen])),
        AdminAnswer::Alarm(AlarmAnswer::Outbox(vec![delivery])),
        AdminAnswer::Canary(CanaryAnswer::Planned(3)),
        AdminAnswer::Canary(CanaryAnswer::Counts(vec![count])),
    ]
}

fn lines() -> String {
    let mut lines: Vec<String> =
        requests().into_iter().map(|request| line("admin-call", &AdminCall { id: 1, request })).collect();
    lines.extend(answers().into_iter().map(|answer| line("admin-reply", &AdminReply { id: 1, answer })));
    let proof = Proof::Planting { number: 7, sender: "peer-1".into() };
    let asker = Asker { proof, purpose: Purpose::SystemAdministration, channel: "dimse".into() };
    for request in [Request::Planting, Request::Authenticate(asker)] {
        lines.push(line("call", &Call { id: 1, request }));
    }
    let planting = Planting { number: 7, facility: facility(), identity: identity() };
    for answer in [None, Some(planting)].map(Answer::Planting) {
        lines.push(line("reply", &Reply { id: 1, answer }));
    }
    lines.concat()
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/alarms.txt");
    if std::env::var_os("SEGEL_GOLDEN").is_some() {
        std::fs::write(path, lines()).unwrap();
    }
    assert_eq!(lines(), std::fs::read_to_string(path).unwrap_or_default());
}

#[test]
fn kinds_have_names_of_their_own() {
    for (kind, name) in Kind::all() {
        assert_eq!((kind.name(), Kind::from_name(name)), (*name, Some(*kind)));
    }
    assert_eq!(Kind::from_name("colour"), None);
}

#[test]
fn nobody_who_prints_a_canary_learns_who_it_is() {
    let planting = Planting { number: 7, facility: facility(), identity: identity() };
    assert!(!format!("{planting:?}").contains("3171"));
}
