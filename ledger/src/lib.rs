//! The transparency log: C2SP tlog-tiles on disk, tlog-checkpoint, signed-note, tlog-proof. Knows no medicine.
//!
//! An entry is a few bytes; a *leaf* is its place in an RFC 6962 Merkle tree. [`Log`] writes, [`verify()`] checks a log's
//! folder with nothing but the public key, [`TlogProof`] shows one entry to someone who has neither. [`witness`] is what a log
//! and its witnesses say to each other, [`cosignature`] what witnesses sign.

mod checkpoint;
pub mod cosignature;
mod disk;
mod edge;
mod error;
mod log;
pub mod merkle;
pub mod note;
pub mod path;
mod proof;
pub mod tiles;
mod tlog_proof;
mod verify;
pub mod witness;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use cosignature::{Cosigner, WitnessKey};
pub use error::Error;
pub use log::Log;
pub use merkle::{Hash, leaf_hash};
pub use note::{Note, SigningKey, VerifierKey};
pub use proof::{verify_consistency, verify_inclusion};
pub use tiles::Tiles;
pub use tlog_proof::TlogProof;
pub use verify::{Report, verify};

/// An entry is at most this long: its length is two bytes in an entry bundle (C2SP tlog-tiles, "Log entries").
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;
