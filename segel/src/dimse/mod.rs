//! The DIMSE door: C-ECHO, C-STORE and C-FIND over the DICOM upper layer (PS3.7, PS3.8), plain and over TLS.
//!
//! A walkthrough: [`listener`] accepts a connection and gives it a task of its own; [`association`] waits for the next
//! PDU, deadline or stop, asks [`state`] what the standard wants and does it; [`negotiate`] decides on the request for
//! an association; [`message`] puts commands and data sets together from fragments and hands them to [`store`] and
//! [`find`].

mod association;
mod door;
mod find;
mod listener;
mod message;
mod negotiate;
mod pdus;
mod state;
mod store;
mod tls;

pub use door::Settings;
pub use listener::{serve_plain, serve_tls};

#[cfg(test)]
mod tests;
