//! Releases keys, and writes down that it did.
//!
//! The service knows who a patient is and never what is in the record; it links no parser of records. One file holds its
//! state; one writer changes it, a group of requests at a time; an answer leaves when what it rests on is durable.

mod alarm;
pub mod audit;
mod authenticate;
mod bearer;
mod canary;
mod command;
mod config;
mod custody;
mod disclosure;
mod error;
mod identity;
mod isolation;
mod issuer;
mod keys;
mod metering;
mod names;
pub mod outbound;
mod projection;
mod proof;
mod quorum;
mod register;
mod report;
mod request;
mod server;
mod service;
mod shared;
mod store;
mod witness;
mod writer;

pub use command::{Options, event_json, run};
pub use config::{Config, Tls};
pub use custody::Passphrase;
pub use error::{Error, Result};
pub use metering::{Budgets, Mode};
pub use server::Address;
pub use service::{Service, Settings, read_events};
