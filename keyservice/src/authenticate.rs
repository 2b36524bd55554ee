//! Who asks. The proof tells who; the register tells what that means now.

pub mod dpop;
pub mod jose;
pub mod memory;
pub mod under_way;
pub mod webauthn;

use crate::audit::Decision;
use crate::bearer::{Claims, Flaw};
use crate::issuer::{Allowed, Issuer, text};
use crate::keys::Keys;
use crate::register::Register;
use crate::request::Node;
use dpop::Shown;
use memory::{ProofId, Standing};
use policy::Actor;
use record::{Micros, Purpose, Role};
use seal::message::{Proof, Who};

/// A proof whose own evidence has been looked at, and not yet the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// A token that this service signed and that is valid, bound to no key.
    Token(Claims),
    /// A token that is bound to a key, with a proof of it that this node showed.
    Bound(Box<Claims>, Box<Shown>, Node),
    /// A DIMSE peer. That it holds the certificate's key was proved to the archive node.
    Peer {
        /// Calling AE title.
        ae_title: String,
        /// SHA-256 of its certificate's DER.
        certificate: Option<[u8; 32]>,
    },
    /// The archive itself, planting a canary.
    Planting {
        /// The canary's number.
        number: u64,
        /// As whom it comes.
        sender: String,
    },
    /// Not a valid proof.
    Flawed(Unknown),
}

impl Presented {
    /// The canary that is being planted.
    #[must_use]
    pub fn planting(&self) -> Option<i64> {
        match self {
            // A number that is too large is that of no canary, and still no ordinary admission: rows count from 1.
            Self::Planting { number, .. } => Some(i64::try_from(*number).unwrap_or_default()),
            _ => None,
        }
    }
}

/// Somebody who is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The actor's id.
    pub id: String,
    /// What `policy` decides on.
    pub actor: Actor,
    /// The facility's row number.
    pub facility: i64,
    /// When the proof ends.
    pub expires: Option<Micros>,
    /// Whether it showed a bearer token.
    pub by_token: bool,
    /// The device that it asks from: the id of the passkey or key that it proved to hold; `None` for a plain bearer token.
    pub device: Option<String>,
    /// What its token was asked for.
    pub allowed: Allowed,
    /// The DPoP proof that it showed: what may be opened under one is bounded.
    pub proof: Option<ProofId>,
    /// The first moment of that proof is over, or its token's time: the request goes on within `under_way`.
    pub goes_on: bool,
}

/// Why somebody is not known. Only the log learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The token is not ours or was changed.
    ForeignToken,
    /// The token's time is over.
    ExpiredToken,
    /// The token is bound to a key, and no proof of it was shown.
    Unproved,
    /// The token is bound to no key, and was shown with a proof of one, or where unbound ones do not count.
    Unbound,
    /// The token is bound to another key than the proof's.
    CrossBound,
    /// The proof is none.
    Proof(dpop::Flaw),
    /// The proof is for another archive.
    Origin,
    /// The session has ended, or the key that the token was asked for by is gone.
    Ended,
    /// Nobody of this id is registered any more.
    Nobody,
    /// Duty or training has lapsed.
    Lapsed,
    /// No peer of this AE title is registered.
    Peer,
    /// The peer's certificate is not the registered one.
    Certificate,
}

impl Unknown {
    /// For the log.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::ForeignToken => "token not signed here or changed",
            Self::ExpiredToken => "token outside its time",
            Self::Unproved => "token without proof of its key",
            Self::Unbound => "token bound to no key",
            Self::CrossBound => "token bound to another key",
            Self::Proof(flaw) => flaw.text(),
            Self::Origin => "proof for another archive",
            Self::Ended => "session ended",
            Self::Nobody => "token of nobody registered",
            Self::Lapsed => "duty or training has lapsed",
            Self::Peer => "AE title not registered",
            Self::Certificate => "certificate not the registered one",
        }
    }

    /// How the log sums it up.
    #[must_use]
    pub fn decision(self) -> Decision {
        if self == Self::Lapsed { Decision::RefusedLapsed } else { Decision::RefusedProof }
    }
}

impl From<Flaw> for Unknown {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Foreign => Self::ForeignToken,
            Flaw::Expired => Self::ExpiredToken,
        }
    }
}

/// Looks at the proof's own evidence. Costs a signature check or two, so it is done outside the writer.
#[must_use]
pub fn present(keys: &Keys, issuer: &Issuer, name: &str, proof: &Proof, node: Node, now: Micros) -> Presented {
    match proof {
        Proof::Bearer(token) => match keys.bearer.verify(name, token, now) {
            Ok(claims) if claims.cnf.is_some() => Presented::Flawed(Unknown::Unproved),
            Ok(claims) => Presented::Token(claims),
            Err(flaw) => Presented::Flawed(flaw.into()),
        },
        Proof::Peer { ae_title, certificate } => {
            Presented::Peer { ae_title: ae_title.trim_matches(' ').to_owned(), certificate: *certificate }
        }
        Proof::Planting { number, sender } => Presented::Planting { number: *number, sender: sender.clone() },
        Proof::Bound { token, proof, method, uri } => {
            let bound = || {
                // When its time is over is held against whether its request is under way, by the writer.
                let claims = keys.bearer.check(name, token)?;
                let confirmation = claims.cnf.as_ref().ok_or(Unknown::Unbound)?;
                if !issuer.is_ours(uri) {
                    return Err(Unknown::Origin);
                }
                let shown = dpop::read(proof, method, uri, Some(token)).map_err(Unknown::Proof)?;
                if confirmation.jkt != text(&shown.thumbprint) {
                    return Err(Unknown::CrossBound);
                }
                Ok(Presented::Bound(Box::new(claims), Box::new(shown), node))
            };
            bound().unwrap_or_else(Presented::Flawed)
        }
    }
}

/// Finds who it is.
///
/// # Errors
/// Why it is nobody.
pub fn identify(register: &Register, issuer: &Issuer, presented: &Presented, now: Micros) -> Result<Known, Unknown> {
    match presented {
        Presented::Flawed(unknown) => Err(*unknown),
        Presented::Planting { sender, .. } => plants(register, sender),
        Presented::Token(claims) => {
            let known = person(register, claims, claims.is_current(now), now)?;
            if !issuer.settings.unbound().takes(known.actor.role) {
                return Err(Unknown::Unbound);
            }
            Ok(Known { device: system_key(issuer, claims)?, ..known })
        }
        Presented::Bound(claims, shown, node) => {
            // A token may run out while its request is under way; its session, and whoever it names, may not.
            let is_current = claims.is_current(now);
            let known = person(register, claims, is_current || issuer.proofs.is_under_way(shown, *node, now), now)?;
            let device = match &claims.sid {
                Some(sid) => {
                    let session = issuer.state.session(sid).map(|(_, session)| session);
                    let goes_on = session.filter(|session| {
                        session.actor == claims.sub && session.thumbprint == shown.thumbprint && now < session.ends
                    });
                    Some(goes_on.ok_or(Unknown::Ended)?.device)
                }
                // A system's, which has no session: without its key it is nobody's.
                None => Some(system_key(issuer, claims)?.ok_or(Unknown::Ended)?),
            };
            let standing = issuer.proofs.show(shown, *node, now).map_err(Unknown::Proof)?;
            let goes_on = standing == Standing::GoesOn || !is_current;
            Ok(Known { device, proof: Some(shown.id), goes_on, ..known })
        }
        Presented::Peer { ae_title, certificate } => {
            let peer = register.peers.get(ae_title).ok_or(Unknown::Peer)?;
            // Both ways: a registered certificate must be shown, and none may be shown that is not registered.
            if peer.certificate != *certificate {
                return Err(Unknown::Certificate);
            }
            let facility = register.facilities.get(&peer.facility).ok_or(Unknown::Peer)?;
            Ok(Known {
                id: peer.actor.clone(),
                actor: Actor {
                    role: Role::System,
                    facility: peer.facility.clone(),
                    granted: Purpose::Treat,
                    duty_valid: true,
                    training_valid: true,
                },
                facility: facility.id,
                expires: None,
                by_token: false,
                device: certificate.map(hex::encode),
                allowed: Allowed::ALL,
                proof: None,
                goes_on: false,
            })
        }
    }
}

/// Whom a token names, as the register has it now.
fn person(register: &Register, claims: &Claims, in_time: bool, now: Micros) -> Result<Known, Unknown> {
    // It may have run out while the request waited.
    if !in_time {
        return Err(Unknown::ExpiredToken);
    }
    let person = register.people.get(&claims.sub).ok_or(Unknown::Nobody)?;
    let facility = register.facilities.get(&person.facility).ok_or(Unknown::Nobody)?;
    let granted = claims.granted().ok_or(Unknown::ForeignToken)?;
    if person.has_lapsed(now) {
        return Err(Unknown::Lapsed);
    }
    Ok(Known {
        id: claims.sub.clone(),
        actor: Actor {
            role: person.role,
            facility: person.facility.clone(),
            granted,
            duty_valid: true,
            training_valid: true,
        },
        facility: facility.id,
        expires: Some(claims.expires()),
        by_token: true,
        device: None,
        allowed: claims.scope.as_deref().map_or(Allowed::ALL, Allowed::by),
        proof: None,
        goes_on: false,
    })
}

/// The key by which a system asked for its token, if it did so: the token ends with it.
fn system_key(issuer: &Issuer, claims: &Claims) -> Result<Option<String>, Unknown> {
    let Some(id) = &claims.key else { return Ok(None) };
    let is_there = issuer.state.system_keys(&claims.sub).iter().any(|key| text(&key.key.thumbprint()) == *id);
    if is_there { Ok(Some(id.clone())) } else { Err(Unknown::Ended) }
}

/// The sender as whom a canary comes. It may bring in, and see nothing; what it brings is held against the list of canaries.
fn plants(register: &Register, sender: &str) -> Result<Known, Unknown> {
    let person = register.people.get(sender).map(|person| &person.facility);
    let peer = || register.peers.values().find(|peer| peer.actor == sender).map(|peer| &peer.facility);
    let code = person.or_else(peer).ok_or(Unknown::Nobody)?;
    let facility = register.facilities.get(code).ok_or(Unknown::Nobody)?;
    Ok(Known {
        id: sender.to_owned(),
        actor: Actor {
            role: Role::System,
            facility: code.clone(),
            granted: Purpose::SystemAdministration,
            duty_valid: true,
            training_valid: true,
        },
        facility: facility.id,
        expires: None,
        by_token: false,
        device: None,
        allowed: Allowed::ALL,
        proof: None,
        goes_on: false,
    })
}

impl Known {
    /// As the archive node hears it.
    #[must_use]
    pub fn who(&self) -> Who {
        Who {
            actor: self.id.clone(),
            facility: self.actor.facility.clone(),
            role: self.actor.role,
            purpose: self.actor.granted,
            expires: self.expires,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::{Facility, Peer};
    use record::FacilityCode;

    #[test]
    fn a_peer_shows_exactly_the_registered_certificate() {
        let code = FacilityCode::new("RSA").unwrap();
        let mut register = Register::default();
        register.facilities.insert(code.clone(), Facility { id: 1, name: "A".into() });
        for (title, certificate) in [("PLAIN", None), ("TLS", Some([1; 32]))] {
            let peer = Peer { actor: title.into(), facility: code.clone(), certificate, host: None, port: None };
            register.peers.insert(title.into(), peer);
        }
        for (title, certificate, expected) in [
            ("PLAIN", None, None),
            ("PLAIN", Some([1; 32]), Some(Unknown::Certificate)),
            ("TLS", Some([1; 32]), None),
            ("TLS", Some([2; 32]), Some(Unknown::Certificate)),
            ("TLS", None, Some(Unknown::Certificate)),
            ("OTHER", None, Some(Unknown::Peer)),
            ("OTHER", Some([1; 32]), Some(Unknown::Peer)),
        ] {
            let presented = Presented::Peer { ae_title: title.into(), certificate };
            let found = identify(&register, &Issuer::default(), &presented, 0);
            assert_eq!(found.as_ref().err().copied(), expected, "{title} {certificate:?}");
            if let Ok(known) = found {
                assert_eq!((known.actor.role, known.actor.granted), (Role::System, Purpose::Treat));
            }
        }
    }
}
