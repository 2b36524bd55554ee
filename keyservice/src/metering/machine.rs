//! What the machine tells of its own run.

use crate::error::{Error, Result};
use policy::budget::Reading;
use rustix::time::{ClockId, clock_gettime};

/// Where Linux tells a random number of its present run.
#[cfg(target_os = "linux")]
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Reads the clock that no program sets.
///
/// # Errors
/// Busy if the system does not tell which run it is: without that no budget can be trusted.
pub fn reading() -> Result<Reading> {
    // On Linux the time asleep counts as well.
    #[cfg(target_os = "linux")]
    let time = clock_gettime(ClockId::Boottime);
    #[cfg(not(target_os = "linux"))]
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000;
    Ok(Reading { boot: boot()?, since_boot_micros: seconds.saturating_mul(1_000_000).saturating_add(micros) })
}

/// Read once: a process does not outlive its machine's run.
#[cfg(target_os = "linux")]
fn boot() -> Result<[u8; 16]> {
    static BOOT: std::sync::OnceLock<[u8; 16]> = std::sync::OnceLock::new();
    if let Some(boot) = BOOT.get() {
        return Ok(*boot);
    }
    let text = std::fs::read_to_string(BOOT_ID).map_err(|e| Error::io(BOOT_ID, &e))?;
    let mut id = [0; 16];
    hex::decode_to_slice(text.trim().replace('-', ""), &mut id)
        .map_err(|_| Error::new(record::Outcome::Busy, "the system does not tell which of its runs this is"))?;
    Ok(*BOOT.get_or_init(|| id))
}

/// Where the system tells nothing, each run of this process counts as one of the machine, by the time since its first look.
#[cfg(not(target_os = "linux"))]
fn boot() -> Result<[u8; 16]> {
    static BOOT: std::sync::OnceLock<[u8; 16]> = std::sync::OnceLock::new();
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| Error::new(record::Outcome::Busy, "no randomness to be had"))?;
    Ok(*BOOT.get_or_init(|| id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_forward_within_one_run() {
        let (one, next) = (reading().unwrap(), reading().unwrap());
        assert_eq!(one.boot, next.boot);
        assert!(one.since_boot_micros > 0 && next.since_boot_micros >= one.since_boot_micros);
        assert_ne!(one.boot, [0; 16]);
    }
}
