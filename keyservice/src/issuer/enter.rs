//! Carrying out what was proved: in the writer's turn, within its transaction. Using a challenge up, adding a key, beginning a session
//! and writing it down are one commit: a kill between any two of them leaves nothing of it.

use super::attempt::{Attempt, Proven};
use super::nonce::Once;
use super::state::{DeviceKey, Entry, Passkey, Session};
use super::{Flaw, text};
use crate::audit::{Action, Decision, Event};
use crate::authenticate::dpop::Shown;
use crate::authenticate::jose::PublicKey;
use crate::authenticate::webauthn::{self, Registered};
use crate::bearer::{Claims, Confirmation};
use crate::error::Error;
use crate::register::Person;
use crate::request::{Ended, Node, Stop, Turn};
use crate::store::credentials::{self as stored, Row};
use record::limits::{CLIENT_SECONDS_MAX, KEYS_PER_PERSON_MAX, SESSION_IDLE_SECONDS_MAX};
use record::{Micros, Purpose};
use seal::message::{SignInAnswer, SignedIn, Who};

const MICROS: i64 = 1_000_000;
/// The door, in the log.
const CHANNEL: &str = "sign-in";

/// Who begins a session, and with what.
struct Beginning<'a> {
    actor: &'a str,
    /// The id of the key that it proved to hold.
    device: String,
    purpose: Purpose,
    proof: &'a Shown,
    once: &'a Once,
    how: &'a str,
}

/// Carries an attempt out that proved something.
///
/// # Errors
/// Refused, with its event.
pub fn enter(turn: &mut Turn<'_>, attempt: &Attempt, proven: &Proven, node: Node) -> Ended<SignInAnswer> {
    if let Some(shown) = shown(proven)
        && let Err(flaw) = turn.sign_in.proofs.show(shown, node, turn.now)
    {
        return Err(refused(turn, None, Decision::RefusedProof, attempt.kind, flaw.text()));
    }
    match proven {
        Proven::Passkey { row, count, purpose, proof, once } => {
            let passkey = take_passkey(turn, row, *count, attempt.kind)?;
            let beginning = Beginning {
                actor: &passkey.actor,
                device: passkey.id(),
                purpose: *purpose,
                proof,
                once,
                how: "by passkey",
            };
            begin(turn, &beginning, attempt.kind)
        }
        Proven::Enrol { code, passkey, purpose, proof, once } => {
            let actor = take_invitation(turn, code, &proof.thumbprint, attempt.kind)?;
            let device = add_passkey(turn, &actor, passkey)?;
            let how = "by its new passkey";
            begin(turn, &Beginning { actor: &actor, device, purpose: *purpose, proof, once, how }, attempt.kind)
        }
        Proven::Outside { name, purpose, proof, once } => {
            let Some(actor) = turn.register.actor_of(name).map(str::to_owned) else {
                return Err(refused(
                    turn,
                    None,
                    Decision::RefusedUnknown,
                    attempt.kind,
                    "vouched for nobody registered",
                ));
            };
            let device = text(&proof.thumbprint);
            let how = "by an outside issuer";
            begin(turn, &Beginning { actor: &actor, device, purpose: *purpose, proof, once, how }, attempt.kind)
        }
        Proven::Device { purpose, proof, once } => {
            let Some((_, device)) = turn.sign_in.state.device(&proof.thumbprint) else {
                return Err(flawed(turn, attempt.kind, Flaw::UnknownKey));
            };
            let id = text(&proof.thumbprint);
            let how = "by device";
            let beginning = Beginning { actor: &device.actor, device: id, purpose: *purpose, proof, once, how };
            begin(turn, &beginning, attempt.kind)
        }
        Proven::EnrolDevice { code, purpose, proof, once } => {
            let actor = take_invitation(turn, code, &proof.thumbprint, attempt.kind)?;
            let device = add_device(turn, &actor, &proof.key)?;
            let how = "by its new device";
            begin(turn, &Beginning { actor: &actor, device, purpose: *purpose, proof, once, how }, attempt.kind)
        }
        Proven::Client { actor, key, proof, purpose, scope, once } => {
            let client = Client { actor, key, proof: proof.as_ref(), purpose: *purpose, scope: scope.as_deref(), once };
            client.enter(turn, attempt.kind)
        }
        Proven::Renew(claims, proof) => renew(turn, claims, proof, attempt.kind),
        Proven::Revoke(claims, proof) => revoke(turn, claims, proof, attempt.kind),
    }
}

fn shown(proven: &Proven) -> Option<&Shown> {
    match proven {
        Proven::Passkey { proof, .. }
        | Proven::Enrol { proof, .. }
        | Proven::Outside { proof, .. }
        | Proven::Device { proof, .. }
        | Proven::EnrolDevice { proof, .. }
        | Proven::Renew(_, proof)
        | Proven::Revoke(_, proof) => Some(proof),
        Proven::Client { proof, .. } => proof.as_ref(),
    }
}

fn event(turn: &Turn<'_>, actor: Option<&str>, action: Action, decision: Decision) -> Event {
    let person = actor.and_then(|actor| turn.register.people.get(actor));
    Event {
        actor: actor.map(str::to_owned),
        facility: person.map(|person| person.facility.clone()),
        role: person.map(|person| person.role),
        channel: Some(CHANNEL.into()),
        ..Event::new(turn.now, action, decision)
    }
}

fn refused(turn: &Turn<'_>, actor: Option<&str>, decision: Decision, kind: &str, why: &str) -> Stop {
    let event = event(turn, actor, Action::SignIn, decision);
    Stop::Refused(vec![event.detailed(format!("{kind}: {why}"))])
}

fn flawed(turn: &Turn<'_>, kind: &str, flaw: Flaw) -> Stop {
    refused(turn, None, Decision::RefusedProof, kind, flaw.text())
}

/// The person, if it may sign in for this now.
fn welcome(turn: &Turn<'_>, actor: &str, purpose: Purpose, kind: &str) -> Ended<Person> {
    let Some(person) = turn.register.people.get(actor).cloned() else {
        return Err(refused(turn, None, Decision::RefusedUnknown, kind, "nobody registered any more"));
    };
    let (decision, why) = if person.has_lapsed(turn.now) {
        (Decision::RefusedLapsed, "duty or training has lapsed")
    } else if turn.watch.is_frozen(actor) {
        (Decision::RefusedFrozen, "frozen")
    } else if !person.purposes().contains(&purpose) {
        (Decision::RefusedPurpose, "not for this purpose")
    } else {
        return Ok(person);
    };
    Err(refused(turn, Some(actor), decision, kind, why))
}

/// Uses something up that is good once.
fn use_up(turn: &Turn<'_>, once: &Once, kind: &str) -> Ended<()> {
    if stored::use_once(turn.db, &once.tag, once.until, turn.now)? {
        Ok(())
    } else {
        Err(flawed(turn, kind, Flaw::Stale))
    }
}

/// The passkey, with its new count.
fn take_passkey(turn: &Turn<'_>, row: &Row, count: u32, kind: &str) -> Ended<Passkey> {
    let found = turn.sign_in.state.passkey_of(row);
    let Some(mut passkey) = found else { return Err(flawed(turn, kind, Flaw::UnknownKey)) };
    // Two answers may have been looked at beside each other.
    if (count > 0 || passkey.count > 0) && count <= passkey.count {
        return Err(refused(turn, Some(&passkey.actor), Decision::RefusedProof, kind, webauthn::Flaw::Count.text()));
    }
    if count != passkey.count {
        passkey.count = count;
        turn.sign_in.state.put(turn.db, turn.keys, *row, Entry::Passkey(passkey.clone()))?;
    }
    Ok(passkey)
}

/// Uses an invitation up; answers whose it was.
fn take_invitation(turn: &Turn<'_>, code: &[u8; 32], thumbprint: &[u8; 32], kind: &str) -> Ended<String> {
    let found = turn.sign_in.state.invitation_of(code);
    let good = found.filter(|(_, one)| turn.now < one.ends && one.thumbprint.is_none_or(|only| only == *thumbprint));
    let Some((row, invitation)) = good else { return Err(flawed(turn, kind, Flaw::Invitation)) };
    let keys = |(_, entry): &(Row, Entry)| matches!(entry, Entry::Passkey(_) | Entry::Device(_));
    if turn.sign_in.state.of(&invitation.actor).iter().filter(|entry| keys(entry)).count() >= KEYS_PER_PERSON_MAX {
        return Err(Error::invalid("there are as many keys as one person may have: take one away first").into());
    }
    turn.sign_in.state.remove(turn.db, &row)?;
    Ok(invitation.actor)
}

fn add_passkey(turn: &mut Turn<'_>, actor: &str, new: &Registered) -> Ended<String> {
    // 7.1 step 26: an id that somebody has already would let one person answer for another.
    if turn.sign_in.state.passkey(&new.credential).is_some() {
        return Err(refused(turn, Some(actor), Decision::RefusedProof, "Enrol", "a passkey of this id is registered"));
    }
    let passkey = Passkey {
        actor: actor.to_owned(),
        credential: new.credential.clone(),
        key: new.key.clone(),
        count: new.count,
        since: turn.now,
    };
    let id = passkey.id();
    turn.sign_in.state.put(turn.db, turn.keys, stored::new_row()?, Entry::Passkey(passkey))?;
    let event = event(turn, Some(actor), Action::ChangeKey, Decision::Permitted);
    turn.append(&event.detailed(format!("passkey {id} enrolled")))?;
    Ok(id)
}

fn add_device(turn: &mut Turn<'_>, actor: &str, key: &PublicKey) -> Ended<String> {
    let thumbprint = key.thumbprint();
    if turn.sign_in.state.device(&thumbprint).is_some() {
        return Err(refused(turn, Some(actor), Decision::RefusedProof, "EnrolDevice", "this key is registered"));
    }
    let device = DeviceKey { actor: actor.to_owned(), key: key.clone(), since: turn.now };
    turn.sign_in.state.put(turn.db, turn.keys, stored::new_row()?, Entry::Device(device))?;
    let id = text(&thumbprint);
    let event = event(turn, Some(actor), Action::ChangeKey, Decision::Permitted);
    turn.append(&event.detailed(format!("device {id} enrolled")))?;
    Ok(id)
}

/// Begins a session and signs its first token.
fn begin(turn: &mut Turn<'_>, beginning: &Beginning<'_>, kind: &str) -> Ended<SignInAnswer> {
    let Beginning { actor, device, purpose, proof, once, how } = beginning;
    let person = welcome(turn, actor, *purpose, kind)?;
    use_up(turn, once, kind)?;
    let terms = person.terms.clone().unwrap_or_default();
    let longest = turn.now.saturating_add(turn.sign_in.settings.session_seconds.saturating_mul(MICROS));
    // It ends with the duty: what an administrator changes meanwhile is looked at again each time.
    let ends = [terms.duty_until, terms.training_until].into_iter().flatten().fold(longest, Micros::min);
    let session = Session {
        actor: (*actor).to_owned(),
        device: device.clone(),
        thumbprint: proof.thumbprint,
        purpose: *purpose,
        since: turn.now,
        ends,
    };
    let row = turn.sign_in.state.begin(turn.db, turn.keys, session.clone(), turn.now)?;
    let signed_in = token(turn, &row, &session, &person)?;
    let event = Event { purpose: Some(*purpose), ..event(turn, Some(actor), Action::SignIn, Decision::Permitted) };
    let detail = format!("{how} {device}, session {} until {}", hex::encode(row), ends.div_euclid(MICROS));
    turn.append(&event.detailed(detail))?;
    Ok(SignInAnswer::Token(signed_in))
}

/// A token of a session.
fn token(turn: &Turn<'_>, row: &Row, session: &Session, person: &Person) -> Ended<SignedIn> {
    let left = session.ends.saturating_sub(turn.now).div_euclid(MICROS);
    let seconds = u32::try_from(left).unwrap_or(u32::MAX).min(turn.sign_in.settings.token_seconds);
    let claims = Claims {
        cnf: Some(Confirmation { jkt: text(&session.thumbprint) }),
        sid: Some(hex::encode(row)),
        ..Claims::new(turn.issuer, &session.actor, session.purpose, seconds, turn.now)?
    };
    signed_in(turn, &claims, person, session.purpose, Some(session.ends))
}

fn signed_in(
    turn: &Turn<'_>,
    claims: &Claims,
    person: &Person,
    purpose: Purpose,
    session_ends: Option<Micros>,
) -> Ended<SignedIn> {
    let who = Who {
        actor: claims.sub.clone(),
        facility: person.facility.clone(),
        role: person.role,
        purpose,
        expires: Some(claims.expires()),
    };
    Ok(SignedIn {
        token: turn.keys.bearer.issue(claims)?,
        is_bound: claims.cnf.is_some(),
        expires: claims.expires(),
        session_ends,
        who,
        name: person.name.clone(),
        scope: claims.scope.clone(),
    })
}

/// The session of a token, if the proof is by its key and it goes on.
fn session(turn: &Turn<'_>, claims: &Claims, proof: &Shown, kind: &str) -> Ended<(Row, Session)> {
    let found = claims.sid.as_deref().and_then(|sid| turn.sign_in.state.session(sid));
    let good = found.filter(|(_, session)| {
        session.actor == claims.sub && session.thumbprint == proof.thumbprint && turn.now < session.ends
    });
    good.ok_or_else(|| flawed(turn, kind, Flaw::Session))
}

fn renew(turn: &mut Turn<'_>, claims: &Claims, proof: &Shown, kind: &str) -> Ended<SignInAnswer> {
    let (row, session) = session(turn, claims, proof, kind)?;
    let idle = claims.expires().saturating_add(SESSION_IDLE_SECONDS_MAX * MICROS);
    if turn.now >= idle {
        turn.sign_in.state.remove(turn.db, &row)?;
        return Err(flawed(turn, kind, Flaw::Session));
    }
    let person = welcome(turn, &session.actor, session.purpose, kind)?;
    let signed_in = token(turn, &row, &session, &person)?;
    let event = event(turn, Some(&session.actor), Action::SignToken, Decision::Permitted);
    turn.append(&event.detailed(format!("session {} renewed", hex::encode(row))))?;
    Ok(SignInAnswer::Token(signed_in))
}

fn revoke(turn: &mut Turn<'_>, claims: &Claims, proof: &Shown, kind: &str) -> Ended<SignInAnswer> {
    let (row, session) = session(turn, claims, proof, kind)?;
    turn.sign_in.state.remove(turn.db, &row)?;
    let event = event(turn, Some(&session.actor), Action::SignIn, Decision::Permitted);
    turn.append(&event.detailed(format!("session {} ended by its owner", hex::encode(row))))?;
    Ok(SignInAnswer::Ended)
}

/// A system that shows an assertion.
struct Client<'a> {
    actor: &'a str,
    key: &'a PublicKey,
    proof: Option<&'a Shown>,
    purpose: Purpose,
    scope: Option<&'a str>,
    once: &'a Once,
}

impl Client<'_> {
    fn enter(&self, turn: &mut Turn<'_>, kind: &str) -> Ended<SignInAnswer> {
        let person = welcome(turn, self.actor, self.purpose, kind)?;
        if self.proof.is_none() && !turn.sign_in.settings.unbound().takes(person.role) {
            return Err(refused(turn, Some(self.actor), Decision::RefusedProof, kind, "a token must be bound here"));
        }
        // It may have been replaced since it was looked at.
        let thumbprint = self.key.thumbprint();
        if !turn.sign_in.state.system_keys(self.actor).iter().any(|key| key.key == *self.key) {
            return Err(flawed(turn, kind, Flaw::UnknownKey));
        }
        use_up(turn, self.once, kind)?;
        let seconds = u32::try_from(CLIENT_SECONDS_MAX).unwrap_or(u32::MAX).min(turn.sign_in.settings.token_seconds);
        let claims = Claims {
            cnf: self.proof.map(|proof| Confirmation { jkt: text(&proof.thumbprint) }),
            key: Some(text(&thumbprint)),
            scope: self.scope.map(str::to_owned),
            ..Claims::new(turn.issuer, self.actor, self.purpose, seconds, turn.now)?
        };
        let signed_in = signed_in(turn, &claims, &person, self.purpose, None)?;
        let event =
            Event { purpose: Some(self.purpose), ..event(turn, Some(self.actor), Action::SignIn, Decision::Permitted) };
        let how = if self.proof.is_some() { "bound" } else { "unbound" };
        turn.append(&event.detailed(format!("by assertion of key {}, {how}", text(&thumbprint))))?;
        Ok(SignInAnswer::Token(signed_in))
    }
}
