//! Who approves: people of the register, each with a key of their own that no machine of the archive holds.

use super::{event, rules};
use crate::audit::{Action, Decision};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::register::Register;
use crate::request::Turn;
use crate::store::quorum::{self as stored, Approver};
use record::limits::APPROVERS_MAX;
use record::{Micros, Role};
use rusqlite::Connection;
use seal::approval::ApproverKey;
use seal::message::quorum::{ApproverEntry, Rule};

const APPROVERS: &str = "approvers";
const RULES: &str = "rules";
const IN_FORCE: &str = "in-force";

/// The approvers.
///
/// # Errors
/// Damaged if they are not what was written.
pub fn all(db: &Connection, keys: &Keys) -> Result<Vec<Approver>> {
    Ok(stored::fact(db, keys, APPROVERS)?.unwrap_or_default())
}

/// Whether two people are needed: since there have been two approvers, and for good. Where that fact is missing, two approvers say
/// so by themselves.
///
/// # Errors
/// Damaged if the state is not what was written.
pub fn are_in_force(db: &Connection, keys: &Keys) -> Result<bool> {
    Ok(is_written_in_force(db, keys)? || all(db, keys)?.len() >= 2)
}

fn is_written_in_force(db: &Connection, keys: &Keys) -> Result<bool> {
    Ok(stored::fact::<bool>(db, keys, IN_FORCE)?.unwrap_or_default())
}

/// The rules that count now.
///
/// # Errors
/// Damaged if they are not what was written.
pub fn rules(turn: &Turn<'_>) -> Result<Vec<Rule>> {
    match stored::fact(turn.db, turn.keys, RULES)? {
        Some(rules) => Ok(rules),
        None => Ok(turn.quorum.first_rules.clone()),
    }
}

/// Changes one rule.
///
/// # Errors
/// Invalid for a rule that cannot be.
pub fn change_rule(turn: &mut Turn<'_>, rule: Rule) -> Result<()> {
    rules::check(&rule)?;
    let mut all = rules(turn)?;
    all.retain(|before| before.kind != rule.kind);
    all.push(rule);
    all.sort_by_key(|rule| rule.kind);
    stored::put_fact(turn.db, turn.keys, RULES, &all)
}

/// Whether a person of the register may approve now: on duty, and trained. A system has no opinion.
#[must_use]
pub fn may_approve(register: &Register, actor: &str, now: Micros) -> bool {
    register.people.get(actor).is_some_and(|person| person.role != Role::System && !person.has_lapsed(now))
}

/// The person's name; the id once the person is gone.
#[must_use]
pub fn name_of(register: &Register, actor: &str) -> String {
    register.people.get(actor).map_or_else(|| actor.to_owned(), |person| person.name.clone())
}

/// Whether a name is an approver's.
///
/// # Errors
/// Damaged if the state is not what was written.
pub fn is_approver(turn: &Turn<'_>, name: &str) -> Result<bool> {
    let Some(actor) = turn.register.actor_of(name) else { return Ok(false) };
    Ok(all(turn.db, turn.keys)?.iter().any(|approver| approver.actor == actor))
}

/// Adds an approver, or gives one another key.
///
/// # Errors
/// Invalid for nobody, for a key that is none or somebody else's, or beyond `limits::APPROVERS_MAX`.
pub fn add(turn: &mut Turn<'_>, name: &str, key: &ApproverKey, by: &str) -> Result<()> {
    let actor = turn.register.actor_of(name).ok_or_else(|| Error::invalid("nobody of this name is registered"))?;
    let actor = actor.to_owned();
    if !may_approve(turn.register, &actor, turn.now) {
        return Err(Error::invalid("an approver is a person, and no system"));
    }
    if !key.is_plausible() {
        return Err(Error::invalid("this is no key of an approver"));
    }
    let mut approvers = all(turn.db, turn.keys)?;
    if approvers.iter().any(|a| a.actor != actor && a.key == *key) {
        return Err(Error::invalid("this key is another approver's: each has a key of their own"));
    }
    approvers.retain(|approver| approver.actor != actor);
    if approvers.len() >= APPROVERS_MAX {
        return Err(Error::invalid("there are as many approvers as there can be"));
    }
    approvers.push(Approver { actor: actor.clone(), key: key.clone(), since: turn.now });
    stored::put_fact(turn.db, turn.keys, APPROVERS, &approvers)?;
    let detail = format!("approver {actor} with key {}", hex::encode(key.fingerprint()));
    super::history::decided(turn, event(turn, Action::Enact, Decision::Permitted, by, detail))?;
    if approvers.len() >= 2 && !is_written_in_force(turn.db, turn.keys)? {
        // From here on the rules are part of what two people hold: a changed file changes none of them.
        let rules = rules(turn)?;
        stored::put_fact(turn.db, turn.keys, RULES, &rules)?;
        super::settings::hold_first(turn)?;
        stored::put_fact(turn.db, turn.keys, IN_FORCE, &true)?;
        tracing::info!("two approvers are registered: from now on two people are needed");
    }
    Ok(())
}

/// Takes an approver away.
///
/// # Errors
/// Invalid if it is none, or if too few would be left for the rules to be met.
pub fn remove(turn: &mut Turn<'_>, name: &str, by: &str) -> Result<()> {
    let mut approvers = all(turn.db, turn.keys)?;
    let before = approvers.len();
    let gone = turn.register.actor_of(name).map_or_else(|| name.to_owned(), str::to_owned);
    approvers.retain(|approver| approver.actor != gone);
    if approvers.len() == before {
        return Err(Error::invalid("this is no approver"));
    }
    let needed = rules(turn)?.iter().map(|rule| usize::from(rule.approvals)).max().unwrap_or(2);
    if approvers.len() < needed {
        return Err(Error::invalid("too few approvers would be left: add another first"));
    }
    stored::put_fact(turn.db, turn.keys, APPROVERS, &approvers)?;
    super::history::decided(turn, event(turn, Action::Enact, Decision::Permitted, by, format!("no approver: {gone}")))?;
    Ok(())
}

/// As they are listed.
///
/// # Errors
/// Damaged if the state is not what was written.
pub fn entries(turn: &Turn<'_>) -> Result<Vec<ApproverEntry>> {
    let entry = |approver: Approver| ApproverEntry {
        name: name_of(turn.register, &approver.actor),
        key: approver.key.fingerprint(),
        actor: approver.actor,
        since: approver.since,
    };
    Ok(all(turn.db, turn.keys)?.into_iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;
    use seal::root::Base;
    use seal::vault::Vault;

    #[test]
    fn two_approvers_are_in_force_also_where_the_fact_was_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let db = store::open(folder.path()).unwrap();
        let keys = Keys::derive(Base::generate().unwrap(), Vault::generate().unwrap().reserving(10)).unwrap();
        let one = |n: u8| Approver { actor: format!("actor-{n}"), key: ApproverKey::Ed25519([n; 32]), since: 0 };
        for (count, in_force) in [(0, false), (1, false), (2, true), (3, true)] {
            stored::put_fact(&db, &keys, APPROVERS, &(0..count).map(one).collect::<Vec<_>>()).unwrap();
            assert_eq!(are_in_force(&db, &keys).unwrap(), in_force, "{count} approvers");
        }
        stored::put_fact(&db, &keys, IN_FORCE, &true).unwrap();
        stored::put_fact(&db, &keys, APPROVERS, &vec![one(1)]).unwrap();
        assert!(are_in_force(&db, &keys).unwrap(), "for good, also when there is one left");
    }
}
