//! `segel demo`: the whole story in a temporary folder, told as it happens; then the archive stays up to be looked at.

mod disk;
mod modality;
mod send;
mod stolen;
mod story;
pub mod world;

use crate::commands::{Done, StopSignals};
use anyhow::{Context as _, Result};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `segel demo`
#[derive(Args)]
pub struct Options {
    /// Keeps everything in this folder, which must be empty or absent [default: a temporary folder, removed at the end].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Ends after the story, with status 1 if a step failed.
    #[arg(long)]
    once: bool,
    /// How many patients the world has.
    #[arg(long, default_value_t = 240, value_name = "N", value_parser = clap::value_parser!(u32).range(12..=5000))]
    patients: u32,
    /// Where the pages are afterwards; another port is taken if this one is not free.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    http: SocketAddr,
    /// The world's seed: the same seed gives the same world.
    #[arg(long, default_value_t = 2022, value_name = "N")]
    seed: u64,
}

/// Tells the story and stays up.
pub fn run(options: Options) -> Result<Done> {
    crate::observe::start_at("error");
    let (folder, _removed_at_the_end) = folder(options.data.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut story = story::Story::begin(&folder, &options).await?;
        let mut stop = StopSignals::listen()?;
        let held = tokio::select! {
            held = story.tell() => held,
            () = stop.asked() => false,
        };
        if !options.once && held {
            story.stay().await?;
        }
        story.end().await?;
        Ok(if held { Done::Wholly } else { Done::Not })
    })
}

fn folder(named: Option<&std::path::Path>) -> Result<(PathBuf, Option<Temporary>)> {
    if let Some(named) = named {
        let empty = !named.exists() || std::fs::read_dir(named)?.next().is_none();
        anyhow::ensure!(empty, "{} is not empty: the demonstration makes a world of its own", named.display());
        return Ok((named.to_path_buf(), None));
    }
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).ok().context("the system gives no random numbers")?;
    let path = std::env::temp_dir().join(format!("segel-demo-{}", hex::encode(random)));
    std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok((path.clone(), Some(Temporary(path))))
}

/// A folder that goes with the process.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("segel: {} could not be removed: {error}", self.0.display());
        }
    }
}
