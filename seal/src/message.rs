//! The messages between an archive node and the key service.
//!
//! A connection carries frames: a big-endian `u32` length (at most `limits::MESSAGE_BYTES_MAX`) and one CBOR item.
//! Requests carry an id that the reply repeats; replies may come in any order. The field numbers below are the format:
//! a number is never reused (`docs/formats.md`).
//!
//! The archive node speaks [`Request`] on the node socket. Setting the service up is another family, [`AdminRequest`],
//! on another socket, so that a broken-into archive node cannot add a reader.

mod admin;
pub mod alarm;
mod answer;
pub mod break_glass;
pub mod canary;
pub mod custody;
pub mod export;
pub mod isolation;
mod item;
pub mod ledger_proof;
pub mod quorum;
pub mod relate;
pub mod report;
mod sign_in;
mod staff;
pub mod step_up;

pub use admin::{AdminAnswer, AdminCall, AdminReply, AdminRequest, PeerEntry, Register};
pub use answer::{Answer, Certificate, Failure, PeerAddress, Who};
pub use item::{AdmitItem, Admitted, ReleaseItem, Released};
pub use sign_in::{Assertion, Challenge, Credential, KeyProof, OutsideIssuer, SignIn, SignInAnswer, SignedIn, Ways};
pub use staff::{KeyEntry, Staff, StaffEntry, Terms};

use minicbor::{Decode, Encode};
use record::{ObjectId, Pseudonym, Purpose, Term, Version};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key of one object version's summary or content: 32 random bytes, overwritten when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Encode, Decode)]
#[cbor(transparent)]
pub struct DataKey(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(#)")
    }
}

/// Which half of an object version a data key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Part {
    /// Who and what, as lists show it: identity and the study's description.
    #[n(0)]
    Summary,
    /// Everything: full metadata, pixels, documents, values.
    #[n(1)]
    Content,
}

/// A data key sealed under its patient's key (`wrap`): the epoch, a random nonce of 12 bytes, 32 bytes and the tag of 16.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct WrappedKey {
    /// The root's epoch that the patient's key was derived in.
    #[n(0)]
    pub epoch: u32,
    /// Nonce, ciphertext and tag: 60 bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey(epoch {})", self.epoch)
    }
}

/// What a wrapped key and the ciphertext under it are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Context {
    /// Whose.
    #[n(0)]
    pub patient: Pseudonym,
    /// Which object.
    #[n(1)]
    pub object: ObjectId,
    /// Which of its versions.
    #[n(2)]
    pub version: Version,
}

/// What the asker shows for itself. The key service checks it; the archive node only passes it on.
#[derive(Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Proof {
    /// A bearer token that the key service signed.
    #[n(0)]
    Bearer(#[n(0)] String),
    /// A DIMSE peer: its AE title and the SHA-256 of its client certificate (none on a plain-text port).
    #[n(1)]
    Peer {
        /// Calling AE title.
        #[n(0)]
        ae_title: String,
        /// SHA-256 of the certificate's DER.
        #[cbor(n(1), with = "minicbor::bytes")]
        certificate: Option<[u8; 32]>,
    },
    /// A token that is bound to a key (RFC 9449), with the proof that the asker holds the key.
    #[n(2)]
    Bound {
        /// The access token, as in `Authorization: DPoP`.
        #[n(0)]
        token: String,
        /// The header `DPoP`: a compact JWS.
        #[n(1)]
        proof: String,
        /// The HTTP method that it was shown with.
        #[n(2)]
        method: String,
        /// The absolute URI that it was shown with; query and fragment are not compared.
        #[n(3)]
        uri: String,
    },
    /// The archive itself, planting a canary as if a sender had sent it. It takes that one in and opens nothing.
    #[n(3)]
    Planting {
        /// The canary's number.
        #[n(0)]
        number: u64,
        /// The sender's id in the register.
        #[n(1)]
        sender: String,
    },
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer(_) => f.write_str("Bearer(#)"),
            Self::Peer { ae_title, .. } => write!(f, "Peer({ae_title})"),
            Self::Planting { .. } => f.write_str("Planting(#)"),
            Self::Bound { method, .. } => write!(f, "Bound({method} #)"),
        }
    }
}

/// Who asks, why, and through which door. Every request that touches a patient carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Asker {
    /// The proof of identity.
    #[n(0)]
    pub proof: Proof,
    /// HL7 PurposeOfUse; a token's own purpose bounds it.
    #[n(1)]
    pub purpose: Purpose,
    /// The door: `dimse`, `dicomweb`, `fhir`, `page`, `import`.
    #[n(2)]
    pub channel: String,
}

/// A request with its id.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Call {
    /// Chosen by the caller; the reply repeats it.
    #[n(0)]
    pub id: u64,
    /// What is asked.
    #[n(1)]
    pub request: Request,
}

/// The reply to the call with the same id.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Reply {
    /// The call's id.
    #[n(0)]
    pub id: u64,
    /// The answer.
    #[n(1)]
    pub answer: Answer,
}

/// What an archive node may ask.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Request {
    /// Who is this? Answers [`Answer::Who`]. Not logged; opens nothing.
    #[n(0)]
    Authenticate(#[n(0)] Asker),
    /// Take these objects in: identities to pseudonyms, terms to tokens, data keys to wrapped keys. Answers
    /// [`Answer::Admitted`], one item each, in order, all or none.
    #[n(1)]
    Admit {
        /// Who sends.
        #[n(0)]
        asker: Asker,
        /// At most `limits::MESSAGE_ITEMS_MAX`.
        #[n(1)]
        items: Vec<AdmitItem>,
    },
    /// Search terms to tokens. Answers [`Answer::Tokens`], in order.
    #[n(2)]
    Tokens {
        /// Who searches.
        #[n(0)]
        asker: Asker,
        /// At most `limits::MESSAGE_ITEMS_MAX`.
        #[n(1)]
        terms: Vec<Term>,
    },
    /// Open: wrapped keys to data keys. Answers [`Answer::Released`], in order; each item alone may be refused.
    #[n(3)]
    Release {
        /// Who opens.
        #[n(0)]
        asker: Asker,
        /// Summary (a list) or content; metered apart.
        #[n(1)]
        part: Part,
        /// At most `limits::MESSAGE_ITEMS_MAX`.
        #[n(2)]
        items: Vec<ReleaseItem>,
    },
    /// Are these the bytes that were kept? Compares inside the key service, so that an ingest path learns yes or no and
    /// never a key. Answers [`Answer::Same`].
    #[n(4)]
    Compare {
        /// Who sends.
        #[n(0)]
        asker: Asker,
        /// The kept version, with its wrapped *content* key.
        #[n(1)]
        kept: ReleaseItem,
        /// The kept version's digest (`digest::commit`).
        #[cbor(n(2), with = "minicbor::bytes")]
        commitment: [u8; 32],
        /// BLAKE3 of the bytes that arrived.
        #[cbor(n(3), with = "minicbor::bytes")]
        arrived: [u8; 32],
    },
    /// Destroy a patient's secret: nothing sealed under it opens again, in any copy. Answers [`Answer::Erased`].
    #[n(5)]
    Erase {
        /// Who orders it.
        #[n(0)]
        asker: Asker,
        /// Whose.
        #[n(1)]
        patient: Pseudonym,
        /// Why, for the log.
        #[n(2)]
        reason: String,
        /// On which legal basis, before the time of retention is over.
        #[n(3)]
        basis: Option<custody::Basis>,
    },
    /// The ledger's newest signed checkpoint. Answers [`Answer::Checkpoint`].
    #[n(6)]
    Checkpoint,
    /// The certificates that DIMSE peers may present (SHA-256 of DER). Answers [`Answer::Certificates`].
    #[n(7)]
    Certificates,
    /// Where a registered DIMSE peer listens. Answers [`Answer::Peer`]; a peer that is not registered, or without an
    /// address, is refused alike. Not logged; opens nothing.
    #[n(8)]
    Peer {
        /// Who wants to send there.
        #[n(0)]
        asker: Asker,
        /// The peer's AE title.
        #[n(1)]
        ae_title: String,
    },
    /// Signing in, and out. Answers [`Answer::SignIn`]; everything that fails is refused alike.
    #[n(9)]
    SignIn(#[n(0)] SignIn),
    /// Who else may look at a patient: a referral, consent, or its end. Answers [`Answer::Noted`].
    #[n(10)]
    Relate(#[n(0)] relate::RelateRequest),
    /// Labels of a sensitive object. Answers [`Answer::Noted`].
    #[n(11)]
    Label(#[n(0)] relate::LabelRequest),
    /// A colleague's word on the spot. Answers [`Answer::StepUp`].
    #[n(12)]
    StepUp {
        /// Who asks or approves.
        #[n(0)]
        asker: Asker,
        /// What.
        #[n(1)]
        ask: step_up::StepUpAsk,
    },
    /// An emergency, and its review. Answers [`Answer::Glass`].
    #[n(13)]
    BreakGlass {
        /// Who declares or reviews.
        #[n(0)]
        asker: Asker,
        /// What.
        #[n(1)]
        ask: break_glass::GlassAsk,
    },
    /// The certificate of an erasure. Answers [`Answer::Certificate`].
    #[n(14)]
    Certificate {
        /// Who asks.
        #[n(0)]
        asker: Asker,
        /// Whose erasure.
        #[n(1)]
        patient: Pseudonym,
    },
    /// The canary that is due to be planted, if one is. Answers [`Answer::Planting`]. It opens nothing.
    #[n(17)]
    Planting,
    /// An entry's proof, for whom it concerns. Answers [`Answer::LedgerProof`].
    #[n(16)]
    LedgerProof {
        /// Who asks.
        #[n(0)]
        asker: Asker,
        /// The entry's position.
        #[n(1)]
        position: u64,
    },
    /// Approvers: what waits for them, and their word on it. Answers [`Answer::Quorum`].
    #[n(18)]
    Quorum(#[n(0)] quorum::QuorumCall),
    /// A patient's access report. Answers [`Answer::Report`].
    #[n(19)]
    Report {
        /// Who asks.
        #[n(0)]
        asker: Asker,
        /// Whose.
        #[n(1)]
        ask: report::ReportAsk,
    },
    /// A step of a bulk export. Answers [`Answer::Export`].
    #[n(20)]
    Export {
        /// Who runs it.
        #[n(0)]
        asker: Asker,
        /// Which step.
        #[n(1)]
        ask: export::ExportAsk,
    },
    /// How far this node is with isolations. Answers [`Answer::Isolations`]: all that there are.
    #[n(40)]
    Isolations(#[n(0)] Vec<isolation::IsolationReport>),
    /// Whether the relation of the asker's facility to each patient stands by others than the asker. Answers
    /// [`Answer::Confirmed`], in order. Not logged; opens nothing.
    #[n(41)]
    Confirmed {
        /// Who asks.
        #[n(0)]
        asker: Asker,
        /// At most `limits::MESSAGE_ITEMS_MAX`.
        #[n(1)]
        patients: Vec<Pseudonym>,
    },
    /// How often something was closed that may be at hand in a node: a patient erased, an object labelled, a relation ended. Answers
    /// [`Answer::Closings`]. Not logged; opens nothing.
    #[n(90)]
    Closings,
}
