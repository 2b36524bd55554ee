//! `cargo xtask test`: everything that must hold before a change lands.

use crate::{run, tidy, tools};
use anyhow::{Context as _, Result};
use clap::Args;

/// How much to run.
#[derive(Args)]
pub struct Options {
    /// Runs simulations, fuzz bodies and scale tests at full length instead of their short form.
    #[arg(long)]
    long: bool,
    /// Runs only the tests whose name contains this, without formatting, lints and tidy.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// Runs it. The order puts what fails fastest first.
pub fn run(options: &Options) -> Result<()> {
    tools::install()?;
    if options.only.is_none() {
        run::must("cargo", &["fmt", "--all", "--check"])?;
        tidy::run()?;
        run::must("cargo", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?;
    }
    let venv = tools::venv()?;
    let venv = venv.to_str().context("the path of the Python environment is not UTF-8")?;
    let viewer = tools::viewer()?;
    let viewer = viewer.to_str().context("the path of the viewer is not UTF-8")?;
    let provider = tools::provider()?;
    let provider = provider.to_str().context("the path of the provider is not UTF-8")?;
    let mut environment = vec![("SEGEL_VENV", venv), ("SEGEL_VIEWER", viewer), ("SEGEL_PROVIDER", provider)];
    if options.long {
        environment.push(("SEGEL_LONG", "1"));
    }
    // The binaries first: tests of other crates start them as processes.
    run::must("cargo", &["build", "--package", "segel", "--package", "keyservice"])?;
    let mut arguments = vec!["nextest", "run", "--workspace", "--no-fail-fast"];
    arguments.extend(options.only.as_deref());
    run::must_with("cargo", &arguments, &environment)
}
