//! Leaks that are made up, and what is known of them: who leaked, what was done to the goods.

pub mod copies;
pub mod figures;
pub mod picture_figures;
pub mod pictures;
pub mod rows;
pub mod sent;

use crate::random::Random;

/// A number from 0 up to 1.
fn unit(chance: &mut Random) -> f64 {
    const WHOLE: u32 = 1 << 30;
    f64::from(u32::try_from(chance.below(u64::from(WHOLE))).unwrap_or_default()) / f64::from(WHOLE)
}
