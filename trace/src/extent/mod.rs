//! How much was taken: what the sample says of its own share that is ours, and of the whole that it was drawn from.

mod beta;
mod share;
mod total;
mod uniform;

pub use share::{Interval, share};
pub use total::{Total, by_recapture, by_sequence};
pub use uniform::{Cell, Fit, fit};
