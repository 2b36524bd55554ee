//! Who asks. The proof tells who; the register tells what that means now.

pub mod dpop;
pub mod jose;
pub mod memory;
pub mod webauthn;

use crate::bearer::{Claims, Flaw};
use crate::keys::Keys;
use crate::register::Register;
use policy::Actor;
use record::{Micros, Purpose, Role};
use seal::message::{Proof, Who};

/// A proof whose own evidence has been looked at, and not yet the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// A token that this service signed and that is valid.
    Token(Claims),
    /// A DIMSE peer. That it holds the certificate's key was proved to the archive node.
    Peer {
        /// Calling AE title.
        ae_title: String,
        /// SHA-256 of its certificate's DER.
        certificate: Option<[u8; 32]>,
    },
    /// Not a valid token.
    Flawed(Flaw),
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
}

/// Why somebody is not known. Only the log learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The token is not ours or was changed.
    ForeignToken,
    /// The token's time is over.
    ExpiredToken,
    /// Nobody of this id is registered any more.
    Nobody,
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
            Self::Nobody => "token of nobody registered",
            Self::Peer => "AE title not registered",
            Self::Certificate => "certificate not the registered one",
        }
    }
}

/// Looks at the proof's own evidence. Costs a signature check for a token, so it is done outside the writer.
#[must_use]
pub fn present(keys: &Keys, issuer: &str, proof: &Proof, now: Micros) -> Presented {
    match proof {
        Proof::Bearer(token) => keys.bearer.verify(issuer, token, now).map_or_else(Presented::Flawed, Presented::Token),
        Proof::Peer { ae_title, certificate } => {
            Presented::Peer { ae_title: ae_title.trim_matches(' ').to_owned(), certificate: *certificate }
        }
        Proof::Bound { .. } => Presented::Flawed(Flaw::Foreign),
    }
}

/// Finds who it is.
///
/// # Errors
/// Why it is nobody.
pub fn identify(register: &Register, presented: &Presented, now: Micros) -> Result<Known, Unknown> {
    match presented {
        Presented::Flawed(Flaw::Foreign) => Err(Unknown::ForeignToken),
        Presented::Flawed(Flaw::Expired) => Err(Unknown::ExpiredToken),
        Presented::Token(claims) => {
            // It may have run out while the request waited.
            if now >= claims.expires() {
                return Err(Unknown::ExpiredToken);
            }
            let person = register.people.get(&claims.sub).ok_or(Unknown::Nobody)?;
            let facility = register.facilities.get(&person.facility).ok_or(Unknown::Nobody)?;
            let granted = claims.granted().ok_or(Unknown::ForeignToken)?;
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
            })
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
            })
        }
    }
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
            let found = identify(&register, &presented, 0);
            assert_eq!(found.as_ref().err().copied(), expected, "{title} {certificate:?}");
            if let Ok(known) = found {
                assert_eq!((known.actor.role, known.actor.granted), (Role::System, Purpose::Treat));
            }
        }
    }
}
