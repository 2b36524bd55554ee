//! Associations that peers ask for.
//!
//! A walkthrough: [`listener`] accepts a connection and gives it a task of its own; [`association`] waits for the next
//! PDU, deadline or stop, asks the state table what the standard wants and does it ([`exchange`] once it is established); [`negotiate`] decides on the request
//! for an association; [`message`] puts commands and data sets together from fragments; [`conversation`] is what a service
//! and its association have of each other.

mod association;
pub(in crate::dimse) mod conversation;
pub(in crate::dimse) mod door;
mod exchange;
mod extended;
pub(in crate::dimse) mod listener;
mod message;
pub(in crate::dimse) mod negotiate;

#[cfg(test)]
mod tests;
