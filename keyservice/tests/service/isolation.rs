//! A feed's certificate was stolen: what its admissions brought about ends, comes back when that is lifted, and what stands by
//! others stays. Told through the sockets.

use crate::support::{World, bearer, item, peer};
use keyservice::audit::Action;
use record::{FacilityCode, Identifier, Micros, Outcome, Purpose, Role};
use seal::message::isolation::{
    IsolationAnswer, IsolationEntry, IsolationId, IsolationOrder, IsolationReport, IsolationRequest, Whom,
};
use seal::message::{
    AdminAnswer, AdminRequest, AdmitItem, Admitted, Answer, Asker, Context, Part, ReleaseItem, Request,
};
use std::time::{Duration, Instant};

fn local(value: &str) -> Identifier {
    Identifier::Local { issuer: String::new(), value: value.into() }
}

fn nik(n: u64) -> Identifier {
    Identifier::Nik(format!("3171{n:012}"))
}

struct Stage {
    world: World,
    clinician: Asker,
}

fn stage() -> Stage {
    let world = World::new();
    let pacs = AdminRequest::AddPeer {
        ae_title: "PACS-A".into(),
        facility: FacilityCode::new("A").unwrap(),
        certificate: None,
        host: None,
        port: None,
    };
    assert_eq!(world.admin().admin(pacs), AdminAnswer::Done);
    let clinician = bearer(&world.person("dr. Sari", "A", Role::Clinician, Purpose::Treat));
    Stage { world, clinician }
}

impl Stage {
    fn send(&self, title: &str, identifiers: Vec<Identifier>) -> (AdmitItem, Admitted) {
        let item = item(identifiers);
        let admitted = self.world.node().admit(&peer(title), vec![item.clone()]).remove(0);
        (item, admitted)
    }

    /// Whether a clinician of A opens it.
    fn opens(&self, (item, admitted): &(AdmitItem, Admitted)) -> bool {
        let context = Context { patient: admitted.patient, object: item.object, version: item.version };
        let key = ReleaseItem { context, wrapped: admitted.content.clone() };
        self.world.node().release(&self.clinician, Part::Content, vec![key]).remove(0).is_some()
    }

    fn confirmed(&self, title: &str, of: &(AdmitItem, Admitted)) -> bool {
        match self.world.node().call(Request::Confirmed { asker: peer(title), patients: vec![of.1.patient] }) {
            Answer::Confirmed(confirmed) => confirmed[0],
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, request: IsolationRequest) -> AdminAnswer {
        self.world.admin().admin(AdminRequest::Isolation(request))
    }

    fn ordered(&self, request: IsolationRequest) -> IsolationEntry {
        match self.ask(request) {
            AdminAnswer::Isolation(IsolationAnswer::Ordered(entry)) => self.settled(entry.rule.id),
            other => panic!("{other:?}"),
        }
    }

    fn isolate(&self, whom: Whom, from: Micros, until: Micros) -> IsolationEntry {
        self.ordered(IsolationRequest::Isolate(IsolationOrder { whom, from, until, reason: "stolen".into() }))
    }

    fn lift(&self, id: IsolationId) -> IsolationEntry {
        self.ordered(IsolationRequest::Lift { id, reason: "a mistake".into() })
    }

    fn list(&self) -> Vec<IsolationEntry> {
        match self.ask(IsolationRequest::List) {
            AdminAnswer::Isolation(IsolationAnswer::List(entries)) => entries,
            other => panic!("{other:?}"),
        }
    }

    fn settled(&self, id: IsolationId) -> IsolationEntry {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.list().into_iter().find(|entry| entry.rule.id == id).unwrap();
            if found.is_settled {
                return found;
            }
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn feed() -> Whom {
    Whom::Peer("CT-A".into())
}

#[test]
fn a_relation_that_isolated_admissions_alone_began_opens_nothing_until_it_is_lifted() {
    let stage = stage();
    // B's patients, one of whom A treats as well; and A's own.
    let (theirs, shared) = (stage.send("CT-B", vec![nik(1)]), stage.send("CT-B", vec![nik(2)]));
    stage.send("PACS-A", vec![nik(2)]);
    let own = stage.send("CT-A", vec![local("12")]);
    let begun = record::time::now();
    for number in [1, 2] {
        stage.send("CT-A", vec![nik(number)]);
    }
    let claimed_alone = stage.send("CT-A", vec![local("77")]);
    assert!([&theirs, &shared, &own, &claimed_alone].into_iter().all(|of| stage.opens(of)));
    let ended = record::time::now();

    let isolated = stage.isolate(feed(), begun, ended);
    assert_eq!(isolated.relations, 2);
    assert_eq!([&theirs, &shared, &own, &claimed_alone].map(|of| stage.opens(of)), [false, true, true, false]);
    // The same again is the same.
    assert_eq!(stage.isolate(feed(), begun, ended).rule.id, isolated.rule.id);
    assert_eq!(stage.list().len(), 1);
    stage.lift(isolated.rule.id);
    assert!([&theirs, &shared, &own, &claimed_alone].into_iter().all(|of| stage.opens(of)));
    assert_eq!(stage.list()[0].relations, 0);

    // Everybody's at the facility, of the whole time: what another feed of it sent is isolated as well.
    let all = stage.isolate(Whom::Facility(FacilityCode::new("A").unwrap()), 1, ended);
    assert_eq!([&theirs, &shared, &own, &claimed_alone].map(|of| stage.opens(of)), [false; 4]);
    // Who comes again is treated again, and an isolation that is open to the future holds what comes.
    stage.send("PACS-A", vec![nik(2)]);
    assert!(stage.opens(&shared));
    stage.isolate(feed(), begun, record::time::now() + 3_600_000_000);
    stage.send("CT-A", vec![nik(1)]);
    assert!(!stage.opens(&theirs));
    let told: Vec<_> = stage.world.events().into_iter().filter(|event| event.action == Action::Isolate).collect();
    assert_eq!(told.len(), 4, "two more orders, and one that was lifted");
    assert!(told[0].detail.as_ref().unwrap().contains("peer CT-A"));
    stage.lift(all.rule.id);
}

#[test]
fn numbers_and_links_that_it_brought_join_nobody_meanwhile() {
    let stage = stage();
    let theirs = stage.send("CT-B", vec![nik(1)]);
    let own = stage.send("CT-A", vec![local("12")]);
    stage.send("PACS-A", vec![local("12")]);
    let begun = record::time::now();
    // A patient of A is said to be the person whom B treats; another is given a number that nobody has yet.
    stage.send("CT-A", vec![local("12"), nik(1)]);
    let other = stage.send("PACS-A", vec![local("13")]);
    stage.send("CT-A", vec![local("13"), nik(3)]);
    assert!(stage.opens(&theirs) && stage.opens(&own));
    let isolated = stage.isolate(feed(), begun, record::time::now());
    assert_eq!((stage.opens(&theirs), stage.opens(&own), stage.opens(&other)), (false, true, true));
    let real = stage.send("CT-B", vec![nik(3)]);
    assert_ne!(real.1.patient, other.1.patient, "the number was never that patient's");
    assert!(!stage.opens(&real));
    stage.lift(isolated.rule.id);
    assert!(stage.opens(&theirs), "the link is there again");
    assert!(stage.opens(&real), "two who have one number are one person");
}

#[test]
fn a_machine_is_told_which_patients_it_has_claimed_itself() {
    let stage = stage();
    let (theirs, shared) = (stage.send("CT-B", vec![nik(1)]), stage.send("CT-B", vec![nik(2)]));
    assert!(!stage.confirmed("CT-A", &theirs));
    stage.send("CT-A", vec![nik(1)]);
    assert!(!stage.confirmed("CT-A", &theirs), "by its own word alone");
    assert!(stage.confirmed("PACS-A", &theirs), "another's word");
    stage.send("PACS-A", vec![nik(2)]);
    assert!(stage.confirmed("CT-A", &shared));
    // Joining somebody else's records to a patient of one's own.
    let own = stage.send("PACS-A", vec![local("12")]);
    stage.send("CT-A", vec![local("12"), nik(1)]);
    assert!(!stage.confirmed("CT-A", &theirs));
    assert!(stage.confirmed("CT-A", &own));
    let numbered = stage.send("PACS-A", vec![local("14")]);
    stage.send("CT-A", vec![local("14"), nik(9)]);
    assert!(!stage.confirmed("CT-A", &numbered), "whose number did it bring?");
    let asker = Asker { ..peer("NOBODY") };
    assert_eq!(stage.world.node().failure(Request::Confirmed { asker, patients: vec![] }), Outcome::Refused);
}

#[test]
fn an_end_goes_on_and_what_the_archive_tells_is_in_the_ledger_once() {
    let mut stage = stage();
    let begun = record::time::now();
    for number in 0..40 {
        stage.send("CT-A", vec![nik(number)]);
    }
    let order = IsolationOrder { whom: feed(), from: begun, until: record::time::now(), reason: "stolen".into() };
    let AdminAnswer::Isolation(IsolationAnswer::Ordered(entry)) = stage.ask(IsolationRequest::Isolate(order)) else {
        panic!("not ordered");
    };
    stage.world.stop();
    stage.world.start().unwrap();
    let entry = stage.settled(entry.rule.id);
    assert_eq!((entry.relations, entry.is_done()), (40, false));
    let report = |is_done| IsolationReport { id: entry.rule.id, is_lifted: false, is_done, versions: 40 };
    for is_done in [false, true, true] {
        let Answer::Isolations(rules) = stage.world.node().call(Request::Isolations(vec![report(is_done)])) else {
            panic!("no rules");
        };
        assert_eq!(rules, std::slice::from_ref(&entry.rule));
    }
    assert!(stage.list()[0].is_done());
    let told: Vec<_> = stage.world.events().into_iter().filter(|event| event.action == Action::Isolate).collect();
    assert_eq!(told.len(), 2);
    assert!(told[1].detail.as_ref().unwrap().contains("40 object versions are isolated, 40 relations"));
    // What cannot be.
    for (whom, from, until) in [
        (Whom::Peer("NOBODY".into()), 1, 2),
        (Whom::Sender("nobody".into()), 1, 2),
        (Whom::Certificate([1; 32]), 1, 2),
        (feed(), 2, 2),
    ] {
        let order = IsolationOrder { whom, from, until, reason: "stolen".into() };
        assert!(matches!(stage.ask(IsolationRequest::Isolate(order)), AdminAnswer::Failed(_)));
    }
    assert!(matches!(
        stage.ask(IsolationRequest::Lift { id: IsolationId([0; 8]), reason: "x".into() }),
        AdminAnswer::Failed(_)
    ));
    stage.world.verified();
}
