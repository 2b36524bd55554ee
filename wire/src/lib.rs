//! Bounded readers of the bytes of strangers. No I/O.
pub mod charset;
pub mod command;
pub mod dataset;
pub mod error;
pub mod fhir;
pub mod multipart;
pub mod part10;
pub mod pdu;
pub mod syntax;
pub mod uid;
pub use error::Error;
