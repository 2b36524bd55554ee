//! A key service with very many patients beside one of 10,000: the library's example fills and measures both, this prints.

use super::folder::Folder;
use super::machine;
use super::spread::Spread;
use crate::run;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;

/// How many patients, and where they are kept.
#[derive(Args)]
pub struct Options {
    /// Patients of the large one.
    #[arg(long, default_value_t = 6_000_000)]
    patients: u32,
    /// Keeps both in this folder, and uses them if they are there: admitting six million takes a while.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Measures this key service instead of building one.
    #[arg(long, value_name = "FILE")]
    keyservice: Option<PathBuf>,
}

/// What a key service of any size may take.
const MEMORY_MIB_MAX: f64 = 256.0;

/// One of the two services.
struct Told(Value);

impl Told {
    fn one(&self, name: &str) -> Result<f64> {
        self.0.get(name).and_then(Value::as_f64).with_context(|| format!("no {name}"))
    }

    fn rounds(&self, name: &str) -> Vec<f64> {
        let rounds = self.0.get("rounds").and_then(Value::as_array);
        rounds.into_iter().flatten().filter_map(|round| round.get(name)?.as_f64()).collect()
    }
}

/// Measures and prints.
pub fn measure(options: &Options, rounds: u32) -> Result<()> {
    machine::print()?;
    let program = match &options.keyservice {
        Some(named) => std::path::absolute(named)?,
        None => {
            run::must("cargo", &["build", "--quiet", "--release", "--package", "keyservice", "--bins"])?;
            run::root()?.join("target/release/segel-keyservice")
        }
    };
    let own = Folder::new()?;
    let folder = match &options.keep {
        Some(folder) => std::path::absolute(folder)?,
        None => own.path().to_path_buf(),
    };
    let (patients, rounds) = (options.patients.to_string(), rounds.to_string());
    let text = |path: &std::path::Path| path.to_str().map(str::to_owned).context("the path is not UTF-8");
    let (program, folder) = (text(&program)?, text(&folder)?);
    let mut arguments = vec!["run", "--quiet", "--release", "--package", "keyservice", "--example", "custody", "--"];
    arguments.extend([&*program, &*folder, &*patients, &*rounds]);
    let told: Vec<Value> = serde_json::from_str(&run::output("cargo", &arguments)?)?;
    let both: Vec<Told> = told.into_iter().map(Told).collect();
    let [small, large] = both.as_slice() else { anyhow::bail!("there are not two services") };
    print(small, large)?;
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}

fn print(small: &Told, large: &Told) -> Result<()> {
    println!("\n| | {} patients | {} patients | Ratio |", small.one("patients")?, large.one("patients")?);
    println!("|---|---|---|---|");
    let bytes = |told: &Told| Ok::<f64, anyhow::Error>(told.one("state_bytes")? / told.one("patients")?);
    println!("| state.sqlite, bytes a patient | {:.0} | {:.0} | |", bytes(small)?, bytes(large)?);
    for (what, name, digits) in [
        ("vault.key, bytes", "vault_bytes", 0),
        ("admitted in requests of 2,000, patients/s", "filled_per_second", 0),
        ("start until it serves, ms", "start_ms", 0),
        ("memory when it serves, MiB (PSS)", "memory_at_start", 0),
        ("memory 2 s later, MiB (PSS)", "memory_settled", 0),
        ("memory at the end, MiB (PSS)", "memory_at_end", 0),
    ] {
        println!("| {what} | {:.digits$} | {:.digits$} | |", small.one(name)?, large.one(name)?);
    }
    for (what, name, digits) in [
        ("**most memory at work, MiB (PSS)**", "memory", 0),
        ("release of one patient, ms, p50", "release_p50", 2),
        ("release of one patient, ms, p99", "release_p99", 2),
        ("patients/s, 16 connections of 100 each", "patients_per_second", 0),
        ("admission of a new patient, ms, p50", "admit_p50", 2),
        ("admission of a new patient, ms, p99", "admit_p99", 2),
        ("tokens of the first letters of a name, ms, p50", "search_p50", 2),
        ("tokens of the first letters of a name, ms, p99", "search_p99", 2),
        ("tokens of a search, p50", "tokens_p50", 0),
        ("tokens of a search, p99", "tokens_p99", 0),
    ] {
        let (few, many) = (small.rounds(name), large.rounds(name));
        let ratio = Spread::of_ratios(&many, &few).digits(2);
        println!(
            "| {what} | {} | {} | **{ratio}** |",
            Spread::of(&few).digits(digits),
            Spread::of(&many).digits(digits)
        );
    }
    let most = Spread::of(&large.rounds("memory")).most;
    let reached = if most <= MEMORY_MIB_MAX { "reached" } else { "**not reached**" };
    println!("\nAt most {MEMORY_MIB_MAX:.0} MiB: {reached} ({most:.0} MiB).");
    Ok(())
}
