//! `cargo xtask fuzz`: libFuzzer on every reader of strangers' bytes.

use crate::run;
use anyhow::{Result, bail};
use clap::Args;

/// Which target, how long.
#[derive(Args)]
pub struct Options {
    /// One target; all of them if absent.
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets one after the other and stops at the first finding.
pub fn run(options: &Options) -> Result<()> {
    if !run::exists("cargo-fuzz") {
        bail!("cargo-fuzz is missing: cargo install cargo-fuzz --locked");
    }
    let listed = run::output("cargo", &["+nightly", "fuzz", "list", "--fuzz-dir", "wire/fuzz"])?;
    let seconds = format!("-max_total_time={}", options.seconds);
    let wanted = |name: &&str| options.target.as_deref().is_none_or(|target| target == *name);
    for target in listed.lines().filter(wanted) {
        let arguments = [
            "+nightly",
            "fuzz",
            "run",
            "--fuzz-dir",
            "wire/fuzz",
            target,
            "--",
            &seconds,
            "-rss_limit_mb=512",
            "-timeout=5",
        ];
        run::must("cargo", &arguments)?;
    }
    Ok(())
}
