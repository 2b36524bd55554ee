//! What the archive writes down about an object beside its sealed bytes: the record of a segment's frame.
//!
//! Everything here is in clear on the disk. It names no patient: pseudonyms, tokens, wrapped keys, UIDs and sizes.

use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros, ObjectId, Pseudonym, Token, Version};
use seal::message::isolation::IsolationId;
use seal::message::{Context, WrappedKey};

/// One object version as the frame's record holds it (CBOR, numbered fields; `docs/formats.md`).
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ObjectRecord {
    /// Which object.
    #[n(0)]
    pub object: ObjectId,
    /// Which version of it, from 1.
    #[n(1)]
    pub version: Version,
    /// Whose.
    #[n(2)]
    pub patient: Pseudonym,
    /// Other pseudonyms of the same person; the sending facility has treated them as well.
    #[n(3)]
    pub linked: Vec<Pseudonym>,
    /// The facility that sent it and that alone may send a later version.
    #[n(4)]
    pub facility: FacilityCode,
    /// The sending actor's id in the key service's register.
    #[n(5)]
    pub sender: String,
    /// When the last byte had arrived.
    #[n(6)]
    pub arrived: Micros,
    /// What it can be found by.
    #[n(7)]
    pub tokens: Vec<Token>,
    /// Key of the summary.
    #[n(8)]
    pub summary_key: WrappedKey,
    /// Key of metadata and content.
    #[n(9)]
    pub content_key: WrappedKey,
    /// `seal::digest` commitment of the content as it arrived.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub commitment: [u8; 32],
    /// The sealed summary.
    #[n(11)]
    pub summary: Extent,
    /// The sealed metadata.
    #[n(12)]
    pub metadata: Extent,
    /// The sealed content.
    #[n(13)]
    pub content: Extent,
    /// What kind of thing it is.
    #[n(14)]
    pub kind: Kind,
    /// What this version gives to other facilities; an object gives what its newest version says.
    #[cbor(n(15), default, skip_if = "Vec::is_empty")]
    pub given: Vec<Given>,
}

/// Another facility may look for the patient, and for its linked pseudonyms, until then.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Given {
    /// The other facility.
    #[n(0)]
    pub to: FacilityCode,
    /// When it runs out.
    #[n(1)]
    pub until: Micros,
}

impl ObjectRecord {
    /// What its keys and ciphertexts are bound to.
    #[must_use]
    pub fn context(&self) -> Context {
        Context { patient: self.patient, object: self.object, version: self.version }
    }
}

/// Where a sealed part lies in its frame. Its true length is sealed with it (`seal::padded`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Extent {
    /// Offset of the sealed part in bytes from the start of the frame.
    #[n(0)]
    pub offset: u64,
    /// Length of the sealed part in bytes.
    #[n(1)]
    pub sealed_bytes: u64,
}

/// Images, documents and results live in one model; only what the index needs in clear differs.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Kind {
    /// A DICOM composite instance.
    #[n(0)]
    Instance(#[n(0)] InstanceFacts),
    /// A FHIR resource.
    #[n(1)]
    Resource(#[n(0)] ResourceFacts),
}

/// What the index knows of an instance in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct InstanceFacts {
    /// StudyInstanceUID (0020,000D).
    #[n(0)]
    pub study_instance_uid: String,
    /// SeriesInstanceUID (0020,000E).
    #[n(1)]
    pub series_instance_uid: String,
    /// SOPInstanceUID (0008,0018).
    #[n(2)]
    pub sop_instance_uid: String,
    /// SOPClassUID (0008,0016).
    #[n(3)]
    pub sop_class_uid: String,
    /// TransferSyntaxUID (0002,0010) it is kept in, which is the one it came in.
    #[n(4)]
    pub transfer_syntax_uid: String,
    /// Modality (0008,0060), upper case; empty if absent.
    #[n(5)]
    pub modality: String,
    /// StudyDate (0008,0020) as `YYYYMMDD`; empty if absent or not a date.
    #[n(6)]
    pub study_date: String,
    /// NumberOfFrames (0028,0008); 1 if absent, 0 without pixel data.
    #[n(7)]
    pub frames: u32,
    /// Where the data set begins in the content: 0 for a bare one, else after preamble and file meta information.
    #[n(8)]
    pub dataset_offset: u64,
}

/// What the index knows of a resource in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ResourceFacts {
    /// FHIR resource type.
    #[n(0)]
    pub resource_type: String,
    /// Logical id, made by the server.
    #[n(1)]
    pub id: String,
    /// The day it speaks of, `YYYYMMDD`; empty if it names none.
    #[n(2)]
    pub date: String,
}

/// What a frame says that holds no object (CBOR, numbered fields; `docs/formats.md`).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Order {
    /// From here on, whatever fits is isolated, whether it was committed before or comes later.
    #[n(0)]
    Isolate(#[n(0)] Isolation),
    /// An isolation is lifted.
    #[n(1)]
    Lift {
        /// Which.
        #[n(0)]
        id: IsolationId,
    },
}

impl Order {
    /// Which isolation it is about.
    #[must_use]
    pub fn id(&self) -> IsolationId {
        match self {
            Self::Isolate(isolation) => isolation.id,
            Self::Lift { id } => *id,
        }
    }
}

/// What is isolated.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Isolation {
    /// The key service's number of it.
    #[n(0)]
    pub id: IsolationId,
    /// What everybody at this facility wrote.
    #[n(1)]
    pub facility: Option<FacilityCode>,
    /// What these senders wrote.
    #[n(2)]
    pub senders: Vec<String>,
    /// If it arrived at this time or later,
    #[n(3)]
    pub from: Micros,
    /// and before this time.
    #[n(4)]
    pub until: Micros,
}

impl Isolation {
    /// Whether an object version is one of those that are meant.
    #[must_use]
    pub fn covers(&self, record: &ObjectRecord) -> bool {
        let is_theirs = self.facility.as_ref() == Some(&record.facility) || self.senders.contains(&record.sender);
        is_theirs && (self.from..self.until).contains(&record.arrived)
    }
}
