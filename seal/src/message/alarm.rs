//! Alarms, incidents and who is frozen, as an administrator reads and handles them.

mod entries;

pub use entries::{AlarmEntry, Delivery, Fact, FrozenEntry, IncidentEntry};

use minicbor::{Decode, Encode};

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
