//! A key's release with its durable entry in the ledger, beside the disk's own `fdatasync` and beside a request that unwraps
//! a key and writes its entry without metering: the library's example measures, this prints.

use super::machine;
use super::spread::Spread;
use crate::run;
use anyhow::{Context as _, Result};
use serde_json::Value;

/// What is measured one at a time, as the example calls it.
const SINGLES: [(&str, &str); 5] = [
    ("fdatasync of 4 KiB", "sync"),
    ("an unwrapped key with its entry, not metered", "compare"),
    ("release to a machine", "release"),
    ("release to a clinician, signed by the device", "signed"),
    ("the same beside 2,000 patients/s of others", "beside"),
];

/// Measures and prints.
pub fn speed(rounds: u32) -> Result<()> {
    machine::print()?;
    let rounds = rounds.to_string();
    let arguments =
        ["run", "--quiet", "--release", "--package", "keyservice", "--example", "release", "--", &rounds, "target"];
    let told: Value = serde_json::from_str(&run::output("cargo", &arguments)?)?;
    let told = told.as_array().context("no rounds")?;
    let of = |name: &str| told.iter().filter_map(|round| round.get(name)?.as_f64()).collect::<Vec<f64>>();
    let both = |name: &str| ["p50", "p99"].map(|quantile| of(&format!("{name}_{quantile}")));
    let [sync, _] = both("sync");
    println!("\n| One patient at a time | ms, p50 | ms, p99 | p50 : fdatasync |");
    println!("|---|---|---|---|");
    for (what, name) in SINGLES {
        let [median, worst] = both(name);
        let ratio = Spread::of_ratios(&median, &sync).digits(2);
        println!("| {what} | {} | {} | **{ratio}** |", Spread::of(&median).digits(2), Spread::of(&worst).digits(2));
    }
    let ([with, _], [without, _]) = (both("signed"), both("compare"));
    let more: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with - without).collect();
    println!("\nMetering and the device's signature cost **{} ms** of it at p50.", Spread::of(&more).digits(2));
    println!("Patients a second, 16 connections of 100 each: **{}**", Spread::of(&of("patients_per_second")).digits(0));
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}
