//! Canaries as the key service has them: planted as ordinary admissions, by nobody for anything else.

use super::support::*;
use record::{FacilityCode, Identifier, Outcome, Purpose, Role};
use seal::message::alarm::{AlarmAnswer, AlarmRequest, Kind};
use seal::message::canary::{CanaryAnswer, CanaryPlan, CanaryRequest, Identity, Planting};
use seal::message::{AdminAnswer, AdminRequest, Answer, Asker, Part, Proof, ReleaseItem, Request};

fn identity(n: u32) -> Identity {
    Identity {
        name: "SANTOSO^BUDI".into(),
        number: format!("RM-{n:06}"),
        nik: format!("317101120575{:04}", 301 + n),
        born: "19750512".into(),
        sex: "M".into(),
        card: format!("0009{n:09}"),
    }
}

fn plan(world: &World, n: u32) -> AdminAnswer {
    let facility = FacilityCode::new("A").unwrap();
    let plans = vec![CanaryPlan { facility, recipient: None, is_sleeping: false, identity: identity(n) }];
    world.admin().admin(AdminRequest::Canary(CanaryRequest::Plan { plans, at_once: true }))
}

fn due(world: &World) -> Option<Planting> {
    match world.node().call(Request::Planting) {
        Answer::Planting(planting) => planting,
        other => panic!("{other:?}"),
    }
}

fn actor(world: &World, asker: &Asker) -> String {
    match world.node().call(Request::Authenticate(asker.clone())) {
        Answer::Who(who) => who.actor,
        other => panic!("{other:?}"),
    }
}

fn planting(number: u64, sender: &str) -> Asker {
    Asker {
        channel: "dimse".into(),
        ..asker(Proof::Planting { number, sender: sender.into() }, Purpose::SystemAdministration)
    }
}

fn numbers(identity: &Identity) -> Vec<Identifier> {
    vec![
        Identifier::Local { issuer: "A".into(), value: identity.number.clone() },
        Identifier::Nik(identity.nik.clone()),
    ]
}

/// How many rows each table has, and how long they are altogether.
fn tables(world: &World) -> Vec<(String, i64, i64)> {
    let db = rusqlite::Connection::open(world.folder.path().join("state.sqlite")).unwrap();
    let names: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let count = |name: String| {
        let columns: Vec<String> = db
            .prepare(&format!("SELECT name FROM pragma_table_info('{name}')"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let lengths: Vec<String> = columns.iter().map(|column| format!("coalesce(length(\"{column}\"), 0)")).collect();
        let sql = format!("SELECT count(*), coalesce(sum({}), 0) FROM \"{name}\"", lengths.join(" + "));
        let (rows, bytes) = db.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        (name, rows, bytes)
    };
    names.into_iter().map(count).collect()
}

#[test]
fn a_canary_comes_as_an_ordinary_admission_and_rings_when_it_is_opened() {
    let world = World::new();
    assert_eq!(plan(&world, 1), AdminAnswer::Canary(CanaryAnswer::Planned(1)));
    let one = due(&world).unwrap();
    assert_eq!(due(&world), None, "nobody else is given it meanwhile");
    let sender = actor(&world, &peer("CT-A"));

    // A patient and the canary change the same tables by the same number of bytes.
    let real = Identity { name: "X".into(), ..identity(77) };
    // A sender's first admission makes its own row.
    world.node().admit(&peer("CT-A"), vec![item(numbers(&Identity { name: "Y".into(), ..identity(78) }))]);
    let before = tables(&world);
    world.node().admit(&peer("CT-A"), vec![item(numbers(&real))]);
    let between = tables(&world);
    let canary = item(numbers(&one.identity));
    let admitted = world.node().admit(&planting(one.number, &sender), vec![canary.clone()]).remove(0);
    let after = tables(&world);
    let change = |from: &[(String, i64, i64)], to: &[(String, i64, i64)]| {
        from.iter().zip(to).map(|(a, b)| (a.0.clone(), b.1 - a.1, b.2 - a.2)).filter(|c| c.1 != 0).collect::<Vec<_>>()
    };
    assert_eq!(change(&before, &between), change(&between, &after));
    assert!(change(&between, &after).iter().any(|(name, _, _)| name == "patient"));

    let context = seal::message::Context { patient: admitted.patient, object: canary.object, version: 1 };
    let open = |part| {
        let wrapped = if part == Part::Summary { &admitted.summary } else { &admitted.content };
        vec![ReleaseItem { context, wrapped: wrapped.clone() }]
    };
    let clinician = bearer(&world.person("dr", "A", Role::Clinician, Purpose::Treat));
    assert_eq!(
        world.node().release(&clinician, Part::Summary, open(Part::Summary)),
        [None],
        "a young one is on no list"
    );
    let answered = world.node().release(&clinician, Part::Content, open(Part::Content));
    assert_eq!(answered, [Some(canary.content.0)], "who opens it hears what others hear");
    assert_eq!(world.node().failure(Request::Authenticate(clinician.clone())), Outcome::Refused);
    let AdminAnswer::Alarm(AlarmAnswer::Alarms(alarms)) =
        world.admin().admin(AdminRequest::Alarm(AlarmRequest::List { all: false }))
    else {
        panic!("no alarms")
    };
    assert_eq!((alarms[0].kind, alarms[0].name.as_deref()), (Kind::Canary, Some("dr")));
    assert!(alarms[0].incident.is_some());
}

#[test]
fn by_planting_nothing_else_is_brought_in_and_nothing_opened() {
    let world = World::new();
    plan(&world, 1);
    let sender = actor(&world, &peer("CT-A"));
    let victim = identity(500);
    let known = item(numbers(&victim));
    let admitted = world.node().admit(&peer("CT-A"), vec![known.clone()]).remove(0);
    let admit = |asker: &Asker, item| world.node().failure(Request::Admit { asker: asker.clone(), items: vec![item] });

    // Not before it is given out, and not by a number that is none.
    assert_eq!(admit(&planting(1, &sender), item(numbers(&identity(1)))), Outcome::Refused);
    let one = due(&world).unwrap();
    for number in [0, one.number + 1, u64::MAX] {
        assert_eq!(admit(&planting(number, &sender), item(numbers(&one.identity))), Outcome::Refused);
    }
    let as_it = planting(one.number, &sender);
    // Not under another's number, not under another's beside its own, not to a patient by pseudonym.
    assert_eq!(admit(&as_it, item(numbers(&victim))), Outcome::Refused);
    let mixed = [numbers(&one.identity), numbers(&victim)].concat();
    assert_eq!(admit(&as_it, item(mixed)), Outcome::Refused);
    let mut by_pseudonym = item(numbers(&one.identity));
    by_pseudonym.patient = Some(admitted.patient);
    assert_eq!(admit(&as_it, by_pseudonym), Outcome::Refused);
    // Not for another facility, not as somebody unknown.
    let other = actor(&world, &peer("CT-B"));
    assert_eq!(admit(&planting(one.number, &other), item(numbers(&one.identity))), Outcome::Refused);
    assert_eq!(admit(&planting(one.number, "peer-none"), item(numbers(&one.identity))), Outcome::Refused);
    // It opens nothing and searches nothing.
    let context = seal::message::Context { patient: admitted.patient, object: known.object, version: 1 };
    for (part, wrapped) in [(Part::Content, admitted.content.clone()), (Part::Summary, admitted.summary)] {
        let items = vec![ReleaseItem { context, wrapped }];
        for purpose in [Purpose::SystemAdministration, Purpose::Treat] {
            let asker = Asker { purpose, ..as_it.clone() };
            let asked = Request::Release { asker, part, items: items.clone() };
            assert_eq!(world.node().failure(asked), Outcome::Refused, "{part:?} {purpose:?}");
        }
    }
    assert_eq!(world.node().failure(Request::Tokens { asker: as_it.clone(), terms: terms(&["1"]) }), Outcome::Refused);
    world.node().admit(&as_it, vec![item(numbers(&one.identity))]);
}

#[test]
fn somebody_who_is_real_is_no_canary() {
    let world = World::new();
    world.node().admit(&peer("CT-A"), vec![item(numbers(&identity(9)))]);
    let AdminAnswer::Failed(failure) = plan(&world, 9) else { panic!("planned over a patient") };
    assert_eq!(failure.outcome, Outcome::Busy);
    assert_eq!(due(&world), None);
    // Nor is one twice.
    assert_eq!(plan(&world, 10), AdminAnswer::Canary(CanaryAnswer::Planned(1)));
    assert!(matches!(plan(&world, 10), AdminAnswer::Failed(_)));
}
