//! What a door hands over to be kept, and what it learns afterwards.

use crate::object::InstanceFacts;
use record::{Identifier, Micros, ObjectId, Pseudonym, Term, Version};
use seal::message::relate::Says;
use serde_json::Value;

/// What a door knows of an instance before its bytes come.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// The negotiated transfer syntax: the bytes are a bare data set in it. `None`: the bytes are a Part 10 file (PS3.10),
    /// or a bare data set as old tools write it.
    pub transfer_syntax: Option<String>,
    /// Affected SOP Instance UID of a C-STORE-RQ.
    pub sop_instance_uid: Option<String>,
    /// Affected SOP Class UID of a C-STORE-RQ.
    pub sop_class_uid: Option<String>,
    /// The study that a DICOMweb store names in its path (PS3.18 10.5.1.1.1).
    pub study_instance_uid: Option<String>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOutcome {
    /// Kept; nothing of the kind was there.
    New,
    /// The same bytes are kept already.
    Duplicate,
    /// Other bytes were kept under the same UID: both are kept now, and this is the new one's number.
    NewVersion(Version),
}

/// An instance that survives a power cut.
#[derive(Clone, Debug)]
pub struct Stored {
    /// New, duplicate or new version.
    pub outcome: StoreOutcome,
    /// UIDs and the other facts in clear.
    pub facts: InstanceFacts,
    /// Where the data set departs from the standard, in words without patient data.
    pub warnings: Vec<String>,
}

/// Whose a resource is.
#[derive(Clone, Debug)]
pub enum Subject {
    /// By identifiers; the key service finds or makes the patient.
    Identifiers(Vec<Identifier>),
    /// A patient already known, that the asker's facility has treated.
    Patient(Pseudonym),
}

/// One resource to keep.
#[derive(Clone)]
pub struct ResourceDraft {
    /// FHIR resource type.
    pub resource_type: String,
    /// Logical id, made by the server.
    pub id: String,
    /// 1 for a new resource; for a later version one more than the newest kept one, which must be the sender's.
    pub version: Version,
    /// Whose.
    pub subject: Subject,
    /// What it can be found by beside the subject's identifiers: names, codes (`crate::terms`).
    pub terms: Vec<Term>,
    /// The day it speaks of, `YYYYMMDD`; empty if it names none.
    pub date: String,
    /// What lists show of it.
    pub summary: Value,
    /// What the door needs to serve it without the content, for example where its own elements stand in it.
    pub metadata: Value,
    /// The bytes as they came.
    pub content: Vec<u8>,
    /// Its labels, and what it gives to another facility.
    pub says: Says,
}

impl std::fmt::Debug for ResourceDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResourceDraft({}/{}, #)", self.resource_type, self.id)
    }
}

/// A resource that survives a power cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResource {
    /// FHIR resource type.
    pub resource_type: String,
    /// Logical id.
    pub id: String,
    /// The version kept.
    pub version: Version,
    /// The object behind it.
    pub object: ObjectId,
    /// Whose.
    pub patient: Pseudonym,
    /// When it arrived, which is `meta.lastUpdated`.
    pub arrived: Micros,
}
