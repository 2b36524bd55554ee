//! What peers may ask for, one service a file (PS3.4, PS3.7): from a request to its responses.

pub(in crate::dimse) mod find;
pub(in crate::dimse) mod store;
