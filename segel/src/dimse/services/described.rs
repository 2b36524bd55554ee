//! What the DIMSE door does, told by the code that does it: the conformance statement asks here.

use super::commitment as storage_commitment;
use super::{Service, find, worklist};
use crate::dimse::acceptor::door::Settings;
use crate::dimse::acceptor::negotiate::negotiate;
use archive::find::Level;
use wire::dataset::tag_key;
use wire::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use wire::pdu::{
    AssociateRq, DICOM_APPLICATION_CONTEXT, ExtendedNegotiation, PresentationContextRq, RoleSelection, UserInformation,
};
use wire::syntax::TransferSyntax;

/// ImplementationClassUID and ImplementationVersionName.
pub const IMPLEMENTATION: (&str, &str) = (IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME);

/// What the extended negotiation of a query may say, byte by byte (PS3.4 C.5.1.1).
pub const EXTENDED: [&str; 7] = [
    "relational queries or retrieval",
    "date and time matched as one moment",
    "fuzzy semantic matching of person names",
    "timezone query adjustment",
    "enhanced multi-frame image conversion",
    "matching of empty values",
    "matching of multiple values",
];

/// The answer to a SOP class that a peer proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The SOP class.
    pub sop_class: String,
    /// Whether it is one of storage.
    pub is_storage: bool,
    /// The transfer syntaxes of the standard that are accepted.
    pub transfer_syntaxes: Vec<&'static str>,
    /// Whether the peer may be SCP of it as well.
    pub peer_may_be_scp: bool,
    /// What is granted of [`EXTENDED`].
    pub extended: Vec<&'static str>,
}

/// Proposes a SOP class to the door in every transfer syntax, with every role and form of matching; `None` if it is refused.
pub fn answered(sop_class: &str) -> Option<Answered> {
    let syntaxes: Vec<&'static str> = TransferSyntax::standard().collect();
    let ids = (1..=u8::MAX).step_by(2);
    let contexts = ids.zip(&syntaxes).map(|(id, syntax)| PresentationContextRq {
        id,
        abstract_syntax: sop_class.to_owned(),
        transfer_syntaxes: vec![(*syntax).to_owned()],
    });
    let settings = Settings::new("SEGEL");
    let request = AssociateRq {
        protocol_version: 1,
        called_ae_title: settings.ae_title.clone(),
        calling_ae_title: "PEER".to_owned(),
        application_context: DICOM_APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: contexts.collect(),
        user_information: UserInformation {
            role_selections: vec![RoleSelection { sop_class_uid: sop_class.to_owned(), scu: true, scp: true }],
            extended_negotiations: vec![ExtendedNegotiation {
                sop_class_uid: sop_class.to_owned(),
                application_information: vec![1; EXTENDED.len()],
            }],
            ..UserInformation::default()
        },
    };
    let negotiated = negotiate(&request, &settings).ok()?;
    let service = negotiated.contexts.first()?.service;
    let accepted = |uid: &&str| negotiated.contexts.iter().any(|context| context.transfer_syntax == *uid);
    let user = &negotiated.answer.user_information;
    let granted = user.extended_negotiations.first().map(|answer| answer.application_information.as_slice());
    let granted = granted.unwrap_or_default().iter().zip(EXTENDED);
    Some(Answered {
        sop_class: sop_class.to_owned(),
        is_storage: service == Service::Storage,
        transfer_syntaxes: syntaxes.into_iter().filter(accepted).collect(),
        peer_may_be_scp: user.role_selections.iter().any(|role| role.scp),
        extended: granted.filter(|(byte, _)| **byte == 1).map(|(_, name)| name).collect(),
    })
}

/// The Query/Retrieve levels by name, each with its unique key.
pub fn levels() -> impl Iterator<Item = (Level, &'static str, String)> {
    find::LEVELS.into_iter().map(|(level, name, tag, _)| (level, name, tag_key(tag)))
}

/// The keys of the worklist: beside the step, inside it, and those of a single value.
pub fn worklist_keys() -> (&'static [&'static str], &'static [&'static str], &'static [&'static str]) {
    (&worklist::SUPPORTED, &worklist::SUPPORTED_IN_STEP, &worklist::SINGLE_VALUED)
}

/// Statuses of storage commitment beside success, and when each is answered.
pub const COMMITMENT_STATUSES: [(u16, &str, &str); 6] = [
    (storage_commitment::NO_SUCH_SOP_INSTANCE, "No such SOP instance", "the request is not to the well-known instance"),
    (storage_commitment::NO_SUCH_TYPE, "No such action type", "the action is not 1"),
    (storage_commitment::NO_SUCH_EVENT_TYPE, "No such event type", "a report's event is neither 1 nor 2"),
    (
        storage_commitment::INVALID_ARGUMENT_VALUE,
        "Invalid argument value",
        "the information cannot be understood, names too many instances, or is a report of what was not asked",
    ),
    (
        storage_commitment::RESOURCE_LIMITATION,
        "Resource limitation",
        "the peer has too many reports waiting, or the archive is busy: ask again later",
    ),
    (storage_commitment::PROCESSING_FAILURE, "Processing failure", "anything else"),
];
