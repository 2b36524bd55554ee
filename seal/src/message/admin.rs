//! The messages of whoever sets the key service up. They have a socket of their own.

use super::alarm::{AlarmAnswer, AlarmRequest};
use super::canary::{CanaryAnswer, CanaryRequest};
use super::custody::{CustodyAnswer, CustodyRequest};
use super::isolation::{IsolationAnswer, IsolationRequest};
use super::ledger_proof::{LedgerAsk, LedgerTold};
use super::quorum::{QuorumAnswer, QuorumOrder};
use super::report::{AccessReport, ReportAsk};
use super::{Failure, Staff, StaffEntry};
use minicbor::{Decode, Encode};
use record::{FacilityCode, Purpose, Role};
use std::fmt;

/// What the administrator's socket takes. Frames are [`AdminCall`] and [`AdminReply`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum AdminRequest {
    /// Adds a facility, or renames it.
    #[n(0)]
    AddFacility {
        /// Its code.
        #[n(0)]
        code: FacilityCode,
        /// Its name.
        #[n(1)]
        name: String,
    },
    /// Adds a DIMSE peer, or replaces its settings.
    #[n(1)]
    AddPeer {
        /// AE title, 1 to 16 characters.
        #[n(0)]
        ae_title: String,
        /// The facility it acts for.
        #[n(1)]
        facility: FacilityCode,
        /// SHA-256 of its certificate's DER; without one it may use the plain-text port only.
        #[cbor(n(2), with = "minicbor::bytes")]
        certificate: Option<[u8; 32]>,
        /// Where it listens, for later requests to it.
        #[n(3)]
        host: Option<String>,
        /// Its port.
        #[n(4)]
        port: Option<u16>,
    },
    /// Adds a person or system.
    #[n(2)]
    AddPerson {
        /// The name it is called by on the command line.
        #[n(0)]
        name: String,
        /// Its facility.
        #[n(1)]
        facility: FacilityCode,
        /// Its role.
        #[n(2)]
        role: Role,
    },
    /// Signs a bearer token. Answers [`AdminAnswer::Token`].
    #[n(3)]
    Token {
        /// Whose.
        #[n(0)]
        name: String,
        /// What for.
        #[n(1)]
        purpose: Purpose,
        /// How long, in seconds (at most 90 days).
        #[n(2)]
        seconds: u32,
    },
    /// Lists facilities, peers and people. Answers [`AdminAnswer::Register`].
    #[n(4)]
    List,
    /// Removes a person or peer at once.
    #[n(5)]
    Remove {
        /// Name or AE title.
        #[n(0)]
        name: String,
    },
    /// The ledger's public key (C2SP vkey) and size. Answers [`AdminAnswer::Ledger`].
    #[n(6)]
    Ledger,
    /// The staff register: terms, invitations, keys, sessions.
    #[n(7)]
    Staff(#[n(0)] Staff),
    /// Legal holds, and backups.
    #[n(14)]
    Custody(#[n(0)] CustodyRequest),
    /// Approvers, and what takes two people.
    #[n(25)]
    Quorum(#[n(0)] QuorumOrder),
    /// The ledger's proofs and witnesses. Answers [`AdminAnswer::LedgerTold`].
    #[n(19)]
    LedgerAsk(#[n(0)] LedgerAsk),
    /// A patient's access report. Answers [`AdminAnswer::Report`].
    #[n(26)]
    Report(#[n(0)] ReportAsk),
    /// Alarms, incidents, who is frozen.
    #[n(20)]
    Alarm(#[n(0)] AlarmRequest),
    /// Records that no honest work opens.
    #[n(21)]
    Canary(#[n(0)] CanaryRequest),
    /// Isolating what a feed has written.
    #[n(40)]
    Isolation(#[n(0)] IsolationRequest),
}

/// An administrator's request with its id.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AdminCall {
    /// Chosen by the caller.
    #[n(0)]
    pub id: u64,
    /// What is asked.
    #[n(1)]
    pub request: AdminRequest,
}

/// The reply to an administrator.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct AdminReply {
    /// The call's id.
    #[n(0)]
    pub id: u64,
    /// The answer.
    #[n(1)]
    pub answer: AdminAnswer,
}

/// Answers to an administrator.
#[derive(Clone, PartialEq, Encode, Decode)]
pub enum AdminAnswer {
    /// Done, and in the ledger.
    #[n(0)]
    Done,
    /// The token alone.
    #[n(1)]
    Token(#[n(0)] String),
    /// The register.
    #[n(2)]
    Register(#[n(0)] Register),
    /// The ledger.
    #[n(3)]
    Ledger {
        /// C2SP vkey.
        #[n(0)]
        vkey: String,
        /// Entries.
        #[n(1)]
        size: u64,
    },
    /// It failed.
    #[n(4)]
    Failed(#[n(0)] Failure),
    /// To `Staff(Invite)`: the code alone.
    #[n(5)]
    Invitation(#[n(0)] String),
    /// To `Staff(List)`.
    #[n(6)]
    Staff(#[n(0)] Vec<StaffEntry>),
    /// To `Quorum`.
    #[n(17)]
    Quorum(#[n(0)] QuorumAnswer),
    /// To `LedgerAsk`.
    #[n(13)]
    LedgerTold(#[n(0)] LedgerTold),
    /// To `Report`.
    #[n(18)]
    Report(#[n(0)] AccessReport),
    /// To `Custody`.
    #[n(10)]
    Custody(#[n(0)] CustodyAnswer),
    /// To `Alarm`.
    #[n(14)]
    Alarm(#[n(0)] AlarmAnswer),
    /// To `Canary`.
    #[n(15)]
    Canary(#[n(0)] CanaryAnswer),
    /// To `Isolation`.
    #[n(40)]
    Isolation(#[n(0)] IsolationAnswer),
}

impl fmt::Debug for AdminAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Token(_) => f.write_str("Token(#)"),
            Self::Register(register) => f.debug_tuple("Register").field(register).finish(),
            Self::Ledger { vkey, size } => write!(f, "Ledger({vkey}, {size})"),
            Self::LedgerTold(told) => f.debug_tuple("LedgerTold").field(told).finish(),
            Self::Custody(answer) => f.debug_tuple("Custody").field(answer).finish(),
            Self::Failed(failure) => f.debug_tuple("Failed").field(failure).finish(),
            Self::Canary(_) => f.write_str("Canary(..)"),
            Self::Alarm(_) => f.write_str("Alarm(..)"),
            Self::Isolation(answer) => f.debug_tuple("Isolation").field(answer).finish(),
            Self::Invitation(_) => f.write_str("Invitation(#)"),
            Self::Quorum(_) => f.write_str("Quorum(#)"),
            Self::Report(report) => write!(f, "Report({} entries)", report.entries.len()),
            Self::Staff(staff) => write!(f, "Staff({} people)", staff.len()),
        }
    }
}

/// Who is registered.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Register {
    /// Facilities: code and name.
    #[n(0)]
    pub facilities: Vec<(FacilityCode, String)>,
    /// Peers.
    #[n(1)]
    pub peers: Vec<PeerEntry>,
    /// People and systems: name, facility, role.
    #[n(2)]
    pub people: Vec<(String, FacilityCode, Role)>,
}

/// One registered peer.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct PeerEntry {
    /// AE title.
    #[n(0)]
    pub ae_title: String,
    /// Facility.
    #[n(1)]
    pub facility: FacilityCode,
    /// SHA-256 of its certificate's DER.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub certificate: Option<[u8; 32]>,
    /// Host.
    #[n(3)]
    pub host: Option<String>,
    /// Port.
    #[n(4)]
    pub port: Option<u16>,
}
