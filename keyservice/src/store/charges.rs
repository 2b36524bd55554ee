//! Who opened whom when, as the budgets need it after a restart: one sealed row for each request that opened anything.

use crate::error::{Error, Result};
use crate::keys::Keys;
use minicbor::{Decode, Encode};
use policy::budget::{DAY_SECONDS, Holder, Measure, PatientNumber, Reading, Scope, Seconds};
use rusqlite::{Connection, OptionalExtension as _};

/// What one request is charged with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// When, on the clock of the budgets.
    pub at: Seconds,
    /// What was opened.
    pub measure: Measure,
    /// For whom it counts.
    pub holders: Vec<Holder>,
    /// Whose.
    pub patients: Vec<PatientNumber>,
}

/// As it is sealed.
#[derive(Encode, Decode)]
struct Row {
    #[n(0)]
    measure: u8,
    #[n(1)]
    holders: Vec<(u8, String)>,
    #[n(2)]
    patients: Vec<PatientNumber>,
}

/// The scopes' numbers in a row; a number is never reused.
const SCOPES: [Scope; 6] = [Scope::Actor, Scope::Feed, Scope::Device, Scope::Facility, Scope::Node, Scope::System];

impl Charge {
    fn row(&self) -> Row {
        let scope = |scope| SCOPES.iter().position(|one| *one == scope).and_then(|at| u8::try_from(at).ok());
        let holders = self.holders.iter().map(|h| (scope(h.scope).unwrap_or(u8::MAX), h.name.clone())).collect();
        Row { measure: u8::from(self.measure == Measure::Content), holders, patients: self.patients.clone() }
    }

    fn of(at: Seconds, row: Row) -> Option<Self> {
        let holder = |(scope, name): (u8, String)| Some(Holder { scope: *SCOPES.get(usize::from(scope))?, name });
        let holders = row.holders.into_iter().map(holder).collect::<Option<_>>()?;
        let measure = match row.measure {
            0 => Measure::Summary,
            1 => Measure::Content,
            _ => return None,
        };
        Some(Self { at, measure, holders, patients: row.patients })
    }
}

/// A row belongs to its number and its time.
fn place(id: i64, at: Seconds) -> Vec<u8> {
    [b"charge/".as_slice(), &id.to_be_bytes(), &at.to_be_bytes()].concat()
}

/// Writes a charge down.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn append(db: &Connection, keys: &Keys, charge: &Charge) -> Result<()> {
    let id: i64 = db
        .prepare_cached("SELECT COALESCE((SELECT id + 1 FROM charge ORDER BY id DESC LIMIT 1), 1)")?
        .query_row([], |row| row.get(0))?;
    let plain = minicbor::to_vec(charge.row()).map_err(|_| Error::invalid("a charge cannot be written"))?;
    let sealed = keys.events.seal(&place(id, charge.at), &plain)?;
    db.prepare_cached("INSERT INTO charge (id, at, sealed) VALUES (?1, ?2, ?3)")?.execute((id, charge.at, sealed))?;
    Ok(())
}

/// Every charge that a window can still see at `now`, in order.
///
/// # Errors
/// Damaged for a charge that is not what was written, or is missing between two others.
pub fn each_since(db: &Connection, keys: &Keys, now: Seconds, each: &mut dyn FnMut(Charge)) -> Result<()> {
    let damaged = || Error::damaged("a charge is not what was written");
    let mut statement = db.prepare("SELECT id, at, sealed FROM charge ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut expected = None;
    while let Some(row) = rows.next()? {
        let (id, at): (i64, Seconds) = (row.get(0)?, row.get(1)?);
        if expected.is_some_and(|expected| id != expected) {
            return Err(Error::damaged("a charge is missing from the state"));
        }
        expected = Some(id + 1);
        if now.saturating_sub(at) > DAY_SECONDS {
            continue;
        }
        let plain = keys.events.open(&place(id, at), row.get_ref(2)?.as_blob().map_err(|_| damaged())?);
        let row: Row = minicbor::decode(&plain.map_err(|_| damaged())?).map_err(|_| damaged())?;
        each(Charge::of(at, row).ok_or_else(damaged)?);
    }
    Ok(())
}

/// Drops what no window can see any more, but never the newest: its number goes on.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn forget_before(db: &Connection, now: Seconds) -> Result<()> {
    // They are in the order of their numbers and of their times alike; what goes is a beginning.
    db.execute(
        "DELETE FROM charge WHERE id < (SELECT COALESCE(
             (SELECT MIN(id) FROM charge WHERE at >= ?1), (SELECT MAX(id) FROM charge)))",
        [now.saturating_sub(DAY_SECONDS)],
    )?;
    Ok(())
}

/// When the newest charge was written down.
///
/// # Errors
/// Damaged if the disk fails.
pub fn latest(db: &Connection) -> Result<Seconds> {
    let found = db.query_row("SELECT at FROM charge ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

/// The clock of the budgets as it was last written down: its microseconds, and what the machine told then.
///
/// # Errors
/// Damaged if the disk fails or it is no clock.
pub fn clock(db: &Connection) -> Result<Option<(u64, Reading)>> {
    let found: Option<(i64, i64, [u8; 16])> = db
        .query_row("SELECT micros, since_boot_micros, boot FROM charge_clock", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let unsigned =
        |n: i64| u64::try_from(n).map_err(|_| Error::damaged("the clock of the budgets is before its start"));
    found
        .map(|(micros, since, boot)| Ok((unsigned(micros)?, Reading { boot, since_boot_micros: unsigned(since)? })))
        .transpose()
}

/// Writes the clock down.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn keep_clock(db: &Connection, micros: u64, reading: Reading) -> Result<()> {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    db.execute(
        "INSERT OR REPLACE INTO charge_clock (only, micros, since_boot_micros, boot) VALUES (0, ?1, ?2, ?3)",
        (signed(micros), signed(reading.since_boot_micros), reading.boot),
    )?;
    Ok(())
}
