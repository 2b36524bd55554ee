//! Sealing in memory and the cost of padding: the library's own example measures, this prints.

use super::machine;
use super::spread::Spread;
use crate::run;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;

fn example(arguments: &[&str]) -> Result<Value> {
    let mut all = vec!["run", "--quiet", "--release", "--package", "seal", "--example", "sealing", "--"];
    all.extend(arguments);
    Ok(serde_json::from_str(&run::output("cargo", &all)?)?)
}

fn text<'a>(of: &'a Value, name: &str) -> Cow<'a, str> {
    match of.get(name) {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(other) => Cow::Owned(other.to_string()),
        None => Cow::Borrowed("unknown"),
    }
}

/// Sealing and opening beside bare AES-256-GCM and a memory copy.
pub fn speed(rounds: u32) -> Result<()> {
    machine::print()?;
    let sizes = example(&["speed", &rounds.to_string()])?;
    println!(
        "\n| Message | Copy, GB/s | Bare AES-256-GCM, GB/s | Sealing, GB/s | Opening, GB/s | Sealing : bare | Opening : bare |"
    );
    println!("|---|---|---|---|---|---|---|");
    for size in sizes.as_array().into_iter().flatten() {
        let rounds = size.get("rounds").and_then(Value::as_array).context("no rounds")?;
        let rates = |name: &str| rounds.iter().filter_map(|round| round.get(name)?.as_f64()).collect::<Vec<f64>>();
        let rate = |name: &str| Spread::of(&rates(name)).digits(2);
        let ratio = |of: &str| Spread::of_ratios(&rates(of), &rates("bare")).digits(2);
        println!(
            "| {} bytes | {} | {} | {} | {} | **{}** | **{}** |",
            text(size, "bytes"),
            rate("copy"),
            rate("bare"),
            rate("sealing"),
            rate("opening"),
            ratio("sealing"),
            ratio("opening"),
        );
    }
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}

/// What padding adds to the files of a folder, or to a stated distribution of lengths.
pub fn padding(folder: Option<&Path>) -> Result<()> {
    let folder = folder.map(std::path::absolute).transpose()?;
    let mut arguments = vec!["padding"];
    if let Some(folder) = &folder {
        arguments.push(folder.to_str().context("the path is not UTF-8")?);
    }
    let cost = example(&arguments)?;
    let number = |name: &str| cost.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let more = |name: &str| (number(name) / number("bytes") - 1.0) * 100.0;
    println!("{}: {} to {} bytes", text(&cost, "source"), text(&cost, "shortest"), text(&cost, "longest"));
    println!(
        "\n| Objects | Bytes | Padding, all bytes | Padding, median object | Padding, worst object | Sealing alone | Padding and sealing | Different lengths |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    println!(
        "| {} | {} | **+{:.2} %** | +{:.2} % | +{:.2} % | +{:.2} % | +{:.2} % | {} before, {} after |",
        text(&cost, "objects"),
        text(&cost, "bytes"),
        more("padded"),
        number("median_percent"),
        number("largest_percent"),
        more("sealed_bare"),
        more("sealed"),
        text(&cost, "lengths"),
        text(&cost, "padded_lengths"),
    );
    Ok(())
}
