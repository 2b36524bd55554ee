//! The messages of bulk exports: a sealed bundle for one named recipient.

use super::{Context, ReleaseItem, Released};
use crate::approval::ProposalId;
use minicbor::{Decode, Encode};
use record::{FacilityCode, Identifier, Micros, Pseudonym, Purpose};

/// What an export may give to whom. It stands inside what its approvers sign.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ExportTerms {
    /// The recipient's public key (X25519, RFC 7748): nobody else opens the bundle.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub recipient_key: [u8; 32],
    /// Who that is, in words.
    #[n(1)]
    pub recipient: String,
    /// What for.
    #[n(2)]
    pub purpose: Purpose,
    /// Which records.
    #[n(3)]
    pub selection: Selection,
    /// Different patients at most.
    #[n(4)]
    pub patients_max: u32,
    /// Objects at most.
    #[n(5)]
    pub objects_max: u32,
    /// Bytes of all files at most.
    #[n(6)]
    pub bytes_max: u64,
}

/// Which records an export takes. Absent is no limit; facility and patients are held by the key service, the rest by the
/// archive node, which alone knows what an object is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Selection {
    /// Patients whom this facility has treated.
    #[n(0)]
    pub facility: FacilityCode,
    /// First study day, `YYYYMMDD`.
    #[n(1)]
    pub from: Option<String>,
    /// Last study day, `YYYYMMDD`.
    #[n(2)]
    pub to: Option<String>,
    /// Modalities; none for every one.
    #[n(3)]
    pub modalities: Vec<String>,
    /// These patients only; none for every one.
    #[n(4)]
    pub patients: Vec<Identifier>,
}

/// What is asked of an export.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum ExportAsk {
    /// Its terms, if it may run now. Answers [`ExportAnswer::Begun`].
    #[n(0)]
    Begin(#[n(0)] ProposalId),
    /// Content keys, within the terms. Answers [`ExportAnswer::Released`], in order.
    #[n(1)]
    Release(#[n(0)] ProposalId, #[n(1)] Vec<ReleaseItem>),
    /// Files that are about to leave, with what will be in them. Answers [`ExportAnswer::Disclosed`], in order, once it is
    /// in the ledger; the files' bytes may leave then and not before.
    #[n(2)]
    Disclose(#[n(0)] ProposalId, #[n(1)] Vec<DisclosedFile>),
    /// The bundle is whole. Answers [`ExportAnswer::Ended`].
    #[n(3)]
    End {
        /// Which export.
        #[n(0)]
        export: ProposalId,
        /// SHA-256 of its manifest.
        #[cbor(n(1), with = "minicbor::bytes")]
        manifest: [u8; 32],
        /// Files in it.
        #[n(2)]
        files: u32,
    },
}

impl ExportAsk {
    /// Which export it is about.
    #[must_use]
    pub fn export(&self) -> ProposalId {
        match self {
            Self::Begin(export) | Self::Release(export, _) | Self::Disclose(export, _) | Self::End { export, .. } => {
                *export
            }
        }
    }
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct DisclosedFile {
    /// Which object version.
    #[n(0)]
    pub context: Context,
    /// SHA-256 of the data set as it is kept, which every copy of the file has behind its own envelope.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sha256: [u8; 32],
    /// Its bytes.
    #[n(2)]
    pub bytes: u64,
}

/// Answers about exports.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum ExportAnswer {
    /// It may run.
    #[n(0)]
    Begun {
        /// The proposal's bytes, with the terms.
        #[cbor(n(0), with = "minicbor::bytes")]
        proposal: Vec<u8>,
        /// The patients that the terms name, where they name any.
        #[n(1)]
        patients: Vec<Pseudonym>,
    },
    /// Keys, or refusals.
    #[n(1)]
    Released(#[n(0)] Vec<Released>),
    /// One disclosure's id for each file: the same again for a file that the export has disclosed before.
    #[n(2)]
    Disclosed(#[n(0)] Vec<DisclosureId>),
    /// The end is in the ledger.
    #[n(3)]
    Ended {
        /// A signed note of the ledger's key: which export, which manifest, which entry.
        #[n(0)]
        receipt: String,
        /// The entry's position.
        #[n(1)]
        position: u64,
        /// The entry: SHA-256 of the sealed event.
        #[cbor(n(2), with = "minicbor::bytes")]
        entry: [u8; 32],
        /// When.
        #[n(3)]
        at: Micros,
    },
}

/// One delivery of one object version to one recipient: random, and in every copy of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct DisclosureId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);
