//! `cargo xtask bench peers`: Segel, Orthanc and dcmqrscp side by side, in one run, in interleaved rounds.

mod process;
mod report;
mod rows;
mod servers;

use super::folder::Folder;
use super::machine;
use crate::run;
use anyhow::Result;
use clap::{Args, ValueEnum};
use report::Report;
use servers::Segel;
use std::path::PathBuf;

/// What to measure beside the peers, and how long.
#[derive(Args)]
pub struct Options {
    /// Groups of rows of the table.
    #[arg(long, value_delimiter = ',', default_value = "store")]
    rows: Vec<Row>,
    /// A sanity run of under two minutes: two rounds of few instances. Its numbers are not for a table.
    #[arg(long)]
    quick: bool,
    /// Measures this program instead of building one.
    #[arg(long, value_name = "FILE")]
    segel: Option<PathBuf>,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE", default_value = "target/bench-peers.json")]
    json: PathBuf,
}

/// A group of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// C-STORE of 120 KB instances of distinct patients at 1, 4 and 8 associations.
    Store,
    /// C-STORE of CT series at 1 and 4 associations.
    Ct,
}

/// What every group of rows needs to know.
struct Run<'a> {
    folder: &'a Folder,
    segel: PathBuf,
    rounds: u32,
    quick: bool,
}

impl Run<'_> {
    /// The full amount, or a tenth of it in a quick run.
    fn amount(&self, full: usize) -> usize {
        if self.quick { full.div_ceil(10) } else { full }
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
    let context = Run { folder: &folder, segel, rounds, quick: options.quick };
    machine::print()?;
    let mut report = Report::default();
    for row in &options.rows {
        match row {
            Row::Store => rows::store::secondary_captures(&context, &mut report)?,
            Row::Ct => rows::store::ct_series(&context, &mut report)?,
        }
        report.write(&options.json)?;
    }
    report.print();
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}
