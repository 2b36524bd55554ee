//! Measures a key service of very many patients beside one of 10,000, in interleaved rounds, and prints JSON for
//! `cargo xtask bench`: memory, time to start, what is opened, admitted and searched, and the size of the state.
//!
//! Both are processes of their own, started as an operator starts them, on folders that are kept: patients are admitted
//! once, through the door that archive nodes use.

mod fill;
mod people;
mod service;
#[path = "../support/mod.rs"]
mod support;

use fill::Filled;
use people::Random;
use seal::message::{Answer, ReleaseItem, Request};
use serde_json::{Map, Value, json};
use service::Service;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use support::{Client, Result, machine, quantile, timed};

/// What the large one is held against.
const SMALL: usize = 10_000;
/// Single releases, admissions and searches of all rounds.
const EACH: usize = 10_000;
/// Patients of a grouped release, its connections, and how often each asks in a round.
const GROUP: (usize, usize, usize) = (100, 16, 5);
/// Until a service has done what comes after its start.
const SETTLED: Duration = Duration::from_secs(2);

/// One of the two.
struct Measured {
    patients: usize,
    service: Service,
    filled: Filled,
    random: Random,
    told: Map<String, Value>,
    rounds: Vec<Value>,
}

impl Measured {
    fn open(program: &Path, at: &Path, patients: usize) -> Result<Self> {
        let mut filled = Filled::read(at)?;
        // What the runs before have admitted is beyond what is filled, and stays.
        if filled.next < patients || filled.sample.is_empty() {
            filled.fill(&Service::start(program, at)?, patients)?;
        }
        // The first start after very much was written reads all of it; later ones do not.
        let first_start_ms = Service::start(program, at)?.start_ms;
        let service = Service::start(program, at)?;
        let at_start = service.memory_mib()?;
        thread::sleep(SETTLED);
        let mut told = Map::new();
        for (name, value) in [
            ("patients", json!(filled.next)),
            ("filled_per_second", json!(filled.per_second)),
            ("first_start_ms", json!(first_start_ms)),
            ("start_ms", json!(service.start_ms)),
            ("memory_at_start", json!(at_start)),
            ("memory_settled", json!(service.memory_mib()?)),
            ("state_bytes", json!(std::fs::metadata(at.join("state.sqlite"))?.len())),
            ("vault_bytes", json!(std::fs::metadata(at.join("vault.key"))?.len())),
        ] {
            told.insert(name.into(), value);
        }
        Ok(Self { patients, service, filled, random: Random::new(patients), told, rounds: Vec::new() })
    }

    fn node(&self) -> Result<Client> {
        Client::connect(&self.service.folder().join("node.sock"))
    }

    fn any(&mut self, count: usize) -> Vec<ReleaseItem> {
        let end = self.filled.sample.len();
        let mut places: Vec<usize> = (0..count).map(|_| self.random.below(end)).collect();
        // Everybody once: a patient twice in one request would be one opening.
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|at| self.filled.sample.get(at).cloned()).collect()
    }

    fn release(&mut self, count: usize) -> Result<Vec<f64>> {
        let mut items = self.any(count).into_iter();
        let mut node = self.node()?;
        timed(items.len(), |_| node.release(machine(), items.by_ref().take(1).collect()))
    }

    /// Patients a second.
    fn grouped(&mut self) -> Result<f64> {
        let (size, connections, times) = GROUP;
        let asked: Vec<Vec<Vec<ReleaseItem>>> =
            (0..connections).map(|_| (0..times).map(|_| self.any(size)).collect()).collect();
        let patients = asked.iter().flatten().map(Vec::len).sum::<usize>();
        let begun = Instant::now();
        thread::scope(|scope| -> Result<()> {
            let one = |asked: Vec<Vec<ReleaseItem>>| -> Result<()> {
                let mut node = self.node()?;
                asked.into_iter().try_for_each(|items| node.release(machine(), items))
            };
            let threads: Vec<_> = asked.into_iter().map(|asked| scope.spawn(move || one(asked))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a connection ended")?)
        })?;
        Ok(f64::from(u32::try_from(patients)?) / begun.elapsed().as_secs_f64())
    }

    fn admit(&mut self, count: usize) -> Result<Vec<f64>> {
        let mut node = self.node()?;
        let first = self.filled.next;
        self.filled.next += count;
        timed(count, |number| {
            let items = vec![people::item(first + number)];
            match node.call(Request::Admit { asker: machine(), items })? {
                Answer::Admitted(_) => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        })
    }

    /// Searches by the first letters of a name; how long they took, and tokens of each, sorted.
    fn search(&mut self, count: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let mut node = self.node()?;
        let mut found = Vec::with_capacity(count);
        let times = timed(count, |_| {
            let terms = vec![people::typed(self.random.below(self.patients))];
            match node.call(Request::Tokens { asker: machine(), terms })? {
                Answer::Tokens(tokens) => {
                    let one = tokens.first().and_then(Option::as_ref).map_or(0, Vec::len);
                    found.push(f64::from(u32::try_from(one)?));
                    Ok(())
                }
                other => Err(format!("{other:?}").into()),
            }
        })?;
        found.sort_by(f64::total_cmp);
        Ok((times, found))
    }

    fn round(&mut self, each: usize) -> Result<()> {
        let watch = self.service.watch();
        let release = self.release(each)?;
        let grouped = self.grouped()?;
        let admit = self.admit(each)?;
        let (search, tokens) = self.search(each)?;
        let mut line = Map::new();
        line.insert("memory".into(), watch.most().into());
        line.insert("patients_per_second".into(), grouped.into());
        for (name, values) in [("release", release), ("admit", admit), ("search", search), ("tokens", tokens)] {
            for per_cent in [50, 99] {
                line.insert(format!("{name}_p{per_cent}"), quantile(&values, per_cent).into());
            }
        }
        self.rounds.push(line.into());
        Ok(())
    }

    /// Notes what this run has admitted, and tells all of it.
    fn end(mut self) -> Result<Value> {
        self.filled.write(self.service.folder())?;
        self.told.insert("memory_at_end".into(), self.service.memory_mib()?.into());
        self.told.insert("rounds".into(), self.rounds.into());
        Ok(self.told.into())
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("PROGRAM FOLDER PATIENTS ROUNDS");
    let (program, folder) = (PathBuf::from(next()?), PathBuf::from(next()?));
    let (patients, rounds): (usize, usize) = (next()?.parse()?, next()?.parse()?);
    // The few are always as few.
    if folder.join("few").exists() {
        std::fs::remove_dir_all(folder.join("few"))?;
    }
    let few = Measured::open(&program, &folder.join("few"), SMALL)?;
    let mut both = [few, Measured::open(&program, &folder.join("many"), patients)?];
    for round in 0..rounds {
        // Each goes first in turn.
        both.rotate_left(round % 2);
        for measured in &mut both {
            measured.round(EACH / rounds)?;
        }
    }
    both.sort_by_key(|measured| measured.patients);
    let told = both.into_iter().map(Measured::end).collect::<Result<Vec<Value>>>()?;
    println!("{}", Value::from(told));
    Ok(())
}
