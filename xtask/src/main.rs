//! Everything a developer types: `cargo xtask test`, `tidy`, `fuzz`, `bench`, `attack`, `tools`.

mod attack;
mod bench;
mod fuzz;
mod run;
mod test;
mod tidy;
mod tools;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Developer commands of Segel.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what the tests need and runs everything: formatting, lints, tidy, all tests.
    Test(test::Options),
    /// Holds the repository against its own rules: imports, licences, banned crates, sizes, golden files.
    Tidy,
    /// Fuzzes every reader of `wire` with libFuzzer (needs a nightly toolchain and cargo-fuzz).
    Fuzz(fuzz::Options),
    /// Measures beside a real peer or a physical limit, in one run, as a ratio.
    Bench(bench::Options),
    /// Attacks the real programs, a row for each compromise, and prints what it yielded beside what it may.
    Attack(attack::Options),
    /// Installs the tools of the tests only: Debian packages, a Python environment in `.venv` and a viewer in `.viewer`.
    Tools,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Tidy => tidy::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Attack(options) => attack::run(&options),
        Command::Tools => tools::install(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        super::Cli::command().debug_assert();
    }
}
