//! What binds facilities to patients beside treatment, and what is labelled as sensitive.

use super::patients::{self, Patient};
use crate::error::{Error, Result};
use crate::keys::Keys;
use policy::Relation;
use record::{Label, Labels, Micros, ObjectId};
use rusqlite::Connection;
use seal::message::Part;

/// What was given to another facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gift {
    /// A referral.
    Referral,
    /// The patient's consent.
    Consent(Part),
}

impl Gift {
    fn kind(self) -> u8 {
        match self {
            Self::Referral => 0,
            Self::Consent(Part::Summary) => 1,
            Self::Consent(Part::Content) => 2,
        }
    }
}

/// A relation that begins.
pub struct New<'n> {
    /// Whose.
    pub patient: Patient,
    /// Row number of the facility that may look.
    pub facility: i64,
    /// Row number of the facility that gives it.
    pub giver: i64,
    /// What it gives.
    pub gift: Gift,
    /// From now.
    pub since: Micros,
    /// Until then.
    pub until: Micros,
    /// Who gives it: an id of the register.
    pub actor: &'n str,
    /// The object that says so; `None` if it was said outright.
    pub object: Option<ObjectId>,
}

/// What binds a facility to a patient now. Whoever treats needs nothing else, so nothing else is then looked for.
///
/// # Errors
/// Damaged if the disk fails.
pub fn between(db: &Connection, patient: Patient, facility: i64, now: Micros) -> Result<Relation> {
    let mut statement =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM treated WHERE patient = ?1 AND facility = ?2)")?;
    let mut is_treated = |id: i64| statement.query_row((id, facility), |row| row.get::<_, bool>(0));
    if is_treated(patient.id)? {
        return Ok(Relation::TREATED);
    }
    let mut relation = Relation::NONE;
    let linked = patients::linked(db, patient)?;
    for other in &linked {
        if is_treated(other.id)? {
            return Ok(Relation { linked: true, ..Relation::NONE });
        }
    }
    let mut given = db.prepare_cached(
        "SELECT kind FROM relation WHERE patient = ?1 AND facility = ?2 AND until > ?3 AND isolated = 0",
    )?;
    for one in std::iter::once(&patient).chain(&linked) {
        let mut rows = given.query((one.id, facility, now))?;
        while let Some(row) = rows.next()? {
            match row.get::<_, u8>(0)? {
                0 => relation.referred = true,
                1 => relation.consented = true,
                2 => (relation.consented, relation.consented_content) = (true, true),
                _ => return Err(Error::damaged("a relation is of no kind")),
            }
        }
    }
    Ok(relation)
}

/// Whether a facility was given anything of a patient that lasts, under this pseudonym.
///
/// # Errors
/// Damaged if the disk fails.
pub fn is_given(db: &Connection, patient: Patient, facility: i64, now: Micros) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM relation WHERE patient = ?1 AND facility = ?2 AND until > ?3 AND isolated = 0",
    )?;
    Ok(statement.exists((patient.id, facility, now))?)
}

/// Begins a relation.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn give(db: &Connection, new: &New<'_>) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO relation (patient, facility, giver, kind, since, until, actor, object)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        new.patient.id,
        new.facility,
        new.giver,
        new.gift.kind(),
        new.since,
        new.until,
        new.actor,
        new.object.map(|object| object.0),
    ))?;
    // Whoever is isolated gives nothing.
    crate::isolation::settle_gift(db, db.last_insert_rowid())?;
    Ok(())
}

/// Ends everything that a facility was given of a person; answers how much it was.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn end(db: &Connection, person: &[Patient], facility: i64, now: Micros) -> Result<usize> {
    let mut update =
        db.prepare_cached("UPDATE relation SET until = ?3 WHERE patient = ?1 AND facility = ?2 AND until > ?3")?;
    person.iter().try_fold(0, |ended, patient| Ok(ended + update.execute((patient.id, facility, now))?))
}

/// Ends what an object's earlier version gave, if the same facility gave it; answers how much it was.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn end_of_object(db: &Connection, object: ObjectId, giver: i64, now: Micros) -> Result<usize> {
    let mut update =
        db.prepare_cached("UPDATE relation SET until = ?3 WHERE object = ?1 AND giver = ?2 AND until > ?3")?;
    Ok(update.execute((object.0, giver, now))?)
}

/// How many relations an actor has begun since a time.
///
/// # Errors
/// Damaged if the disk fails.
pub fn begun_by(db: &Connection, actor: &str, since: Micros) -> Result<usize> {
    let count: i64 = db
        .prepare_cached("SELECT count(*) FROM relation WHERE actor = ?1 AND since > ?2")?
        .query_row((actor, since), |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// How many relations of a patient are in force.
///
/// # Errors
/// Damaged if the disk fails.
pub fn in_force(db: &Connection, patient: Patient, now: Micros) -> Result<usize> {
    let count: i64 = db
        .prepare_cached("SELECT count(*) FROM relation WHERE patient = ?1 AND until > ?2")?
        .query_row((patient.id, now), |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Whether anything of a patient is labelled.
///
/// # Errors
/// Damaged if the disk fails.
pub fn has_labels(db: &Connection, patient: Patient) -> Result<bool> {
    let mut statement = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM label WHERE patient = ?1)")?;
    Ok(statement.query_row([patient.id], |row| row.get(0))?)
}

/// An object's labels, and whether one facility has set all of them.
///
/// # Errors
/// Damaged for labels that are not what was written.
pub fn labels(
    db: &Connection,
    keys: &Keys,
    patient: Patient,
    object: ObjectId,
    facility: i64,
) -> Result<(Labels, bool)> {
    let mut statement = db.prepare_cached("SELECT facility, sealed FROM label WHERE patient = ?1 AND object = ?2")?;
    let mut rows = statement.query((patient.id, object.0))?;
    let (mut all, mut is_own) = (Labels::NONE, true);
    while let Some(row) = rows.next()? {
        let setter: i64 = row.get(0)?;
        all = all.and(open(keys, patient, object, setter, &row.get::<_, Vec<u8>>(1)?)?);
        is_own &= setter == facility;
    }
    Ok((all, is_own && !all.is_empty()))
}

/// The labels that one facility has set on an object.
///
/// # Errors
/// Damaged for labels that are not what was written.
pub fn own_labels(db: &Connection, keys: &Keys, patient: Patient, object: ObjectId, facility: i64) -> Result<Labels> {
    let mut statement =
        db.prepare_cached("SELECT sealed FROM label WHERE patient = ?1 AND object = ?2 AND facility = ?3")?;
    let mut rows = statement.query((patient.id, object.0, facility))?;
    let sealed: Option<Vec<u8>> = rows.next()?.map(|row| row.get(0)).transpose()?;
    sealed.map_or(Ok(Labels::NONE), |sealed| open(keys, patient, object, facility, &sealed))
}

/// Sets and takes away a facility's own labels of an object; answers those that it then has.
///
/// # Errors
/// Damaged or Busy if the disk fails.
pub fn relabel(
    db: &Connection,
    keys: &Keys,
    patient: Patient,
    object: ObjectId,
    facility: i64,
    change: impl FnOnce(Labels) -> Labels,
) -> Result<Labels> {
    let labels = change(own_labels(db, keys, patient, object, facility)?);
    if labels.is_empty() {
        db.prepare_cached("DELETE FROM label WHERE patient = ?1 AND object = ?2 AND facility = ?3")?
            .execute((patient.id, object.0, facility))?;
        return Ok(labels);
    }
    let written: Vec<Label> = labels.iter().collect();
    let plain = minicbor::to_vec(written).map_err(|_| Error::invalid("labels cannot be written"))?;
    let sealed = keys.register.seal(&place(patient, object, facility), &plain)?;
    db.prepare_cached("INSERT OR REPLACE INTO label (patient, object, facility, sealed) VALUES (?1, ?2, ?3, ?4)")?
        .execute((patient.id, object.0, facility, sealed))?;
    Ok(labels)
}

fn open(keys: &Keys, patient: Patient, object: ObjectId, facility: i64, sealed: &[u8]) -> Result<Labels> {
    let damaged = || Error::damaged("an object's labels are not what was written");
    let plain = keys.register.open(&place(patient, object, facility), sealed).map_err(|_| damaged())?;
    let labels: Vec<Label> = minicbor::decode(&plain).map_err(|_| damaged())?;
    Ok(labels.into_iter().collect())
}

/// Where sealed labels belong: they open for no other object and no other facility.
fn place(patient: Patient, object: ObjectId, facility: i64) -> Vec<u8> {
    [b"label/".as_slice(), &patient.pseudonym.0, &object.0, &facility.to_be_bytes()].concat()
}
