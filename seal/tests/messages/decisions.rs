//! The bytes of the messages about decisions, exports and reports are the format: `golden/decisions.txt` has a line for each
//! variant.

use crate::line;
use record::{FacilityCode, Identifier, ObjectId, Pseudonym, Purpose, Role};
use seal::approval::{ApproverKey, ProposalId, Verdict};
use seal::message::export::{DisclosedFile, DisclosureId, ExportAnswer, ExportAsk, ExportTerms, Selection};
use seal::message::quorum::{
    ApproverEntry, Kind, Proposal, ProposalEntry, QuorumAnswer, QuorumCall, QuorumOrder, Rule, SignedReading,
    SignedVerdict, Standing, Subject,
};
use seal::message::report::{AccessReport, ReportAsk, ReportEntry};
use seal::message::{
    AdminAnswer, AdminCall, AdminReply, AdminRequest, Answer, Asker, Call, Context, DataKey, Proof, ReleaseItem,
    Released, Reply, Request, WrappedKey,
};

const ID: ProposalId = ProposalId([1; 32]);

fn facility() -> FacilityCode {
    FacilityCode::new("RSUP-1").unwrap()
}

fn asker() -> Asker {
    Asker { proof: Proof::Bearer("eyJ0".into()), purpose: Purpose::PatientRequest, channel: "report".into() }
}

fn verdict(verdict: Verdict) -> SignedVerdict {
    SignedVerdict { proposal: ID, verdict, at: 5, key: [2; 16], signature: vec![3; 64] }
}

fn reading() -> SignedReading {
    SignedReading { origin: "o".into(), at: 5, key: [2; 16], signature: vec![3; 64] }
}

fn terms() -> ExportTerms {
    ExportTerms {
        recipient_key: [4; 32],
        recipient: "University".into(),
        purpose: Purpose::Research,
        selection: Selection {
            facility: facility(),
            from: Some("20260101".into()),
            to: None,
            modalities: vec!["CT".into()],
            patients: vec![Identifier::Nik("3171".into())],
        },
        patients_max: 20,
        objects_max: 30,
        bytes_max: 40,
    }
}

fn rule(kind: Kind) -> Rule {
    Rule { kind, approvals: 2, delay_seconds: 3, open_seconds: 4 }
}

fn subjects() -> Vec<Subject> {
    vec![
        Subject::administer(&AdminRequest::List).unwrap(),
        Subject::Settings("[report]\n".into()),
        Subject::OpenName("person-1".into()),
        Subject::Export(terms()),
        Subject::AddApprover { name: "ani".into(), key: ApproverKey::Ed25519([5; 32]) },
        Subject::RemoveApprover("ani".into()),
        Subject::ChangeRule(rule(Kind::Export)),
    ]
}

fn orders() -> Vec<QuorumOrder> {
    let mut orders = vec![
        QuorumOrder::Approvers,
        QuorumOrder::AddApprover { name: "ani".into(), key: ApproverKey::Es256(vec![6; 65]) },
        QuorumOrder::List,
        QuorumOrder::Show(ID),
        QuorumOrder::Verdict(verdict(Verdict::Reject)),
        QuorumOrder::Enact(ID),
        QuorumOrder::Origin,
    ];
    let propose = |subject| QuorumOrder::Propose { subject, reason: "why".into(), open_seconds: 60 };
    orders.extend(subjects().into_iter().map(propose));
    orders
}

fn requests() -> Vec<Request> {
    let context = Context { patient: Pseudonym([3; 16]), object: ObjectId([4; 16]), version: 5 };
    let item = ReleaseItem { context, wrapped: WrappedKey { epoch: 1, sealed: vec![2; 60] } };
    let file = DisclosedFile { context, sha256: [7; 32], bytes: 9 };
    let calls = [
        QuorumCall::Origin,
        QuorumCall::List(reading()),
        QuorumCall::Show(reading(), ID),
        QuorumCall::Verdict(verdict(Verdict::Approve)),
    ];
    let asks = [
        ExportAsk::Begin(ID),
        ExportAsk::Release(ID, vec![item]),
        ExportAsk::Disclose(ID, vec![file]),
        ExportAsk::End { export: ID, manifest: [8; 32], files: 2 },
    ];
    let mut requests: Vec<Request> = calls.map(Request::Quorum).to_vec();
    requests.push(Request::Report { asker: asker(), ask: ask() });
    requests.extend(asks.map(|ask| Request::Export { asker: asker(), ask }));
    requests
}

fn ask() -> ReportAsk {
    ReportAsk { patient: Identifier::Nik("3171".into()), facility: Some(facility()), from: Some(1), to: None }
}

fn report() -> AccessReport {
    let entry = ReportEntry {
        position: 1,
        at: 2,
        action: "Release".into(),
        permitted: true,
        facility: Some(facility()),
        facility_name: Some("RSUP".into()),
        role: Some(Role::Clinician),
        name: None,
        purpose: Some(Purpose::Treat),
        channel: Some("fhir".into()),
        whole: true,
        objects: 3,
        kinds: vec!["dicom".into()],
        reason: None,
    };
    AccessReport { origin: "o".into(), made: 4, position: 5, entries: vec![entry], left_out: 6 }
}

fn quorum_answers() -> Vec<QuorumAnswer> {
    let proposal = Proposal {
        origin: "o".into(),
        nonce: [9; 16],
        subject: Subject::OpenName("person-1".into()),
        proposer: "administrator".into(),
        reason: "why".into(),
        proposed: 1,
        until: 2,
        rule: rule(Kind::Name),
    };
    let (bytes, _) = proposal.encode().unwrap();
    let entry =
        |standing| ProposalEntry { proposal: bytes.clone(), standing, approved: vec![("ani".into(), 3)], missing: 1 };
    let standings =
        [Standing::Open, Standing::Approved(7), Standing::Enacted(8), Standing::Rejected, Standing::Expired];
    let approver = ApproverEntry { name: "ani".into(), actor: "person-1".into(), key: [2; 16], since: 4 };
    let rules = Kind::ALL.map(|(kind, _)| rule(kind)).to_vec();
    vec![
        QuorumAnswer::Proposals(standings.map(entry).to_vec()),
        QuorumAnswer::Approvers { approvers: vec![approver], rules, in_force: true },
        QuorumAnswer::Origin("o".into()),
        QuorumAnswer::Name { name: "ani".into(), facility: facility() },
    ]
}

fn answers() -> Vec<Answer> {
    let exports = [
        ExportAnswer::Begun { proposal: vec![1], patients: vec![Pseudonym([3; 16])] },
        ExportAnswer::Released(vec![Released::Key(DataKey([6; 32])), Released::Refused]),
        ExportAnswer::Disclosed(vec![DisclosureId([7; 16])]),
        ExportAnswer::Ended { receipt: "note\n".into(), position: 1, entry: [2; 32], at: 3 },
    ];
    let mut answers: Vec<Answer> = quorum_answers().into_iter().map(Answer::Quorum).collect();
    answers.push(Answer::Report(report()));
    answers.extend(exports.map(Answer::Export));
    answers
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let mut admin: Vec<AdminRequest> = orders().into_iter().map(AdminRequest::Quorum).collect();
    admin.push(AdminRequest::Report(ask()));
    let mut told: Vec<AdminAnswer> = quorum_answers().into_iter().map(AdminAnswer::Quorum).collect();
    told.push(AdminAnswer::Report(report()));
    let mut text = String::new();
    text.extend(requests().into_iter().map(|request| line("call", &Call { id: 1, request })));
    text.extend(answers().into_iter().map(|answer| line("reply", &Reply { id: 1, answer })));
    text.extend(admin.into_iter().map(|request| line("admin-call", &AdminCall { id: 1, request })));
    text.extend(told.into_iter().map(|answer| line("admin-reply", &AdminReply { id: 1, answer })));
    assert_eq!(text, include_str!("../golden/decisions.txt"));
}

#[test]
fn nothing_of_a_patient_or_a_key_is_printed() {
    for (text, hidden) in [
        (format!("{:?}", Request::Report { asker: asker(), ask: ask() }), "3171"),
        (format!("{:?}", Answer::Report(report())), "RSUP"),
        (format!("{:?}", AdminAnswer::Report(report())), "RSUP"),
        (format!("{:?}", Subject::Export(terms())), "3171"),
    ] {
        assert!(!text.contains(hidden), "{text}");
    }
}
