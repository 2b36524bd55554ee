//! Which witnesses there are, and how many must agree.

use crate::error::{Error, Result};
use crate::outbound;
use ledger::WitnessKey;
use record::limits::WITNESSES_MAX;
use serde::Deserialize;
use std::time::Duration;

/// The section `[witnesses]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How many must have cosigned a checkpoint before it counts as witnessed: with 2 of 3, one may be away and one may lie.
    pub needed: usize,
    /// The witnesses.
    pub list: Vec<Named>,
    /// Seconds without a quorum after which an alarm rings.
    pub late_seconds: u64,
}

/// One witness as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its public key (C2SP vkey of type 4), as its operator published it.
    pub vkey: String,
    /// Its address: the submission prefix, without `/add-checkpoint`.
    pub url: String,
    /// The monitoring prefix, if it is another address.
    pub monitor: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        // Ten minutes outlast a restart of a witness or of a line, and not the working day of whoever would hide a history.
        Self { needed: 0, list: Vec::new(), late_seconds: 600 }
    }
}

/// A witness, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// What its cosignatures are verified with.
    pub key: WitnessKey,
    pub(super) submit: String,
    pub(super) monitor: String,
}

impl Settings {
    /// How long a quorum may be missing.
    #[must_use]
    pub fn late(&self) -> Duration {
        Duration::from_secs(self.late_seconds)
    }

    /// The witnesses, checked.
    ///
    /// # Errors
    /// Invalid for a key or address that is none, a key that stands twice, and a quorum that cannot be or means nothing.
    pub fn witnesses(&self) -> Result<Vec<Witness>> {
        let mut witnesses: Vec<Witness> = Vec::new();
        for named in &self.list {
            let witness = Witness::new(named)?;
            if witnesses.iter().any(|other| other.key.public() == witness.key.public()) {
                return Err(Error::invalid(format!("[witnesses] lists the key of {} twice", witness.key.name())));
            }
            witnesses.push(witness);
        }
        if witnesses.len() > WITNESSES_MAX {
            return Err(Error::invalid(format!("[witnesses] lists more than {WITNESSES_MAX}")));
        }
        if self.needed > witnesses.len() || (self.needed == 0 && !witnesses.is_empty()) {
            let text = format!(
                "[witnesses] needed = {} of {}: at least one, and not more than are listed",
                self.needed,
                witnesses.len()
            );
            return Err(Error::invalid(text));
        }
        Ok(witnesses)
    }
}

impl Witness {
    fn new(named: &Named) -> Result<Self> {
        let invalid = |why: &dyn std::fmt::Display| Error::invalid(format!("[witnesses] {}: {why}", named.vkey));
        let key: WitnessKey = named.vkey.parse().map_err(|e: ledger::Error| invalid(&e))?;
        let url = named.url.trim_end_matches('/');
        let monitor = named.monitor.as_deref().map_or(url, |monitor| monitor.trim_end_matches('/'));
        for address in [url, monitor] {
            outbound::check(address).map_err(|e| invalid(&e))?;
            if address.contains(['?', '#']) {
                return Err(invalid(&"its address has no query"));
            }
        }
        Ok(Self { key, submit: format!("{url}/add-checkpoint"), monitor: monitor.to_owned() })
    }
}
