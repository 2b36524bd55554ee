//! What the key service answers to an archive node.

use super::{
    Admitted, Released, SignInAnswer, break_glass, canary, export, isolation, ledger_proof, quorum, relate, report,
    step_up,
};
use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros, Outcome, Purpose, Role, Token};

/// The answers.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Answer {
    /// To `Authenticate`.
    #[n(0)]
    Who(#[n(0)] Who),
    /// To `Admit`.
    #[n(1)]
    Admitted(#[n(0)] Vec<Admitted>),
    /// To `Tokens`: for each term every token that stands for it; none at all if they are too many to narrow anything.
    #[n(21)]
    Tokens(#[n(0)] Vec<Option<Vec<Token>>>),
    /// To `Release`.
    #[n(3)]
    Released(#[n(0)] Vec<Released>),
    /// To `Compare`.
    #[n(4)]
    Same(#[n(0)] bool),
    /// To `Erase`: the ledger entry that certifies it.
    #[n(5)]
    Erased(#[n(0)] u64),
    /// To `Checkpoint`: the signed note as text (C2SP tlog-checkpoint).
    #[n(6)]
    Checkpoint(#[n(0)] String),
    /// To `Certificates`.
    #[n(7)]
    Certificates(#[n(0)] Vec<Certificate>),
    /// The whole call failed.
    #[n(8)]
    Failed(#[n(0)] Failure),
    /// To `Peer`.
    #[n(9)]
    Peer(#[n(0)] PeerAddress),
    /// To `SignIn`.
    #[n(10)]
    SignIn(#[n(0)] SignInAnswer),
    /// To `Relate` and `Label`.
    #[n(11)]
    Noted(#[n(0)] relate::Noted),
    /// To `StepUp`: what the asker may see.
    #[n(12)]
    StepUp(#[n(0)] Vec<step_up::StepUpEntry>),
    /// To `BreakGlass`.
    #[n(13)]
    Glass(#[n(0)] break_glass::GlassAnswer),
    /// To `Certificate`: statement, proof and key, as JSON.
    #[n(14)]
    Certificate(#[n(0)] String),
    /// To `LedgerProof`.
    #[n(16)]
    LedgerProof(#[n(0)] ledger_proof::LedgerProof),
    /// To `Planting`.
    #[n(17)]
    Planting(#[n(0)] Option<canary::Planting>),
    /// To `Quorum`.
    #[n(18)]
    Quorum(#[n(0)] quorum::QuorumAnswer),
    /// To `Report`.
    #[n(19)]
    Report(#[n(0)] report::AccessReport),
    /// To `Export`.
    #[n(20)]
    Export(#[n(0)] export::ExportAnswer),
    /// To `Isolations`.
    #[n(40)]
    Isolations(#[n(0)] Vec<isolation::IsolationRule>),
    /// To `Confirmed`.
    #[n(41)]
    Confirmed(#[n(0)] Vec<bool>),
    /// To `Closings`: a number that grows, and that a restart changes.
    #[n(90)]
    Closings(#[n(0)] u64),
}

/// Where a DIMSE peer listens, and how it is recognised there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PeerAddress {
    /// AE title.
    #[n(0)]
    pub ae_title: String,
    /// The facility it acts for.
    #[n(1)]
    pub facility: FacilityCode,
    /// Host name or address.
    #[n(2)]
    pub host: String,
    /// Port.
    #[n(3)]
    pub port: u16,
    /// SHA-256 of the DER of the one certificate that it may show; with none it is spoken to in plain text.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub certificate: Option<[u8; 32]>,
}

/// A certificate that a DIMSE peer may present.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Certificate {
    /// SHA-256 of the DER.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub sha256: [u8; 32],
    /// The AE title it is bound to.
    #[n(1)]
    pub ae_title: String,
}

/// Who an asker is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Who {
    /// Stable id of the person, system or peer in the register (never a name).
    #[n(0)]
    pub actor: String,
    /// The facility it acts for.
    #[n(1)]
    pub facility: FacilityCode,
    /// Its role.
    #[n(2)]
    pub role: Role,
    /// The purpose its token allows.
    #[n(3)]
    pub purpose: Purpose,
    /// When the proof ends; `None` for a peer.
    #[n(4)]
    pub expires: Option<Micros>,
}

/// Why a call failed: the kind, and a sentence for people that names no patient.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// What the caller must do.
    #[n(0)]
    pub outcome: Outcome,
    /// For people.
    #[n(1)]
    pub text: String,
    /// After how many seconds it is worth asking again, where that is known.
    #[n(2)]
    pub retry_after_seconds: Option<u32>,
}
