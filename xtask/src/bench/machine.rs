//! What the numbers were measured on, and what its disk asks for a durable write.

use crate::run;
use anyhow::Result;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Prints what is measured, and processor, cores and load.
pub fn print() -> Result<()> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism()?;
    let commit = run::output("git", &["describe", "--always", "--dirty"])?;
    println!("commit {}", commit.trim());
    println!("CPU {}, {cores} cores, load average {}", model.trim_start_matches(['\t', ' ', ':']), load()?);
    Ok(())
}

/// The load average of the last minute: what else the machine does.
pub fn load() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().next().unwrap_or("unknown").to_owned())
}

/// Appends `bytes` and waits for the disk, `times` times; how long all of them took.
pub fn durable_writes(folder: &Path, bytes: usize, times: u32) -> Result<Duration> {
    let path = folder.join("durable");
    let mut file = File::create(&path)?;
    let piece = vec![0x5A; bytes];
    let begun = Instant::now();
    for _ in 0..times {
        file.write_all(&piece)?;
        file.sync_data()?;
    }
    let took = begun.elapsed();
    std::fs::remove_file(path)?;
    Ok(took)
}

/// Milliseconds of many small durable writes, each.
pub fn sync_cost_ms(folder: &Path) -> Result<Vec<f64>> {
    (0..101).map(|_| Ok(durable_writes(folder, 4_096, 1)?.as_secs_f64() * 1e3)).collect()
}
