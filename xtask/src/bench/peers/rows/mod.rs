//! The rows of the table, a file a group.

pub mod store;
