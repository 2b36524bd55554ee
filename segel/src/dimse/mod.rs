//! The DIMSE door (PS3.7, PS3.8), plain and over TLS: [`upper`] is the protocol's lower half, [`acceptor`] serves the
//! associations that peers ask for, [`services`] do what they ask.

mod acceptor;
mod services;
mod upper;

pub use acceptor::door::Settings;
pub use acceptor::listener::{serve_plain, serve_tls};
