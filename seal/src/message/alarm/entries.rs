//! What an administrator reads of alarms, incidents, the frozen and what was delivered.

use super::{Kind, Severity, State};
use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros, Pseudonym};

/// One alarm.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AlarmEntry {
    /// Its number.
    #[n(0)]
    pub alarm: u64,
    /// What it is about.
    #[n(1)]
    pub kind: Kind,
    /// How soon somebody must look.
    #[n(2)]
    pub severity: Severity,
    /// When it rang first.
    #[n(3)]
    pub at: Micros,
    /// When it rang last.
    #[n(4)]
    pub last: Micros,
    /// How often.
    #[n(5)]
    pub count: u64,
    /// Who made it ring: an id of the register.
    #[n(6)]
    pub actor: Option<String>,
    /// That one's name.
    #[n(7)]
    pub name: Option<String>,
    /// That one's facility.
    #[n(8)]
    pub facility: Option<FacilityCode>,
    /// One sentence without patient data.
    #[n(9)]
    pub text: String,
    /// Where it stands.
    #[n(10)]
    pub state: State,
    /// Whose turn it is: 0 the owner, 1 the deputy, 2 the data protection officer.
    #[n(11)]
    pub stage: u8,
    /// When it escalates.
    #[n(12)]
    pub due: Micros,
    /// Who has it or closed it.
    #[n(13)]
    pub by: Option<String>,
    /// What that one wrote.
    #[n(14)]
    pub note: Option<String>,
    /// Its incident.
    #[n(15)]
    pub incident: Option<u64>,
    /// Its entry in the ledger.
    #[n(16)]
    pub position: u64,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct IncidentEntry {
    /// Its number.
    #[n(0)]
    pub incident: u64,
    /// When it began.
    #[n(1)]
    pub at: Micros,
    /// The alarm that opened it.
    #[n(2)]
    pub alarm: u64,
    /// What that is about.
    #[n(3)]
    pub kind: Kind,
    /// Whose.
    #[n(4)]
    pub actor: String,
    /// That one's name.
    #[n(5)]
    pub name: Option<String>,
    /// That one's facility.
    #[n(6)]
    pub facility: Option<FacilityCode>,
    /// Through which door.
    #[n(7)]
    pub channel: Option<String>,
    /// From when on its facts are gathered.
    #[n(8)]
    pub since: Micros,
    /// Its entry in the ledger: facts end here.
    #[n(9)]
    pub position: u64,
    /// Whether its actor is frozen now.
    #[n(10)]
    pub is_frozen: bool,
    /// The device, feed or node that the actor used, as far as known.
    #[n(11)]
    pub device: Option<String>,
}

/// One thing that an incident's actor did.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Fact {
    /// When.
    #[n(0)]
    pub at: Micros,
    /// What, as the log names it.
    #[n(1)]
    pub action: String,
    /// How it ended, as the log names it.
    #[n(2)]
    pub decision: String,
    /// Whose record.
    #[n(3)]
    pub patient: Option<Pseudonym>,
    /// `summary` or `content`.
    #[n(4)]
    pub part: Option<String>,
    /// Through which door.
    #[n(5)]
    pub channel: Option<String>,
    /// How many objects.
    #[n(6)]
    pub objects: u64,
    /// Its entry in the ledger.
    #[n(7)]
    pub position: u64,
}

/// One who is frozen.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct FrozenEntry {
    /// An id of the register.
    #[n(0)]
    pub actor: String,
    /// That one's name.
    #[n(1)]
    pub name: Option<String>,
    /// Since when.
    #[n(2)]
    pub since: Micros,
    /// Who decided it: a name, or `alarm`.
    #[n(3)]
    pub by: String,
    /// Why.
    #[n(4)]
    pub reason: String,
}

/// One message that waits to be delivered, or never was.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Delivery {
    /// Its number.
    #[n(0)]
    pub id: u64,
    /// Its alarm.
    #[n(1)]
    pub alarm: u64,
    /// `webhook` or `mail`, and to where.
    #[n(2)]
    pub to: String,
    /// Attempts so far.
    #[n(3)]
    pub attempts: u32,
    /// Whether no further attempt is made.
    #[n(4)]
    pub is_dead: bool,
    /// Why the last attempt failed.
    #[n(5)]
    pub error: Option<String>,
    /// When it is tried again.
    #[n(6)]
    pub next: Micros,
}
