//! Who is registered: facilities, DIMSE peers, people and systems.
//!
//! The whole register is a value in memory. The writer changes its own copy inside a request's savepoint and publishes
//! it after the commit; everybody else reads the published one.

use crate::error::{Error, Result};
use minicbor::{Decode, Encode};
use record::limits::REASON_BYTES_MAX;
use record::{FacilityCode, Micros, Purpose, Role};
use seal::message::{self, Terms};
use std::collections::BTreeMap;

/// A facility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facility {
    /// Its row's number, inside the state only.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A DIMSE peer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Peer {
    /// Its actor id.
    #[n(0)]
    pub actor: String,
    /// The facility it acts for.
    #[n(1)]
    pub facility: FacilityCode,
    /// SHA-256 of its certificate's DER.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub certificate: Option<[u8; 32]>,
    /// Where it listens.
    #[n(3)]
    pub host: Option<String>,
    /// Its port.
    #[n(4)]
    pub port: Option<u16>,
}

/// A person or system.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Person {
    /// The name it is called by.
    #[n(0)]
    pub name: String,
    /// Its facility.
    #[n(1)]
    pub facility: FacilityCode,
    /// Its role.
    #[n(2)]
    pub role: Role,
    /// Until when it opens anything, and what for; none is without end.
    #[n(3)]
    pub terms: Option<Terms>,
}

impl Person {
    /// A person without end.
    #[must_use]
    pub fn new(name: String, facility: FacilityCode, role: Role) -> Self {
        Self { name, facility, role, terms: None }
    }

    /// Whether duty or training has lapsed, or duty has not begun.
    #[must_use]
    pub fn has_lapsed(&self, now: Micros) -> bool {
        self.terms.as_ref().is_some_and(|terms| {
            terms.duty_from.is_some_and(|from| now < from)
                || terms.duty_until.is_some_and(|until| now >= until)
                || terms.training_until.is_some_and(|until| now >= until)
        })
    }

    /// What it may sign in for.
    #[must_use]
    pub fn purposes(&self) -> Vec<Purpose> {
        match self.terms.as_ref().and_then(|terms| terms.purposes.clone()) {
            Some(purposes) => purposes,
            None => match self.role {
                Role::Registrar => vec![Purpose::HealthcareOperations, Purpose::Treat],
                // Neither reads records: one looks at the log, the other reviews, answers and approves.
                Role::Auditor | Role::DataProtectionOfficer => vec![Purpose::HealthcareOperations],
                Role::System => vec![Purpose::Treat],
                // An emergency that was declared is read under its own purpose; without one that opens nothing.
                Role::Clinician => vec![Purpose::Treat, Purpose::EmergencyTreat, Purpose::BreakGlass],
                _ => vec![Purpose::Treat, Purpose::EmergencyTreat],
            },
        }
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person(#, {}, {})", self.facility, self.role.name())
    }
}

/// The register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    /// Facilities by code.
    pub facilities: BTreeMap<FacilityCode, Facility>,
    /// Peers by AE title.
    pub peers: BTreeMap<String, Peer>,
    /// People by actor id.
    pub people: BTreeMap<String, Person>,
}

impl Register {
    /// The actor id of a name.
    #[must_use]
    pub fn actor_of(&self, name: &str) -> Option<&str> {
        let name = name.trim();
        self.people.iter().find(|(_, person)| person.name == name).map(|(actor, _)| actor.as_str())
    }

    /// As an administrator sees it.
    #[must_use]
    pub fn listing(&self) -> message::Register {
        message::Register {
            facilities: self.facilities.iter().map(|(code, facility)| (code.clone(), facility.name.clone())).collect(),
            peers: self
                .peers
                .iter()
                .map(|(ae_title, peer)| message::PeerEntry {
                    ae_title: ae_title.clone(),
                    facility: peer.facility.clone(),
                    certificate: peer.certificate,
                    host: peer.host.clone(),
                    port: peer.port,
                })
                .collect(),
            people: self.people.values().map(|p| (p.name.clone(), p.facility.clone(), p.role)).collect(),
        }
    }

    /// Where a peer listens, if it is registered with an address.
    #[must_use]
    pub fn peer_address(&self, ae_title: &str) -> Option<message::PeerAddress> {
        let ae_title = ae_title.trim_matches(' ');
        let peer = self.peers.get(ae_title)?;
        Some(message::PeerAddress {
            ae_title: ae_title.to_owned(),
            facility: peer.facility.clone(),
            host: peer.host.clone()?,
            port: peer.port?,
            certificate: peer.certificate,
        })
    }

    /// The certificates that peers may present.
    #[must_use]
    pub fn certificates(&self) -> Vec<message::Certificate> {
        self.peers
            .iter()
            .filter_map(|(ae_title, peer)| {
                Some(message::Certificate { sha256: peer.certificate?, ae_title: ae_title.clone() })
            })
            .collect()
    }
}

/// An AE title as PS3.5 6.2 has it: 1 to 16 characters of the default repertoire without backslash and control
/// characters; spaces at its ends do not count.
///
/// # Errors
/// Invalid for anything else.
pub fn ae_title(text: &str) -> Result<String> {
    let title = text.trim_matches(' ');
    let fits = (1..=16).contains(&title.len()) && title.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\\');
    fits.then(|| title.to_owned()).ok_or_else(|| Error::invalid("an AE title has 1 to 16 printable ASCII characters"))
}

/// A name that a person typed: not empty, not endless, on one line.
///
/// # Errors
/// Invalid for anything else.
pub fn name(text: &str) -> Result<String> {
    let name = text.trim();
    let fits = (1..=REASON_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned()).ok_or_else(|| Error::invalid("a name has 1 to 1,024 bytes on one line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ae_titles_as_the_standard_has_them() {
        for (text, expected) in [
            ("CT1", Some("CT1")),
            (" CT 1 ", Some("CT 1")),
            ("0123456789ABCDEF", Some("0123456789ABCDEF")),
            ("0123456789ABCDEFG", None),
            ("", None),
            ("   ", None),
            ("A\\B", None),
            ("A\nB", None),
            ("Ä", None),
        ] {
            assert_eq!(ae_title(text).ok().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_lapses_lapses_to_the_microsecond() {
        let person = |terms| Person {
            name: "dr. Sari".into(),
            facility: FacilityCode::new("A").unwrap(),
            role: Role::Clinician,
            terms,
        };
        let terms = Terms { duty_from: Some(10), duty_until: Some(20), training_until: Some(30), purposes: None };
        for (terms, now, expected) in [
            (None, 0, false),
            (Some(Terms::default()), 0, false),
            (Some(terms.clone()), 9, true),
            (Some(terms.clone()), 10, false),
            (Some(terms.clone()), 19, false),
            (Some(terms.clone()), 20, true),
            (Some(Terms { duty_until: None, ..terms.clone() }), 29, false),
            (Some(Terms { duty_until: None, ..terms }), 30, true),
        ] {
            assert_eq!(person(terms).has_lapsed(now), expected, "at {now}");
        }
    }

    #[test]
    fn the_longest_name_fits_and_a_longer_one_does_not() {
        assert!(name(&"n".repeat(REASON_BYTES_MAX)).is_ok());
        assert!(name(&"n".repeat(REASON_BYTES_MAX + 1)).is_err());
        assert!(name("two\nlines").is_err() && name(" ").is_err());
        assert_eq!(name(" dr. Sari ").unwrap(), "dr. Sari");
    }
}
