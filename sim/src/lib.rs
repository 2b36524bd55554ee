//! Tests only: real clients, faults and the adversary against the real binaries.
//!
//! Nothing here reaches into the programs under test: they are started as a hospital starts them, and spoken to through
//! their doors.

pub mod adversary;
pub mod approver;
pub mod dcmqrscp;
pub mod dimse;
pub mod disk;
pub mod hostile;
pub mod http;
pub mod kept;
pub mod known;
pub mod leak;
pub mod memory;
pub mod orthanc;
pub mod power;
pub mod process;
pub mod program;
pub mod random;
pub mod relay;
pub mod sample;
pub mod stage;
pub mod witness;

/// What goes wrong in a test's own preparations.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Whether the long forms were asked for (`cargo xtask test --long`).
#[must_use]
pub fn long() -> bool {
    std::env::var_os("SEGEL_LONG").is_some()
}

/// The short or the long amount.
#[must_use]
pub fn amount(short: usize, long_form: usize) -> usize {
    if long() { long_form } else { short }
}
