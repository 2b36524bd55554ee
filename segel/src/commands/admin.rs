//! `segel admin`: facilities, peers, people, tokens. Every change is in the ledger before it is answered.

mod staff;

mod alarms;
mod isolate;

use super::{Data, Done, approve};
use crate::embedded::{Embedded, is_founded, must_be_founded};
use crate::register::AdminClient;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use record::{FacilityCode, Purpose, Role};
use seal::message::custody::CustodyRequest;
use seal::message::quorum::{QuorumOrder, Subject};
use seal::message::{AdminAnswer, AdminRequest, PeerEntry, Register, StaffEntry};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `segel admin`
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// Prints lists as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// File with the passphrase of the root key, if the archive is not running.
    #[arg(long, value_name = "FILE", global = true)]
    passphrase_file: Option<PathBuf>,
    /// Proposes it instead, for this reason: what gives somebody a right takes two people once there are two approvers.
    #[arg(long, value_name = "REASON", global = true)]
    propose: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Facilities: hospitals, clinics, laboratories.
    #[command(subcommand)]
    Facility(FacilityAction),
    /// DICOM peers: modalities, PACS, workstations.
    #[command(subcommand)]
    Peer(PeerAction),
    /// People and systems who may be given tokens.
    #[command(subcommand)]
    Person(PersonAction),
    /// Prints a bearer token for a person or system, alone on its line.
    Token {
        /// The person's or system's name.
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// HL7 PurposeOfUse: TREAT, ETREAT, HOPERAT, HRESCH, PATRQT, PUBHLTH, HSYSADMIN.
        #[arg(long, default_value = "TREAT", value_parser = purpose)]
        purpose: Purpose,
        /// How long it is valid.
        #[arg(long, default_value_t = 12, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=2160))]
        hours: u32,
    },
    /// Approvers: people whose signatures decide what takes two.
    #[command(subcommand)]
    Approver(ApproverAction),
    /// Lists facilities, peers and people.
    List,
    /// Puts a patient's record on legal hold: a court's order alone ends it.
    Hold(super::custody::Held),
    /// Ends a legal hold.
    Lift(super::custody::Held),
    /// Lists the records on legal hold.
    Holds,
    /// Puts a state in force that was restored from a backup: until two people have approved it, it opens nothing.
    InForce,
    /// Isolates what a feed wrote in a time: nobody finds, opens or moves it until that is lifted. Nothing is deleted.
    Isolate(Box<isolate::Options>),
    #[command(flatten)]
    Watch(alarms::Action),
}

#[derive(Subcommand)]
enum ApproverAction {
    /// Adds an approver: freely while there are fewer than two, afterwards with --propose.
    Add {
        /// The person's name in the register.
        name: String,
        /// The person's public key, as `segel approve keygen` wrote it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

#[derive(Subcommand)]
enum FacilityAction {
    /// Adds a facility, or renames it.
    Add {
        /// 1 to 16 of A-Z 0-9 - _
        #[arg(value_parser = facility)]
        code: FacilityCode,
        /// Its name.
        name: String,
    },
}

#[derive(Subcommand)]
enum PeerAction {
    /// Adds a DICOM peer; with --replace, changes one.
    Add(NewPeer),
    /// Removes a peer at once.
    Remove {
        /// Its AE title.
        ae_title: String,
    },
}

#[derive(Args)]
struct NewPeer {
    /// Its AE title, 1 to 16 characters.
    ae_title: String,
    /// The facility it acts for.
    #[arg(long, value_parser = facility)]
    facility: FacilityCode,
    /// Where it listens; kept for requests of the archive to it.
    #[arg(long)]
    host: Option<String>,
    /// Its port.
    #[arg(long)]
    port: Option<u16>,
    /// Its certificate (PEM or DER). With one it must use TLS; without one only the plain-text port is open to it.
    #[arg(long, value_name = "FILE", conflicts_with = "plain_text")]
    cert: Option<PathBuf>,
    /// Changes a peer that is registered; its certificate stays unless another is given.
    #[arg(long)]
    replace: bool,
    /// With --replace: takes the certificate away.
    #[arg(long, requires = "replace")]
    plain_text: bool,
}

#[derive(Subcommand)]
enum PersonAction {
    /// Adds a person or system; with --replace, changes facility and role of one.
    Add {
        /// The name it is called by here.
        name: String,
        /// Its facility.
        #[arg(long, value_parser = facility)]
        facility: FacilityCode,
        /// clinician, radiographer, laboratory, registrar, system or auditor.
        #[arg(long, value_parser = role)]
        role: Role,
        /// Changes facility and role of a name that is registered.
        #[arg(long)]
        replace: bool,
    },
    /// Removes a person or system; its tokens stop at once.
    Remove {
        /// Its name.
        name: String,
    },
    #[command(flatten)]
    Staff(staff::StaffAction),
}

fn facility(text: &str) -> Result<FacilityCode, String> {
    FacilityCode::new(text).ok_or_else(|| "a facility's code is 1 to 16 of A-Z 0-9 - _".into())
}

fn role(text: &str) -> Result<Role, String> {
    let names: Vec<&str> = Role::all().iter().map(|(_, name)| *name).collect();
    Role::from_name(text).ok_or_else(|| format!("a role is one of {}", names.join(", ")))
}

fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::from_code(text).ok_or_else(|| "not a purpose of use; see --help".into())
}

/// Runs the action against the running key service, or starts one for the moment.
pub fn run(options: Options) -> Result<Done> {
    let data = options.data.folder()?;
    let socket = data.join("keyservice/admin.sock");
    if let Ok(mut client) = AdminClient::connect(&socket) {
        return act(options.action, &mut client, &data, options.json, options.propose);
    }
    // A first facility may begin an archive; everything else is about one that is there.
    if !matches!(options.action, Action::Facility(_)) {
        must_be_founded(&data)?;
    }
    let is_new = !is_founded(&data);
    let embedded = Embedded::start(&data, options.passphrase_file.as_deref())?;
    if is_new {
        let source = &embedded.passphrase_source;
        eprintln!("a new archive in {}; the passphrase of its keys: {source}", data.display());
    }
    let mut client = AdminClient::connect(&socket).context("the key service does not answer")?;
    act(options.action, &mut client, &data, options.json, options.propose)
}

fn act(action: Action, client: &mut AdminClient, data: &Path, as_json: bool, propose: Option<String>) -> Result<Done> {
    let action = match action {
        Action::Watch(action) => return alarms::act(action, client, as_json),
        Action::Isolate(options) => return isolate::act(*options, client, data, as_json, propose),
        action => action,
    };
    let AdminAnswer::Register(known) = client.must(AdminRequest::List)? else { bail!("the key service lists nothing") };
    match (request(action, &known)?, propose) {
        (Some(request), Some(reason)) => {
            let order = approve::propose_subject(subject(&request)?, reason);
            approve::print(client.must(AdminRequest::Quorum(order))?, as_json)
        }
        (Some(request), None) => print(client.must(request)?, as_json),
        (None, _) => print(AdminAnswer::Done, as_json),
    }
}

/// A request as something that two people decide.
fn subject(request: &AdminRequest) -> Result<Subject> {
    Ok(match request {
        AdminRequest::Quorum(QuorumOrder::AddApprover { name, key }) => {
            Subject::AddApprover { name: name.clone(), key: key.clone() }
        }
        request => Subject::administer(request)?,
    })
}

/// What to ask; `None` if it is so already. A peer or person that is known is changed only where that was said: a repeated
/// command must not take a certificate away or move somebody to another hospital.
fn request(action: Action, known: &Register) -> Result<Option<AdminRequest>> {
    Ok(Some(match action {
        Action::Facility(FacilityAction::Add { code, name }) => AdminRequest::AddFacility { code, name },
        Action::Peer(PeerAction::Add(peer)) => return add_peer(peer, known),
        Action::Peer(PeerAction::Remove { ae_title }) => AdminRequest::Remove { name: ae_title },
        Action::Person(PersonAction::Add { name, facility, role, replace }) => {
            match known.people.iter().find(|(person, _, _)| *person == name) {
                Some((_, at, as_role)) if *at == facility && *as_role == role => return Ok(None),
                Some((_, at, as_role)) if !replace => {
                    bail!("{name} is registered as {} of {at}: --replace changes that", as_role.name())
                }
                _ => AdminRequest::AddPerson { name, facility, role },
            }
        }
        Action::Person(PersonAction::Remove { name }) => AdminRequest::Remove { name },
        Action::Person(PersonAction::Staff(action)) => action.request()?,
        Action::Token { name, purpose, hours } => {
            AdminRequest::Token { name, purpose, seconds: hours.saturating_mul(3600) }
        }
        Action::Approver(ApproverAction::Add { name, key }) => {
            AdminRequest::Quorum(QuorumOrder::AddApprover { name, key: approve::read_public(&key)? })
        }
        Action::List => AdminRequest::List,
        Action::Hold(held) => AdminRequest::Custody(held.hold()),
        Action::Lift(held) => AdminRequest::Custody(held.lift()),
        Action::Holds => AdminRequest::Custody(CustodyRequest::Holds),
        Action::InForce => AdminRequest::Custody(CustodyRequest::PutInForce),
        // Told before.
        Action::Watch(_) | Action::Isolate(_) => return Ok(None),
    }))
}

fn add_peer(peer: NewPeer, known: &Register) -> Result<Option<AdminRequest>> {
    let given = peer.cert.as_deref().map(fingerprint).transpose()?;
    let before = known.peers.iter().find(|before| before.ae_title == peer.ae_title);
    let certificate = match before {
        Some(before) if given.is_none() && !peer.plain_text => before.certificate,
        _ => given,
    };
    let after = PeerEntry {
        ae_title: peer.ae_title,
        facility: peer.facility,
        certificate,
        host: peer.host.or_else(|| before.and_then(|before| before.host.clone())),
        port: peer.port.or_else(|| before.and_then(|before| before.port)),
    };
    match before {
        Some(before) if *before == after => return Ok(None),
        Some(before) if !peer.replace => {
            let transport = if before.certificate.is_some() { "TLS" } else { "plain text" };
            bail!("{} is registered for {} with {transport}: --replace changes that", before.ae_title, before.facility);
        }
        _ => {}
    }
    let PeerEntry { ae_title, facility, certificate, host, port } = after;
    Ok(Some(AdminRequest::AddPeer { ae_title, facility, certificate, host, port }))
}

/// SHA-256 of the first certificate in a PEM file, or of the whole file as DER.
fn fingerprint(path: &Path) -> Result<[u8; 32]> {
    use rustls_pki_types::pem::PemObject as _;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let der = rustls_pki_types::CertificateDer::from_pem_slice(&bytes).map_or(bytes, |der| der.to_vec());
    // A certificate is a DER SEQUENCE (RFC 5280 4.1); anything else was the wrong file.
    if der.first() != Some(&0x30) {
        bail!("{} holds no certificate", path.display());
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    digest.as_ref().try_into().context("a SHA-256 digest has 32 bytes")
}

fn print(answer: AdminAnswer, as_json: bool) -> Result<Done> {
    match answer {
        AdminAnswer::Done => println!("done"),
        AdminAnswer::Token(token) => println!("{token}"),
        AdminAnswer::Ledger { vkey, size } => println!("{vkey} {size}"),
        AdminAnswer::Register(register) if as_json => println!("{}", register_json(&register)),
        AdminAnswer::Register(register) => println!("{}", register_table(&register)),
        AdminAnswer::Invitation(code) => println!("{code}"),
        AdminAnswer::Custody(answer) => super::custody::print(&answer, as_json),
        AdminAnswer::Staff(staff) => println!("{}", staff_table(&staff)),
        answer @ (AdminAnswer::Quorum(_) | AdminAnswer::Report(_)) => return approve::print(answer, as_json),
        AdminAnswer::Failed(failure) => bail!("{failure}"),
        _ => bail!("the key service answers something else than was asked"),
    }
    Ok(Done::Wholly)
}

fn staff_table(staff: &[StaffEntry]) -> String {
    let day = |at: Option<record::Micros>| {
        let at = at.and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
        at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
    };
    let mut table = comfy_table::Table::new();
    table.set_header(["name", "facility", "role", "duty from", "duty until", "training until", "keys", "sessions"]);
    for one in staff {
        let keys: Vec<String> = one.keys.iter().map(|key| format!("{} {}", key.kind, key.id)).collect();
        table.add_row([
            one.name.clone(),
            one.facility.to_string(),
            one.role.name().to_owned(),
            day(one.terms.duty_from),
            day(one.terms.duty_until),
            day(one.terms.training_until),
            keys.join("\n"),
            one.sessions.to_string(),
        ]);
    }
    table.to_string()
}

fn register_json(register: &Register) -> Value {
    let facilities = register.facilities.iter().map(|(code, name)| json!({"code": code.as_str(), "name": name}));
    let peers = register.peers.iter().map(|peer| {
        json!({"ae_title": peer.ae_title, "facility": peer.facility.as_str(), "host": peer.host, "port": peer.port,
               "certificate_sha256": peer.certificate.map(hex::encode)})
    });
    let people = register
        .people
        .iter()
        .map(|(name, facility, role)| json!({"name": name, "facility": facility.as_str(), "role": role.name()}));
    json!({"facilities": facilities.collect::<Vec<_>>(), "peers": peers.collect::<Vec<_>>(), "people": people.collect::<Vec<_>>()})
}

fn register_table(register: &Register) -> String {
    let mut table = comfy_table::Table::new();
    table.set_header(["what", "name", "facility", "detail"]);
    for (code, name) in &register.facilities {
        table.add_row(["facility", name.as_str(), code.as_str(), ""]);
    }
    for peer in &register.peers {
        let port = peer.port.map(|port| format!(":{port}")).unwrap_or_default();
        let transport = if peer.certificate.is_some() { "TLS" } else { "plain text" };
        let detail = format!("{transport} {}{port}", peer.host.as_deref().unwrap_or_default());
        table.add_row(["peer", peer.ae_title.as_str(), peer.facility.as_str(), detail.trim()]);
    }
    for (name, facility, role) in &register.people {
        table.add_row(["person", name.as_str(), facility.as_str(), role.name()]);
    }
    table.to_string()
}
