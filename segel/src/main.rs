//! Segel.
fn main() {}
