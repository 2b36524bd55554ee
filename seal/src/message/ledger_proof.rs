//! Messages about the ledger: an entry's proof to hand out, and how the ledger stands with its witnesses.

use minicbor::{Decode, Encode};
use std::fmt;

/// An entry with what it stands for, to be verified offline.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LedgerProof {
    /// The entry's position.
    #[n(0)]
    pub position: u64,
    /// What opens it ([`disclosure`]).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub extra: Vec<u8>,
    /// The `.tlog-proof` file (C2SP tlog-proof), which carries `extra` as well.
    #[n(2)]
    pub proof: String,
}

impl fmt::Debug for LedgerProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerProof({}, #)", self.position)
    }
}

/// What an administrator asks of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LedgerAsk {
    /// An entry's proof.
    #[n(0)]
    Proof(#[n(0)] u64),
    /// How it stands with its witnesses.
    #[n(1)]
    Standing,
}

/// The answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LedgerTold {
    /// To `Proof`.
    #[n(0)]
    Proof(#[n(0)] LedgerProof),
    /// To `Standing`.
    #[n(1)]
    Standing(#[n(0)] LedgerStanding),
}

/// How the ledger stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct LedgerStanding {
    /// Entries.
    #[n(0)]
    pub size: u64,
    /// How many witnesses must agree; 0 if none is asked for.
    #[n(1)]
    pub needed: u32,
    /// The size that enough have cosigned.
    #[n(2)]
    pub cosigned: Option<u64>,
    /// Whether a quorum has been missing for too long.
    #[n(3)]
    pub is_late: bool,
    /// Each witness.
    #[n(4)]
    pub witnesses: Vec<WitnessStanding>,
}

/// One witness.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WitnessStanding {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// The size that it cosigned last, since the service started.
    #[n(1)]
    pub cosigned: Option<u64>,
    /// What is wrong with it.
    #[n(2)]
    pub trouble: Option<String>,
}
