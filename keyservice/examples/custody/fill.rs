//! An archive's patients, admitted through the door that archive nodes use, and a sample of them to be opened later.

use super::people;
use super::service::Service;
use super::support::{Client, Result, found, machine};
use minicbor::{Decode, Encode};
use seal::message::{AdmitItem, Admitted, Answer, Context, ReleaseItem, Request};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// Patients of one request.
const BATCH: usize = 250;
/// Requests under way: the writer then commits several at once, and never waits for the next one.
const CONNECTIONS: usize = 8;
/// Batches between two notes of how far it is.
const NOTED: usize = 400;
/// Patients who are opened later, evenly over all.
const SAMPLE: usize = 20_000;

/// What is known of a folder.
#[derive(Default, Encode, Decode)]
pub struct Filled {
    /// Numbers below are in use.
    #[n(0)]
    pub next: usize,
    /// Admitted a second, when that was last measured.
    #[n(1)]
    pub per_second: f64,
    /// Patients who can be opened.
    #[n(2)]
    pub sample: Vec<ReleaseItem>,
}

fn note(folder: &Path) -> PathBuf {
    folder.join("measured.filled")
}

impl Filled {
    /// What an earlier run left in a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = note(folder);
        if !path.exists() {
            return Ok(Self::default());
        }
        Ok(minicbor::decode(&std::fs::read(path)?)?)
    }

    /// Keeps it for the next run.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let new = folder.join("measured.new");
        std::fs::write(&new, minicbor::to_vec(self)?)?;
        Ok(std::fs::rename(new, note(folder))?)
    }

    /// Admits patients until there are so many, going on from where an earlier run was; then one more object of some of them, by
    /// which they can be opened.
    pub fn fill(&mut self, service: &Service, patients: usize) -> Result<()> {
        let wanted = self.next.max(patients);
        if self.next == 0 {
            found(service.folder())?;
        }
        if self.next < wanted {
            self.sample.clear();
            let begun = Instant::now();
            let noted = |next| Self { next, ..Self::default() }.write(service.folder());
            admit(service, self.next..wanted, &people::item, &noted, &|_, _| Ok(()))?;
            self.per_second = f64::from(u32::try_from(wanted - self.next)?) / begun.elapsed().as_secs_f64();
            self.next = wanted;
        }
        if self.sample.is_empty() {
            let every = (wanted / SAMPLE).max(1);
            let sample = Mutex::new(Vec::new());
            let keep = |item: ReleaseItem| sample.lock().map(|mut sample| sample.push(item)).map_err(|_| "lost".into());
            let again = |number: usize| people::another(number * every);
            admit(service, 0..wanted / every, &again, &|_| Ok(()), &|object, one: Admitted| {
                keep(ReleaseItem {
                    context: Context { patient: one.patient, object, version: 1 },
                    wrapped: one.content,
                })
            })?;
            self.sample = sample.into_inner().map_err(|_| "lost")?;
        }
        self.write(service.folder())
    }
}

/// Admits what is made of each number, over several connections. Whoever goes on from a note admits some once more, which changes
/// nothing.
fn admit(
    service: &Service,
    numbers: Range<usize>,
    make: &(impl Fn(usize) -> AdmitItem + Sync),
    noted: &(impl Fn(usize) -> Result<()> + Sync),
    each: &(impl Fn(record::ObjectId, Admitted) -> Result<()> + Sync),
) -> Result<()> {
    let (next, begun) = (AtomicUsize::new(numbers.start), Instant::now());
    let one = || -> Result<()> {
        let mut node = Client::connect(&service.folder().join("node.sock"))?;
        loop {
            let first = next.fetch_add(BATCH, Ordering::SeqCst);
            if first >= numbers.end {
                return Ok(());
            }
            let items: Vec<AdmitItem> = (first..(first + BATCH).min(numbers.end)).map(make).collect();
            let objects: Vec<_> = items.iter().map(|item| item.object).collect();
            let Answer::Admitted(admitted) = node.call(Request::Admit { asker: machine(), items })? else {
                return Err("not admitted".into());
            };
            objects.into_iter().zip(admitted).try_for_each(|(object, one)| each(object, one))?;
            let done = (first - numbers.start) / BATCH;
            if done > CONNECTIONS && done.is_multiple_of(NOTED) {
                // The other connections may be behind this one.
                noted(first.saturating_sub(CONNECTIONS * BATCH))?;
                let (seconds, memory) = (begun.elapsed().as_secs(), service.memory_mib()?);
                eprintln!("{first} of {} after {seconds} s, {memory:.0} MiB", numbers.end);
            }
        }
    };
    thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(one)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a connection ended")?)
    })
}
