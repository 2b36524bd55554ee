//! `cargo xtask bench`: Segel beside a real peer or a physical limit, in one run, in interleaved rounds, as a ratio.
//!
//! There is no time limit here that a slow machine could break: what is told is how two things compare that the same
//! machine did in the same minute.

mod clients;
mod folder;
mod load;
mod machine;
mod peers;
mod sample;
mod seal;
mod search;
mod servers;
mod spread;
mod store;

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
    /// C-STORE of 120 KB instances of distinct patients, with 1 and 4 associations, beside DCMTK's `dcmqrscp`.
    Store {
        /// Instances sent to each archive in each round.
        #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u32).range(8..=480))]
        instances: u32,
    },
    /// Search by PatientID: C-FIND beside `dcmqrscp`, and DICOMweb.
    Search {
        /// Patients in each archive; `dcmqrscp` holds at most 500 studies.
        #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(8..=480))]
        patients: u32,
        /// Searches of each kind in each round.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        searches: u32,
    },
    /// Sealing and opening in memory, beside bare AES-256-GCM and a memory copy.
    Seal,
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
        What::Store { instances } => store::run(options.rounds, *instances),
        What::Search { patients, searches } => search::run(options.rounds, *patients, *searches),
        What::Seal => seal::speed(options.rounds),
        What::Padding { folder } => seal::padding(folder.as_deref()),
    }
}
