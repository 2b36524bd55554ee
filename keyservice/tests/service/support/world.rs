use super::{Client, PASSPHRASE};
use aws_lc_rs::rand;
use keyservice::audit::Event;
use keyservice::{Config, Passphrase, Service, Settings, read_events};
use record::{FacilityCode, Field, Identifier, ObjectId, Purpose, Role, Term};
use seal::message::{AdminAnswer, AdminRequest, AdmitItem, Asker, DataKey, Proof};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).unwrap();
    bytes
}

pub fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes().to_vec())
}

pub fn asker(proof: Proof, purpose: Purpose) -> Asker {
    Asker { proof, purpose, channel: "dicomweb".into() }
}

/// Somebody with a token, for treatment.
pub fn bearer(token: &str) -> Asker {
    asker(Proof::Bearer(token.to_owned()), Purpose::Treat)
}

/// A peer without certificate.
pub fn peer(ae_title: &str) -> Asker {
    Asker {
        channel: "dimse".into(),
        ..asker(Proof::Peer { ae_title: ae_title.into(), certificate: None }, Purpose::Treat)
    }
}

/// A new object of a patient with random keys.
pub fn item(identifiers: Vec<Identifier>) -> AdmitItem {
    AdmitItem {
        object: ObjectId(random()),
        version: 1,
        kind: "dicom".into(),
        identifiers,
        patient: None,
        terms: Vec::new(),
        summary: DataKey(random()),
        content: DataKey(random()),
        says: None,
    }
}

pub fn terms(texts: &[&str]) -> Vec<Term> {
    texts.iter().map(|text| Term { field: Field::Number, text: (*text).into() }).collect()
}

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found
}

/// Sets the usual world up: facilities A and B, a peer each (CT-A, CT-B), and everybody who is asked for.
fn set_up(admin: &mut Client) {
    for code in ["A", "B"] {
        let code = FacilityCode::new(code).unwrap();
        let name = format!("Rumah Sakit {code}");
        assert_eq!(admin.admin(AdminRequest::AddFacility { code: code.clone(), name }), AdminAnswer::Done);
        let peer = AdminRequest::AddPeer {
            ae_title: format!("CT-{code}"),
            facility: code,
            certificate: None,
            host: None,
            port: None,
        };
        assert_eq!(admin.admin(peer), AdminAnswer::Done);
    }
}

/// A service in this process, in its own folder.
pub struct World {
    pub folder: TempDir,
    pub config: Config,
    runtime: Runtime,
    service: Option<Service>,
}

impl World {
    /// A new service with facilities A and B and their peers.
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    /// The same, with settings.
    pub fn with(config: Config) -> Self {
        let mut world = Self::empty(config);
        world.start().unwrap();
        set_up(&mut world.admin());
        world
    }

    /// Facilities A and B and their peers, for a service that began with other settings.
    pub fn set_up(&self) {
        set_up(&mut self.admin());
    }

    /// A folder and no service yet.
    pub fn empty(config: Config) -> Self {
        let runtime = Runtime::new().unwrap();
        Self { folder: tempfile::tempdir().unwrap(), config, runtime, service: None }
    }

    pub fn start(&mut self) -> keyservice::Result<()> {
        let settings = Settings {
            folder: self.folder.path().to_owned(),
            passphrase: passphrase(PASSPHRASE),
            config: self.config.clone(),
        };
        self.service = Some(self.runtime.block_on(Service::start(settings))?);
        Ok(())
    }

    /// Starts with another passphrase, to see it fail.
    pub fn start_with(&self, text: &str) -> keyservice::Result<Service> {
        let settings = Settings {
            folder: self.folder.path().to_owned(),
            passphrase: passphrase(text),
            config: self.config.clone(),
        };
        self.runtime.block_on(Service::start(settings))
    }

    pub fn stop(&mut self) {
        if let Some(service) = self.service.take() {
            self.runtime.block_on(service.stop()).unwrap();
        }
    }

    pub fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    pub fn node(&self) -> Client {
        Client::connect(&self.folder.path().join("node.sock")).unwrap()
    }

    pub fn admin(&self) -> Client {
        Client::connect(&self.folder.path().join("admin.sock")).unwrap()
    }

    /// Adds a person and answers its token.
    pub fn person(&self, name: &str, facility: &str, role: Role, purpose: Purpose) -> String {
        person(&mut self.admin(), name, facility, role, purpose)
    }

    pub fn events(&self) -> Vec<Event> {
        events(self.folder.path())
    }

    /// Stops, and has the ledger verified with nothing but its public key; answers its size.
    pub fn verified(&mut self) -> u64 {
        let vkey = self.service().vkey().to_owned();
        self.stop();
        let report = ledger::verify(&self.folder.path().join("ledger"), &vkey).unwrap();
        assert_eq!(report.size, self.events().len() as u64, "every event has its entry");
        report.size
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn events(folder: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    read_events(folder, &passphrase(PASSPHRASE), &mut |position, event| {
        assert_eq!(position, events.len() as u64);
        events.push(event);
        Ok(())
    })
    .unwrap();
    events
}

pub fn person(admin: &mut Client, name: &str, facility: &str, role: Role, purpose: Purpose) -> String {
    let facility = FacilityCode::new(facility).unwrap();
    assert_eq!(admin.admin(AdminRequest::AddPerson { name: name.into(), facility, role }), AdminAnswer::Done);
    match admin.admin(AdminRequest::Token { name: name.into(), purpose, seconds: 3_600 }) {
        AdminAnswer::Token(token) => token,
        other => panic!("no token: {other:?}"),
    }
}

/// The real program.
pub struct Process {
    pub child: Child,
    pub input: Option<ChildStdin>,
    pub folder: PathBuf,
}

impl Process {
    /// Starts it and waits for its line.
    pub fn start(folder: &Path, flags: &[&str]) -> Self {
        Self::start_in(folder, flags, &[])
    }

    /// The same, in an environment.
    pub fn start_in(folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_under(&[], folder, flags, environment)
    }

    /// The same, as the last argument of another program that becomes it.
    pub fn start_under(under: &[&str], folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let words: Vec<&str> = [under, &[env!("CARGO_BIN_EXE_segel-keyservice")]].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .arg("--data")
            .arg(folder)
            .arg("--passphrase-stdin")
            .args(flags)
            .env("RUST_LOG", "warn")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{PASSPHRASE}").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready "), "{line:?}");
        Self { child, input: Some(input), folder: folder.to_owned() }
    }

    pub fn set_up(&self) {
        set_up(&mut self.admin());
    }

    pub fn node(&self) -> Client {
        Client::connect(&self.folder.join("node.sock")).unwrap()
    }

    pub fn admin(&self) -> Client {
        Client::connect(&self.folder.join("admin.sock")).unwrap()
    }

    pub fn person(&self, name: &str, facility: &str, role: Role) -> String {
        person(&mut self.admin(), name, facility, role, Purpose::Treat)
    }

    pub fn events(&self) -> Vec<Event> {
        events(&self.folder)
    }

    /// SIGKILL, and not a word before it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}
