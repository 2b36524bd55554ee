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

/// PSS of a process and everything below it in KiB: the archive, its key service and its pixel workers. What ends meanwhile
/// counts nothing.
#[must_use]
pub fn all_kib(process_id: u32) -> u64 {
    let mut total = pss_kib(process_id).unwrap_or(0);
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process_id}/task")) else { return total };
    for task in tasks.flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        total += children.split_whitespace().filter_map(|child| child.parse().ok()).map(all_kib).sum::<u64>();
    }
    total
}

/// When a process started, in ticks since the machine did: another process with the same number started later.
///
/// # Errors
/// If the process is gone.
pub fn started(process_id: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat"))?;
    // The name may hold spaces; the 22nd field is the 20th after it.
    let after = stat.rsplit(')').next().ok_or("no such field")?;
    Ok(after.split_whitespace().nth(19).ok_or("no such field")?.parse()?)
}

fn field(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find(|line| line.starts_with(name)).ok_or("no such field")?;
    Ok(line.split_whitespace().nth(1).ok_or("no value")?.parse()?)
}
