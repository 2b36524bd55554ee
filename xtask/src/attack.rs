//! `cargo xtask attack`: the adversary's table. Every row is an attack on the real programs (`sim/tests/attack.rs` and its
//! neighbours), which prints what it yielded; here the lines are gathered.

use crate::{run, tools};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// How many patients, and which rows.
#[derive(Args)]
pub struct Options {
    /// 100,000 patients instead of 5,000, and fortnights instead of days.
    #[arg(long)]
    long: bool,
    /// Only attacks whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// One line of JSON for each attack instead of the table.
    #[arg(long)]
    json: bool,
}

/// Runs the attacks and prints the table; fails if an attack that must yield no more than it may did.
pub fn run(options: &Options) -> Result<()> {
    tools::install()?;
    let venv = tools::venv()?;
    run::must("cargo", &["build", "--package", "segel", "--package", "keyservice"])?;
    let mut arguments = vec!["nextest", "run", "--package", "sim", "--no-capture", "--no-fail-fast"];
    for test in ["attack", "alarms", "canaries", "custody", "export", "quorum", "sign_in", "threat_model", "witness"] {
        arguments.extend(["--test", test]);
    }
    arguments.extend(options.only.as_deref());
    let mut command = Command::new("cargo");
    command.args(&arguments).current_dir(run::root()?).env("SEGEL_VENV", venv).stdout(Stdio::piped());
    if options.long {
        command.env("SEGEL_LONG", "1");
    }
    let mut tests = command.spawn().context("cargo could not be started")?;
    let output = tests.stdout.take().context("the tests have no output")?;
    let mut findings = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        // Where tests print before them, the line does not begin with the word.
        if let Some((_, finding)) = line.split_once("ATTACK {") {
            findings.push(serde_json::from_str::<Value>(&format!("{{{finding}"))?);
            eprintln!("{} attacks made", findings.len());
        }
    }
    let status = tests.wait()?;
    print(&findings, options.json);
    if !status.success() {
        bail!("an attack yielded more than it may, or could not be made");
    }
    Ok(())
}

fn print(findings: &[Value], json: bool) {
    if json {
        for finding in findings {
            println!("{finding}");
        }
        return;
    }
    println!("| compromise | way | yields | may yield | |\n|---|---|---|---|---|");
    for finding in findings {
        let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| finding.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let is_met = finding.get("met").and_then(Value::as_bool).unwrap_or(false);
        println!(
            "| {} | {} | {} {} | {} | {}{} |",
            text("row"),
            text("way"),
            number("yielded"),
            text("unit"),
            number("limit"),
            if is_met { "met" } else { "**not met**" },
            if text("note").is_empty() { String::new() } else { format!(": {}", text("note")) },
        );
    }
}
