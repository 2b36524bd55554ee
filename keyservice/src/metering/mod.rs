//! Metering: how many different patients somebody may open, and the books of who opened whom.
//!
//! The books in memory are what was committed. A request asks whether its patients fit every budget that they count in,
//! and is charged in the same transaction that writes its event, so that no opening is without its charge, and none is
//! charged that was not logged. The clock of the books is the machine's own, which nobody sets (`policy::budget::Clock`).

mod clicks;
mod machine;
mod settings;

pub use clicks::Click;
use clicks::Clicks;
pub use settings::{Budgets, Mode};

use crate::audit::{self, Action, Decision, Event};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::request::Caller;
use crate::store::charges::{self, Charge};
use crate::store::patients::{self, Patient};
use policy::budget::{Books, Clock, Counts, HOUR_SECONDS, Holder, Measure, PatientNumber, Scope, Seconds, Spent};
use record::{Outcome, Role};
use rusqlite::Connection;
use std::collections::HashSet;
use std::sync::Arc;

/// How long the clock runs before it is written down beside a charge. What a machine ran after that and before it was
/// switched off is not counted, unless a charge tells it.
const CLOCK_KEPT_SECONDS: Seconds = 60;

/// Settings, books and clock.
#[derive(Debug)]
pub struct Metering {
    settings: Arc<Budgets>,
    books: Books,
    clock: Clock,
    clock_kept: Seconds,
    forgotten: Seconds,
    /// What askers have named themselves. It is not in the state: after a start a record's address vouches for one patient anew.
    clicks: Clicks,
    /// Charged in a request that has not ended: if it fails, the books are read again.
    is_ahead: bool,
}

/// What a request is charged to, and how much.
#[derive(Debug)]
pub struct Bill {
    holders: Vec<Holder>,
    measure: Measure,
    patients: HashSet<PatientNumber>,
    /// Those of them for whom only the archive node speaks, and the node.
    claimed: HashSet<PatientNumber>,
    node: Holder,
}

impl Metering {
    /// The books as they were committed.
    ///
    /// # Errors
    /// Damaged for charges that are not what was written, Busy if the system does not tell its time.
    pub fn load(db: &Connection, keys: &Keys, settings: Arc<Budgets>) -> Result<Self> {
        let reading = machine::reading()?;
        let clock = match charges::clock(db)? {
            Some((micros, before)) => Clock::resume(micros, before, charges::latest(db)?, reading),
            None => Clock::start(reading),
        };
        let now = clock.seconds();
        let mut books = Books::default();
        charges::each_since(db, keys, now, &mut |charge| {
            for (holder, patient) in charge.holders.iter().flat_map(|h| charge.patients.iter().map(move |p| (h, *p))) {
                books.charge(holder, charge.measure, patient, charge.at);
            }
        })?;
        Ok(Self { settings, books, clock, clock_kept: 0, forgotten: now, clicks: Clicks::default(), is_ahead: false })
    }

    /// Appends what a start has to say: whoever reads the ledger knows whether budgets refused anybody.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn log_start(&self, db: &Connection, keys: &Keys) -> Result<()> {
        if self.settings.mode == Mode::Enforce {
            return Ok(());
        }
        let event = Event::new(record::time::now(), Action::Start, Decision::Permitted);
        audit::append(db, keys, &event.detailed("budgets observe: openings are counted, and none is refused"))
            .map(|_| ())
    }

    /// The books as they were committed, after something failed.
    ///
    /// # Errors
    /// Damaged for charges that are not what was written.
    pub fn reload(&mut self, db: &Connection, keys: &Keys) -> Result<()> {
        // Whoever could make a request fail must not make an address stand for somebody else by it.
        let clicks = std::mem::take(&mut self.clicks);
        *self = Self { clicks, ..Self::load(db, keys, Arc::clone(&self.settings))? };
        Ok(())
    }

    /// Reads the machine's clock, and drops what no window can see any more. At the beginning of every group.
    ///
    /// # Errors
    /// Damaged or Busy if the disk fails.
    pub fn begin(&mut self, db: &Connection) -> Result<()> {
        let now = self.clock.advance(machine::reading()?);
        if now.saturating_sub(self.forgotten) >= HOUR_SECONDS {
            self.forgotten = now;
            charges::forget_before(db, now)?;
            self.books.forget_before(now);
        }
        Ok(())
    }

    /// The request has ended well: what it charged stands.
    pub fn keep(&mut self) {
        self.is_ahead = false;
    }

    /// Whether the books hold what a request that failed has charged.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.is_ahead
    }

    /// Now, on the clock of the budgets.
    #[must_use]
    pub fn now(&self) -> Seconds {
        self.clock.seconds()
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Budgets {
        &self.settings
    }

    /// What opening these patients would be charged to.
    ///
    /// # Errors
    /// Damaged for a patient without a number.
    pub fn bill(&mut self, caller: &Caller, click: &Click, measure: Measure, patients: &[Patient]) -> Result<Bill> {
        let patients: Vec<_> = patients.iter().map(|patient| number(*patient)).collect::<Result<_>>()?;
        let (now, proof) = (self.now(), caller.known.proof.as_ref());
        let claimed = match measure {
            Measure::Content => self.clicks.opened(&caller.known.id, proof, click, &patients, now),
            Measure::Summary => self.clicks.listed(proof, &patients, now),
        };
        let node = Holder { scope: Scope::Node, name: caller.node.to_string() };
        let (patients, claimed) = (patients.into_iter().collect(), claimed.into_iter().collect());
        Ok(Bill { holders: holders(caller), measure, patients, claimed, node })
    }

    /// Whether a bill fits every budget; `extra` patients an hour were granted to the actor on top of its own.
    ///
    /// # Errors
    /// Busy if the books are full, else the budget that does not hold it.
    pub fn check(
        &mut self,
        db: &Connection,
        caller: &Caller,
        bill: &Bill,
        extra: u32,
    ) -> Result<std::result::Result<(), Spent>> {
        if bill.patients.is_empty() {
            return Ok(Ok(()));
        }
        let more = bill.holders.len().saturating_add(1).saturating_mul(bill.patients.len());
        if !self.books.has_room(more) {
            return Err(Error::new(Outcome::Busy, "more openings in a day than the key service can count"));
        }
        if self.settings.mode == Mode::Observe {
            return Ok(Ok(()));
        }
        let (all, now) = (patients::count(db)?, self.now());
        let with_node = bill.holders.iter().map(|holder| (holder, &bill.patients)).chain([(&bill.node, &bill.claimed)]);
        for (holder, patients) in with_node {
            let mut numbers = self.settings.limits(holder, caller.known.actor.role, bill.measure).of(all);
            if matches!(holder.scope, Scope::Actor | Scope::Device) {
                numbers.hour = numbers.hour.saturating_add(extra);
            }
            if let Err(spent) = self.books.fits(holder, bill.measure, patients, numbers, now) {
                return Ok(Err(spent));
            }
        }
        Ok(Ok(()))
    }

    /// Charges a bill, on the disk and in the books.
    ///
    /// # Errors
    /// Damaged or Busy if the disk fails.
    pub fn charge(&mut self, db: &Connection, keys: &Keys, bill: Bill) -> Result<()> {
        if bill.patients.is_empty() {
            return Ok(());
        }
        let at = self.now();
        let Bill { holders, measure, patients, claimed, node } = bill;
        let mut charges = vec![Charge { at, measure, holders, patients: patients.into_iter().collect() }];
        if !claimed.is_empty() {
            let patients = claimed.into_iter().collect();
            charges.push(Charge { at, measure, holders: vec![node], patients });
        }
        charges.iter().try_for_each(|charge| charges::append(db, keys, charge))?;
        if self.clock_kept == 0 || at.saturating_sub(self.clock_kept) >= CLOCK_KEPT_SECONDS {
            let (micros, reading) = self.clock.parts();
            charges::keep_clock(db, micros, reading)?;
            self.clock_kept = at;
        }
        self.is_ahead = true;
        for charge in &charges {
            for (holder, patient) in charge.holders.iter().flat_map(|h| charge.patients.iter().map(move |p| (h, *p))) {
                self.books.charge(holder, measure, patient, at);
            }
        }
        Ok(())
    }

    /// What the actor itself has opened.
    pub fn counts(&mut self, caller: &Caller, measure: Measure) -> Counts {
        let now = self.now();
        self.books.counts(&actor(caller), measure, now)
    }
}

fn number(patient: Patient) -> Result<PatientNumber> {
    PatientNumber::try_from(patient.id).map_err(|_| Error::damaged("a patient's number is larger than any can be"))
}

/// The actor's own budget: a person's, or a machine's.
fn actor(caller: &Caller) -> Holder {
    let scope = if caller.known.actor.role == Role::System { Scope::Feed } else { Scope::Actor };
    Holder { scope, name: caller.known.id.clone() }
}

/// Everybody who has a part in what a caller opens, the actor first; but for the node, which has a part in what rests on its word.
fn holders(caller: &Caller) -> Vec<Holder> {
    let mut holders = vec![actor(caller)];
    if let Some(device) = &caller.known.device {
        holders.push(Holder { scope: Scope::Device, name: device.clone() });
    }
    let facility = caller.known.actor.facility.as_str().to_owned();
    holders.push(Holder { scope: Scope::Facility, name: facility });
    holders.push(Holder { scope: Scope::System, name: String::new() });
    holders
}

/// A spent budget in words for the log, and for whoever asked: whose it is, and never which patients.
#[must_use]
pub fn describe(spent: &Spent, measure: Measure) -> String {
    format!(
        "{} {} in a {}: {} of {} patients, {} more asked for",
        spent.scope.name(),
        measure.name(),
        spent.window.name(),
        spent.counted,
        spent.limit,
        spent.wanted
    )
}
