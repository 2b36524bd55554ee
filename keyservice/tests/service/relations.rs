//! Who else may look, and what is sensitive, told through the sockets; and those who would help themselves.

use crate::support::{World, asker, bearer, item, peer};
use keyservice::audit::{Action, Decision};
use record::limits::{RELATION_SECONDS_MAX, RELATIONS_PER_ACTOR_DAY, RELATIONS_PER_PATIENT_MAX};
use record::{FacilityCode, Identifier, Label, Micros, Outcome, Pseudonym, Purpose, Role};
use seal::message::relate::{LabelRequest, RelateRequest, RelationChange, Says};
use seal::message::{
    AdminAnswer, AdminRequest, AdmitItem, Admitted, Answer, Asker, Context, Part, ReleaseItem, Request,
};
use std::time::Duration;

const SECOND: Micros = 1_000_000;

fn code(text: &str) -> FacilityCode {
    FacilityCode::new(text).unwrap()
}

fn local(value: &str) -> Identifier {
    Identifier::Local { issuer: String::new(), value: value.into() }
}

fn key(item: &AdmitItem, admitted: &Admitted, part: Part) -> ReleaseItem {
    let context = Context { patient: admitted.patient, object: item.object, version: item.version };
    let wrapped = if part == Part::Summary { &admitted.summary } else { &admitted.content };
    ReleaseItem { context, wrapped: wrapped.clone() }
}

fn later(seconds: i64) -> Micros {
    record::time::now() + seconds * SECOND
}

fn referral(to: &str) -> RelationChange {
    RelationChange::Referral { to: code(to), until: later(3_600) }
}

fn consent(to: &str, scope: Part) -> RelationChange {
    RelationChange::Consent { to: code(to), until: later(3_600), scope }
}

fn end(to: &str) -> RelationChange {
    RelationChange::End { to: code(to) }
}

fn relate(asker: &Asker, patient: Pseudonym, change: RelationChange) -> Request {
    Request::Relate(RelateRequest { asker: asker.clone(), patient, change })
}

/// A patient of A with one object, and people of A, B and C.
struct Stage {
    world: World,
    image: AdmitItem,
    admitted: Admitted,
    clinician_a: Asker,
    clinician_b: Asker,
}

fn stage() -> Stage {
    let world = World::new();
    assert_eq!(
        world.admin().admin(AdminRequest::AddFacility { code: code("C"), name: "Rumah Sakit C".into() }),
        AdminAnswer::Done
    );
    let clinician = |name, facility| bearer(&world.person(name, facility, Role::Clinician, Purpose::Treat));
    let (clinician_a, clinician_b) = (clinician("dr. Sari", "A"), clinician("dr. Budi", "B"));
    let image = item(vec![local("12")]);
    let admitted = world.node().admit(&peer("CT-A"), vec![image.clone()]).remove(0);
    Stage { world, image, admitted, clinician_a, clinician_b }
}

impl Stage {
    fn opens(&self, who: &Asker, part: Part) -> bool {
        self.world.node().release(who, part, vec![key(&self.image, &self.admitted, part)]).remove(0).is_some()
    }

    fn call(&self, request: Request) -> Answer {
        self.world.node().call(request)
    }

    fn outcome(&self, request: Request) -> Option<Outcome> {
        match self.call(request) {
            Answer::Noted(_) | Answer::Admitted(_) => None,
            Answer::Failed(failure) => Some(failure.outcome),
            other => panic!("{other:?}"),
        }
    }

    fn decisions(&self, action: Action) -> Vec<Decision> {
        self.world.events().into_iter().filter(|event| event.action == action).map(|event| event.decision).collect()
    }
}

#[test]
fn a_referral_opens_at_the_other_facility_and_ends() {
    let stage = stage();
    let patient = stage.admitted.patient;
    assert!(!stage.opens(&stage.clinician_b, Part::Summary));
    assert_eq!(stage.outcome(relate(&stage.clinician_a, patient, referral("B"))), None);
    assert!(stage.opens(&stage.clinician_b, Part::Summary) && stage.opens(&stage.clinician_b, Part::Content));
    // Whoever was referred to looks, and hands nothing on.
    assert_eq!(stage.outcome(relate(&stage.clinician_b, patient, referral("C"))), Some(Outcome::Refused));
    assert_eq!(stage.outcome(relate(&stage.clinician_b, patient, end("B"))), Some(Outcome::Refused));
    assert_eq!(stage.outcome(relate(&stage.clinician_a, patient, end("B"))), None);
    assert!(!stage.opens(&stage.clinician_b, Part::Summary) && !stage.opens(&stage.clinician_b, Part::Content));
    assert_eq!(
        stage.decisions(Action::Relate),
        [Decision::Permitted, Decision::RefusedRelation, Decision::RefusedRelation, Decision::Permitted]
    );
}

#[test]
fn a_referral_runs_out_by_the_key_services_clock() {
    let stage = stage();
    let until = later(4);
    let change = RelationChange::Referral { to: code("B"), until };
    assert_eq!(stage.outcome(relate(&stage.clinician_a, stage.admitted.patient, change)), None);
    assert!(stage.opens(&stage.clinician_b, Part::Content));
    let left = u64::try_from(until - record::time::now()).unwrap_or(0);
    std::thread::sleep(Duration::from_micros(left) + Duration::from_millis(50));
    assert!(!stage.opens(&stage.clinician_b, Part::Content));
}

#[test]
fn consent_is_heard_by_people_and_says_how_much() {
    let stage = stage();
    let patient = stage.admitted.patient;
    let system_a = bearer(&stage.world.person("HIS", "A", Role::System, Purpose::Treat));
    assert_eq!(stage.outcome(relate(&system_a, patient, consent("B", Part::Content))), Some(Outcome::Refused));
    assert_eq!(stage.outcome(relate(&stage.clinician_a, patient, consent("B", Part::Summary))), None);
    assert!(stage.opens(&stage.clinician_b, Part::Summary) && !stage.opens(&stage.clinician_b, Part::Content));
    assert_eq!(stage.outcome(relate(&stage.clinician_a, patient, consent("B", Part::Content))), None);
    assert!(stage.opens(&stage.clinician_b, Part::Content));
    // A machine carries the referral that people wrote, and its end.
    assert_eq!(stage.outcome(relate(&system_a, patient, end("B"))), None);
    assert!(!stage.opens(&stage.clinician_b, Part::Summary));
}

#[test]
fn nobody_refers_anothers_patient_to_itself_or_to_a_friend() {
    let stage = stage();
    let patient = stage.admitted.patient;
    let registrar_b = bearer(&stage.world.person("Ani", "B", Role::Registrar, Purpose::Treat));
    let auditor_a = bearer(&stage.world.person("Tono", "A", Role::Auditor, Purpose::Treat));
    let research = bearer(&stage.world.person("Rina", "A", Role::Clinician, Purpose::Research));
    let research = Asker { purpose: Purpose::Research, ..research };
    for (who, change, expected) in [
        (&stage.clinician_b, referral("B"), Outcome::Refused),
        (&stage.clinician_b, referral("C"), Outcome::Refused),
        (&registrar_b, consent("B", Part::Content), Outcome::Refused),
        // An AE title is a name that a node could call itself by.
        (&peer("CT-A"), referral("B"), Outcome::Refused),
        (&peer("CT-A"), end("B"), Outcome::Refused),
        (&auditor_a, referral("B"), Outcome::Refused),
        (&research, referral("B"), Outcome::Refused),
        (&asker(seal::message::Proof::Bearer("no token".into()), Purpose::Treat), referral("B"), Outcome::Refused),
        (&stage.clinician_a, referral("A"), Outcome::Invalid),
        (&stage.clinician_a, referral("NOWHERE"), Outcome::Invalid),
    ] {
        assert_eq!(stage.outcome(relate(who, patient, change.clone())), Some(expected), "{who:?} {change:?}");
    }
    let nobody = Pseudonym([7; 16]);
    assert_eq!(stage.outcome(relate(&stage.clinician_a, nobody, referral("B"))), Some(Outcome::Refused));
    assert!(!stage.opens(&stage.clinician_b, Part::Summary));
    let refused = stage.decisions(Action::Relate);
    assert_eq!(refused.len(), 8, "every refusal is in the ledger: {refused:?}");
    assert!(!refused.contains(&Decision::Permitted));
}

#[test]
fn times_and_numbers_of_relations_reach_their_limits_and_do_not_pass_them() {
    let stage = stage();
    let longest = i64::try_from(RELATION_SECONDS_MAX).unwrap();
    let until = |until| RelationChange::Referral { to: code("B"), until };
    let outcome = |change| stage.outcome(relate(&stage.clinician_a, stage.admitted.patient, change));
    // The service's clock has gone on a little when it looks.
    assert_eq!(outcome(until(later(longest))), None);
    for wrong in [later(longest + 60), later(0), later(-60), 0, Micros::MIN, Micros::MAX] {
        assert_eq!(outcome(until(wrong)), Some(Outcome::Invalid), "{wrong}");
    }
    let mut begun = 1;
    while begun < RELATIONS_PER_PATIENT_MAX {
        assert_eq!(outcome(referral("B")), None, "{begun} of one patient");
        begun += 1;
    }
    assert_eq!(outcome(referral("B")), Some(Outcome::Exhausted), "one more of one patient");
    while begun < RELATIONS_PER_ACTOR_DAY {
        let other = stage.world.node().admit(&peer("CT-A"), vec![item(vec![local(&format!("n{begun}"))])]).remove(0);
        assert_eq!(stage.outcome(relate(&stage.clinician_a, other.patient, referral("B"))), None, "{begun} of a day");
        begun += 1;
    }
    let other = stage.world.node().admit(&peer("CT-A"), vec![item(vec![local("last")])]).remove(0);
    let one_more = relate(&stage.clinician_a, other.patient, referral("B"));
    assert_eq!(stage.outcome(one_more.clone()), Some(Outcome::Exhausted), "one more of a day");
    // Ending is never too much, and gives nothing back.
    assert_eq!(outcome(end("B")), None);
    assert_eq!(stage.outcome(one_more), Some(Outcome::Exhausted));
    assert_eq!(stage.decisions(Action::Relate).iter().filter(|d| **d == Decision::RefusedBudget).count(), 3);
}

#[test]
fn an_object_that_says_so_refers_with_its_admission_and_its_next_version_takes_that_back() {
    let stage = stage();
    let order = AdmitItem {
        says: Some(Says { labels: vec![], relation: Some(referral("B")) }),
        kind: "ServiceRequest".into(),
        ..item(vec![local("12")])
    };
    let admit =
        |who: &Asker, item: &AdmitItem| stage.outcome(Request::Admit { asker: who.clone(), items: vec![item.clone()] });
    // Who may put in may not therefore refer: all or none.
    assert_eq!(admit(&peer("CT-A"), &order), Some(Outcome::Refused));
    assert_eq!(
        admit(&stage.clinician_b, &AdmitItem { patient: Some(stage.admitted.patient), ..order.clone() }),
        Some(Outcome::Refused)
    );
    assert!(!stage.opens(&stage.clinician_b, Part::Content));
    assert_eq!(admit(&stage.clinician_a, &order), None);
    assert!(stage.opens(&stage.clinician_b, Part::Content));
    // Another facility's object of the same id ends nothing.
    let theirs = AdmitItem { version: 2, says: None, identifiers: vec![local("77")], ..order.clone() };
    assert_eq!(admit(&stage.clinician_b, &theirs), None);
    assert!(stage.opens(&stage.clinician_b, Part::Content));
    assert_eq!(admit(&stage.clinician_a, &AdmitItem { version: 2, says: None, ..order }), None);
    assert!(!stage.opens(&stage.clinician_b, Part::Content));
}

#[test]
fn a_labelled_object_opens_to_clinicians_of_the_facility_that_labelled_it_alone() {
    let mut stage = stage();
    let patient = stage.admitted.patient;
    assert_eq!(stage.outcome(relate(&stage.clinician_a, patient, referral("B"))), None);
    let registrar_a = bearer(&stage.world.person("Ani", "A", Role::Registrar, Purpose::Treat));
    let system_a = bearer(&stage.world.person("HIS", "A", Role::System, Purpose::Treat));
    let label = |who: &Asker, add: &[Label], remove: &[Label]| {
        let (add, remove) = (add.to_vec(), remove.to_vec());
        let asked = LabelRequest { asker: who.clone(), patient, object: stage.image.object, add, remove, like: None };
        stage.outcome(Request::Label(asked))
    };
    let all = [&stage.clinician_a, &stage.clinician_b, &registrar_a, &system_a];
    let open = |part| all.map(|who| stage.opens(who, part));
    assert_eq!(open(Part::Summary), [true, true, true, true]);
    assert_eq!(label(&stage.clinician_b, &[Label::Hiv], &[]), Some(Outcome::Refused), "B treats nobody here");
    // Setting is anybody's who may put in, a machine's as well.
    assert_eq!(label(&peer("CT-A"), &[Label::Hiv, Label::Restricted], &[]), None);
    assert_eq!(open(Part::Summary), [true, false, false, false]);
    assert_eq!(open(Part::Content), [true, false, false, false]);
    // Another object of the same patient is not labelled.
    let other = item(vec![local("12")]);
    let admitted = stage.world.node().admit(&peer("CT-A"), vec![other.clone()]).remove(0);
    let released =
        stage.world.node().release(&stage.clinician_b, Part::Content, vec![key(&other, &admitted, Part::Content)]);
    assert!(released[0].is_some());
    // Taking away needs the right to correct, and a token.
    assert_eq!(label(&system_a, &[], &[Label::Hiv]), Some(Outcome::Refused));
    assert_eq!(label(&peer("CT-A"), &[], &[Label::Hiv]), Some(Outcome::Refused));
    assert_eq!(label(&stage.clinician_b, &[], &[Label::Hiv]), Some(Outcome::Refused));
    assert_eq!(label(&registrar_a, &[], &[Label::Hiv]), None);
    assert_eq!(open(Part::Content), [true, false, false, false], "it is restricted still");
    assert_eq!(label(&stage.clinician_a, &[], &[Label::Restricted]), None);
    assert_eq!(open(Part::Content), [true, true, false, true]);
    assert_eq!(label(&stage.clinician_a, &[], &[]), Some(Outcome::Invalid));
    let labels = stage.decisions(Action::Label);
    assert_eq!(labels.iter().filter(|decision| **decision == Decision::Permitted).count(), 3);
    assert_eq!(labels.len(), 7);
    // What is sensitive about it stands nowhere in clear, and an object may come in with its labels.
    let labelled =
        AdmitItem { says: Some(Says { labels: vec![Label::Psychiatry], relation: None }), ..item(vec![local("12")]) };
    let admitted = stage.world.node().admit(&peer("CT-A"), vec![labelled.clone()]).remove(0);
    let item = key(&labelled, &admitted, Part::Content);
    assert!(stage.world.node().release(&stage.clinician_b, Part::Content, vec![item.clone()])[0].is_none());
    assert!(stage.world.node().release(&stage.clinician_a, Part::Content, vec![item])[0].is_some());
    stage.world.verified();
}

#[test]
fn the_rules_in_force_are_in_the_ledger_at_every_start() {
    let mut world = World::new();
    world.stop();
    world.start().unwrap();
    let digest = policy::Engine::shipped().unwrap().digest_hex();
    let starts: Vec<_> = world.events().into_iter().filter(|event| event.action == Action::Start).collect();
    assert_eq!(starts.len(), 2);
    for start in starts {
        assert_eq!(start.detail, Some(format!("policies {digest}")));
    }
}
