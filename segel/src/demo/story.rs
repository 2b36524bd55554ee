//! The story: what happens to records, to a clinician, to a stranger and to a thief, step by step, with times.

use super::send::{self, Sent};
use super::world::{World, WorldSize};
use super::{Options, disk};
use crate::client::HttpClient;
use crate::commands::StopSignals;
use crate::config::Config;
use crate::node::{Node, Passphrase};
use crate::register::AdminClient;
use anyhow::{Context as _, Result, bail, ensure};
use record::{Purpose, Role};
use seal::message::{AdminAnswer, AdminRequest};
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Tokens live as long as a demonstration.
const TOKEN_SECONDS: u32 = 12 * 3600;
/// A checkpoint is signed at least this often, and some more for a loaded machine.
const CHECKPOINT_MAX: Duration = Duration::from_secs(15);
pub(super) const STUDY_INSTANCE_UID: &str = "0020000D";
const SERIES_INSTANCE_UID: &str = "0020000E";
const SOP_INSTANCE_UID: &str = "00080018";

/// A running demonstration.
pub struct Story {
    pub(super) folder: PathBuf,
    pub(super) world: Arc<World>,
    node: Option<Node>,
    begun: Instant,
    step: usize,
}

/// The tokens that the story's people hold.
struct People {
    clinician: HttpClient,
    clinicians_token: String,
    elsewhere: HttpClient,
    doors: Arc<send::Doors>,
}

impl Story {
    /// Starts both processes.
    pub async fn begin(folder: &Path, options: &Options) -> Result<Self> {
        let begun = Instant::now();
        let mut random = Zeroizing::new([0_u8; 32]);
        aws_lc_rs::rand::fill(random.as_mut()).ok().context("the system gives no random numbers")?;
        let secret = Zeroizing::new(hex::encode(random.as_ref()).into_bytes());
        let node = start(folder, options.http, secret).await?;
        let keyservice = node.keyservice_process_id().map_or_else(|| "-".into(), |id| id.to_string());
        println!(
            "Segel: a sealed archive, from end to end. Everything below really happens, in {}.\n",
            folder.display()
        );
        let size = WorldSize { patients: usize::try_from(options.patients)?, ..WorldSize::demonstration() };
        let world = Arc::new(World::generate(options.seed, size));
        let mut story = Self { folder: folder.to_path_buf(), world, node: Some(node), begun, step: 0 };
        let archive = std::process::id();
        let told = format!(
            "Two processes started: the archive ({archive}) and the key service ({keyservice}). The root key's passphrase is in memory only."
        );
        story.say(begun, &told);
        Ok(story)
    }

    /// Tells it; whether every step held.
    pub async fn tell(&mut self) -> bool {
        match self.steps().await {
            Ok(()) => {
                println!("\nThe whole story took {:.1} s.", self.begun.elapsed().as_secs_f64());
                true
            }
            Err(error) => {
                println!("\n  {}. FAILED: {error:#}", self.step + 1);
                false
            }
        }
    }

    async fn steps(&mut self) -> Result<()> {
        let people = self.register()?;
        self.send(&people).await?;
        let (patient, study) = self.clinician_reads(&people).await?;
        self.strangers_are_refused(&people, &patient, &study).await?;
        self.stolen_login_is_stopped().await?;
        self.thief_finds_nothing()?;
        self.ledger_verifies().await?;
        self.scrub_finds_nothing()
    }

    pub(super) fn node(&self) -> Result<&Node> {
        self.node.as_ref().context("the archive has stopped")
    }

    pub(super) fn say(&mut self, since: Instant, text: &str) {
        self.step += 1;
        println!("  {}. [{:7.1} ms] {text}", self.step, since.elapsed().as_secs_f64() * 1000.0);
    }

    /// Facilities, their AE titles, their people and systems.
    fn register(&mut self) -> Result<People> {
        let since = Instant::now();
        let mut admin = AdminClient::connect(&self.folder.join("keyservice/admin.sock"))?;
        for facility in &self.world.facilities {
            admin.must(AdminRequest::AddFacility { code: facility.code.clone(), name: facility.name.clone() })?;
            admin.must(AdminRequest::AddPeer {
                ae_title: facility.ae_title.clone(),
                facility: facility.code.clone(),
                certificate: None,
                host: None,
                port: None,
            })?;
        }
        for staff in &self.world.people {
            let (name, facility, role) = (staff.name.clone(), staff.facility.clone(), staff.role);
            admin.must(AdminRequest::AddPerson { name, facility, role })?;
        }
        let people = self.sign_in(&mut admin)?;
        let text = format!(
            "{} facilities, {} people and systems registered; every change is in the ledger.",
            self.world.facilities.len(),
            self.world.people.len()
        );
        self.say(since, &text);
        Ok(people)
    }

    fn sign_in(&self, admin: &mut AdminClient) -> Result<People> {
        let http = self.node()?.http_address().context("no HTTP door")?;
        let mut token = |facility: usize, role: Role, purpose: Purpose| -> Result<(String, String)> {
            let facility = &self.world.facilities.get(facility).context("a world with two facilities")?.code;
            let staff = self.world.people.iter().find(|staff| staff.facility == *facility && staff.role == role);
            let name = staff.with_context(|| format!("nobody at {facility} is a {}", role.name()))?.name.clone();
            match admin.must(AdminRequest::Token { name, purpose, seconds: TOKEN_SECONDS })? {
                AdminAnswer::Token(token) => Ok((facility.to_string(), token)),
                _ => bail!("the key service gives no token"),
            }
        };
        let (_, clinicians_token) = token(0, Role::Clinician, Purpose::Treat)?;
        let (_, elsewhere) = token(1, Role::Clinician, Purpose::Treat)?;
        let mut systems = HashMap::new();
        for number in 0..self.world.facilities.len() {
            let (facility, token) = token(number, Role::System, Purpose::HealthcareOperations)?;
            systems.insert(facility, HttpClient::new(http, token));
        }
        let dimse = self.node()?.whereabouts_of().dimse.context("no DICOM door")?;
        Ok(People {
            clinician: HttpClient::new(http, clinicians_token.clone()),
            clinicians_token,
            elsewhere: HttpClient::new(http, elsewhere),
            doors: Arc::new(send::Doors { dimse, http: systems }),
        })
    }

    /// The world's records, through the real doors.
    async fn send(&mut self, people: &People) -> Result<()> {
        let since = Instant::now();
        let sent = send::everything(Arc::clone(&self.world), Arc::clone(&people.doors)).await?;
        let count: usize = sent.by_door.values().sum();
        let seconds = since.elapsed().as_secs_f64();
        let text = format!(
            "{count} records of {} patients came in through the real doors ({}), drawn on the way: {:.0} MB, {:.0} a second, each on the disk for good before its sender was told so.",
            self.world.patients.len(),
            listed(&sent),
            sent.bytes as f64 / 1e6,
            count as f64 / seconds
        );
        self.say(since, &text);
        Ok(())
    }

    /// Finds the first patient by name, opens a study, looks at an image of it.
    async fn clinician_reads(&mut self, people: &People) -> Result<(String, String)> {
        let since = Instant::now();
        let patient = self.world.patients.first().context("a world without patients")?.dicom_name();
        let word = patient.split(['^', ' ']).find(|word| word.len() > 2).unwrap_or(&patient);
        let path = format!("/dicom-web/studies?PatientName=*{}*&limit=50", percent(word));
        let studies = json(&people.clinician, &path).await?;
        let studies = studies.as_array().context("no list of studies")?;
        ensure!(!studies.is_empty(), "the clinician finds no study of {word}");
        let study = text(studies.first(), STUDY_INSTANCE_UID)?;
        let text_of = format!(
            "A clinician of {} searched for a name and found {} studies.",
            self.facility_name(0),
            studies.len()
        );
        self.say(since, &text_of);
        let since = Instant::now();
        let (mut frames, mut bytes) = (0, 0);
        for row in studies.iter() {
            let study = text(Some(row), STUDY_INSTANCE_UID)?;
            let instances = json(&people.clinician, &format!("/dicom-web/studies/{study}/instances?limit=1")).await?;
            let Some(instance) = instances.as_array().and_then(|rows| rows.first()) else { continue };
            let (series, sop) = (text(Some(instance), SERIES_INSTANCE_UID)?, text(Some(instance), SOP_INSTANCE_UID)?);
            let path = format!("/dicom-web/studies/{study}/series/{series}/instances/{sop}/rendered");
            let picture = people.clinician.get(&path, "image/jpeg").await?;
            if picture.status.is_success() {
                frames += 1;
                bytes += picture.body.len();
            }
        }
        ensure!(frames > 0, "no image of the clinician's studies could be rendered");
        let text_of = format!(
            "The clinician looked at {frames} of them ({} kB): each opening was asked of the key service, decided, and written to the ledger before a key came back.",
            bytes / 1000
        );
        self.say(since, &text_of);
        Ok((word.to_owned(), study))
    }

    /// A modality that nobody registered, a token that nobody signed, and a clinician whose hospital never saw the patient.
    async fn strangers_are_refused(&mut self, people: &People, word: &str, study: &str) -> Result<()> {
        let since = Instant::now();
        let dimse = people.doors.dimse;
        let pairs = vec![("1.2.840.10008.5.1.4.1.1.7".to_owned(), wire::syntax::EXPLICIT_LITTLE.to_owned())];
        let stranger = super::modality::Modality::associate(dimse, "STRANGER", &pairs).await;
        ensure!(stranger.is_err(), "an unknown modality was let in");
        let http = self.node()?.http_address().context("no HTTP door")?;
        let (head, tail) = people.clinicians_token.split_at(people.clinicians_token.len().saturating_sub(4));
        let forged = HttpClient::new(http, format!("{head}{}", tail.chars().rev().collect::<String>()));
        let path = format!("/dicom-web/studies/{study}/metadata");
        ensure!(forged.get(&path, "application/dicom+json").await?.status == 401, "a forged token opened something");
        let elsewhere = people.elsewhere.get(&path, "application/dicom+json").await?.status;
        ensure!(elsewhere == 404, "a clinician of another hospital was answered {elsewhere}");
        let path = format!("/dicom-web/studies?StudyInstanceUID={study}&PatientName=*{}*", percent(word));
        let listed = json(&people.elsewhere, &path).await?;
        ensure!(listed.as_array().is_some_and(Vec::is_empty), "another hospital sees the study in its list");
        let text = format!(
            "Strangers were refused: an unknown modality, a forged token, and a clinician of {}, to whom the study does not exist.",
            self.facility_name(1)
        );
        self.say(since, &text);
        Ok(())
    }

    fn facility_name(&self, number: usize) -> &str {
        self.world.facilities.get(number).map_or("another hospital", |facility| &facility.name)
    }

    /// Every byte on the disk, searched for what the world's records say.
    fn thief_finds_nothing(&mut self) -> Result<()> {
        let since = Instant::now();
        let needles = self.world.needles();
        let found = disk::search(&self.folder, &needles)?;
        ensure!(found.hits.is_empty(), "readable on the disk: {:?}", found.hits);
        let text = format!(
            "A thief took the disk: {} files, {:.0} MB, searched for {} names, numbers, dates and sentences: none found.",
            found.files,
            found.bytes as f64 / 1e6,
            needles.len()
        );
        self.say(since, &text);
        Ok(())
    }

    async fn ledger_verifies(&mut self) -> Result<()> {
        let folder = self.folder.join("keyservice/ledger");
        // The signed checkpoint follows the newest entries within five seconds; a small world is quicker than that.
        let until = Instant::now() + CHECKPOINT_MAX;
        while !folder.join("checkpoint").exists() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let since = Instant::now();
        let vkey = std::fs::read_to_string(folder.join("vkey")).context("the ledger has no public key beside it")?;
        let report = ledger::verify(&folder, vkey.trim())?;
        ensure!(report.size > 0, "the ledger is empty");
        let text = format!(
            "The ledger verifies with nothing but its public key: {} entries, root {}.",
            report.size,
            report.root.to_base64()
        );
        self.say(since, &text);
        Ok(())
    }

    fn scrub_finds_nothing(&mut self) -> Result<()> {
        let since = Instant::now();
        let report = archive::scrub::scrub(&archive::settings::Settings::new(&self.folder), &mut |_| {})?;
        ensure!(report.is_clean(), "scrub found {} changed places", report.findings.len());
        let text = format!("Scrub read back {:.0} MB and found no changed bit.", report.bytes as f64 / 1e6);
        self.say(since, &text);
        Ok(())
    }

    /// Stays up until Ctrl-C, with a link that signs the clinician in once.
    pub async fn stay(&self) -> Result<()> {
        let node = self.node()?;
        let http = node.http_address().context("no HTTP door")?;
        let mut admin = AdminClient::connect(&self.folder.join("keyservice/admin.sock"))?;
        let people = self.sign_in(&mut admin)?;
        let code = node.sessions().link(&people.clinicians_token);
        println!("\nThe archive stays up. Look at it as a clinician of {}:\n", self.facility_name(0));
        println!("    http://{http}/signin/{code}     (opens once, for ten minutes)\n");
        println!(
            "  DICOMweb  http://{http}/dicom-web      FHIR  http://{http}/fhir      DICOM  {}",
            people.doors.dimse
        );
        println!("  A token of the clinician, for curl or a viewer:\n    {}\n", people.clinicians_token);
        println!("Ctrl-C ends it.");
        StopSignals::listen()?.asked().await;
        Ok(())
    }

    /// Stops both processes.
    pub async fn end(&mut self) -> Result<()> {
        match self.node.take() {
            Some(node) => node.stop().await,
            None => Ok(()),
        }
    }
}

async fn start(folder: &Path, http: SocketAddr, secret: Zeroizing<Vec<u8>>) -> Result<Node> {
    let mut config = Config::default();
    let free = std::net::TcpListener::bind(http).is_ok();
    config.http.address = Some(if free { http } else { SocketAddr::new(http.ip(), 0) });
    config.check()?;
    config.dimse.plain = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    super::stolen::expect_few_patients(folder)?;
    Node::start(folder, &config, Passphrase::Given(secret), true).await
}

fn listed(sent: &Sent) -> String {
    sent.by_door.iter().map(|(door, count)| format!("{count} by {door}")).collect::<Vec<_>>().join(", ")
}

pub(super) async fn json(client: &HttpClient, path: &str) -> Result<Value> {
    let answer = client.get(path, "application/dicom+json").await?;
    ensure!(answer.status.is_success(), "{} answered {}", path.split('?').next().unwrap_or_default(), answer.status);
    Ok(serde_json::from_slice(&answer.body)?)
}

/// A text of a DICOM JSON row.
pub(super) fn text(row: Option<&Value>, tag: &str) -> Result<String> {
    let value = row.and_then(|row| row.get(tag)?.get("Value")?.get(0)?.as_str());
    value.map(str::to_owned).with_context(|| format!("a row without {tag}"))
}

/// Percent-encodes what is not unreserved (RFC 3986 2.3).
fn percent(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}
