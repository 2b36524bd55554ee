//! `segel export`: records for one named recipient, sealed for that recipient's key.
//!
//! `keygen` and `open` run on the recipient's machine and need no archive; `request` and `run` on the archive's.

mod receive;

use super::approve;
use super::{Data, Done};
use crate::client::{HttpClient, Shown};
use crate::commands::login::Login;
use crate::durable;
use crate::embedded::must_be_founded;
use crate::export::{BUNDLE, hpke, open};
use crate::register::AdminClient;
use crate::whereabouts::Whereabouts;
use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use record::{FacilityCode, Identifier, Purpose};
use seal::approval::ProposalId;
use seal::message::export::{ExportTerms, Selection};
use seal::message::quorum::{ProposalEntry, QuorumAnswer, QuorumOrder, Subject};
use seal::message::{AdminAnswer, AdminRequest};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

const PUBLIC: &str = "segel-recipient-x25519";
const PRIVATE: &str = "segel-recipient-x25519-private";

/// `segel export`
#[derive(Args)]
#[command(
    after_help = "An export of more than 10 patients takes the approvals of two people (segel approve); a smaller one is \
                        opened by the rights, and within the budgets, of the token that runs it."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// Prints JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes a recipient's key: FILE stays with the recipient, FILE.pub goes to the archive.
    Keygen {
        /// Where the private key goes.
        file: PathBuf,
    },
    /// Proposes an export, on the key service's host.
    Request(Box<Request>),
    /// Runs an approved export on this host's archive and writes its bundle.
    Run {
        /// The export's number.
        id: String,
        /// Where the bundle goes.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// The login of this machine that runs it: `segel login`.
        #[arg(long, value_name = "NAME", conflicts_with = "token")]
        login: Option<String>,
        /// The bearer token of whoever runs it.
        #[arg(long, env = "SEGEL_TOKEN", hide_env_values = true, required_unless_present = "login")]
        token: Option<String>,
    },
    /// Opens a bundle on the recipient's machine, and verifies everything in it.
    Open {
        /// The bundle.
        bundle: PathBuf,
        /// The recipient's private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// A folder that is made for its files.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// The archive's public key (C2SP vkey), from whoever vouches for it.
        #[arg(long, value_name = "VKEY")]
        vkey: String,
    },
}

#[derive(Args)]
struct Request {
    /// The recipient's public key.
    #[arg(long, value_name = "FILE")]
    recipient: PathBuf,
    /// Who that is, in words: the approvers read it.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// HL7 PurposeOfUse.
    #[arg(long, value_parser = purpose)]
    purpose: Purpose,
    /// Patients whom this facility has treated.
    #[arg(long, value_parser = facility)]
    facility: FacilityCode,
    /// First study day, YYYYMMDD.
    #[arg(long)]
    from: Option<String>,
    /// Last study day, YYYYMMDD.
    #[arg(long)]
    until: Option<String>,
    /// A modality; may be repeated.
    #[arg(long = "modality")]
    modalities: Vec<String>,
    /// A patient: NIK:..., JKN:..., IHS:..., PASSPORT:..., or a number of the facility; may be repeated.
    #[arg(long = "patient", value_parser = super::report::identifier)]
    patients: Vec<Identifier>,
    /// Different patients at most.
    #[arg(long)]
    patients_max: u32,
    /// Objects at most.
    #[arg(long, default_value_t = 100_000)]
    objects_max: u32,
    /// Bytes at most.
    #[arg(long, default_value_t = 100_000_000_000)]
    bytes_max: u64,
    /// Hours within which it is approved and run.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
    hours: u32,
    /// Why.
    #[arg(long)]
    reason: String,
}

fn facility(text: &str) -> Result<FacilityCode, String> {
    FacilityCode::new(text).ok_or_else(|| "a facility's code is 1 to 16 of A-Z 0-9 - _".into())
}

fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::from_code(text).ok_or_else(|| "not a purpose of use".into())
}

/// Does what was asked.
pub fn run(options: Options) -> Result<Done> {
    match options.action {
        Action::Keygen { file } => keygen(&file),
        Action::Request(request) => propose(&options.data, *request, options.json),
        Action::Run { id, to, login, token } => {
            let shown = match login {
                Some(name) => Shown::Login(Arc::new(Login::open(&name)?)),
                None => Shown::Bearer(token.unwrap_or_default()),
            };
            fetch(&options.data, &id, &to, shown)
        }
        Action::Open { bundle, key, to, vkey } => receive::open(&bundle, &key, &to, &vkey, options.json),
    }
}

fn keygen(file: &Path) -> Result<Done> {
    ensure!(!file.exists(), "{} is there already", file.display());
    let (public, private) = hpke::generate()?;
    let line = Zeroizing::new(format!("{PRIVATE} {}\n", URL_SAFE_NO_PAD.encode(&*private)));
    durable::write(file, line.as_bytes(), 0o600).with_context(|| format!("cannot write {}", file.display()))?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    durable::write(&beside, format!("{PUBLIC} {}\n", URL_SAFE_NO_PAD.encode(public)).as_bytes(), 0o644)?;
    println!("{} {}", beside.display(), hex::encode(public));
    Ok(Done::Wholly)
}

fn read_key(file: &Path, kind: &str) -> Result<Zeroizing<Vec<u8>>> {
    let text =
        Zeroizing::new(std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?);
    let bytes = text.trim().strip_prefix(kind).map(|encoded| URL_SAFE_NO_PAD.decode(encoded.trim()));
    match bytes {
        Some(Ok(bytes)) if bytes.len() == 32 => Ok(Zeroizing::new(bytes)),
        _ => bail!("{} holds no {kind} key", file.display()),
    }
}

fn propose(data: &Data, request: Request, as_json: bool) -> Result<Done> {
    let recipient_key = read_key(&request.recipient, PUBLIC)?;
    let terms = ExportTerms {
        recipient_key: recipient_key.as_slice().try_into()?,
        recipient: request.name,
        purpose: request.purpose,
        selection: Selection {
            facility: request.facility,
            from: request.from,
            to: request.until,
            modalities: request.modalities,
            patients: request.patients,
        },
        patients_max: request.patients_max,
        objects_max: request.objects_max,
        bytes_max: request.bytes_max,
    };
    let data = data.folder()?;
    must_be_founded(&data)?;
    let mut client =
        AdminClient::connect(&data.join("keyservice/admin.sock")).context("the key service does not run")?;
    let order = QuorumOrder::Propose {
        subject: Subject::Export(terms),
        reason: request.reason,
        open_seconds: request.hours.saturating_mul(3_600),
    };
    match client.must(AdminRequest::Quorum(order))? {
        AdminAnswer::Quorum(QuorumAnswer::Proposals(entries)) => {
            let [entry] =
                <[ProposalEntry; 1]>::try_from(entries).ok().context("the key service answered another question")?;
            approve::proposed(entry, as_json)
        }
        _ => bail!("the key service answered another question"),
    }
}

/// Fetches the bundle into a file beside the one that is wanted, which appears whole or not at all.
fn fetch(data: &Data, id: &str, to: &Path, shown: Shown) -> Result<Done> {
    let id = ProposalId::from_hex(id).context("an export's number has 64 digits")?;
    let whereabouts = Whereabouts::of_running(&data.folder()?).context("no archive runs on this data folder")?;
    ensure!(!whereabouts.https, "this archive speaks HTTPS: fetch POST /export/{} with the token there", id.to_hex());
    let address = whereabouts.http.context("the archive has no HTTP door")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let bytes = runtime.block_on(receive::fetch(&HttpClient::showing(address, shown), &id, to, BUNDLE))?;
    println!("{} {bytes} bytes", to.display());
    Ok(Done::Wholly)
}

/// What opening a bundle found, for `receive`.
pub(super) fn found(report: &open::Report, as_json: bool) {
    if as_json {
        println!("{}", report.to_json());
    } else {
        println!("verified: {} files of export {} for {}", report.files, report.export.to_hex(), report.recipient);
    }
}
