//! The staff register: until when somebody opens anything, and by which keys. Every change is in the ledger.

use super::state::{Entry, Invitation, SystemKey, code_hash};
use super::{Issuer, text};
use crate::audit::{Action, Decision, Event};
use crate::authenticate::jose::read_set;
use crate::error::{Error, Result};
use crate::register::{self, Person, Register};
use crate::request::{Ended, Turn};
use crate::store::credentials::{self as stored, Row};
use crate::store::register as people;
use aws_lc_rs::rand;
use record::limits::{ASSERTION_BYTES_MAX, INVITATION_SECONDS_MAX, KEYS_PER_SYSTEM_MAX};
use record::{Micros, Outcome, Role};
use seal::message::{AdminAnswer, KeyEntry, Staff, StaffEntry, Terms};

const MICROS: i64 = 1_000_000;

/// Changes what is asked.
///
/// # Errors
/// Invalid for nobody and for what cannot be.
pub fn change(turn: &mut Turn<'_>, asked: &Staff) -> Ended<AdminAnswer> {
    match asked {
        Staff::Terms { name, terms } => set_terms(turn, name, terms)?,
        Staff::Invite { name, seconds, thumbprint } => {
            return Ok(AdminAnswer::Invitation(invite(turn, name, *seconds, *thumbprint)?));
        }
        Staff::Keys { name, jwks } => set_keys(turn, name, jwks)?,
        Staff::RemoveKey { name, key } => remove_key(turn, name, key)?,
        Staff::SignOut { name } => {
            let (actor, _) = known(turn, name)?;
            end_sessions(turn, &actor, |_| true)?;
            log(turn, Action::ChangeKey, &actor, "signed out")?;
        }
        Staff::List => return Err(Error::invalid("this request changes nothing and is answered elsewhere").into()),
    }
    Ok(AdminAnswer::Done)
}

/// Everybody, with keys and sessions.
#[must_use]
pub fn list(register: &Register, issuer: &Issuer, now: Micros) -> Vec<StaffEntry> {
    let entry = |(actor, person): (&String, &Person)| {
        let (mut keys, mut sessions) = (Vec::new(), 0);
        for (_, entry) in issuer.state.of(actor) {
            if let Some(key) = key_entry(&entry) {
                keys.push(key);
            }
            if matches!(entry, Entry::Session(session) if now < session.ends) {
                sessions += 1;
            }
        }
        keys.sort_unstable_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
        StaffEntry {
            name: person.name.clone(),
            actor: actor.clone(),
            facility: person.facility.clone(),
            role: person.role,
            terms: person.terms.clone().unwrap_or_default(),
            keys,
            sessions,
        }
    };
    register.people.iter().map(entry).collect()
}

fn key_entry(entry: &Entry) -> Option<KeyEntry> {
    let (id, kind, since) = match entry {
        Entry::Passkey(one) => (one.id(), "passkey", one.since),
        Entry::Device(one) => (text(&one.key.thumbprint()), "device", one.since),
        Entry::System(one) => (text(&one.key.thumbprint()), "system", one.since),
        Entry::Session(_) | Entry::Invitation(_) => return None,
    };
    Some(KeyEntry { id, kind: kind.to_owned(), since })
}

fn known(turn: &Turn<'_>, name: &str) -> Result<(String, Person)> {
    let actor = turn.register.actor_of(name);
    let found = actor.and_then(|actor| Some((actor.to_owned(), turn.register.people.get(actor)?.clone())));
    found.ok_or_else(|| Error::invalid("nobody of this name is registered"))
}

fn log(turn: &mut Turn<'_>, action: Action, actor: &str, what: &str) -> Result<()> {
    let event = Event { actor: Some("administrator".into()), ..Event::new(turn.now, action, Decision::Permitted) };
    turn.append(&event.detailed(format!("{actor} {what}"))).map(|_| ())
}

fn set_terms(turn: &mut Turn<'_>, name: &str, terms: &Terms) -> Result<()> {
    let (actor, mut person) = known(turn, name)?;
    if terms.duty_from.zip(terms.duty_until).is_some_and(|(from, until)| until <= from) {
        return Err(Error::invalid("duty ends after it begins"));
    }
    person.terms = (*terms != Terms::default()).then(|| terms.clone());
    people::put_person(turn.db, turn.keys, &actor, &person)?;
    turn.register.people.insert(actor.clone(), person);
    let day = |at: Option<Micros>| at.map_or_else(|| "-".to_owned(), |at| at.div_euclid(MICROS).to_string());
    let what = format!(
        "duty {} to {}, training to {}",
        day(terms.duty_from),
        day(terms.duty_until),
        day(terms.training_until)
    );
    log(turn, Action::AddPerson, &actor, &what)
}

fn invite(turn: &mut Turn<'_>, name: &str, seconds: u32, thumbprint: Option<[u8; 32]>) -> Result<String> {
    let (actor, _) = known(turn, name)?;
    if !(1..=INVITATION_SECONDS_MAX).contains(&seconds) {
        return Err(Error::invalid("an invitation is good for 1 second to 7 days"));
    }
    // A new one takes the place of those that were not used: the last that was handed out is the one that counts.
    for (row, entry) in turn.sign_in.state.of(&actor) {
        if matches!(entry, Entry::Invitation(_)) {
            turn.sign_in.state.remove(turn.db, &row)?;
        }
    }
    let mut random = [0; 16];
    rand::fill(&mut random).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    let digits = hex::encode(random);
    let parts: Vec<&str> = (0..8).filter_map(|at| digits.get(at * 4..at * 4 + 4)).collect();
    let code = parts.join("-");
    let ends = turn.now.saturating_add(i64::from(seconds) * MICROS);
    let invitation = Invitation { actor: actor.clone(), code: code_hash(&code), ends, thumbprint };
    turn.sign_in.state.put(turn.db, turn.keys, stored::new_row()?, Entry::Invitation(invitation))?;
    let only = thumbprint.map(|only| format!(", for device {} alone", text(&only))).unwrap_or_default();
    log(turn, Action::ChangeKey, &actor, &format!("invited until {}{only}", ends.div_euclid(MICROS)))?;
    Ok(code)
}

/// A system's keys, in place of those that it had.
fn set_keys(turn: &mut Turn<'_>, name: &str, jwks: &str) -> Result<()> {
    let (actor, person) = known(turn, name)?;
    if person.role != Role::System {
        return Err(Error::invalid("only a system signs in by a JWK Set: invite a person instead"));
    }
    let keys = Some(jwks).filter(|jwks| jwks.len() <= ASSERTION_BYTES_MAX).and_then(|jwks| read_set(jwks.as_bytes()));
    let keys = keys.ok_or_else(|| Error::invalid("this is no JWK Set of at most 16 KiB"))?;
    if keys.len() > KEYS_PER_SYSTEM_MAX {
        return Err(Error::invalid("a system has at most 8 keys"));
    }
    if keys.is_empty() && jwks.contains("kty") {
        return Err(Error::invalid("no key of this set can sign: EC P-256 or P-384, OKP Ed25519, RSA of 2048 bits"));
    }
    for (row, entry) in turn.sign_in.state.of(&actor) {
        if matches!(entry, Entry::System(_)) {
            turn.sign_in.state.remove(turn.db, &row)?;
        }
    }
    let mut ids = Vec::new();
    for (kid, key) in keys {
        ids.push(text(&key.thumbprint()));
        let kid = kid.as_deref().map(register::name).transpose()?;
        let system = SystemKey { actor: actor.clone(), kid, key, since: turn.now };
        turn.sign_in.state.put(turn.db, turn.keys, stored::new_row()?, Entry::System(system))?;
    }
    log(turn, Action::ChangeKey, &actor, &format!("signs by {}", ids.join(" ")))
}

fn remove_key(turn: &mut Turn<'_>, name: &str, id: &str) -> Result<()> {
    let (actor, _) = known(turn, name)?;
    let found =
        turn.sign_in.state.of(&actor).into_iter().find(|(_, entry)| key_entry(entry).is_some_and(|key| key.id == id));
    let (row, _) = found.ok_or_else(|| Error::invalid("it has no key of this id"))?;
    turn.sign_in.state.remove(turn.db, &row)?;
    end_sessions(turn, &actor, |device| device == id)?;
    log(turn, Action::ChangeKey, &actor, &format!("lost key {id}"))
}

fn end_sessions(turn: &Turn<'_>, actor: &str, of: impl Fn(&str) -> bool) -> Result<()> {
    let ended = |(row, entry): (Row, Entry)| match entry {
        Entry::Session(session) if of(&session.device) => Some(row),
        _ => None,
    };
    turn.sign_in
        .state
        .of(actor)
        .into_iter()
        .filter_map(ended)
        .try_for_each(|row| turn.sign_in.state.remove(turn.db, &row))
}
