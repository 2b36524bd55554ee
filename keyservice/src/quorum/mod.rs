//! What takes two people.
//!
//! Since there have been two approvers, whoever holds the administrator's socket can take rights away alone, and give none: what
//! gives is proposed, approved by signatures of different people's own keys, waits, and is then carried out exactly as its bytes
//! say. Before that the administrator does everything alone, and the log says so at each start.
//!
//! | step | who | where |
//! |---|---|---|
//! | propose | the administrator's socket | `order` |
//! | approve, reject | an approver's signature, through any door | `verdict` |
//! | enact | the administrator's socket, once approved and waited for | `enact` |
//!
//! Every step is an event in the ledger, in the transaction that makes it.

pub mod approvers;
pub mod clock;
mod enact;
mod guard;
mod history;
mod order;
pub mod proposals;
pub mod restored;
mod rules;
pub mod settings;
mod verdict;

pub use enact::enact_export;
pub use guard::administer;
pub use history::check as check_history;
pub use rules::Settings;

use crate::audit::{Action, Decision, Event};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::request::{Ended, Stop, Turn};
use clock::Clock;
use proposals::Moment;
use record::Outcome;
use rusqlite::Connection;
use seal::approval::ProposalId;
use seal::message::quorum::{QuorumAnswer, QuorumCall, Rule};

/// The quorum's own state in memory: nothing that the file does not have, but the time since this start.
#[derive(Debug)]
pub struct Quorum {
    clock: Clock,
    /// The rules that count until there have been two approvers.
    first_rules: Vec<Rule>,
    /// The settings' text, to be held once there are two approvers.
    settings_text: String,
}

impl Quorum {
    /// Reads it.
    ///
    /// # Errors
    /// Damaged if the state is not what was written; Invalid for rules that cannot be.
    pub fn load(db: &Connection, keys: &Keys, config: &Config) -> Result<Self> {
        let (first_rules, settings_text) = (config.quorum.rules()?, config.text.clone());
        let quorum = Self { clock: Clock::load(db, keys)?, first_rules, settings_text };
        if !approvers::are_in_force(db, keys)? {
            tracing::info!("the administrator alone may change everything: fewer than two approvers are registered");
        }
        Ok(quorum)
    }

    /// Writes down how long the service has been running, now and then, within the open transaction.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn keep(&mut self, db: &Connection, keys: &Keys) -> Result<()> {
        self.clock.keep(db, keys)
    }
}

/// Answers an approver who asks through an archive node.
///
/// # Errors
/// Refused, with its event, for a signature that is none; Invalid for what cannot be done now.
pub fn call(turn: &mut Turn<'_>, call: &QuorumCall) -> Ended<QuorumAnswer> {
    match call {
        QuorumCall::Origin => Ok(QuorumAnswer::Origin(turn.issuer.to_owned())),
        QuorumCall::List(reading) => {
            verdict::check_reading(turn, reading)?;
            Ok(order::list(turn)?)
        }
        QuorumCall::Show(reading, id) => {
            verdict::check_reading(turn, reading)?;
            Ok(order::show(turn, id)?)
        }
        QuorumCall::Verdict(signed) => verdict::take(turn, signed, "node"),
    }
}

/// Now, by both clocks.
fn moment(turn: &Turn<'_>) -> Moment {
    Moment { now: turn.now, running: turn.quorum.clock.seconds() }
}

/// An event of a decision.
fn event(turn: &Turn<'_>, action: Action, decision: Decision, actor: &str, detail: String) -> Event {
    Event { actor: Some(actor.to_owned()), ..Event::new(turn.now, action, decision) }.detailed(detail)
}

/// A refusal that is written down and says what is missing: whoever asks is known, and must be able to put it right.
fn refuse(turn: &Turn<'_>, action: Action, actor: &str, id: Option<&ProposalId>, text: &str) -> Stop {
    let of = id.map(|id| format!("{}: ", id.to_hex())).unwrap_or_default();
    let event = event(turn, action, Decision::RefusedApproval, actor, format!("{of}{text}"));
    Stop::Explained(Box::new(event), Error::new(Outcome::Refused, text))
}
