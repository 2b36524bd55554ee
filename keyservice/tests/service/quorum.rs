//! What takes two people, against one administrator who has the socket, the settings file and the state.

mod faults;

use crate::support::{Client, World, random};
use keyservice::Config;
use keyservice::audit::{Action, Decision};
use record::{FacilityCode, Outcome, Purpose, Role};
use seal::approval::{ApproverKey, ApproverPair, ProposalId, Verdict, approval_bytes, reading_bytes};
use seal::message::quorum::{
    Kind, Proposal, ProposalEntry, QuorumAnswer, QuorumCall, QuorumOrder, Rule, SignedReading, SignedVerdict, Standing,
    Subject,
};
use seal::message::{AdminAnswer, AdminRequest, Answer, Request};
use std::path::Path;

/// Rules whose delays do not hold a test up; what delays do is tested where the clock is a value.
const RULES: &str = "[quorum.access]\ndelay_seconds = 0\n[quorum.name]\ndelay_seconds = 0\n\
    [quorum.settings]\ndelay_seconds = 1\n[quorum.approvers]\ndelay_seconds = 0\n";

/// A person with a key of their own.
struct Approver {
    name: &'static str,
    pair: ApproverPair,
}

impl Approver {
    fn new(name: &'static str) -> Self {
        Self { name, pair: ApproverPair::from_pkcs8(&ApproverPair::generate().unwrap()).unwrap() }
    }

    fn key(&self) -> ApproverKey {
        self.pair.public().unwrap()
    }

    fn signed(&self, proposal: ProposalId, verdict: Verdict) -> SignedVerdict {
        self.signed_at(proposal, verdict, record::time::now())
    }

    fn signed_at(&self, proposal: ProposalId, verdict: Verdict, at: i64) -> SignedVerdict {
        let signature = self.pair.sign(&approval_bytes(&proposal, verdict, at)).unwrap();
        SignedVerdict { proposal, verdict, at, key: self.key().fingerprint(), signature }
    }

    fn reading(&self, origin: &str, at: i64) -> SignedReading {
        let signature = self.pair.sign(&reading_bytes(origin, at)).unwrap();
        SignedReading { origin: origin.into(), at, key: self.key().fingerprint(), signature }
    }
}

fn config(text: &str) -> Config {
    Config::parse(text, Path::new(".")).unwrap()
}

fn add_person(name: &str, role: Role) -> AdminRequest {
    AdminRequest::AddPerson { name: name.into(), facility: FacilityCode::new("A").unwrap(), role }
}

fn token(name: &str) -> AdminRequest {
    AdminRequest::Token { name: name.into(), purpose: Purpose::Treat, seconds: 3_600 }
}

fn add_approver(approver: &Approver) -> AdminRequest {
    AdminRequest::Quorum(QuorumOrder::AddApprover { name: approver.name.into(), key: approver.key() })
}

fn order(client: &mut Client, order: QuorumOrder) -> AdminAnswer {
    client.admin(AdminRequest::Quorum(order))
}

fn entry(answer: AdminAnswer) -> ProposalEntry {
    match answer {
        AdminAnswer::Quorum(QuorumAnswer::Proposals(mut entries)) if entries.len() == 1 => entries.remove(0),
        other => panic!("no proposal: {other:?}"),
    }
}

fn propose(client: &mut Client, subject: Subject) -> ProposalId {
    let asked = QuorumOrder::Propose { subject, reason: "for the test".into(), open_seconds: 0 };
    ProposalId::of(&entry(order(client, asked)).proposal)
}

fn refused(answer: AdminAnswer) -> String {
    match answer {
        AdminAnswer::Failed(failure) if failure.outcome == Outcome::Refused => failure.text,
        other => panic!("not refused: {other:?}"),
    }
}

/// A world with facilities, a clinician, and three approvers of whom the first two are registered.
fn world(rules: &str) -> (World, [Approver; 3]) {
    let mut world = World::empty(config(rules));
    world.start().unwrap();
    let mut admin = world.admin();
    set_up(&mut admin);
    let approvers = ["Ani", "Budi", "Citra"].map(Approver::new);
    for approver in &approvers {
        assert_eq!(admin.admin(add_person(approver.name, Role::Auditor)), AdminAnswer::Done);
    }
    for approver in &approvers[..2] {
        assert_eq!(admin.admin(add_approver(approver)), AdminAnswer::Done);
    }
    (world, approvers)
}

fn set_up(admin: &mut Client) {
    let code = FacilityCode::new("A").unwrap();
    assert_eq!(admin.admin(AdminRequest::AddFacility { code: code.clone(), name: "A".into() }), AdminAnswer::Done);
    let peer =
        AdminRequest::AddPeer { ae_title: "CT-A".into(), facility: code, certificate: None, host: None, port: None };
    assert_eq!(admin.admin(peer), AdminAnswer::Done);
    assert_eq!(admin.admin(add_person("dr. Sari", Role::Clinician)), AdminAnswer::Done);
}

#[test]
fn before_there_are_two_approvers_the_administrator_does_everything_alone() {
    let mut world = World::empty(config(RULES));
    world.start().unwrap();
    let mut admin = world.admin();
    set_up(&mut admin);
    let approver = Approver::new("dr. Sari");
    assert_eq!(admin.admin(add_approver(&approver)), AdminAnswer::Done);
    assert!(matches!(admin.admin(token("dr. Sari")), AdminAnswer::Token(_)), "one approver changes nothing yet");
}

#[test]
fn one_administrator_alone_gives_nobody_anything() {
    let (world, approvers) = world(RULES);
    let mut admin = world.admin();
    let code = FacilityCode::new("A").unwrap();
    let rogue = Approver::new("dr. Sari");
    let peer = |ae_title: &str, certificate| AdminRequest::AddPeer {
        ae_title: ae_title.into(),
        facility: code.clone(),
        certificate,
        host: Some("attacker.example".into()),
        port: Some(104),
    };
    let abuses = [
        token("dr. Sari"),
        add_person("accomplice", Role::Clinician),
        add_person("accomplice", Role::System),
        add_person("Ani", Role::Clinician),
        peer("ROGUE", None),
        peer("CT-A", Some([1; 32])),
        add_approver(&rogue),
        AdminRequest::Quorum(QuorumOrder::AddApprover { name: "Ani".into(), key: rogue.key() }),
        AdminRequest::Remove { name: "Ani".into() },
        AdminRequest::Token { name: "dr. Sari".into(), purpose: Purpose::SystemAdministration, seconds: 60 },
    ];
    let before = world.events().len();
    let count = abuses.len();
    for abuse in abuses {
        let text = refused(admin.admin(abuse.clone()));
        assert!(text.contains("two"), "{abuse:?}: {text}");
    }
    let events = world.events();
    let refusals = events[before..].iter().filter(|event| event.decision == Decision::RefusedApproval).count();
    assert_eq!(refusals, count, "each is in the ledger");
    // What takes away needs nobody else.
    assert_eq!(admin.admin(AdminRequest::Remove { name: "dr. Sari".into() }), AdminAnswer::Done);
    // And what it proposes, it cannot approve: not without a key, with a key of its own, or with words alone.
    let id = propose(&mut admin, Subject::administer(&add_person("accomplice", Role::Clinician)).unwrap());
    refused(order(&mut admin, QuorumOrder::Enact(id)));
    refused(order(&mut admin, QuorumOrder::Verdict(rogue.signed(id, Verdict::Approve))));
    let mut forged = rogue.signed(id, Verdict::Approve);
    forged.key = approvers[0].key().fingerprint();
    refused(order(&mut admin, QuorumOrder::Verdict(forged.clone())));
    forged.signature = random::<64>().to_vec();
    refused(order(&mut admin, QuorumOrder::Verdict(forged)));
    refused(order(&mut admin, QuorumOrder::Enact(id)));
}

#[test]
fn two_people_approve_and_exactly_what_they_saw_is_done_once() {
    let (mut world, [ani, budi, _]) = world(RULES);
    let mut admin = world.admin();
    let id = propose(&mut admin, Subject::administer(&token("dr. Sari")).unwrap());
    let other = propose(&mut admin, Subject::administer(&add_person("accomplice", Role::Clinician)).unwrap());

    let shown = entry(order(&mut admin, QuorumOrder::Show(id)));
    let text = seal::message::quorum::words::lines(&Proposal::decode(&shown.proposal).unwrap(), &|at| at.to_string());
    assert!(text.iter().any(|line| line.contains("dr. Sari")), "{text:?}");

    let approval = ani.signed(id, Verdict::Approve);
    assert_eq!(entry(order(&mut admin, QuorumOrder::Verdict(approval.clone()))).missing, 1);
    refused(order(&mut admin, QuorumOrder::Enact(id)));
    // The same again, a fresh one of the same person, the signature moved to another proposal or another verdict or time.
    refused(order(&mut admin, QuorumOrder::Verdict(approval.clone())));
    refused(order(&mut admin, QuorumOrder::Verdict(ani.signed(id, Verdict::Approve))));
    for moved in [
        SignedVerdict { proposal: other, ..approval.clone() },
        SignedVerdict { verdict: Verdict::Reject, ..approval.clone() },
        SignedVerdict { at: approval.at + 1, ..approval.clone() },
    ] {
        refused(order(&mut admin, QuorumOrder::Verdict(moved)));
    }
    // Signed before the proposal was made, or tomorrow.
    const DAY: i64 = 86_400_000_000;
    for at in [record::time::now() - DAY, record::time::now() + DAY] {
        refused(order(&mut admin, QuorumOrder::Verdict(budi.signed_at(id, Verdict::Approve, at))));
    }
    // A proposal whose bytes were altered on the way is another one, and not there.
    let mut altered = Proposal::decode(&shown.proposal).unwrap();
    altered.reason = "something harmless".into();
    let (_, altered) = altered.encode().unwrap();
    let answer = order(&mut admin, QuorumOrder::Verdict(budi.signed(altered, Verdict::Approve)));
    assert!(matches!(answer, AdminAnswer::Failed(_)), "{answer:?}");

    // The second approval comes through an archive node.
    let mut node = world.node();
    let Answer::Quorum(QuorumAnswer::Proposals(now)) =
        node.call(Request::Quorum(QuorumCall::Verdict(budi.signed(id, Verdict::Approve))))
    else {
        panic!("not taken")
    };
    assert_eq!((now[0].standing, now[0].missing), (Standing::Approved(0), 0));
    assert!(matches!(order(&mut admin, QuorumOrder::Enact(id)), AdminAnswer::Token(_)));
    refused(order(&mut admin, QuorumOrder::Enact(id)));
    refused(order(&mut admin, QuorumOrder::Enact(other)));
    refused(admin.admin(token("dr. Sari")));

    let steps: Vec<Action> = world
        .events()
        .iter()
        .filter(|event| event.decision == Decision::Permitted)
        .map(|event| event.action)
        .filter(|action| matches!(action, Action::Propose | Action::Approve | Action::Enact | Action::SignToken))
        .collect();
    use Action::{Approve, Enact, Propose, SignToken};
    assert_eq!(steps, [Enact, Enact, Propose, Propose, Approve, Approve, Enact, SignToken]);
    world.verified();
}

#[test]
fn a_stranger_at_the_archive_node_sees_no_proposal_and_an_approver_sees_all() {
    let (world, [ani, ..]) = world(RULES);
    let id = propose(&mut world.admin(), Subject::administer(&add_person("dr. Dewi", Role::Clinician)).unwrap());
    let mut node = world.node();
    let Answer::Quorum(QuorumAnswer::Origin(origin)) = node.call(Request::Quorum(QuorumCall::Origin)) else {
        panic!("no origin")
    };
    let now = record::time::now();
    for wrong in [
        Approver::new("Ani").reading(&origin, now),
        ani.reading("another.archive", now),
        ani.reading(&origin, now - 3_600_000_000),
        SignedReading { signature: Vec::new(), ..ani.reading(&origin, now) },
    ] {
        assert_eq!(node.failure(Request::Quorum(QuorumCall::List(wrong.clone()))), Outcome::Refused);
        assert_eq!(node.failure(Request::Quorum(QuorumCall::Show(wrong, id))), Outcome::Refused);
    }
    let Answer::Quorum(QuorumAnswer::Proposals(all)) =
        node.call(Request::Quorum(QuorumCall::List(ani.reading(&origin, now))))
    else {
        panic!("no list")
    };
    assert_eq!(all.len(), 1);
    assert_eq!(ProposalId::of(&all[0].proposal), id);
}

#[test]
fn rejection_ends_it_time_ends_it_and_a_removed_approver_no_longer_counts() {
    let (world, [ani, budi, citra]) = world(RULES);
    let mut admin = world.admin();
    let third = Subject::AddApprover { name: citra.name.into(), key: citra.key() };
    let id = propose(&mut admin, third);
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(id, Verdict::Approve)));
    }
    assert_eq!(order(&mut admin, QuorumOrder::Enact(id)), AdminAnswer::Done);

    // Rejected by one, although approved by two.
    let id = propose(&mut admin, Subject::administer(&token("dr. Sari")).unwrap());
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(id, Verdict::Approve)));
    }
    let rejected = entry(order(&mut admin, QuorumOrder::Verdict(citra.signed(id, Verdict::Reject))));
    assert_eq!(rejected.standing, Standing::Rejected);
    refused(order(&mut admin, QuorumOrder::Enact(id)));
    refused(order(&mut admin, QuorumOrder::Verdict(ani.signed(id, Verdict::Approve))));

    // Expired.
    let asked = QuorumOrder::Propose {
        subject: Subject::administer(&token("dr. Sari")).unwrap(),
        reason: "short".into(),
        open_seconds: 1,
    };
    let short = ProposalId::of(&entry(order(&mut admin, asked)).proposal);
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(short, Verdict::Approve)));
    }
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    assert_eq!(entry(order(&mut admin, QuorumOrder::Show(short))).standing, Standing::Expired);
    refused(order(&mut admin, QuorumOrder::Enact(short)));

    // Approved by Ani and Citra; then Citra is taken away by Ani and Budi.
    let waiting = propose(&mut admin, Subject::administer(&token("dr. Sari")).unwrap());
    for approver in [&ani, &citra] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(waiting, Verdict::Approve)));
    }
    let away = propose(&mut admin, Subject::RemoveApprover(citra.name.into()));
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(away, Verdict::Approve)));
    }
    assert_eq!(order(&mut admin, QuorumOrder::Enact(away)), AdminAnswer::Done);
    assert_eq!(entry(order(&mut admin, QuorumOrder::Show(waiting))).missing, 1);
    refused(order(&mut admin, QuorumOrder::Enact(waiting)));
    refused(order(&mut admin, QuorumOrder::Verdict(citra.signed(waiting, Verdict::Approve))));
    // And the last two cannot be made one.
    let away = propose(&mut admin, Subject::RemoveApprover(budi.name.into()));
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(away, Verdict::Approve)));
    }
    assert!(matches!(order(&mut admin, QuorumOrder::Enact(away)), AdminAnswer::Failed(_)));
    assert_eq!(
        entry(order(&mut admin, QuorumOrder::Show(away))).standing,
        Standing::Approved(0),
        "nothing of it was done"
    );
}

#[test]
fn a_name_behind_an_id_is_told_to_two() {
    let (world, [ani, budi, _]) = world(RULES);
    let mut admin = world.admin();
    let actor = world.events().iter().find(|e| e.role == Some(Role::Clinician)).unwrap().detail.clone().unwrap();
    let id = propose(&mut admin, Subject::OpenName(actor));
    refused(order(&mut admin, QuorumOrder::Enact(id)));
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(id, Verdict::Approve)));
    }
    let AdminAnswer::Quorum(QuorumAnswer::Name { name, .. }) = order(&mut admin, QuorumOrder::Enact(id)) else {
        panic!("no name")
    };
    assert_eq!(name, "dr. Sari");
}

#[test]
fn a_changed_settings_file_changes_nothing_until_two_have_approved_it() {
    let (mut world, [ani, budi, _]) = world(RULES);
    // The administrator writes: nobody has to approve, nothing waits.
    let weaker = "[quorum.access]\nopen_seconds = 7\ndelay_seconds = 0\n";
    world.stop();
    world.config = config(weaker);
    world.start().unwrap();
    let mut admin = world.admin();
    let rule = |admin: &mut Client| match order(admin, QuorumOrder::Approvers) {
        AdminAnswer::Quorum(QuorumAnswer::Approvers { rules, in_force: true, .. }) => {
            *rules.iter().find(|rule| rule.kind == Kind::Access).unwrap()
        }
        other => panic!("{other:?}"),
    };
    assert_ne!(rule(&mut admin).open_seconds, 7, "what was held counts");
    refused(admin.admin(token("dr. Sari")));
    let changed = Rule { kind: Kind::Access, approvals: 2, delay_seconds: 0, open_seconds: 9 };
    let id = propose(&mut admin, Subject::ChangeRule(changed));
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(id, Verdict::Approve)));
    }
    assert_eq!(order(&mut admin, QuorumOrder::Enact(id)), AdminAnswer::Done);
    assert_eq!(rule(&mut admin), changed);
    // A delay of a second, by both clocks.
    let id = propose(&mut admin, Subject::Settings("[report]\nnames = true\n".into()));
    for approver in [&ani, &budi] {
        order(&mut admin, QuorumOrder::Verdict(approver.signed(id, Verdict::Approve)));
    }
    let text = refused(order(&mut admin, QuorumOrder::Enact(id)));
    assert!(text.contains("delay"), "{text}");
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    assert_eq!(order(&mut admin, QuorumOrder::Enact(id)), AdminAnswer::Done);
    world.stop();
    world.start().unwrap();
}
