//! Isolating what a feed has written: who orders it, what an archive node must know of it, and what it tells back.

use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros};

/// An isolation's random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct IsolationId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 8]);

impl IsolationId {
    /// Sixteen hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whose writes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Whom {
    /// Everybody's at a facility.
    #[n(0)]
    Facility(#[n(0)] FacilityCode),
    /// A DICOM peer's, by its AE title.
    #[n(1)]
    Peer(#[n(0)] String),
    /// Those of the peers that a certificate is registered for, by the SHA-256 of its DER.
    #[n(2)]
    Certificate(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// Somebody's, by name or by the id that records and events have: also of who is registered no more.
    #[n(3)]
    Sender(#[n(0)] String),
}

/// What is to be isolated, and why.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IsolationOrder {
    /// Whose writes.
    #[n(0)]
    pub whom: Whom,
    /// Arrived at this time or later.
    #[n(1)]
    pub from: Micros,
    /// Arrived before this time.
    #[n(2)]
    pub until: Micros,
    /// Why, for the ledger.
    #[n(3)]
    pub reason: String,
}

/// What an administrator asks about isolation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum IsolationRequest {
    /// Isolates. Answers [`IsolationAnswer::Ordered`].
    #[n(0)]
    Isolate(#[n(0)] IsolationOrder),
    /// What it would be about; nothing changes. Answers [`IsolationAnswer::Preview`].
    #[n(1)]
    Preview(#[n(0)] IsolationOrder),
    /// Lists every isolation. Answers [`IsolationAnswer::List`].
    #[n(2)]
    List,
    /// Lifts one: everything of it is as it was. Answers [`IsolationAnswer::Ordered`].
    #[n(3)]
    Lift {
        /// Which.
        #[n(0)]
        id: IsolationId,
        /// Why, for the ledger.
        #[n(1)]
        reason: String,
    },
}

/// What an archive node must know to isolate: ids and codes as its records have them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IsolationRule {
    /// Its number.
    #[n(0)]
    pub id: IsolationId,
    /// Of everybody at this facility.
    #[n(1)]
    pub facility: Option<FacilityCode>,
    /// Of these senders.
    #[n(2)]
    pub senders: Vec<String>,
    /// Arrived at this time or later.
    #[n(3)]
    pub from: Micros,
    /// Arrived before this time.
    #[n(4)]
    pub until: Micros,
    /// Whether it is lifted.
    #[n(5)]
    pub is_lifted: bool,
}

/// How far an archive node is with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IsolationReport {
    /// Which.
    #[n(0)]
    pub id: IsolationId,
    /// Whether it speaks of the lifting.
    #[n(1)]
    pub is_lifted: bool,
    /// Whether everything of it is done.
    #[n(2)]
    pub is_done: bool,
    /// Object versions that are isolated by it now.
    #[n(3)]
    pub versions: u64,
}

/// One isolation as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IsolationEntry {
    /// What of whom.
    #[n(0)]
    pub rule: IsolationRule,
    /// Whose writes, as it was ordered.
    #[n(1)]
    pub whom: Whom,
    /// Why.
    #[n(2)]
    pub reason: String,
    /// When it was ordered.
    #[n(3)]
    pub ordered: Micros,
    /// Relations between patients and facilities that it has taken away.
    #[n(4)]
    pub relations: u64,
    /// Whether the key service has done its part.
    #[n(5)]
    pub is_settled: bool,
    /// What the archive node last told of its part.
    #[n(6)]
    pub archive: Option<IsolationReport>,
}

impl IsolationEntry {
    /// Whether both programs have done their parts.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let archive = self.archive.is_some_and(|report| report.is_done && report.is_lifted == self.rule.is_lifted);
        self.is_settled && archive
    }
}

/// Answers about isolation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum IsolationAnswer {
    /// To `Isolate` and `Lift`.
    #[n(0)]
    Ordered(#[n(0)] IsolationEntry),
    /// To `Preview`.
    #[n(1)]
    Preview(#[n(0)] IsolationRule),
    /// To `List`, the oldest first.
    #[n(2)]
    List(#[n(0)] Vec<IsolationEntry>),
}
