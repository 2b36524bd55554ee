//! A key service with an archive's patients, canaries and staff, whose clocks the test drives: the real program, in a time namespace of the
//! kernel for the clock that nobody sets, and under libfaketime for the one on the wall. The first moves by a restart only, as the kernel has it.

use super::super::support::holder::{Authenticator, Holder};
use super::super::support::{Client, PASSPHRASE, Process, bearer, item, peer};
use record::{FacilityCode, Identifier, Pseudonym, Purpose, Role};
use seal::message::alarm::{AlarmAnswer, AlarmEntry, AlarmRequest, FrozenEntry};
use seal::message::canary::{CanaryPlan, CanaryRequest, Identity};
use seal::message::{
    AdminAnswer, AdminRequest, AdmitItem, Admitted, Answer, Asker, Context, KeyProof, Part, Proof, ReleaseItem,
    Released, Request, SignIn, SignInAnswer, Staff,
};
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;
use tempfile::TempDir;

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
pub const HOUR: i64 = 3_600;

/// Somebody at work: a browser with a key of its own, and a passkey.
pub struct Live {
    pub name: String,
    holder: Holder,
    authenticator: Authenticator,
    pub token: String,
}

/// A patient: what opens the summary and the content.
#[derive(Clone)]
pub struct Patient {
    pub pseudonym: Pseudonym,
    pub summary: ReleaseItem,
    pub content: ReleaseItem,
    pub facility: &'static str,
}

/// How an opening ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Opened,
    /// Refused, like whatever is not there.
    Refused,
    /// A budget is spent.
    Spent,
}

pub struct Sealed {
    folder: TempDir,
    config: String,
    process: Option<Process>,
    pub node: Client,
    /// Seconds that both clocks are ahead.
    ahead: i64,
    pub patients: Vec<Patient>,
    pub canaries: HashSet<Pseudonym>,
    pub peers: Vec<Asker>,
    pub live: Vec<Live>,
}

fn identity(n: usize) -> Identity {
    Identity {
        name: "SANTOSO^BUDI".into(),
        number: format!("RM-9{n:07}"),
        nik: format!("31710112{n:08}"),
        born: "19750512".into(),
        sex: "M".into(),
        card: format!("0009{n:09}"),
    }
}

fn patient(item: &AdmitItem, admitted: Admitted, facility: &'static str) -> Patient {
    let context = Context { patient: admitted.patient, object: item.object, version: 1 };
    let [summary, content] = [admitted.summary, admitted.content].map(|wrapped| ReleaseItem { context, wrapped });
    Patient { pseudonym: context.patient, summary, content, facility }
}

impl Sealed {
    /// An archive of so many patients, a canary for each hundred of them; and so many at work, with passkeys.
    pub fn new(count: usize, live: usize, settings: &str) -> Self {
        assert!(Path::new(LIBRARY).exists(), "{LIBRARY} is missing: install the Debian package libfaketime");
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("keyservice.toml");
        std::fs::write(&config, settings).unwrap();
        std::fs::write(folder.path().join("clock"), "+0").unwrap();
        let config = config.to_str().unwrap().to_owned();
        let process = start(&folder, &config, 0);
        process.set_up();
        let node = process.node();
        let mut sealed = Self {
            folder,
            config,
            process: Some(process),
            node,
            ahead: 0,
            patients: Vec::new(),
            canaries: HashSet::new(),
            peers: Vec::new(),
            live: Vec::new(),
        };
        for facility in ["A", "B"] {
            for n in 1..4 {
                let ae_title = format!("PACS-{facility}{n}");
                let facility = FacilityCode::new(facility).unwrap();
                let add = AdminRequest::AddPeer {
                    ae_title: ae_title.clone(),
                    facility,
                    certificate: None,
                    host: None,
                    port: None,
                };
                assert_eq!(sealed.admin().admin(add), AdminAnswer::Done);
                sealed.peers.push(peer(&ae_title));
            }
        }
        sealed.fill(count);
        sealed.live = (0..live).map(|n| sealed.enrol(&format!("dr. {n}"))).collect();
        sealed
    }

    pub fn admin(&self) -> Client {
        self.process.as_ref().unwrap().admin()
    }

    /// Four of five patients are A's. Canaries come among them as an archive plants them.
    fn fill(&mut self, count: usize) {
        let mut admin = self.admin();
        let plans = (0..count / 80)
            .map(|n| CanaryPlan {
                facility: FacilityCode::new(if n % 5 == 4 { "B" } else { "A" }).unwrap(),
                recipient: None,
                is_sleeping: false,
                identity: identity(n),
            })
            .collect::<Vec<_>>();
        for plans in plans.chunks(1_000) {
            let plan = CanaryRequest::Plan { plans: plans.to_vec(), at_once: false };
            assert!(matches!(admin.admin(AdminRequest::Canary(plan)), AdminAnswer::Canary(_)));
        }
        const BATCH: usize = 40;
        for (batch, first) in (0..count).step_by(BATCH).enumerate() {
            let facility = if batch % 5 == 4 { "B" } else { "A" };
            let local = |n: usize| Identifier::Local { issuer: facility.into(), value: format!("p{n}") };
            let items: Vec<AdmitItem> = (first..count.min(first + BATCH)).map(|n| item(vec![local(n)])).collect();
            let sender = peer(&format!("CT-{facility}"));
            let admitted = self.node.admit(&sender, items.clone());
            self.patients.extend(items.iter().zip(admitted).map(|(item, one)| patient(item, one, facility)));
            self.plant();
        }
    }

    fn plant(&mut self) {
        while let Answer::Planting(Some(one)) = self.node.call(Request::Planting) {
            let facility = if one.facility.as_str() == "A" { "A" } else { "B" };
            let Answer::Who(sender) = self.node.call(Request::Authenticate(peer(&format!("CT-{facility}")))) else {
                panic!("no sender")
            };
            let canary = item(vec![
                Identifier::Local { issuer: facility.into(), value: one.identity.number },
                Identifier::Nik(one.identity.nik),
            ]);
            let proof = Proof::Planting { number: one.number, sender: sender.actor };
            let asker = Asker { proof, purpose: Purpose::SystemAdministration, channel: "dimse".into() };
            let admitted = self.node.admit(&asker, vec![canary.clone()]).remove(0);
            self.canaries.insert(admitted.patient);
            self.patients.push(patient(&canary, admitted, facility));
        }
    }

    fn enrol(&mut self, name: &str) -> Live {
        let mut admin = self.admin();
        let facility = FacilityCode::new("A").unwrap();
        let add = AdminRequest::AddPerson { name: name.into(), facility, role: Role::Clinician };
        assert_eq!(admin.admin(add), AdminAnswer::Done);
        let invite = Staff::Invite { name: name.into(), seconds: 600, thumbprint: None };
        let AdminAnswer::Invitation(invitation) = admin.admin(AdminRequest::Staff(invite)) else { panic!("no code") };
        let (holder, mut authenticator) = (Holder::new(), Authenticator::new());
        let thumbprint = holder.0.thumbprint();
        let begin = SignIn::BeginEnrol { invitation: invitation.clone(), thumbprint };
        let Answer::SignIn(SignInAnswer::Challenge(challenge)) = self.node.call(Request::SignIn(begin)) else {
            panic!("no challenge")
        };
        let (client_data_json, attestation_object) = authenticator.create(&challenge);
        let proof = self.key_proof(&holder);
        let enrol = SignIn::Enrol { invitation, client_data_json, attestation_object, proof, purpose: Purpose::Treat };
        let Answer::SignIn(SignInAnswer::Token(signed_in)) = self.node.call(Request::SignIn(enrol)) else {
            panic!("not enrolled")
        };
        Live { name: name.to_owned(), holder, authenticator, token: signed_in.token }
    }

    /// A person of A with a token that is bound to nothing, as scripts have it.
    pub fn unbound(&mut self, name: &str, role: Role) -> Asker {
        let mut admin = self.admin();
        let facility = FacilityCode::new("A").unwrap();
        assert_eq!(admin.admin(AdminRequest::AddPerson { name: name.into(), facility, role }), AdminAnswer::Done);
        let token = AdminRequest::Token { name: name.into(), purpose: Purpose::Treat, seconds: 40 * 86_400 };
        let AdminAnswer::Token(token) = admin.admin(token) else { panic!("no token") };
        bearer(&token)
    }

    fn seconds(&self) -> i64 {
        record::time::now().div_euclid(1_000_000) + self.ahead
    }

    fn key_proof(&self, holder: &Holder) -> KeyProof {
        let uri = "http://localhost:8080/sign-in";
        let mut claims = Holder::claims("POST", uri, None);
        claims["iat"] = json!(self.seconds());
        KeyProof { jwt: holder.sign(&claims), method: "POST".into(), uri: uri.into() }
    }

    /// Somebody signs in by a passkey; nobody who is frozen can.
    pub fn sign_in(&mut self, n: usize) -> bool {
        let live = &self.live[n];
        let begin = SignIn::Begin { name: Some(live.name.clone()), thumbprint: live.holder.0.thumbprint() };
        let Answer::SignIn(SignInAnswer::Challenge(challenge)) = self.node.call(Request::SignIn(begin)) else {
            return false;
        };
        let live = &self.live[n];
        let (assertion, proof) = (live.authenticator.answer(&challenge), self.key_proof(&live.holder));
        let finish = SignIn::Finish { assertion, proof, purpose: Purpose::Treat };
        let Answer::SignIn(SignInAnswer::Token(signed_in)) = self.node.call(Request::SignIn(finish)) else {
            return false;
        };
        self.live[n].token = signed_in.token;
        true
    }

    /// What a browser shows for one request to a study's address.
    pub fn click(&self, n: usize, study: &str) -> Asker {
        let uri = format!("http://localhost:8080/dicom-web/studies/{study}/metadata");
        let live = &self.live[n];
        let mut claims = Holder::claims("GET", &uri, Some(&live.token));
        claims["iat"] = json!(self.seconds());
        let proof =
            Proof::Bound { token: live.token.clone(), proof: live.holder.sign(&claims), method: "GET".into(), uri };
        Asker { proof, purpose: Purpose::Treat, channel: "dicomweb".into() }
    }

    pub fn take(&mut self, asker: &Asker, part: Part, one: &Patient) -> Taken {
        let item = if part == Part::Content { one.content.clone() } else { one.summary.clone() };
        self.take_all(asker, part, vec![item]).first().copied().unwrap_or(Taken::Refused)
    }

    pub fn take_all(&mut self, asker: &Asker, part: Part, items: Vec<ReleaseItem>) -> Vec<Taken> {
        let count = items.len();
        match self.node.call(Request::Release { asker: asker.clone(), part, items }) {
            Answer::Released(released) => {
                let taken = |one| if matches!(one, Released::Key(_)) { Taken::Opened } else { Taken::Refused };
                released.into_iter().map(taken).collect()
            }
            Answer::Failed(failure) if failure.outcome == record::Outcome::Exhausted => vec![Taken::Spent; count],
            Answer::Failed(_) => vec![Taken::Refused; count],
            other => panic!("{other:?}"),
        }
    }

    /// The clock on the wall goes on.
    pub fn go(&mut self, seconds: i64) {
        self.ahead += seconds;
        std::fs::write(self.folder.path().join("clock"), format!("+{}", self.ahead)).unwrap();
    }

    /// Both clocks go on, and the service is killed and started again on the way.
    pub fn pass(&mut self, seconds: i64) {
        self.process.as_mut().unwrap().kill();
        self.go(seconds);
        let process = start(&self.folder, &self.config, self.ahead);
        self.node = process.node();
        self.process = Some(process);
    }

    pub fn alarms(&self) -> Vec<AlarmEntry> {
        match self.admin().admin(AdminRequest::Alarm(AlarmRequest::List { all: true })) {
            AdminAnswer::Alarm(AlarmAnswer::Alarms(alarms)) => alarms,
            other => panic!("{other:?}"),
        }
    }

    pub fn frozen(&self) -> Vec<FrozenEntry> {
        match self.admin().admin(AdminRequest::Alarm(AlarmRequest::Frozen)) {
            AdminAnswer::Alarm(AlarmAnswer::Frozen(frozen)) => frozen,
            other => panic!("{other:?}"),
        }
    }

    /// Somebody of the house lets everybody go on, a false alarm of their own making.
    pub fn thaw_all(&mut self, by: &str) {
        for entry in self.frozen() {
            let thaw = AlarmRequest::Thaw { name: entry.actor, by: by.into(), note: "a test".into() };
            assert_eq!(self.admin().admin(AdminRequest::Alarm(thaw)), AdminAnswer::Done);
        }
    }
}

/// Starts the program with a clock that is so many seconds ahead.
fn start(folder: &TempDir, config: &str, ahead: i64) -> Process {
    let data = folder.path().join("keyservice");
    std::fs::create_dir_all(&data).unwrap();
    let clock = folder.path().join("clock");
    let environment = [
        ("LD_PRELOAD", LIBRARY),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let ahead = ahead.to_string();
    let under = ["unshare", "--map-root-user", "--time", "--boottime", &ahead];
    // An unshare that may not make a time namespace says so, and no line `ready` comes.
    Process::start_under(&under, &data, &["--config", config], &environment)
}

/// The passphrase is the one of every test.
#[test]
fn a_driven_clock_is_the_kernels() {
    assert!(!PASSPHRASE.is_empty());
    let mut sealed =
        Sealed::new(40, 0, "[budgets.feed]\ncontents = { hour = 2, day = 3 }\nsummaries = { hour = 9, day = 9 }\n");
    let patients = sealed.patients.clone();
    let asker = sealed.peers[0].clone();
    let take = |sealed: &mut Sealed, n: usize| sealed.take(&asker, Part::Content, &patients[n]);
    assert_eq!([0, 1, 2].map(|n| take(&mut sealed, n)), [Taken::Opened, Taken::Opened, Taken::Spent]);
    // The clock on the wall gives nothing back.
    sealed.go(2 * HOUR);
    assert_eq!(take(&mut sealed, 2), Taken::Spent);
    sealed.pass(60);
    assert_eq!(take(&mut sealed, 2), Taken::Opened, "the machine's own clock has gone on by two hours with the start");
    assert_eq!(take(&mut sealed, 3), Taken::Spent, "the day is full");
    sealed.pass(23 * HOUR);
    assert_eq!([3, 4, 5].map(|n| take(&mut sealed, n)), [Taken::Opened, Taken::Opened, Taken::Spent]);
}
