//! Canaries: people who do not exist, drawn, and their records planted among those of others.

pub mod person;
mod picture;
mod planter;
mod uid;

pub use planter::tend;
