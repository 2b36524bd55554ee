//! The ledger's speed: the key service's own example measures the whole way, this prints it beside what the same machine's disk
//! and processor do in the same minute.

use super::machine;
use super::spread::Spread;
use crate::run;
use anyhow::{Context as _, Result};
use serde_json::Value;

/// Of one measurement.
const SECONDS: &str = "8";
/// What a paced measurement asks for: the rate that must be met.
const RATE: &str = "5000";

fn example(arguments: &[&str]) -> Result<Value> {
    let mut all = vec!["run", "--quiet", "--release", "--package", "keyservice", "--example", "ledger", "--"];
    all.extend(arguments);
    Ok(serde_json::from_str(&run::output("cargo", &all)?)?)
}

/// One figure of each of these reports.
fn figures(reports: &[Value], name: &str) -> Vec<f64> {
    reports.iter().filter_map(|report| report.get(name)?.as_f64()).collect()
}

/// Measures and prints a table.
pub fn run(rounds: u32) -> Result<()> {
    machine::print()?;
    let outer = super::folder::Folder::new()?;
    let (mut free, mut paced, mut hashes, mut syncs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let folder = |kind: &str| outer.path().join(format!("{kind}-{round}"));
        let path = |kind: &str| folder(kind).to_str().map(str::to_owned).context("the path is not UTF-8");
        free.push(example(&[&path("free")?, SECONDS, "0"])?);
        paced.push(example(&[&path("paced")?, SECONDS, RATE])?);
        hashes.push(example(&["hashes"])?);
        let mut cost = machine::sync_cost_ms(outer.path())?;
        cost.sort_by(f64::total_cmp);
        syncs.extend(cost.get(cost.len() / 2));
    }
    let free_rate = figures(&free, "entries_per_second");
    let hash_rate = figures(&hashes, "hashes_per_second");
    println!("\n| Load | Entries/s | Entry to signed checkpoint: median, ms | p99, ms | longest, ms |");
    println!("|---|---|---|---|---|");
    for (load, reports) in [("as many as it takes", &free), ("5,000 entries/s", &paced)] {
        let figure = |name: &str, digits| Spread::of(&figures(reports, name)).digits(digits);
        println!(
            "| {load} | **{}** | {} | **{}** | {} |",
            figure("entries_per_second", 0),
            figure("checkpoint_ms_median", 0),
            figure("checkpoint_ms_p99", 0),
            figure("checkpoint_ms_max", 0),
        );
    }
    println!(
        "\nThe same disk flushes 4 KiB in {} ms (median), one core makes {} leaf hashes (SHA-256) a second: {} of them an entry.",
        Spread::of(&syncs).digits(2),
        Spread::of(&hash_rate).digits(0),
        Spread::of_ratios(&hash_rate, &free_rate).digits(0),
    );
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}
