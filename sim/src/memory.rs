//! What processes hold: memory as the machine counts it once, resident pages, open files.

use crate::Result;
use crate::process::Archive;

/// PSS of one process in KiB: shared pages are counted by their share.
///
/// # Errors
/// If the process is gone.
pub fn pss_kib(process_id: u32) -> Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{process_id}/smaps_rollup"))?;
    field(&rollup, "Pss:")
}

/// PSS of an archive's both processes in KiB.
///
/// # Errors
/// If one of them is gone.
pub fn both_kib(archive: &Archive) -> Result<u64> {
    Ok(pss_kib(archive.process_id())? + pss_kib(archive.keyservice_process_id()?)?)
}

/// Open files of a process.
///
/// # Errors
/// If the process is gone.
pub fn open_files(process_id: u32) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{process_id}/fd"))?.count())
}

fn field(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find(|line| line.starts_with(name)).ok_or("no such field")?;
    Ok(line.split_whitespace().nth(1).ok_or("no value")?.parse()?)
}
