//! The figures of tracing, over leaks that are made up anew: `sim` makes them and prints the table.

use super::machine;
use crate::run;
use anyhow::Result;
use clap::Args;

/// How many leaks.
#[derive(Args)]
pub struct Options {
    /// As many leaks, records and pictures as the figures need: hours instead of a quarter of one.
    #[arg(long)]
    long: bool,
}

/// Measures and prints a table. Pictures need real radiographs: without them their rows say that they were skipped.
pub fn measure(options: &Options) -> Result<()> {
    machine::print()?;
    let mut arguments = vec!["bench", "--package", "sim", "--bench", "tracing"];
    if options.long {
        arguments.extend(["--", "--long"]);
    }
    run::must("cargo", &arguments)
}
