//! Incidents: what an actor who was stopped had done before. The facts stay where they are, in the ledger's events; an
//! incident says whose they are, from when to when.

mod facts;

pub use facts::gather;

use super::Kind;
use super::rows::{self, Table};
use super::watch::Record;
use crate::error::Result;
use crate::request::Turn;
use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros};

const HOUR_MICROS: Micros = 3_600_000_000;

/// An incident as it is sealed in the state.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Incident {
    /// When it began.
    #[n(0)]
    pub at: Micros,
    /// The alarm that opened it.
    #[n(1)]
    pub alarm: i64,
    /// What that is about.
    #[n(2)]
    pub kind: Kind,
    /// Whose.
    #[n(3)]
    pub actor: String,
    /// That one's facility.
    #[n(4)]
    pub facility: Option<FacilityCode>,
    /// Through which door.
    #[n(5)]
    pub channel: Option<String>,
    /// From when on its facts are gathered.
    #[n(6)]
    pub since: Micros,
    /// Entries of the ledger before this one are its facts.
    #[n(7)]
    pub position: u64,
    /// The device, feed or node that the actor used, as far as known.
    #[n(8)]
    pub device: Option<String>,
}

/// Through what an actor came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The door.
    pub channel: Option<String>,
    /// The device or feed.
    pub device: Option<String>,
}

/// Opens an incident; answers its number.
pub(super) fn begin(turn: &Turn<'_>, alarm: i64, record: &Record, actor: &str, way: Way) -> Result<u64> {
    let window = HOUR_MICROS.saturating_mul(Micros::from(turn.watch.settings.incident_hours));
    let incident = Incident {
        at: turn.now,
        alarm,
        kind: record.kind,
        actor: actor.to_owned(),
        facility: record.facility.clone(),
        channel: way.channel,
        since: turn.now.saturating_sub(window),
        position: crate::store::events::size(turn.db)?,
        device: way.device,
    };
    let id = rows::insert(turn.db, turn.keys, Table::Incident, &incident)?;
    Ok(u64::try_from(id).unwrap_or_default())
}
