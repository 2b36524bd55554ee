//! `cargo xtask bench`: Segel beside a real peer or a physical limit, in one run, in interleaved rounds, as a ratio.
//!
//! There is no time limit here that a slow machine could break: what is told is how two things compare that the same
//! machine did in the same minute.

mod custody;
mod folder;
mod ledger;
mod load;
mod machine;
mod peers;
mod release;
mod seal;
mod spread;
mod trace;

use anyhow::Result;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to measure.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
    /// Interleaved rounds.
    #[arg(long, global = true, default_value_t = 7, value_parser = clap::value_parser!(u32).range(5..=99))]
    rounds: u32,
}

#[derive(Subcommand)]
enum What {
    /// Everything that hospitals do with an archive, beside Orthanc and `dcmqrscp`, with what each row must reach.
    Peers(peers::Options),
    /// Sealing and opening in memory, beside bare AES-256-GCM and a memory copy.
    Seal,
    /// A key's release with its durable entry, beside the disk's own fdatasync and beside what it is without metering.
    Release,
    /// Entries that the ledger takes, and how soon a signed checkpoint covers them, beside the disk's flush and SHA-256.
    Ledger,
    /// A key service of millions of patients beside one of 10,000: memory, start, speed.
    Custody(custody::Options),
    /// What tracing names, dates and finds in made-up leaks, beside what it should reach.
    Trace(trace::Options),
    /// Bytes that padding adds: to the files of a folder, or to a stated distribution of lengths.
    Padding {
        /// A folder of real records; nothing but the lengths of its files is read.
        folder: Option<PathBuf>,
    },
}

/// Measures and prints a table for `BENCHMARKS.md`.
pub fn run(options: &Options) -> Result<()> {
    match &options.what {
        What::Peers(peers) => peers::run(peers, options.rounds),
        What::Seal => seal::speed(options.rounds),
        What::Release => release::speed(options.rounds),
        What::Ledger => ledger::run(options.rounds),
        What::Custody(custody) => custody::measure(custody, options.rounds),
        What::Trace(trace) => trace::measure(trace),
        What::Padding { folder } => seal::padding(folder.as_deref()),
    }
}
