//! A service in this process or in its own, and a client that speaks to its sockets.

mod client;
mod finding;
pub mod holder;
mod world;

pub use client::Client;
pub use finding::finding;
pub use world::{Process, World, asker, bearer, files, item, peer, random, terms};

/// The passphrase of every test's root.
pub const PASSPHRASE: &str = "kunci yang panjang sekali";
