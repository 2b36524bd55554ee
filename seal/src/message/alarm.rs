//! Alarms, incidents and who is frozen, as an administrator reads and handles them.

use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros, Pseudonym};

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// More patients in an hour than this actor, or its role, usually opens.
    #[n(0)]
    Volume,
    /// Patients of many facilities at once.
    #[n(1)]
    Breadth,
    /// Openings at an hour at which this actor is never at work.
    #[n(2)]
    Hour,
    /// Patients of a facility whose patients this actor has never opened.
    #[n(3)]
    UnseenFacility,
    /// Openings in the order of a store or a list, one after the other, without a second look.
    #[n(4)]
    Enumeration,
    /// Many searches and listed identities, and next to nothing opened.
    #[n(5)]
    Searches,
    /// Refusals that pile up.
    #[n(6)]
    Refusals,
    /// Somebody broke the glass.
    #[n(7)]
    BreakGlass,
    /// A broken glass whose review is overdue.
    #[n(8)]
    Unreviewed,
    /// A budget is used up.
    #[n(9)]
    Budget,
    /// The ledger lacks its quorum of witnesses, or a witness contradicts it.
    #[n(10)]
    Ledger,
    /// A sender that sends other bytes for what it had sent before.
    #[n(11)]
    Rewrites,
    /// A record that no honest work opens was opened.
    #[n(12)]
    Canary,
    /// A bulk export, or a change that takes two people, went otherwise than agreed.
    #[n(13)]
    Quorum,
    /// A root, passphrase or backup was touched.
    #[n(14)]
    Custody,
}

impl Kind {
    /// Every kind with the name that settings, deliveries and lists use.
    #[must_use]
    pub const fn all() -> &'static [(Self, &'static str)] {
        &[
            (Self::Volume, "volume"),
            (Self::Breadth, "breadth"),
            (Self::Hour, "hour"),
            (Self::UnseenFacility, "unseen-facility"),
            (Self::Enumeration, "enumeration"),
            (Self::Searches, "searches"),
            (Self::Refusals, "refusals"),
            (Self::BreakGlass, "break-glass"),
            (Self::Unreviewed, "unreviewed"),
            (Self::Budget, "budget"),
            (Self::Ledger, "ledger"),
            (Self::Rewrites, "rewrites"),
            (Self::Canary, "canary"),
            (Self::Quorum, "quorum"),
            (Self::Custody, "custody"),
        ]
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::all().iter().find(|(kind, _)| *kind == self).map_or("alarm", |(_, name)| name)
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().iter().find(|(_, other)| *other == name).map(|(kind, _)| *kind)
    }
}

/// How soon somebody must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Severity {
    /// Within a working day.
    #[n(0)]
    Notice,
    /// Within the hour.
    #[n(1)]
    Warning,
    /// Now.
    #[n(2)]
    Critical,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What an administrator asks about alarms.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum AlarmRequest {
    /// The alarms. Answers [`AlarmAnswer::Alarms`].
    #[n(0)]
    List {
        /// Closed ones too.
        #[n(0)]
        all: bool,
    },
    /// Somebody takes an alarm over: it escalates no further.
    #[n(1)]
    Take {
        /// Its number.
        #[n(0)]
        alarm: u64,
        /// Who, by registered name.
        #[n(1)]
        by: String,
        /// What they mean to do.
        #[n(2)]
        note: String,
    },
    /// Somebody closes an alarm.
    #[n(2)]
    Close {
        /// Its number.
        #[n(0)]
        alarm: u64,
        /// Who, by registered name.
        #[n(1)]
        by: String,
        /// What it was.
        #[n(2)]
        note: String,
    },
    /// The incidents. Answers [`AlarmAnswer::Incidents`].
    #[n(3)]
    Incidents,
    /// One incident with everything that its actor opened. Answers [`AlarmAnswer::Facts`].
    #[n(4)]
    Facts {
        /// Its number.
        #[n(0)]
        incident: u64,
    },
    /// Freezes a person, system or peer: it is refused everything from now on.
    #[n(5)]
    Freeze {
        /// Name, AE title or actor id.
        #[n(0)]
        name: String,
        /// Who decides it, by registered name.
        #[n(1)]
        by: String,
        /// Why.
        #[n(2)]
        reason: String,
    },
    /// Lets one go on. Nobody thaws itself.
    #[n(6)]
    Thaw {
        /// Name, AE title or actor id.
        #[n(0)]
        name: String,
        /// Who decides it, by registered name.
        #[n(1)]
        by: String,
        /// What was found.
        #[n(2)]
        note: String,
    },
    /// Who is frozen. Answers [`AlarmAnswer::Frozen`].
    #[n(7)]
    Frozen,
    /// What waits for delivery, and what could not be delivered. Answers [`AlarmAnswer::Outbox`].
    #[n(8)]
    Outbox,
}

/// What an administrator hears about alarms.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum AlarmAnswer {
    /// To `List`, the newest last.
    #[n(0)]
    Alarms(#[n(0)] Vec<AlarmEntry>),
    /// To `Incidents`, the newest last.
    #[n(1)]
    Incidents(#[n(0)] Vec<IncidentEntry>),
    /// To `Facts`.
    #[n(2)]
    Facts {
        /// The incident.
        #[n(0)]
        incident: IncidentEntry,
        /// What its actor did in the window before it, oldest first.
        #[n(1)]
        facts: Vec<Fact>,
        /// Whether there was more than one answer holds.
        #[n(2)]
        is_cut: bool,
    },
    /// To `Frozen`.
    #[n(3)]
    Frozen(#[n(0)] Vec<FrozenEntry>),
    /// To `Outbox`.
    #[n(4)]
    Outbox(#[n(0)] Vec<Delivery>),
}

/// Where an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum State {
    /// Nobody has taken it over.
    #[n(0)]
    Open,
    /// Somebody is on it.
    #[n(1)]
    Taken,
    /// It is done with.
    #[n(2)]
    Closed,
}

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
