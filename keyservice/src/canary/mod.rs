//! Canaries: records of nobody that no honest work opens.
//!
//! Planting one leaves nothing but an ordinary admission, in the archive, in the ledger and in every table here: the list of
//! canaries holds sealed identities that were written down before, and is not touched when one arrives. Which patient a canary
//! became is found by its identifiers, in memory. So whoever has every file of both hosts and not the root cannot tell
//! them from patients.
//!
//! A canary is answered like any other record, content too. Refusing would tell a thief which of the records that a list has
//! just shown is not one; what is given is synthetic. The actor is frozen in the same transaction.
//!
//! A young one is not shown in lists, so that it stands on nobody's work list: it comes of age below all of them.

mod plant;

pub use plant::{admitted, check, due, request};

use crate::alarm::rows::{self, Table};
use crate::error::Result;
use crate::identity;
use crate::keys::Keys;
use crate::store::patients;
use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros, Pseudonym};
use rusqlite::Connection;
use seal::message::canary::CanaryPlan;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const DAY_MICROS: Micros = 24 * 3_600_000_000;

/// `[canaries]` of the key service's settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Real patients that arrive at a facility between two canaries, on average.
    pub patients_between: u32,
    /// Days until a canary is shown in lists. A fortnight is longer than work lists reach back.
    pub age_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        // Whoever opens 460 patients meets one with a probability of 0.994. At 100 it would be 0.99 on the average of many archives, and less in half of them.
        Self { patients_between: 90, age_days: 14 }
    }
}

/// A canary as it is sealed in the state.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Kept {
    #[n(0)]
    plan: CanaryPlan,
    #[n(1)]
    at_once: bool,
}

/// One of the list, in memory.
#[derive(Clone, Debug)]
struct Canary {
    plan: CanaryPlan,
    at_once: bool,
    tags: Vec<[u8; 32]>,
    planted: Option<Pseudonym>,
}

/// The list, and which patients its canaries became.
#[derive(Debug, Default)]
pub struct Canaries {
    settings: Settings,
    list: BTreeMap<i64, Canary>,
    /// Since when each is known.
    patients: HashMap<Pseudonym, Micros>,
    /// Patients that arrived at each facility since its last canary, and how many are to arrive before the next.
    arrived: BTreeMap<FacilityCode, (u32, u32)>,
    /// Who has been given out to be planted, and until when nobody else is.
    given: BTreeMap<i64, Micros>,
}

impl Canaries {
    /// The list as it was committed.
    ///
    /// # Errors
    /// Damaged for a row that does not open.
    pub fn load(db: &Connection, keys: &Keys, settings: Settings) -> Result<Self> {
        let mut canaries = Self { settings, ..Self::default() };
        for (number, kept) in rows::all::<Kept>(db, keys, Table::Canary)? {
            canaries.add(db, keys, number, kept)?;
        }
        Ok(canaries)
    }

    /// Reads it again, after a group that did not come to stand.
    ///
    /// # Errors
    /// Damaged for a row that does not open.
    pub fn reload(&mut self, db: &Connection, keys: &Keys) -> Result<()> {
        let arrived = std::mem::take(&mut self.arrived);
        *self = Self { arrived, ..Self::load(db, keys, self.settings.clone())? };
        Ok(())
    }

    fn add(&mut self, db: &Connection, keys: &Keys, number: i64, kept: Kept) -> Result<()> {
        let Kept { plan, at_once } = kept;
        let tags = identity::tags(keys, &plan.facility, &plant::identifiers(&plan))?;
        let mut canary = Canary { plan, at_once, tags, planted: None };
        for tag in &canary.tags {
            let Some(patient) = patients::by_identifier(db, tag)? else { continue };
            let since = db
                .prepare_cached("SELECT COALESCE(MIN(since), 0) FROM treated WHERE patient = ?1")?
                .query_row([patient.id], |row| row.get(0))?;
            self.patients.insert(patient.pseudonym, since);
            canary.planted = Some(patient.pseudonym);
        }
        self.list.insert(number, canary);
        Ok(())
    }

    /// Whether a patient is one.
    #[must_use]
    pub fn holds(&self, patient: Pseudonym) -> bool {
        self.patients.contains_key(&patient)
    }

    /// Whether a patient is one that is not shown in lists yet.
    #[must_use]
    pub fn is_young(&self, patient: Pseudonym, now: Micros) -> bool {
        let age = DAY_MICROS.saturating_mul(Micros::from(self.settings.age_days));
        self.patients.get(&patient).is_some_and(|since| now.saturating_sub(*since) < age)
    }

    /// Whether a patient may go into an export for a recipient: everybody but sleeping canaries and those of other recipients.
    #[must_use]
    pub fn may_go_to(&self, patient: Pseudonym, recipient: &str) -> bool {
        let mut those = self.list.values().filter(|canary| canary.planted == Some(patient));
        those.all(|canary| !canary.plan.is_sleeping && canary.plan.recipient.as_deref() == Some(recipient))
    }

    /// The tags of everybody on the list: no two are one person.
    fn tags(&self) -> BTreeSet<[u8; 32]> {
        self.list.values().flat_map(|canary| canary.tags.iter().copied()).collect()
    }
}
