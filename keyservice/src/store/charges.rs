//! Who opened whom when, as the budgets need it after a restart.

use crate::error::Result;
use policy::budget::{DAY_MICROS, Measure, Meter};
use record::{Micros, Pseudonym};
use rusqlite::Connection;

fn number(measure: Measure) -> i64 {
    match measure {
        Measure::Summary => 0,
        Measure::Content => 1,
    }
}

/// Writes one opening down.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn charge(db: &Connection, actor: &str, measure: Measure, patient: i64, at: Micros) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO charge (actor, measure, patient, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (actor, measure, patient) DO UPDATE SET at = MAX(at, excluded.at)",
    )?
    .execute((actor, number(measure), patient, at))?;
    Ok(())
}

/// Drops what no window can see any more.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn forget_before(db: &Connection, now: Micros) -> Result<()> {
    db.execute("DELETE FROM charge WHERE at <= ?1", [now.saturating_sub(DAY_MICROS)])?;
    Ok(())
}

/// The books as they were committed.
///
/// # Errors
/// Damaged if the disk fails.
pub fn load(db: &Connection, now: Micros) -> Result<Meter> {
    let mut meter = Meter::default();
    let mut statement = db.prepare(
        "SELECT actor, measure, pseudonym, at FROM charge JOIN patient ON patient.id = charge.patient WHERE at > ?1",
    )?;
    let mut rows = statement.query([now.saturating_sub(DAY_MICROS)])?;
    while let Some(row) = rows.next()? {
        let measure = if row.get::<_, i64>(1)? == 0 { Measure::Summary } else { Measure::Content };
        let actor: String = row.get(0)?;
        meter.charge(&actor, measure, Pseudonym(row.get(2)?), row.get(3)?);
    }
    Ok(meter)
}
