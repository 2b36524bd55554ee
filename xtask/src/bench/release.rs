//! A key's release with its durable entry in the ledger, beside the disk's own `fdatasync`: the library's example measures,
//! this prints. Budgets count and refuse nothing.

use super::machine;
use super::spread::Spread;
use crate::run;
use anyhow::{Context as _, Result};
use serde_json::Value;

/// Measures and prints.
pub fn speed(rounds: u32) -> Result<()> {
    machine::print()?;
    let rounds = rounds.to_string();
    let arguments =
        ["run", "--quiet", "--release", "--package", "keyservice", "--example", "release", "--", &rounds, "target"];
    let told: Value = serde_json::from_str(&run::output("cargo", &arguments)?)?;
    let told = told.as_array().context("no rounds")?;
    let of = |name: &str| told.iter().filter_map(|round| round.get(name)?.as_f64()).collect::<Vec<f64>>();
    println!("\n| | fdatasync of 4 KiB, ms | Release of one patient, ms | Release : fdatasync |");
    println!("|---|---|---|---|");
    for quantile in ["p50", "p99"] {
        let (sync, release) = (of(&format!("sync_{quantile}")), of(&format!("release_{quantile}")));
        println!(
            "| {quantile} | {} | {} | **{}** |",
            Spread::of(&sync).digits(2),
            Spread::of(&release).digits(2),
            Spread::of_ratios(&release, &sync).digits(2)
        );
    }
    println!(
        "\nPatients a second, 16 connections of 100 each: **{}**",
        Spread::of(&of("patients_per_second")).digits(0)
    );
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}
