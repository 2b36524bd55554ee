//! Goods offered for sale: are they ours, whose records are they, how many, and through which disclosure did they leave?
//!
//! Everything that is said of a recipient has a bound on being wrong that holds whatever the thief did, and is computed
//! from the sample and the marks alone.

pub mod dating;
pub mod deliveries;
pub mod extent;
pub mod image;
pub mod rows;
pub mod sample;
pub mod tail;
