//! The staff register, as whoever holds the administrator's socket changes it.

use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros, Purpose, Role};
use std::fmt;

/// What may be asked about people and systems that are registered.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Staff {
    /// Sets until when somebody opens anything; absent is without end. Answers `Done`.
    #[n(0)]
    Terms {
        /// Who.
        #[n(0)]
        name: String,
        /// All of them, as they shall be.
        #[n(1)]
        terms: Terms,
    },
    /// A code by which somebody enrols one passkey or one device's key. Answers `Invitation`.
    #[n(1)]
    Invite {
        /// Who.
        #[n(0)]
        name: String,
        /// How long it is good, in seconds; at most `limits::INVITATION_SECONDS_MAX`.
        #[n(1)]
        seconds: u32,
        /// With it the code enrols the device's key of this thumbprint and no other.
        #[cbor(n(2), with = "minicbor::bytes")]
        thumbprint: Option<[u8; 32]>,
    },
    /// The keys by which a system signs its assertions, in place of those it had: a JWK Set (RFC 7517 5). Answers `Done`.
    #[n(2)]
    Keys {
        /// Which system.
        #[n(0)]
        name: String,
        /// The JWK Set as JSON. None are left by an empty one.
        #[n(1)]
        jwks: String,
    },
    /// Takes one passkey or device's key away, with its sessions. Answers `Done`.
    #[n(3)]
    RemoveKey {
        /// Whose.
        #[n(0)]
        name: String,
        /// The key's id, as `List` shows it.
        #[n(1)]
        key: String,
    },
    /// Ends every session of somebody. Answers `Done`.
    #[n(4)]
    SignOut {
        /// Whose.
        #[n(0)]
        name: String,
    },
    /// Everybody. Answers `Staff`.
    #[n(5)]
    List,
}

impl fmt::Debug for Staff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terms { .. } => "Terms(#)",
            Self::Invite { .. } => "Invite(#)",
            Self::Keys { .. } => "Keys(#)",
            Self::RemoveKey { .. } => "RemoveKey(#)",
            Self::SignOut { .. } => "SignOut(#)",
            Self::List => "List",
        })
    }
}

/// Until when somebody opens anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Terms {
    /// On duty from.
    #[n(0)]
    pub duty_from: Option<Micros>,
    /// On duty until.
    #[n(1)]
    pub duty_until: Option<Micros>,
    /// Until when the training counts.
    #[n(2)]
    pub training_until: Option<Micros>,
    /// What somebody may sign in for; none for what the role is usually there for.
    #[n(3)]
    pub purposes: Option<Vec<Purpose>>,
}

/// One of the staff.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct StaffEntry {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// Its id in the log.
    #[n(1)]
    pub actor: String,
    /// Its facility.
    #[n(2)]
    pub facility: FacilityCode,
    /// Its role.
    #[n(3)]
    pub role: Role,
    /// Until when.
    #[n(4)]
    pub terms: Terms,
    /// Its keys.
    #[n(5)]
    pub keys: Vec<KeyEntry>,
    /// Sessions that go on.
    #[n(6)]
    pub sessions: u32,
}

impl fmt::Debug for StaffEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaffEntry({})", self.actor)
    }
}

/// One key of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeyEntry {
    /// Its id, in base64url: for a device's or a system's key its thumbprint (RFC 7638).
    #[n(0)]
    pub id: String,
    /// `passkey`, `device` or `system`.
    #[n(1)]
    pub kind: String,
    /// Since when.
    #[n(2)]
    pub since: Micros,
}
