//! Breaking the glass, and what follows.

use super::{config, contents, open, patients, summaries};
use crate::support::{Client, World, asker, bearer, item, peer};
use keyservice::audit::{Action, Decision};
use record::{FacilityCode, Identifier, Outcome, Purpose, Role};
use seal::message::break_glass::{GlassAnswer, GlassAsk, GlassEntry};
use seal::message::{Answer, Asker, Context, Failure, Part, Proof, ReleaseItem, Request};

const NIK: &str = "3174012345678901";

fn call(node: &mut Client, asker: &Asker, ask: GlassAsk) -> Result<GlassAnswer, Failure> {
    match node.call(Request::BreakGlass { asker: asker.clone(), ask }) {
        Answer::Glass(answer) => Ok(answer),
        Answer::Failed(failure) => Err(failure),
        other => panic!("{other:?}"),
    }
}

fn declare(node: &mut Client, asker: &Asker, number: &str, facility: Option<&str>) -> Result<usize, Failure> {
    let facility = facility.map(|code| FacilityCode::new(code).unwrap());
    let ask = GlassAsk::Break { number: number.into(), facility, reason: "unconscious after an accident".into() };
    match call(node, asker, ask)? {
        GlassAnswer::Broken { patients, .. } => Ok(patients.len()),
        other => panic!("{other:?}"),
    }
}

fn queue(node: &mut Client, asker: &Asker) -> Result<Vec<GlassEntry>, Failure> {
    match call(node, asker, GlassAsk::Queue)? {
        GlassAnswer::Queue(entries) => Ok(entries),
        other => panic!("{other:?}"),
    }
}

fn token(world: &World, name: &str, facility: &str, role: Role, purpose: Purpose) -> String {
    world.person(name, facility, role, purpose)
}

#[test]
fn an_emergency_opens_one_record_of_another_hospital_and_is_reviewed_by_somebody_else() {
    let mut world = World::new();
    let mut node = world.node();
    let image = item(vec![Identifier::Local { issuer: "B".into(), value: "77".into() }, Identifier::Nik(NIK.into())]);
    let admitted = node.admit(&peer("CT-B"), vec![image.clone()]).remove(0);
    let context = Context { patient: admitted.patient, object: image.object, version: 1 };
    let content = ReleaseItem { context, wrapped: admitted.content };
    let others = patients(&mut node, &peer("CT-B"), 2);

    let sari = token(&world, "dr. Sari", "A", Role::Clinician, Purpose::Treat);
    let [usual, broken] =
        [Purpose::Treat, Purpose::BreakGlass].map(|purpose| asker(Proof::Bearer(sari.clone()), purpose));
    assert_eq!(open(&mut node, &usual, Part::Content, vec![content.clone()]).unwrap().len(), 0);
    assert_eq!(open(&mut node, &broken, Part::Content, vec![content.clone()]).unwrap().len(), 0, "not declared");

    assert_eq!(declare(&mut node, &broken, NIK, None).unwrap(), 1);
    assert_eq!(open(&mut node, &broken, Part::Content, vec![content.clone()]).unwrap().len(), 1);
    assert_eq!(open(&mut node, &usual, Part::Content, vec![content.clone()]).unwrap().len(), 0, "only as an emergency");
    assert_eq!(open(&mut node, &broken, Part::Content, contents(&others)).unwrap().len(), 0, "and nobody else");
    assert_eq!(open(&mut node, &broken, Part::Summary, summaries(&others)).unwrap().len(), 0);
    let budi =
        asker(Proof::Bearer(token(&world, "dr. Budi", "A", Role::Clinician, Purpose::Treat)), Purpose::BreakGlass);
    assert_eq!(open(&mut node, &budi, Part::Content, vec![content]).unwrap().len(), 0, "nor a colleague");
    // By the number that the other hospital gave.
    assert_eq!(declare(&mut node, &budi, "77", Some("B")).unwrap(), 1);

    let officer = |name: &str, facility: &str| {
        let token = token(&world, name, facility, Role::DataProtectionOfficer, Purpose::HealthcareOperations);
        asker(Proof::Bearer(token), Purpose::HealthcareOperations)
    };
    let (rina, far) = (officer("Rina", "A"), officer("Tono", "B"));
    assert!(queue(&mut node, &usual).is_err(), "clinicians review nothing");
    assert_eq!(queue(&mut node, &far).unwrap().len(), 0, "another hospital's officer waits until it is overdue");
    let waiting = queue(&mut node, &rina).unwrap();
    assert_eq!(waiting.len(), 2);
    assert_eq!((waiting[0].name.as_deref(), waiting[0].patient), (Some("dr. Sari"), Some(admitted.patient)));
    let review = |id| GlassAsk::Review { id, is_justified: true, note: "seen in the ward's book".into() };
    assert!(call(&mut node, &usual, review(waiting[0].id)).is_err());
    assert!(call(&mut node, &far, review(waiting[0].id)).is_err());
    call(&mut node, &rina, review(waiting[0].id)).unwrap();
    assert!(call(&mut node, &rina, review(waiting[0].id)).is_err(), "once");
    assert!(queue(&mut node, &rina).unwrap()[0].review.as_ref().is_some_and(|review| review.is_justified));

    let events = world.events();
    let of = |action, decision| events.iter().filter(|e| e.action == action && e.decision == decision).count();
    assert_eq!(of(Action::BreakGlass, Decision::Permitted), 2);
    assert_eq!(of(Action::Review, Decision::Permitted), 1);
    assert!(of(Action::Alarm, Decision::Permitted) >= 1, "it rang at once");
    world.verified();
}

#[test]
fn guesses_cost_as_much_as_finds_and_the_last_of_the_day_is_the_last() {
    let world = World::with(config("[budgets.break_glass]\nactor_a_day = 2\nfacility_a_day = 3\n"));
    let mut node = world.node();
    let token = |name: &str| token(&world, name, "A", Role::Clinician, Purpose::Treat);
    let [sari, budi] = ["dr. Sari", "dr. Budi"].map(|name| asker(Proof::Bearer(token(name)), Purpose::BreakGlass));
    assert_eq!(declare(&mut node, &sari, "3174012345678902", None).unwrap(), 0);
    assert_eq!(declare(&mut node, &sari, "3174012345678903", None).unwrap(), 0);
    let spent = declare(&mut node, &sari, NIK, None).unwrap_err();
    assert_eq!(spent.outcome, Outcome::Exhausted);
    assert!(spent.retry_after_seconds.is_some_and(|seconds| seconds <= 86_401));
    assert_eq!(declare(&mut node, &budi, NIK, None).unwrap(), 0);
    assert_eq!(
        declare(&mut node, &budi, NIK, None).unwrap_err().outcome,
        Outcome::Exhausted,
        "the hospital's day is over"
    );
    for reason in [String::new(), "x".repeat(record::limits::REASON_BYTES_MAX + 1)] {
        let ask = GlassAsk::Break { number: NIK.into(), facility: None, reason };
        assert_eq!(call(&mut node, &budi, ask).unwrap_err().outcome, Outcome::Invalid);
    }
}

#[test]
fn whoever_reads_no_records_breaks_no_glass() {
    let world = World::new();
    let mut node = world.node();
    for role in [Role::Registrar, Role::Auditor, Role::System, Role::DataProtectionOfficer] {
        let who = bearer(&token(&world, role.name(), "A", role, Purpose::Treat));
        assert_eq!(declare(&mut node, &who, NIK, None).unwrap_err().outcome, Outcome::Refused, "{role:?}");
    }
    assert_eq!(declare(&mut node, &peer("CT-A"), NIK, None).unwrap_err().outcome, Outcome::Refused);
}
