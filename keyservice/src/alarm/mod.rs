//! Alarms: what must not pass unseen, who has to look, and who is stopped meanwhile.
//!
//! Whatever rings is written down in the transaction of the request that made it ring, so that no crash parts an alarm from
//! its cause. A request that is refused, and so leaves nothing else behind, still leaves its alarms.

mod deliver;
mod detect;
mod frozen;
mod handle;
mod hearing;
mod incident;
mod node;
mod outbox;
pub(crate) mod rows;
mod settings;
mod tick;
mod watch;

pub use deliver::{Attempt, Deliverer, delivered};
pub use frozen::{Cause, Frozen};
pub use handle::{facts, request};
pub use node::stops;
pub use settings::Settings;
pub use tick::tick;
pub use watch::{Watch, attend};

use crate::request::Turn;
use record::{FacilityCode, Pseudonym};
pub use seal::message::alarm::{Kind, Severity};

/// Something that must not pass unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What it is about.
    pub kind: Kind,
    /// How soon somebody must look.
    pub severity: Severity,
    /// Who made it ring: an id of the register.
    pub actor: Option<String>,
    /// That one's facility.
    pub facility: Option<FacilityCode>,
    /// One sentence that names no patient: it leaves the house by mail.
    pub text: String,
    /// Whose record it is about. It stays in the ledger's event and is never delivered.
    pub patient: Option<Pseudonym>,
}

/// Rings. It is written down when the request has ended, however it ends, in the same transaction.
pub fn ring(turn: &mut Turn<'_>, alarm: Alarm) {
    turn.watch.ring(alarm);
}
