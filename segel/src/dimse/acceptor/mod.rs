//! Associations that peers ask for.
//!
//! A walkthrough: [`listener`] accepts a connection and gives it a task of its own; [`association`] waits for the next
//! PDU, deadline or stop, asks the state table what the standard wants and does it; [`negotiate`] decides on the request
//! for an association; [`message`] puts commands and data sets together from fragments and hands them to the services.

mod association;
pub(in crate::dimse) mod door;
pub(in crate::dimse) mod listener;
mod message;
pub(in crate::dimse) mod negotiate;

#[cfg(test)]
mod tests;
