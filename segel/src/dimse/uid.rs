//! UIDs of our own.

use anyhow::{Context as _, Result};
use aws_lc_rs::rand;

/// A new UID: a random UUID as a number under 2.25 (PS3.5 B.2).
pub fn new_uid() -> Result<String> {
    const VERSION_4: u128 = 4 << 76;
    const VARIANT: u128 = 2 << 62;
    let mut random = [0; 16];
    rand::fill(&mut random).ok().context("the system gives no random numbers")?;
    let cleared = u128::from_be_bytes(random) & !(0xF << 76) & !(3 << 62);
    Ok(format!("2.25.{}", cleared | VERSION_4 | VARIANT))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_uid_is_one_and_another() {
        let (one, other) = (super::new_uid().unwrap(), super::new_uid().unwrap());
        assert!(one != other && [one, other].iter().all(|uid| wire::uid::is_uid(uid)));
    }
}
