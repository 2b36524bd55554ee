//! The object format, wrapped keys, tokens and the messages of the key service. No I/O.

pub mod message;
