//! The key service as a process.
fn main() {}
