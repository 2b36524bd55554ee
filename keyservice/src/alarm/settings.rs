//! Settings of alarms: who has to look, by when, and how they are told.

use super::Kind;
use super::detect::Thresholds;
use crate::error::{Error, Result};
use seal::message::alarm::Severity;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `[alarms]` of the key service's settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who looks first.
    pub owner: Option<Contact>,
    /// Who looks if the owner does not.
    pub deputy: Option<Contact>,
    /// The data protection officer, who looks if neither does, and is told of every broken glass.
    pub officer: Option<Contact>,
    /// Where a kind of alarm differs.
    pub kinds: BTreeMap<String, KindSettings>,
    /// Kinds whose critical alarms freeze the actor at once.
    pub freeze: Vec<String>,
    /// So many different people and machines that meet canaries through one archive node within a day stop the node: it takes records in
    /// and opens none. 0 stops none.
    pub node_canaries: usize,
    /// How far back an incident gathers what its actor did. A day is a working day and what led to it.
    pub incident_hours: u16,
    /// Local time, from which usual hours are told: 7 is WIB, 8 WITA, 9 WIT.
    pub utc_offset_hours: i8,
    /// From which figures on work does not look honest.
    pub thresholds: Thresholds,
    /// Where alarms are posted to.
    pub webhooks: Vec<Webhook>,
    /// How alarms are mailed.
    pub mail: Option<Mail>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner: None,
            deputy: None,
            officer: None,
            kinds: BTreeMap::new(),
            // A canary has no honest reader; a walk along a list or store of thirty patients, and a hundred patients beyond any
            // habit, have none that a simulated fortnight of honest shifts shows.
            freeze: ["canary", "enumeration", "volume"].map(str::to_owned).to_vec(),
            // One is a stolen login, two may be two of them. A node in a thief's hands has some hundred openings for each login that it
            // rides, and meets three canaries among 300 patients.
            node_canaries: 3,
            incident_hours: 24,
            utc_offset_hours: 7,
            thresholds: Thresholds::default(),
            webhooks: Vec::new(),
            mail: None,
        }
    }
}

/// Somebody who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contact {
    /// The name in the register.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
}

/// What differs for one kind of alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KindSettings {
    /// Who looks first.
    pub owner: Option<Contact>,
    /// Who looks if the owner does not.
    pub deputy: Option<Contact>,
    /// Minutes until it escalates.
    pub clock_minutes: Option<u32>,
    /// Whether it is heard at all.
    pub is_off: bool,
}

/// Where alarms are posted to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `https://`, or `http://` on this host.
    pub url: String,
    /// File with the secret under which each message is signed. It lies beside the settings.
    pub secret_file: PathBuf,
    /// Authority of the receiver's certificate (PEM); those that the system trusts if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// How alarms are mailed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server that takes mail.
    pub host: String,
    /// Its port: 587 for STARTTLS, 465 for TLS (RFC 8314).
    pub port: u16,
    /// How the way there is sealed.
    #[serde(default)]
    pub transport: Transport,
    /// The sender's address.
    pub from: String,
    /// The account there.
    #[serde(default)]
    pub user: Option<String>,
    /// File with the account's password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Authority of the server's certificate (PEM); those that the system trusts if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// How the way to the mail server is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// STARTTLS, or no mail (RFC 3207).
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// In clear, to a relay on this host alone.
    Loopback,
}

impl Settings {
    /// Checks them; relative files lie beside the settings.
    ///
    /// # Errors
    /// Invalid for a kind that is none, or a clock that never runs out.
    pub fn settle(&mut self, beside: &Path) -> Result<()> {
        for name in self.kinds.keys().chain(&self.freeze) {
            Kind::from_name(name).ok_or_else(|| Error::invalid(format!("alarms: there is no kind {name}")))?;
        }
        if self.kinds.values().any(|kind| kind.clock_minutes == Some(0)) || !(-12..=14).contains(&self.utc_offset_hours)
        {
            return Err(Error::invalid("alarms: a clock runs for a minute at least, and a day has 24 hours"));
        }
        let own = self.kinds.values().flat_map(|kind| [&kind.owner, &kind.deputy]);
        for contact in own.chain([&self.owner, &self.deputy, &self.officer]).flatten() {
            contact.mail.as_deref().map(super::deliver::check_address).transpose()?;
        }
        for hook in &mut self.webhooks {
            hook.secret_file = beside.join(&hook.secret_file);
            hook.ca_file = hook.ca_file.as_ref().map(|file| beside.join(file));
        }
        if let Some(mail) = &mut self.mail {
            mail.password_file = mail.password_file.as_ref().map(|file| beside.join(file));
            mail.ca_file = mail.ca_file.as_ref().map(|file| beside.join(file));
            if mail.transport == Transport::Loopback && !["127.0.0.1", "::1", "localhost"].contains(&mail.host.as_str())
            {
                return Err(Error::invalid("alarms: mail in clear goes to a relay on this host alone"));
            }
        }
        Ok(())
    }

    /// Where budgets only count, what looks like too much is told and nobody is stopped for it. A canary is another matter.
    pub fn observe(&mut self) {
        self.freeze.retain(|name| name == Kind::Canary.name());
    }

    pub(super) fn is_off(&self, kind: Kind) -> bool {
        self.kinds.get(kind.name()).is_some_and(|settings| settings.is_off)
    }

    pub(super) fn freezes(&self, kind: Kind) -> bool {
        self.freeze.iter().any(|name| name == kind.name())
    }

    /// Minutes until an alarm escalates: what is going on now is looked at within a quarter of an hour, so that two steps
    /// take no longer than half an hour; a warning within an hour, a notice within a working day.
    pub(super) fn clock_minutes(&self, kind: Kind, severity: Severity) -> u32 {
        let usual = match severity {
            Severity::Critical => 15,
            Severity::Warning => 60,
            Severity::Notice => 24 * 60,
        };
        self.kinds.get(kind.name()).and_then(|settings| settings.clock_minutes).unwrap_or(usual)
    }

    /// Who looks at a stage: 0 the owner, 1 the deputy, 2 the data protection officer.
    pub(super) fn contact(&self, kind: Kind, stage: u8) -> Option<&Contact> {
        let own = self.kinds.get(kind.name());
        match stage {
            0 => own.and_then(|kind| kind.owner.as_ref()).or(self.owner.as_ref()),
            1 => own.and_then(|kind| kind.deputy.as_ref()).or(self.deputy.as_ref()),
            _ => self.officer.as_ref(),
        }
    }
}
