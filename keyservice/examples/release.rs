//! Measures a release beside the disk's own `fdatasync`, in interleaved rounds, and prints JSON for `cargo xtask bench`.
//!
//! The service runs in this process, in a folder on the disk that is measured. One asker opens one patient at a time, which is
//! what a reader waits for; then 16 connections open 100 patients in each request, which is what a hospital does together.

use keyservice::{Config, Passphrase, Service, Settings};
use record::{FacilityCode, Identifier, ObjectId, Purpose};
use seal::frame;
use seal::message::{
    AdminAnswer, AdminCall, AdminReply, AdminRequest, AdmitItem, Answer, Asker, Call, Context, DataKey, Part, Proof,
    ReleaseItem, Released, Reply, Request,
};
use std::error::Error;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Patients of the archive that is measured.
const PATIENTS: usize = 20_000;
/// Patients of one admission and of one grouped release.
const BATCH: usize = 100;
const CONNECTIONS: usize = 16;
/// Single releases of a round: enough for a p99.
const SINGLES: usize = 300;
/// Grouped releases of each connection in a round.
const GROUPED: usize = 10;

struct Client {
    stream: UnixStream,
    next: u64,
}

impl Client {
    fn connect(path: &Path) -> Result<Self> {
        Ok(Self { stream: UnixStream::connect(path)?, next: 0 })
    }

    fn exchange(&mut self, frame: &[u8]) -> Result<Vec<u8>> {
        self.stream.write_all(frame)?;
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix)?;
        let mut body = vec![0; frame::item_len(prefix)?];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn call(&mut self, request: Request) -> Result<Answer> {
        self.next += 1;
        let body = self.exchange(&frame::encode(&Call { id: self.next, request })?)?;
        Ok(frame::decode::<Reply>(&body)?.answer)
    }

    fn admin(&mut self, request: AdminRequest) -> Result<()> {
        self.next += 1;
        let body = self.exchange(&frame::encode(&AdminCall { id: self.next, request })?)?;
        match frame::decode::<AdminReply>(&body)?.answer {
            AdminAnswer::Done => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }

    fn release(&mut self, items: Vec<ReleaseItem>) -> Result<()> {
        let count = items.len();
        match self.call(Request::Release { asker: asker(), part: Part::Content, items })? {
            Answer::Released(released)
                if released.iter().filter(|one| matches!(one, Released::Key(_))).count() == count =>
            {
                Ok(())
            }
            other => Err(format!("not all was opened: {other:?}").into()),
        }
    }
}

fn asker() -> Asker {
    let proof = Proof::Peer { ae_title: "MEASURED".into(), certificate: None };
    Asker { proof, purpose: Purpose::Treat, channel: "dimse".into() }
}

fn numbered<const N: usize>(number: usize) -> [u8; N] {
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(number.to_be_bytes()) {
        *to = from;
    }
    bytes
}

/// A facility, a peer and its patients; what opens each content.
fn set_up(folder: &Path) -> Result<Vec<ReleaseItem>> {
    let facility = FacilityCode::new("MEASURED").ok_or("no code")?;
    let mut admin = Client::connect(&folder.join("admin.sock"))?;
    admin.admin(AdminRequest::AddFacility { code: facility.clone(), name: "Measured".into() })?;
    let peer =
        AdminRequest::AddPeer { ae_title: "MEASURED".into(), facility, certificate: None, host: None, port: None };
    admin.admin(peer)?;
    let mut node = Client::connect(&folder.join("node.sock"))?;
    let mut all = Vec::with_capacity(PATIENTS);
    for first in (0..PATIENTS).step_by(BATCH) {
        let item = |number: usize| AdmitItem {
            says: None,
            object: ObjectId(numbered(number + 1)),
            version: 1,
            kind: "dicom".into(),
            identifiers: vec![Identifier::Local { issuer: "RIS".into(), value: format!("{number}") }],
            patient: None,
            terms: Vec::new(),
            summary: DataKey(numbered(number)),
            content: DataKey(numbered(number)),
        };
        let items: Vec<AdmitItem> = (first..first + BATCH).map(item).collect();
        let objects: Vec<ObjectId> = items.iter().map(|item| item.object).collect();
        let Answer::Admitted(admitted) = node.call(Request::Admit { asker: asker(), items })? else {
            return Err("not admitted".into());
        };
        all.extend(objects.into_iter().zip(admitted).map(|(object, admitted)| ReleaseItem {
            context: Context { patient: admitted.patient, object, version: 1 },
            wrapped: admitted.content,
        }));
    }
    Ok(all)
}

/// Milliseconds of each of some steps, sorted.
fn timed(count: usize, mut step: impl FnMut(usize) -> Result<()>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let begun = Instant::now();
        step(number)?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn quantile(sorted: &[f64], per_cent: usize) -> f64 {
    let at = (sorted.len().saturating_mul(per_cent) / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Patients a second, by so many connections at once.
fn grouped(folder: &Path, all: &[ReleaseItem], round: usize) -> Result<f64> {
    let begun = Instant::now();
    thread::scope(|scope| -> Result<()> {
        let work = |connection: usize| {
            move || -> Result<()> {
                let mut node = Client::connect(&folder.join("node.sock"))?;
                for turn in 0..GROUPED {
                    let first = (round * 7 + connection * GROUPED + turn) * BATCH % (PATIENTS - BATCH);
                    node.release(all.iter().skip(first).take(BATCH).cloned().collect())?;
                }
                Ok(())
            }
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|connection| scope.spawn(work(connection))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a connection ended")?)
    })?;
    let patients = u32::try_from(CONNECTIONS * GROUPED * BATCH)?;
    Ok(f64::from(patients) / begun.elapsed().as_secs_f64())
}

fn main() -> Result<()> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let folder = tempfile::tempdir_in(std::env::args().nth(2).unwrap_or_else(|| ".".into()))?;
    let settings_file = folder.path().join("keyservice.toml");
    std::fs::write(&settings_file, "[budgets]\nmode = \"observe\"\n")?;
    let settings = Settings {
        folder: folder.path().join("keyservice"),
        passphrase: Passphrase::new(b"measured".to_vec()),
        config: Config::read(&settings_file)?,
    };
    let at = settings.folder.clone();
    let runtime = tokio::runtime::Runtime::new()?;
    let service = runtime.block_on(Service::start(settings))?;
    let all = set_up(&at)?;
    let mut node = Client::connect(&at.join("node.sock"))?;
    let mut disk = File::create(folder.path().join("disk"))?;
    let mut told = Vec::new();
    for round in 0..rounds {
        let sync = timed(SINGLES, |_| {
            disk.write_all(&[7; 4_096])?;
            Ok(disk.sync_data()?)
        })?;
        let release = timed(SINGLES, |number| {
            let at = (round * SINGLES + number) * 13 % all.len();
            node.release(all.iter().skip(at).take(1).cloned().collect())
        })?;
        told.push(serde_json::json!({
            "sync_p50": quantile(&sync, 50), "sync_p99": quantile(&sync, 99),
            "release_p50": quantile(&release, 50), "release_p99": quantile(&release, 99),
            "patients_per_second": grouped(&at, &all, round)?,
        }));
    }
    println!("{}", serde_json::to_string(&told)?);
    Ok(runtime.block_on(service.stop())?)
}
