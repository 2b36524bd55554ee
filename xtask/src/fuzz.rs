//! `cargo xtask fuzz`: libFuzzer on every reader of strangers' bytes; where it cannot run, the same bodies on mutations.

use crate::run;
use anyhow::Result;
use clap::Args;

/// Which target, how long.
#[derive(Args)]
pub struct Options {
    /// One target; all of them if absent.
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 10, conflicts_with = "long")]
    seconds: u32,
    /// A minute for each target.
    #[arg(long)]
    long: bool,
}

/// The crates that read strangers' bytes, the folders of their targets, and which tests run the bodies without coverage.
const READERS: [(&str, &str, &str); 2] =
    [("wire", "wire/fuzz", "binary(fuzz_smoke)"), ("trace", "trace/fuzz", "binary(sample) and test(fuzz)")];

/// Runs the targets one after the other and stops at the first finding.
pub fn run(options: &Options) -> Result<()> {
    READERS.iter().try_for_each(|(package, folder, tests)| of_crate(options, package, folder, tests))
}

fn of_crate(options: &Options, package: &str, folder: &str, tests: &str) -> Result<()> {
    let seconds = if options.long { 60 } else { options.seconds };
    let list = ["+nightly", "fuzz", "list", "--fuzz-dir", folder];
    let listed = if run::exists("cargo-fuzz") { run::output("cargo", &list).ok() } else { None };
    let Some(listed) = listed else {
        println!("without cargo-fuzz and a nightly toolchain the bodies run on mutations that see no coverage");
        let seconds = seconds.to_string();
        let arguments = ["nextest", "run", "--package", package, "-E", tests, "--no-capture"];
        return run::must_with("cargo", &arguments, &[("SEGEL_FUZZ_SECONDS", &seconds)]);
    };
    let seconds = format!("-max_total_time={seconds}");
    let wanted = |name: &&str| options.target.as_deref().is_none_or(|target| target == *name);
    for target in listed.lines().filter(wanted) {
        let limits = ["--", &seconds, "-rss_limit_mb=512", "-timeout=5"];
        let arguments = [["+nightly", "fuzz", "run", "--fuzz-dir", folder, target].as_slice(), &limits].concat();
        run::must("cargo", &arguments)?;
    }
    Ok(())
}
