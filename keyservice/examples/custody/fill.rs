//! An archive's patients, admitted through the door that archive nodes use, and a sample of them to be opened later.

use super::people;
use super::service::Service;
use super::support::{Client, Result, found, machine};
use minicbor::{Decode, Encode};
use seal::message::{Answer, Context, ReleaseItem, Request};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// Patients of one request.
const BATCH: usize = 2_000;
/// Requests under way: the writer then never waits for the next one.
const CONNECTIONS: usize = 3;
/// Patients who are opened later, evenly over all.
const SAMPLE: usize = 100_000;

/// What is known of a filled folder.
#[derive(Encode, Decode)]
pub struct Filled {
    /// Numbers up to here are in use.
    #[n(0)]
    pub next: usize,
    /// Admitted a second.
    #[n(1)]
    pub per_second: f64,
    /// Patients who can be opened.
    #[n(2)]
    pub sample: Vec<ReleaseItem>,
}

impl Filled {
    /// What an earlier run left in a folder.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("measured.sample");
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(minicbor::decode(&std::fs::read(path)?)?))
    }

    /// Keeps it for the next run.
    pub fn write(&self, folder: &Path) -> Result<()> {
        Ok(std::fs::write(folder.join("measured.sample"), minicbor::to_vec(self)?)?)
    }
}

/// Admits so many patients.
pub fn fill(service: &Service, patients: usize) -> Result<Filled> {
    found(service.folder())?;
    let every = (patients / SAMPLE).max(1);
    let (next, sample, begun) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Instant::now());
    let one = || -> Result<()> {
        let mut node = Client::connect(&service.folder().join("node.sock"))?;
        loop {
            let first = next.fetch_add(BATCH, Ordering::SeqCst);
            if first >= patients {
                return Ok(());
            }
            let numbers = first..(first + BATCH).min(patients);
            let items = numbers.clone().map(people::item).collect();
            let Answer::Admitted(admitted) = node.call(Request::Admit { asker: machine(), items })? else {
                return Err("not admitted".into());
            };
            let kept = numbers.zip(admitted).filter(|(number, _)| number % every == 0);
            let opens = kept.map(|(number, one)| ReleaseItem {
                context: Context { patient: one.patient, object: people::object(number), version: 1 },
                wrapped: one.content,
            });
            sample.lock().map_err(|_| "a connection ended")?.extend(opens);
            if first % (BATCH * 50) == 0 {
                let (seconds, memory) = (begun.elapsed().as_secs(), service.memory_mib()?);
                eprintln!("{first} of {patients} patients after {seconds} s, {memory:.0} MiB");
            }
        }
    };
    thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(one)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a connection ended")?)
    })?;
    let per_second = f64::from(u32::try_from(patients)?) / begun.elapsed().as_secs_f64();
    Ok(Filled { next: patients, per_second, sample: sample.into_inner().map_err(|_| "a connection ended")? })
}
