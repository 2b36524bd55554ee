//! What a request does to the state. Each runs in its own savepoint of the group's transaction.

pub mod admin;
pub mod admit;
pub mod break_glass;
pub mod compare;
pub mod erase;
pub mod label;
pub mod relate;
pub mod release;
mod standing;
pub mod step_up;

use crate::alarm::Watch;
use crate::audit::{Action, Decision, Event};
use crate::authenticate::Known;
use crate::custody::Retention;
use crate::error::{Error, Result};
use crate::issuer::Issuer;
use crate::keys::Keys;
use crate::metering::Metering;
use crate::names::Names;
use crate::quorum::Quorum;
use crate::register::Register;
use crate::store::patients::Patient;
use policy::{Engine, Right, Situation};
use record::limits::LABEL_BYTES_MAX;
use record::{Micros, Purpose};
use rusqlite::Connection;
use seal::message::{Asker, Proof};
use std::fmt;
use std::sync::{Arc, RwLock};

pub(crate) use standing::Standing;

/// One request's turn in the group.
pub struct Turn<'t> {
    /// The open transaction.
    pub db: &'t Connection,
    /// The keys.
    pub keys: &'t Keys,
    /// The writer's own copy of the register.
    pub register: &'t mut Register,
    /// The budgets and their books.
    pub metering: &'t mut Metering,
    /// Alarms, and who is frozen.
    pub watch: &'t mut Watch,
    /// What takes two people.
    pub quorum: &'t Quorum,
    /// The rules in force.
    pub engine: Arc<Engine>,
    /// The issuer of tokens.
    pub issuer: &'t str,
    /// Who may have tokens, and what proofs were shown.
    pub sign_in: &'t Issuer,
    /// The words of names.
    pub names: &'t RwLock<Names>,
    /// How long records are kept.
    pub retention: Retention,
    /// Now.
    pub now: Micros,
}

/// Who asks, known and with its purpose.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub known: Known,
    /// What for.
    pub purpose: Purpose,
    /// Through which door.
    pub channel: String,
    /// Which archive node passed it on.
    pub node: Node,
}

/// An archive node, by what its connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// The Unix socket that only this host's own user may open.
    Here,
    /// SHA-256 of the DER of the client certificate.
    Certificate([u8; 32]),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here => f.write_str("here"),
            Self::Certificate(sha256) => f.write_str(&hex::encode(sha256)),
        }
    }
}

/// Why a request ends without what was asked.
#[derive(Debug)]
pub enum Stop {
    /// Nothing of it remains.
    Failed(Error),
    /// Nothing of it remains but these events.
    Refused(Vec<Event>),
    /// Nothing of it remains but this event: the asker's budget is spent, and it hears so.
    Exhausted(Box<Event>, Error),
    /// Nothing of it remains but this event; the asker is known, and hears what is missing.
    Explained(Box<Event>, Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// How a request ends.
pub type Ended<T> = std::result::Result<T, Stop>;

impl Turn<'_> {
    /// Decides one right over one patient's record as a whole. What is labelled is decided object by object, see
    /// [`Turn::standing`].
    pub(crate) fn decide(&self, caller: &Caller, right: Right, patient: Patient) -> Result<policy::Decision> {
        Ok(self.standing(caller, patient)?.decide(right))
    }

    /// How the caller stands to a patient: read once, for as many decisions as there are objects.
    pub(crate) fn standing<'c>(&self, caller: &'c Caller, patient: Patient) -> Result<Standing<'c>> {
        Standing::read(self, caller, patient)
    }

    /// An event of this request.
    pub(crate) fn event(&self, caller: &Caller, action: Action, decision: Decision) -> Event {
        Event {
            actor: Some(caller.known.id.clone()),
            facility: Some(caller.known.actor.facility.clone()),
            role: Some(caller.known.actor.role),
            purpose: Some(caller.purpose),
            channel: Some(caller.channel.clone()),
            ..Event::new(self.now, action, decision)
        }
    }

    /// Appends an event.
    pub(crate) fn append(&mut self, event: &Event) -> Result<u64> {
        self.watch.hear(event);
        crate::audit::append(self.db, self.keys, event)
    }
}

/// Whether a proof was made for a request to one of these paths. A plain bearer token is made for nothing in particular;
/// where it is accepted at all is decided elsewhere. A machine's certificate is no person's word.
pub(crate) fn signed_for(proof: &Proof, paths: &[&str]) -> bool {
    match proof {
        Proof::Bearer(_) => true,
        Proof::Bound { uri, .. } => {
            let path = uri.split(['?', '#']).next().unwrap_or_default();
            paths.iter().any(|wanted| path.ends_with(wanted))
        }
        _ => false,
    }
}

/// What a decision depends on beside the actor and the patient.
pub(crate) fn situation(purpose: Purpose, emergency: bool, now: Micros) -> Situation {
    const HOUR_MICROS: Micros = 3_600_000_000;
    let hour = u8::try_from(now.div_euclid(HOUR_MICROS).rem_euclid(24)).unwrap_or(0);
    Situation { purpose, emergency, hour }
}

/// Checks the short words of an asker before they reach a log.
///
/// # Errors
/// Invalid for a channel that is none.
pub fn check_asker(asker: &Asker) -> Result<()> {
    let fits = (1..=LABEL_BYTES_MAX).contains(&asker.channel.len())
        && asker.channel.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then_some(()).ok_or_else(|| Error::invalid("a channel is a short lower-case word"))
}
