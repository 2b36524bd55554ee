//! Setting the service up. Whoever holds the administrator's socket may do all of it; every change is in the ledger.

use super::{Ended, Turn};
use crate::audit::{Action, Decision, Event};
use crate::error::{Error, Result};
use crate::register::{self, Facility, Peer, Person};
use crate::store::register as stored;
use aws_lc_rs::rand;
use record::{FacilityCode, Outcome};
use seal::message::ledger_proof::{LedgerAsk, LedgerTold};
use seal::message::{AdminAnswer, AdminRequest};

/// Carries one request out. Requests that change nothing are answered elsewhere.
///
/// # Errors
/// Invalid for a name or facility that is none or not there.
pub fn administer(turn: &mut Turn<'_>, request: &AdminRequest) -> Ended<AdminAnswer> {
    match request {
        AdminRequest::AddFacility { code, name } => add_facility(turn, code, name)?,
        AdminRequest::AddPeer { ae_title, facility, certificate, host, port } => {
            let host = host.as_deref().map(register::name).transpose()?;
            let peer =
                Peer { actor: String::new(), facility: facility.clone(), certificate: *certificate, host, port: *port };
            add_peer(turn, ae_title, peer)?;
        }
        AdminRequest::AddPerson { name, facility, role } => {
            add_person(turn, Person::new(register::name(name)?, facility.clone(), *role))?;
        }
        AdminRequest::Token { name, purpose, seconds } => {
            let actor =
                turn.register.actor_of(name).ok_or_else(|| Error::invalid("nobody of this name is registered"))?;
            let (token, claims) = turn.keys.bearer.sign(turn.issuer, actor, *purpose, *seconds, turn.now)?;
            let detail = format!("{} until {} ({})", claims.sub, claims.exp, claims.jti);
            log(turn, Action::SignToken, Event { purpose: Some(*purpose), ..event(turn, Action::SignToken) }, detail)?;
            return Ok(AdminAnswer::Token(token));
        }
        AdminRequest::Canary(request) => return Ok(crate::canary::request(turn, request)?),
        AdminRequest::Isolation(request) => return Ok(crate::isolation::administer(turn, request)?),
        AdminRequest::Alarm(request) => return Ok(crate::alarm::request(turn, request)?),
        AdminRequest::Report(ask) => return Ok(AdminAnswer::Report(crate::report::begin_by_administrator(turn, ask)?)),
        AdminRequest::LedgerAsk(LedgerAsk::Proof(position)) => {
            let opened = crate::proof::disclose_to_administrator(turn, *position)?;
            return Ok(AdminAnswer::LedgerTold(LedgerTold::Proof(opened)));
        }
        AdminRequest::Custody(request) => return Ok(crate::custody::administer(turn, request)?),
        AdminRequest::Remove { name } => remove(turn, name)?,
        AdminRequest::Staff(staff) => return crate::issuer::staff::change(turn, staff),
        AdminRequest::List
        | AdminRequest::Ledger
        | AdminRequest::LedgerAsk(LedgerAsk::Standing)
        | AdminRequest::Quorum(_) => {
            return Err(Error::invalid("this request changes nothing and is answered elsewhere").into());
        }
    }
    Ok(AdminAnswer::Done)
}

fn event(turn: &Turn<'_>, action: Action) -> Event {
    Event { actor: Some("administrator".into()), ..Event::new(turn.now, action, Decision::Permitted) }
}

fn log(turn: &mut Turn<'_>, action: Action, event: Event, detail: String) -> Result<()> {
    turn.append(&Event { action, ..event }.detailed(detail)).map(|_| ())
}

fn add_facility(turn: &mut Turn<'_>, code: &FacilityCode, name: &str) -> Result<()> {
    let name = register::name(name)?;
    // The field's own reader does not check; a code made of anything else would not be found again at the next start.
    let code = FacilityCode::new(code.as_str())
        .ok_or_else(|| Error::invalid("a facility's code has 1 to 16 of A-Z 0-9 - _"))?;
    let id = stored::put_facility(turn.db, turn.keys, &code, &name)?;
    turn.register.facilities.insert(code.clone(), Facility { id, name });
    log(turn, Action::AddFacility, Event { facility: Some(code), ..event(turn, Action::AddFacility) }, String::new())
}

fn add_peer(turn: &mut Turn<'_>, ae_title: &str, mut peer: Peer) -> Result<()> {
    let ae_title = register::ae_title(ae_title)?;
    check_facility(turn, &peer.facility)?;
    // A peer that changes stays the same actor.
    peer.actor = match turn.register.peers.get(&ae_title) {
        Some(before) => before.actor.clone(),
        None => new_actor("peer")?,
    };
    stored::put_peer(turn.db, turn.keys, &ae_title, &peer)?;
    let detail = format!("{} {ae_title}", peer.actor);
    let event = Event { facility: Some(peer.facility.clone()), ..event(turn, Action::AddPeer) };
    turn.register.peers.insert(ae_title, peer);
    log(turn, Action::AddPeer, event, detail)
}

fn add_person(turn: &mut Turn<'_>, mut person: Person) -> Result<()> {
    check_facility(turn, &person.facility)?;
    let actor = match turn.register.actor_of(&person.name) {
        Some(actor) => actor.to_owned(),
        None => new_actor("person")?,
    };
    // Whoever moves keeps the dates.
    person.terms = turn.register.people.get(&actor).and_then(|before| before.terms.clone());
    stored::put_person(turn.db, turn.keys, &actor, &person)?;
    let event =
        Event { facility: Some(person.facility.clone()), role: Some(person.role), ..event(turn, Action::AddPerson) };
    turn.register.people.insert(actor.clone(), person);
    log(turn, Action::AddPerson, event, actor)
}

/// Removes whatever has the name: a person or system, a peer, or both. Whoever comes back under it is somebody else,
/// so that an old token stays dead.
fn remove(turn: &mut Turn<'_>, name: &str) -> Result<()> {
    let actor = turn.register.actor_of(name).map(str::to_owned);
    let peer = turn.register.peers.remove(name.trim_matches(' '));
    if actor.is_none() && peer.is_none() {
        return Err(Error::invalid("nobody of this name is registered"));
    }
    if let Some(peer) = peer {
        stored::remove_peer(turn.db, name.trim_matches(' '))?;
        log(turn, Action::Remove, event(turn, Action::Remove), peer.actor)?;
    }
    if let Some(actor) = actor {
        turn.register.people.remove(&actor);
        turn.sign_in.state.forget(turn.db, &actor)?;
        stored::remove_person(turn.db, &actor)?;
        log(turn, Action::Remove, event(turn, Action::Remove), actor)?;
    }
    Ok(())
}

fn check_facility(turn: &Turn<'_>, code: &FacilityCode) -> Result<()> {
    let known = turn.register.facilities.contains_key(code);
    known.then_some(()).ok_or_else(|| Error::invalid(format!("there is no facility {code}")))
}

fn new_actor(kind: &str) -> Result<String> {
    let mut id = [0; 8];
    rand::fill(&mut id).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    Ok(format!("{kind}-{}", hex::encode(id)))
}
