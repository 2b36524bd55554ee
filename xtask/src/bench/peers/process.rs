//! What a server's processes cost: processor time and memory, read from the kernel.

use anyhow::{Context as _, Result};
use std::path::Path;

/// Every process of a server that runs now: the first one and all below it.
pub fn family(of: u32) -> Vec<u32> {
    let mut found = vec![of];
    let mut at = 0;
    while let Some(process) = found.get(at) {
        // A child that another thread started is listed under that thread.
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let children: Vec<String> =
            threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok()).collect();
        found.extend(children.iter().flat_map(|text| text.split_whitespace()).filter_map(|id| id.parse::<u32>().ok()));
        at += 1;
    }
    found
}

/// Milliseconds of processor time that a server has used, of children that have ended too.
pub fn server_cpu_ms(process: u32) -> Result<f64> {
    family(process).into_iter().map(|id| cpu_ms(Path::new(&format!("/proc/{id}/stat")))).sum()
}

/// Milliseconds of processor time that the load tool has used.
pub fn own_cpu_ms() -> Result<f64> {
    cpu_ms(Path::new("/proc/self/stat"))
}

/// utime, stime, cutime and cstime: fields 14 to 17 (proc(5)).
fn cpu_ms(stat: &Path) -> Result<f64> {
    // A process that ended meanwhile is in its parent's sum.
    let Ok(text) = std::fs::read_to_string(stat) else { return Ok(0.0) };
    let (_, after_name) = text.rsplit_once(')').context("a process without a name")?;
    let ticks: f64 = after_name.split_whitespace().skip(11).take(4).filter_map(|word| word.parse::<f64>().ok()).sum();
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(ticks * 1e3 / f64::from(per_second))
}

/// Megabytes of memory of a server's processes together, shared pages counted once (PSS).
pub fn memory_mb(process: u32) -> Result<f64> {
    let one = |id: u32| -> f64 {
        // A process that has just ended has none.
        let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let kib: f64 = family(process).into_iter().map(one).sum();
    anyhow::ensure!(
        kib > 0.0,
        "the kernel tells nothing of the memory of process {process}: run as its user or as root"
    );
    Ok(kib * 1024.0 / 1e6)
}
