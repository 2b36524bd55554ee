//! The load tool: one client for every archive that is measured, so that what differs is the archive.
//!
//! Instances are made before the clock starts and lie in memory; sockets wait neither for Nagle's algorithm nor for
//! delayed acknowledgements, which would otherwise be what is measured.

pub mod acceptor;
pub mod http;
pub mod instance;
pub mod link;
pub mod people;
pub mod random;
pub mod requestor;
pub mod store;
pub mod stream;
