//! `cargo xtask bench peers`: Segel, Orthanc and dcmqrscp side by side, in one run, in interleaved rounds.

mod archives;
mod process;
mod report;
mod rows;
mod servers;

use super::folder::Folder;
use super::load::acceptor::Destination;
use super::machine;
use crate::run;
use anyhow::{Result, ensure};
use archives::{Archives, Who};
use clap::{Args, ValueEnum};
use report::Report;
use servers::Segel;
use std::path::{Path, PathBuf};

/// What to measure beside the peers, and how long.
#[derive(Args)]
pub struct Options {
    /// Groups of rows of the table.
    #[arg(long, value_delimiter = ',', default_value = "store")]
    rows: Vec<Row>,
    /// Segel without the peers: what changes from one build to the next, in a tenth of the time.
    #[arg(long)]
    alone: bool,
    /// A sanity run of under two minutes: two rounds of few instances. Its numbers are not for a table.
    #[arg(long)]
    quick: bool,
    /// Measures this program instead of building one.
    #[arg(long, value_name = "FILE")]
    segel: Option<PathBuf>,
    /// Patients of the large search.
    #[arg(long, default_value_t = 223_000)]
    patients: usize,
    /// Keeps the archives of the searches in this folder, and uses them if they are there.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE", default_value = "target/bench-peers.json")]
    json: PathBuf,
}

/// A group of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// C-STORE of 120 KB instances of distinct patients at 1, 4 and 8 associations.
    Store,
    /// STOW of 120 KB instances of distinct patients at 1 and 4 connections, one instance a request.
    Stow,
    /// C-STORE of CT series at 1 and 4 associations.
    Ct,
    /// Searches at 20,000 patients beside Orthanc as shipped.
    Search,
    /// Searches at `--patients` beside Orthanc analysed.
    SearchLarge,
    /// Instance, metadata and frame by DICOMweb at 4 connections.
    Retrieve,
    /// Rendered images of JPEGs.
    Rendered,
    /// Metadata of CT series of 100 and 500 slices.
    Metadata,
    /// A CT study of 100 slices by DICOMweb, C-GET and C-MOVE.
    Study,
    /// What opening a study adds to asking for its metadata; Segel alone.
    Opening,
    /// Memory at rest, and while 500-MB instances come in over 8 associations.
    Memory,
    /// The load tool itself beside DCMTK's clients.
    Check,
}

/// What every group of rows needs to know.
struct Run<'a> {
    folder: &'a Folder,
    segel: PathBuf,
    rounds: u32,
    quick: bool,
    alone: bool,
    /// Where C-MOVE sends.
    destination: Destination,
    keep: Option<PathBuf>,
}

impl Run<'_> {
    /// The full amount, or a tenth of it in a quick run.
    fn amount(&self, full: usize) -> usize {
        if self.quick { full.div_ceil(10) } else { full }
    }

    /// Starts the archives of a group of rows below a folder.
    fn start(&self, folder: &Path, who: &[Who], areas: u32) -> Result<Archives> {
        let who: Vec<Who> = who.iter().copied().filter(|who| !self.alone || *who == Who::Segel).collect();
        let archives = Archives::start(&self.segel, folder, &who, areas, self.destination.port)?;
        println!("Segel's processes: {:?}", process::family(archives.segel.running.id()));
        Ok(archives)
    }

    /// A folder for archives that take long to fill.
    fn kept(&self, name: &str) -> Result<PathBuf> {
        match &self.keep {
            Some(folder) => Ok(std::path::absolute(folder)?.join(name)),
            None => self.folder.below(name),
        }
    }
}

/// Measures and prints a table for `BENCHMARKS.md`.
pub fn run(options: &Options, rounds: u32) -> Result<()> {
    if cfg!(debug_assertions) {
        // A load tool that is not optimised would be what is measured.
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let mut all = vec!["run", "--quiet", "--release", "--package", "xtask", "--"];
        all.extend(arguments.iter().map(String::as_str));
        return run::must("cargo", &all);
    }
    let segel = Segel::program(options.segel.as_deref())?;
    let folder = Folder::new()?;
    let rounds = if options.quick { 2 } else { rounds };
    let context = Run {
        folder: &folder,
        segel,
        rounds,
        quick: options.quick,
        alone: options.alone,
        destination: Destination::listen()?,
        keep: options.keep.clone(),
    };
    machine::print()?;
    let mut report = Report::default();
    let mut failed = Vec::new();
    for row in &options.rows {
        // What one row cannot do says nothing of the others.
        if let Err(error) = measure(&context, &mut report, *row, options.patients) {
            report.note(format!("{row:?} could not be measured: {error:#}"));
            failed.push(*row);
        }
        report.write(&options.json)?;
    }
    report.print();
    println!("\nload average at the end {}", machine::load()?);
    ensure!(failed.is_empty(), "not measured: {failed:?}");
    Ok(())
}

fn measure(run: &Run, report: &mut Report, row: Row, patients: usize) -> Result<()> {
    match row {
        Row::Store => rows::store::secondary_captures(run, report),
        Row::Stow => rows::store::stow(run, report),
        Row::Ct => rows::store::ct_series(run, report),
        Row::Search => rows::search::measure(run, report, run.amount(20_000), Who::Shipped),
        Row::SearchLarge => rows::search::measure(run, report, run.amount(patients), Who::Analysed),
        Row::Retrieve => rows::retrieve::instances(run, report),
        Row::Rendered => rows::retrieve::rendered(run, report),
        Row::Metadata => rows::retrieve::series_metadata(run, report),
        Row::Study => rows::study::measure(run, report),
        Row::Opening => rows::opening::measure(run, report),
        Row::Memory => rows::memory::measure(run, report),
        Row::Check => rows::check::measure(run, report),
    }
}
