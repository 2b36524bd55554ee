//! The DIMSE door (PS3.7, PS3.8), plain and over TLS: [`upper`] is the protocol's lower half, [`acceptor`] serves the
//! associations that peers ask for, [`services`] do what they ask, [`requestor`] asks peers for associations of our own.

mod acceptor;
pub mod requestor;
mod services;
mod uid;
mod upper;

pub use acceptor::door::Settings;
pub use acceptor::listener::{serve_plain, serve_tls};
pub use services::{commitment, described};
pub use uid::new_uid;
pub use upper::tls::{pinned, sha256};
