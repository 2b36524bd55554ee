//! From what a hospital calls a patient to the patient.
//!
//! A number that a facility gives is unique inside that facility and issuer only, so two facilities never meet over it,
//! whatever issuer their data names. A national number is one person everywhere, so two facilities do meet over it.
//!
//! | the facility's own number | the national number | the object goes to |
//! |---|---|---|
//! | unknown | unknown | a new patient |
//! | P1 | unknown | P1, which gains the national number |
//! | unknown | P2 | P2, which gains the facility's number |
//! | P1 | P1 | P1 |
//! | P1 | P2 | P1, and the two are linked as one person; logged as a conflict |
//! | P1, known by another NIK or IHS number | any | P1, nothing is joined; logged as a conflict |
//! | unknown | P2 by a card or passport, and a NIK or IHS number that is not P2's | a new patient; logged as a conflict |
//!
//! A number that is one for life decides over a card or passport, which families mix up: nothing makes one person of two
//! who have different NIKs or IHS numbers, whichever of their pseudonyms holds them.

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::patients::{self, Patient};
use record::limits::{IDENTIFIER_BYTES_MAX, ITEM_IDENTIFIERS_MAX};
use record::{FacilityCode, Identifier};
use rusqlite::Connection;

/// Whose an object is, and what became known on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The patient.
    pub patient: Patient,
    /// Whether the patient is new.
    pub is_new: bool,
    /// The tags of numbers that nobody had, and that the patient has from now on.
    pub gained: Vec<[u8; 32]>,
    /// Contradictions, for the log: each other patient, and whether it is now linked.
    pub conflicts: Vec<Conflict>,
}

/// Two identifiers that name two patients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The other patient; `None` if the number was nobody's yet.
    pub other: Option<Patient>,
    /// Whether both are now known as one person.
    pub is_linked: bool,
}

/// An identifier made ready to be looked up.
struct Lookup {
    tag: [u8; 32],
    scheme: u8,
    is_national: bool,
    owner: Option<Patient>,
}

/// Finds or makes the patient that a facility's identifiers name. `known` is a patient that the caller has already
/// established; it then comes before every identifier.
///
/// # Errors
/// Invalid for identifiers that cannot be any.
pub fn settle(
    db: &Connection,
    keys: &Keys,
    facility: &FacilityCode,
    identifiers: &[Identifier],
    known: Option<Patient>,
) -> Result<Settled> {
    let lookups = look_up(db, keys, facility, identifiers)?;
    let own = lookups.iter().filter(|l| !l.is_national).find_map(|l| l.owner);
    let found = match known.or(own) {
        Some(patient) => Some(patient),
        None => by_national_number(db, &lookups)?,
    };
    let patient = match found {
        Some(patient) => patient,
        None => patients::create(db, keys)?,
    };
    let mut settled = Settled { patient, is_new: found.is_none(), gained: Vec::new(), conflicts: Vec::new() };
    for lookup in &lookups {
        match join(db, patient, lookup)? {
            Some(conflict) => settled.conflicts.push(conflict),
            None if lookup.owner.is_none() => settled.gained.push(lookup.tag),
            None => {}
        }
    }
    Ok(settled)
}

/// The patient whom one of these numbers names: national ones as they are, others as those of a facility. Nothing is made
/// or joined.
///
/// # Errors
/// Invalid for numbers that cannot be any.
pub fn find(
    db: &Connection,
    keys: &Keys,
    facility: &FacilityCode,
    identifiers: &[Identifier],
) -> Result<Option<Patient>> {
    // One for life comes first; see `look_up`.
    Ok(look_up(db, keys, facility, identifiers)?.iter().find_map(|lookup| lookup.owner))
}

/// The patient that a national number names, and no number that is one for life contradicts.
fn by_national_number(db: &Connection, lookups: &[Lookup]) -> Result<Option<Patient>> {
    for owner in lookups.iter().filter(|l| l.is_national).filter_map(|l| l.owner) {
        let person = patients::person(db, owner)?;
        let mut contradicts = false;
        for lookup in lookups.iter().filter(|l| is_one_for_life(l.scheme)) {
            contradicts |= patients::has_other(db, &person, Some(&lookup.tag), lookup.scheme)?;
        }
        if !contradicts {
            return Ok(Some(owner));
        }
    }
    // Two numbers for life that name two patients: the first decides, and `join` leaves the other apart or links it.
    Ok(lookups.iter().filter(|l| is_one_for_life(l.scheme)).find_map(|l| l.owner))
}

/// Joins one identifier to the patient, or tells why not.
fn join(db: &Connection, patient: Patient, lookup: &Lookup) -> Result<Option<Conflict>> {
    if lookup.owner == Some(patient) {
        return Ok(None);
    }
    let person = patients::person(db, patient)?;
    match lookup.owner {
        // A number that is one for life and differs means that two people share a medical record number, or a typing
        // error. Joining would show one person's images as another's; a registrar has to look.
        None if is_one_for_life(lookup.scheme)
            && patients::has_other(db, &person, Some(&lookup.tag), lookup.scheme)? =>
        {
            Ok(Some(Conflict { other: None, is_linked: false }))
        }
        None => {
            patients::add_identifier(db, patient, &lookup.tag, lookup.scheme)?;
            Ok(None)
        }
        // Known already means logged already.
        Some(other) if lookup.is_national && person.contains(&other) => Ok(None),
        Some(other) if lookup.is_national && !are_two_people(db, &person, &patients::person(db, other)?)? => {
            let is_new = patients::link(db, patient, other)?;
            Ok(is_new.then_some(Conflict { other: Some(other), is_linked: true }))
        }
        Some(other) => Ok(Some(Conflict { other: Some(other), is_linked: false })),
    }
}

/// Whether two who are not known as one person each have a number of a scheme that gives everybody one for life.
fn are_two_people(db: &Connection, one: &[Patient], other: &[Patient]) -> Result<bool> {
    for scheme in ONE_FOR_LIFE {
        if patients::has_other(db, one, None, scheme)? && patients::has_other(db, other, None, scheme)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The tags under which identifiers are looked up.
///
/// # Errors
/// Invalid for identifiers that cannot be any.
pub fn tags(keys: &Keys, facility: &FacilityCode, identifiers: &[Identifier]) -> Result<Vec<[u8; 32]>> {
    let tag = |identifier: &Identifier| {
        let is_national = identifier.is_national() && is_plausible(identifier);
        Ok(keys.identifiers.tag(&scoped(facility, identifier, is_national)?))
    };
    identifiers.iter().map(tag).collect()
}

fn look_up(db: &Connection, keys: &Keys, facility: &FacilityCode, identifiers: &[Identifier]) -> Result<Vec<Lookup>> {
    if identifiers.len() > ITEM_IDENTIFIERS_MAX {
        return Err(Error::invalid("an object names its patient in too many ways"));
    }
    // A national number that cannot be one (all zeros, a word) joins nobody. If nothing else names the patient, it
    // counts as a number of this facility.
    let usable: Vec<&Identifier> = identifiers.iter().filter(|i| !i.is_national() || is_plausible(i)).collect();
    let chosen = if usable.is_empty() { identifiers.iter().collect() } else { usable };
    let mut lookups: Vec<Lookup> = Vec::with_capacity(chosen.len());
    for identifier in chosen {
        let is_national = identifier.is_national() && is_plausible(identifier);
        let tag = keys.identifiers.tag(&scoped(facility, identifier, is_national)?);
        if lookups.iter().any(|l| l.tag == tag) {
            continue;
        }
        let scheme = if is_national { scheme(identifier) } else { 0 };
        lookups.push(Lookup { tag, scheme, is_national, owner: patients::by_identifier(db, &tag)? });
    }
    // Whoever the numbers for life name is settled before a card is looked at, in whatever order they were sent.
    lookups.sort_by_key(|lookup| !is_one_for_life(lookup.scheme));
    Ok(lookups)
}

/// The identifier as it is looked up: a national one as it is, every other one inside the sending facility. A facility's
/// code has no slash, so no issuer can pretend to be another facility's.
fn scoped(facility: &FacilityCode, identifier: &Identifier, is_national: bool) -> Result<Identifier> {
    if is_national {
        return Ok(identifier.clone());
    }
    // NUL stands between the parts of the canonical form; inside one it is replaced, so that no two of them meet.
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    let (issuer, value) = match identifier {
        Identifier::Local { issuer, value } => (format!("{facility}/{}", clean(issuer)), value),
        Identifier::Unidentified { study, .. } => (format!("{facility}//study"), study),
        Identifier::Nik(number) => (format!("{facility}//nik"), number),
        Identifier::JknCard(number) => (format!("{facility}//jkn"), number),
        Identifier::Passport(number) => (format!("{facility}//passport"), number),
        Identifier::Ihs(number) => (format!("{facility}//ihs"), number),
    };
    if value.trim().is_empty() || value.len() > IDENTIFIER_BYTES_MAX || issuer.len() > 2 * IDENTIFIER_BYTES_MAX {
        return Err(Error::invalid("an identifier has 1 to 512 bytes"));
    }
    Ok(Identifier::Local { issuer, value: clean(value) })
}

/// Numbers of the schemes, as the state has them.
fn scheme(identifier: &Identifier) -> u8 {
    match identifier {
        Identifier::Local { .. } | Identifier::Unidentified { .. } => 0,
        Identifier::Nik(_) => 1,
        Identifier::JknCard(_) => 2,
        Identifier::Passport(_) => 3,
        Identifier::Ihs(_) => 4,
    }
}

/// NIK and IHS number: a person has one of each. Passports and cards are renewed.
const ONE_FOR_LIFE: [u8; 2] = [1, 4];

fn is_one_for_life(scheme: u8) -> bool {
    ONE_FOR_LIFE.contains(&scheme)
}

/// Whether a national number has the form of one. Placeholders such as sixteen zeros are common and must join nobody.
fn is_plausible(identifier: &Identifier) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let varied = |text: &str| text.bytes().zip(text.bytes().skip(1)).any(|(one, next)| one != next);
    match identifier {
        Identifier::Nik(n) => digits(n.trim(), 16) && varied(n.trim()),
        Identifier::JknCard(n) => digits(n.trim(), 13) && varied(n.trim()),
        Identifier::Passport(n) => {
            let n = n.trim();
            (5..=20).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_alphanumeric()) && varied(n)
        }
        Identifier::Ihs(n) => {
            n.trim().strip_prefix(['P', 'p']).is_some_and(|number| digits(number, 11) && varied(number))
        }
        Identifier::Local { .. } | Identifier::Unidentified { .. } => false,
    }
}

#[cfg(test)]
mod tests;
