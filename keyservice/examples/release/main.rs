//! Measures a release beside the disk's own `fdatasync`, in interleaved rounds, and prints JSON for `cargo xtask bench`.
//!
//! The service runs in this process, in a folder on the disk that is measured, and everything that a release goes through is in
//! force. One asker opens one patient at a time, which is what a reader waits for: a machine, and a clinician whose device
//! signs each request. Beside them stands what is left of a request without metering: a comparison unwraps the same key and
//! writes its entry, and counts nobody. Then 16 connections open 100 patients in each request, which is what a hospital does
//! together; and a clinician opens one at a time while others open 2,000 a second.

mod device;
#[path = "../support/mod.rs"]
mod support;

use device::Device;
use keyservice::{Config, Passphrase, Service, Settings};
use record::{Identifier, ObjectId};
use seal::message::{AdmitItem, Answer, Context, DataKey, ReleaseItem, Request};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{Client, Result, found, machine, numbered, quantile, settings, timed};

/// Patients of the archive that is measured.
const PATIENTS: usize = 20_000;
/// Patients of one admission and of one grouped release.
const BATCH: usize = 100;
const CONNECTIONS: usize = 16;
/// Single releases of a round: enough for a p99.
const SINGLES: usize = 300;
/// Grouped releases of each connection in a round.
const GROUPED: usize = 10;
/// Grouped releases a second beside which single ones are measured.
const PACE: u32 = 20;

/// The patients of a facility; what opens each content.
fn admit(folder: &Path) -> Result<Vec<ReleaseItem>> {
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
        let Answer::Admitted(admitted) = node.call(Request::Admit { asker: machine(), items })? else {
            return Err("not admitted".into());
        };
        all.extend(objects.into_iter().zip(admitted).map(|(object, admitted)| ReleaseItem {
            context: Context { patient: admitted.patient, object, version: 1 },
            wrapped: admitted.content,
        }));
    }
    Ok(all)
}

fn some(all: &[ReleaseItem], first: usize, count: usize) -> Vec<ReleaseItem> {
    all.iter().skip(first % (all.len() - count)).take(count).cloned().collect()
}

/// Patients a second, by so many connections at once.
fn grouped(folder: &Path, all: &[ReleaseItem], round: usize) -> Result<f64> {
    let begun = Instant::now();
    thread::scope(|scope| -> Result<()> {
        let work = |connection: usize| {
            move || -> Result<()> {
                let mut node = Client::connect(&folder.join("node.sock"))?;
                for turn in 0..GROUPED {
                    let first = (round * 7 + connection * GROUPED + turn) * BATCH;
                    node.release(machine(), some(all, first, BATCH))?;
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

/// What is measured one at a time.
struct Singles<'a> {
    all: &'a [ReleaseItem],
    device: Device,
    node: Client,
}

impl Singles<'_> {
    fn one(&self, round: usize, number: usize) -> Vec<ReleaseItem> {
        some(self.all, (round * SINGLES + number) * 13, 1)
    }

    fn machine(&mut self, round: usize) -> Result<Vec<f64>> {
        timed(SINGLES, |number| self.node.release(machine(), self.one(round, number)))
    }

    fn signed(&mut self, round: usize) -> Result<Vec<f64>> {
        // Signed before the clock starts: that is the device's work.
        let askers = (0..SINGLES).map(|_| self.device.asker()).collect::<Result<Vec<_>>>()?;
        let mut askers = askers.into_iter();
        timed(SINGLES, |number| {
            let asker = askers.next().ok_or("too few proofs")?;
            self.node.release(asker, self.one(round, number))
        })
    }

    fn compared(&mut self, round: usize) -> Result<Vec<f64>> {
        timed(SINGLES, |number| {
            let kept = self.one(round, number).pop().ok_or("nothing kept")?;
            let request = Request::Compare { asker: machine(), kept, commitment: [1; 32], arrived: [2; 32] };
            match self.node.call(request)? {
                Answer::Same(false) => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        })
    }

    /// Signed ones, while others open so many.
    fn beside_others(&mut self, folder: &Path, round: usize) -> Result<Vec<f64>> {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| -> Result<Vec<f64>> {
            let others = scope.spawn(|| pace(folder, self.all, &is_over));
            let times = self.signed(round);
            is_over.store(true, Ordering::SeqCst);
            others.join().map_err(|_| "the others ended")??;
            times
        })
    }
}

/// Grouped releases at their pace. One that is late does not make the next one later.
fn pace(folder: &Path, all: &[ReleaseItem], is_over: &AtomicBool) -> Result<()> {
    let mut node = Client::connect(&folder.join("node.sock"))?;
    let begun = Instant::now();
    for turn in 0.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let due = Duration::from_secs(1) * u32::try_from(turn)? / PACE;
        thread::sleep(due.saturating_sub(begun.elapsed()));
        node.release(machine(), some(all, turn * BATCH, BATCH))?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let folder = tempfile::tempdir_in(std::env::args().nth(2).unwrap_or_else(|| ".".into()))?;
    let settings_file = folder.path().join("keyservice.toml");
    std::fs::write(&settings_file, settings())?;
    let settings = Settings {
        folder: folder.path().join("keyservice"),
        passphrase: Passphrase::new(b"measured".to_vec()),
        config: Config::read(&settings_file)?,
    };
    let at = settings.folder.clone();
    let runtime = tokio::runtime::Runtime::new()?;
    let service = runtime.block_on(Service::start(settings))?;
    let facility = found(&at)?;
    let all = admit(&at)?;
    let mut disk = File::create(folder.path().join("disk"))?;
    let mut told = Vec::new();
    for round in 0..rounds {
        let device = Device::sign_in(&at, facility.clone(), round)?;
        let mut singles = Singles { all: &all, device, node: Client::connect(&at.join("node.sock"))? };
        let sync = timed(SINGLES, |_| {
            disk.write_all(&[7; 4_096])?;
            Ok(disk.sync_data()?)
        })?;
        let of = [
            ("sync", sync),
            ("release", singles.machine(round)?),
            ("signed", singles.signed(round)?),
            ("compare", singles.compared(round)?),
            ("beside", singles.beside_others(&at, round)?),
        ];
        let mut line = Map::new();
        line.insert("patients_per_second".into(), grouped(&at, &all, round)?.into());
        for (name, times) in of {
            for per_cent in [50, 99] {
                line.insert(format!("{name}_p{per_cent}"), quantile(&times, per_cent).into());
            }
        }
        told.push(Value::from(line));
    }
    println!("{}", Value::from(told));
    Ok(runtime.block_on(service.stop())?)
}
