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

/// Archives in use, against which the same thefts are made where they can be.
const OTHERS: [&str; 2] = ["Orthanc", "dcmqrscp"];

/// Runs the attacks and prints the table; fails if an attack that must yield no more than it may did.
pub fn run(options: &Options) -> Result<()> {
    tools::install()?;
    let venv = tools::venv()?;
    run::must("cargo", &["build", "--package", "segel", "--package", "keyservice"])?;
    let mut arguments = vec!["nextest", "run", "--package", "sim", "--no-capture", "--no-fail-fast"];
    for test in [
        "administrator",
        "attack",
        "alarms",
        "canaries",
        "custody",
        "export",
        "feed",
        "quorum",
        "sign_in",
        "threat_model",
        "witness",
    ] {
        arguments.extend(["--test", test]);
    }
    // Who rules the archive node, and honest shifts, are the key service's own tests: they speak its protocol, and drive its clocks.
    arguments.extend(["--package", "keyservice", "--test", "service"]);
    arguments.extend(["--filterset", "package(sim) + test(/^(root_on_node|shifts)::/)"]);
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
    println!("| compromise | way | yields | may yield | | {} |\n|---|---|---|---|---|---|---|", OTHERS.join(" | "));
    let text = |finding: &Value, name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |finding: &Value, name: &str| finding.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let is_of = |finding: &Value, other: &str| text(finding, "way").starts_with(other);
    for finding in findings.iter().filter(|finding| !OTHERS.iter().any(|other| is_of(finding, other))) {
        let is_met = finding.get("met").and_then(Value::as_bool).unwrap_or(false);
        // What the same theft gives elsewhere, where it can be made there.
        let elsewhere = OTHERS.map(|other| {
            let same = findings.iter().find(|one| is_of(one, other) && text(one, "row") == text(finding, "row"));
            same.map_or_else(String::new, |one| {
                format!("{} of {} {}", number(one, "yielded"), number(one, "limit"), text(one, "unit"))
            })
        });
        let note = text(finding, "note");
        println!(
            "| {} | {} | {} {} | {} | {}{} | {} |",
            text(finding, "row"),
            text(finding, "way"),
            number(finding, "yielded"),
            text(finding, "unit"),
            number(finding, "limit"),
            if is_met { "met" } else { "**not met**" },
            if note.is_empty() { String::new() } else { format!(": {note}") },
            elsewhere.join(" | "),
        );
    }
}
