//! `cargo xtask tidy`: the rules of this repository as code. A rule that is not tested decays.

mod dependencies;
mod sources;

use anyhow::{Result, bail};

/// Checks every rule and lists every breach.
pub fn run() -> Result<()> {
    let mut breaches = dependencies::check()?;
    breaches.extend(sources::check()?);
    if breaches.is_empty() {
        println!("tidy: every rule holds");
        return Ok(());
    }
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    bail!("{} rules broken", breaches.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_keeps_its_rules() {
        super::run().unwrap();
    }
}
