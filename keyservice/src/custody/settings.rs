//! Where the root and the vault are kept.

use super::{root, vault};
use record::Micros;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The settings under `[root]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The token that keeps the root, if one does. Naming it does not move the root there: `rotate --to-token` does.
    pub pkcs11: Option<Pkcs11>,
    /// More places for the vault's file, on other disks, because without that file every record is lost. Each must be there
    /// whenever somebody is erased: a copy that is not reached would open what was erased, so the erasure fails.
    #[serde(default)]
    pub vault_copies: Vec<PathBuf>,
}

/// A token (PKCS#11).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11 {
    /// The vendor's library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The label of its keys that are roots; which one is in force stands in `root.key`.
    pub key: String,
    /// File with the user's PIN.
    pub pin_file: PathBuf,
}

impl Settings {
    /// Relative files lie beside the configuration.
    pub fn settle(&mut self, beside: &Path) {
        for path in &mut self.vault_copies {
            *path = beside.join(&*path);
        }
        if let Some(pkcs11) = &mut self.pkcs11 {
            pkcs11.pin_file = beside.join(&pkcs11.pin_file);
        }
    }

    /// The vault's file and its copies.
    #[must_use]
    pub(super) fn vaults(&self, folder: &Path) -> Vec<PathBuf> {
        let own = folder.join(vault::FILE_NAME);
        std::iter::once(own).chain(self.vault_copies.iter().cloned()).collect()
    }

    /// The root's file.
    pub(super) fn root(folder: &Path) -> PathBuf {
        folder.join(root::FILE_NAME)
    }
}

/// The settings under `[retention]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Years after the last visit in which a record is ended only on a stated legal basis. 25: what Indonesia asks of hospitals
    /// (Permenkes 24/2022, article 39).
    pub years: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { years: 25 }
    }
}

impl Retention {
    /// Whether the time of a record is over.
    #[must_use]
    pub fn is_over(self, last_visit: Micros, now: Micros) -> bool {
        // A year of 365.25 days: on the day itself nobody ends a record by a rule.
        const YEAR_MICROS: Micros = 31_557_600_000_000;
        now >= last_visit.saturating_add(Micros::from(self.years).saturating_mul(YEAR_MICROS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_ends_on_its_day_and_not_before() {
        let kept = Retention { years: 1 };
        assert!(!kept.is_over(7, 31_557_600_000_006));
        assert!(kept.is_over(7, 31_557_600_000_007));
        assert!(!Retention { years: u32::MAX }.is_over(0, Micros::MAX / 8));
        assert!(Retention { years: 0 }.is_over(5, 5));
    }
}
