//! Bounded readers of the bytes of strangers. No I/O.
pub mod charset;
pub mod dataset;
pub mod error;
pub mod syntax;
pub mod uid;
pub mod part10;
pub mod command;
pub mod fhir;
pub mod multipart;
pub mod pdu;
pub use error::Error;
