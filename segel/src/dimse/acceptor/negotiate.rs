//! Which associations and presentation contexts are accepted (PS3.8 7.1.1, PS3.7 D.3).

use super::door::Settings;
use super::extended::Extended;
pub(in crate::dimse) use crate::dimse::services::Service;
use crate::recode::syntaxes::WRITTEN;
use record::limits::PDU_BYTES_MAX;
use wire::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use wire::pdu::{
    AssociateAc, AssociateRq, DICOM_APPLICATION_CONTEXT, PDU_BYTES_MIN, PresentationContextAc, PresentationContextRq,
    PresentationResult, RejectReason, RoleSelection, UserInformation,
};
use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE, TransferSyntax};

/// Storage Service Class (PS3.6 Table A-1): what a common extended negotiation says of a new or private storage SOP class.
const STORAGE_SERVICE_CLASS: &str = "1.2.840.10008.4.2";
/// The arc of the standard that holds composite storage SOP classes, new ones included (PS3.6 Annex A).
const STORAGE_ARC: &str = "1.2.840.10008.5.1.4.1.1.";
/// What stands in that arc and stores nothing: queries and retrieval of protocol approvals and of inventories, and the
/// making of inventories (PS3.6 Table A-1).
const NO_STORAGE: [&str; 8] = [
    "1.2.840.10008.5.1.4.1.1.200.4",
    "1.2.840.10008.5.1.4.1.1.200.5",
    "1.2.840.10008.5.1.4.1.1.200.6",
    "1.2.840.10008.5.1.4.1.1.201.2",
    "1.2.840.10008.5.1.4.1.1.201.3",
    "1.2.840.10008.5.1.4.1.1.201.4",
    "1.2.840.10008.5.1.4.1.1.201.5",
    "1.2.840.10008.5.1.4.1.1.201.6",
];
/// Storage SOP classes outside that arc, current and retired. A DICOMDIR is none: it names files and no patient's instance.
const STORAGE_ELSEWHERE: [&str; 11] = [
    "1.2.840.10008.5.1.1.27",    // Stored Print
    "1.2.840.10008.5.1.1.29",    // Hardcopy Grayscale Image
    "1.2.840.10008.5.1.1.30",    // Hardcopy Color Image
    "1.2.840.10008.5.1.4.34.1",  // RT Beams Delivery Instruction - Trial
    "1.2.840.10008.5.1.4.34.7",  // RT Beams Delivery Instruction
    "1.2.840.10008.5.1.4.34.10", // RT Brachy Application Setup Delivery Instruction
    "1.2.840.10008.5.1.4.38.1",  // Hanging Protocol
    "1.2.840.10008.5.1.4.39.1",  // Color Palette
    "1.2.840.10008.5.1.4.43.1",  // Generic Implant Template
    "1.2.840.10008.5.1.4.44.1",  // Implant Assembly Template
    "1.2.840.10008.5.1.4.45.1",  // Implant Template Group
];

/// An accepted presentation context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dimse) struct Context {
    pub(in crate::dimse) id: u8,
    pub(in crate::dimse) abstract_syntax: String,
    pub(in crate::dimse) transfer_syntax: String,
    pub(in crate::dimse) service: Service,
}

/// An accepted association.
#[derive(Clone, Debug)]
pub(in crate::dimse) struct Negotiated {
    pub(in crate::dimse) contexts: Vec<Context>,
    pub(in crate::dimse) peer_pdu_bytes_max: u32,
    pub(in crate::dimse) answer: AssociateAc,
    /// What was agreed on beyond the contexts, by SOP class.
    extended: Vec<(String, Extended)>,
}

impl Negotiated {
    pub(in crate::dimse) fn context(&self, id: u8) -> Option<&Context> {
        self.contexts.iter().find(|c| c.id == id)
    }

    /// Contexts over which the peer takes C-STORE requests of ours: it is SCP of the class (PS3.7 D.3.3.4).
    pub(in crate::dimse) fn storage_at_peer(&self) -> impl Iterator<Item = &Context> {
        let roles = &self.answer.user_information.role_selections;
        let scp =
            |context: &Context| roles.iter().any(|role| role.scp && role.sop_class_uid == context.abstract_syntax);
        self.contexts.iter().filter(move |context| context.service == Service::Storage && scp(context))
    }

    /// What was agreed for a SOP class.
    pub(in crate::dimse) fn extended(&self, sop_class: &str) -> Extended {
        self.extended.iter().find(|(uid, _)| uid == sop_class).map(|(_, extended)| *extended).unwrap_or_default()
    }
}

/// Decides on everything but who the peer is, which only the key service knows.
pub(in crate::dimse) fn negotiate(request: &AssociateRq, settings: &Settings) -> Result<Negotiated, RejectReason> {
    if request.protocol_version & 1 == 0 {
        return Err(RejectReason::ProtocolVersionNotSupported);
    }
    if request.application_context != DICOM_APPLICATION_CONTEXT {
        return Err(RejectReason::ApplicationContextNotSupported);
    }
    if request.called_ae_title != settings.ae_title {
        return Err(RejectReason::CalledAeTitleNotRecognized);
    }
    let peer_pdu_bytes_max = request.user_information.pdu_bytes_max;
    if peer_pdu_bytes_max != 0 && peer_pdu_bytes_max < PDU_BYTES_MIN {
        return Err(RejectReason::NoReasonGiven);
    }
    let mut contexts = Vec::new();
    let mut answers = Vec::new();
    for proposed in &request.presentation_contexts {
        let (result, transfer_syntax) = match decide(proposed, request, settings, &contexts) {
            Ok(context) => {
                let syntax = context.transfer_syntax.clone();
                contexts.push(context);
                (PresentationResult::Acceptance, syntax)
            }
            // The syntax of a refused context has no meaning (PS3.8 9.3.3.2), but some peers want one there.
            Err(result) => (result, IMPLICIT_LITTLE.to_owned()),
        };
        answers.push(PresentationContextAc { id: proposed.id, result, transfer_syntax });
    }
    let answer = AssociateAc {
        called_ae_title: request.called_ae_title.clone(),
        calling_ae_title: request.calling_ae_title.clone(),
        application_context: DICOM_APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: answers,
        user_information: user_information(request, &contexts),
    };
    let asked = request.user_information.extended_negotiations.iter();
    let extended = asked.filter_map(|asked| {
        let context = contexts.iter().find(|context| context.abstract_syntax == asked.sop_class_uid)?;
        Some((asked.sop_class_uid.clone(), Extended::grant(context.service, &asked.application_information)))
    });
    let extended = extended.collect();
    Ok(Negotiated { contexts, peer_pdu_bytes_max, answer, extended })
}

/// What is said of ourselves, and of what the requestor asked beyond contexts.
///
/// A user identity (PS3.7 D.3.3.7) is read and not used: who asks is told by certificate and AE title, which the key
/// service knows. Not to answer it, also where an answer was asked for, is how the standard lets an acceptor say that it
/// does not take part; the requestor then decides whether to go on.
fn user_information(request: &AssociateRq, contexts: &[Context]) -> UserInformation {
    let asked = &request.user_information;
    let context = |sop_class: &str| contexts.iter().find(|context| context.abstract_syntax == sop_class);
    UserInformation {
        pdu_bytes_max: PDU_BYTES_MAX,
        implementation_class_uid: IMPLEMENTATION_CLASS_UID.to_owned(),
        implementation_version_name: IMPLEMENTATION_VERSION_NAME.to_owned(),
        // One operation at a time, whatever was proposed (PS3.7 D.3.3.3); no item is the same as 1 and 1.
        asynchronous_operations: asked.asynchronous_operations.map(|_| (1, 1)),
        role_selections: asked
            .role_selections
            .iter()
            .filter_map(|role| Some((role, context(&role.sop_class_uid)?)))
            // The requestor may be SCU, as without the item; SCP where the archive asks something back.
            .map(|(role, context)| RoleSelection { scp: role.scp && context.service.asks_back(), ..role.clone() })
            .collect(),
        extended_negotiations: asked
            .extended_negotiations
            .iter()
            .filter_map(|asked| Some((asked, context(&asked.sop_class_uid)?)))
            .map(|(asked, context)| Extended::grant(context.service, &asked.application_information).answer(asked))
            .collect(),
        ..UserInformation::default()
    }
}

fn decide(
    proposed: &PresentationContextRq,
    request: &AssociateRq,
    settings: &Settings,
    accepted: &[Context],
) -> Result<Context, PresentationResult> {
    let sop_class = &proposed.abstract_syntax;
    let service = service(sop_class, request, settings).ok_or(PresentationResult::AbstractSyntaxNotSupported)?;
    let roles = &request.user_information.role_selections;
    let transfer_syntax = match service {
        Service::Storage if roles.iter().any(|role| role.scp && role.sop_class_uid == *sop_class) => {
            sendable(&proposed.transfer_syntaxes, sop_class, accepted)
        }
        Service::Storage => preferred(&proposed.transfer_syntaxes),
        _ => {
            let plain = |syntax: &&String| *syntax == IMPLICIT_LITTLE || *syntax == EXPLICIT_LITTLE;
            proposed.transfer_syntaxes.iter().find(plain)
        }
    };
    let transfer_syntax = transfer_syntax.ok_or(PresentationResult::TransferSyntaxesNotSupported)?.clone();
    Ok(Context { id: proposed.id, abstract_syntax: sop_class.clone(), transfer_syntax, service })
}

/// For what the archive will send. A context has one transfer syntax, and which objects will be asked for is not known yet:
/// what is not kept in it must be brought into it, so the uncompressed ones come first, Explicit VR Little Endian before all,
/// because everything that can be decoded without loss can be written in them. Then come compressed ones in the
/// proposer's order, a private one last. A SOP class in several contexts with the same list gets a different one in each: it
/// is how a peer that takes both lets compressed objects come as they are kept.
fn sendable<'a>(proposed: &'a [String], sop_class: &str, accepted: &[Context]) -> Option<&'a String> {
    let is_taken = |uid: &str| accepted.iter().any(|c| c.abstract_syntax == sop_class && c.transfer_syntax == uid);
    proposed.iter().min_by_key(|uid| {
        let written = WRITTEN.iter().position(|written| written == uid).unwrap_or(WRITTEN.len());
        (is_taken(uid), written, !TransferSyntax::of(uid).is_standard())
    })
}

/// Everything is kept as it comes, so the proposer's order decides; but a private syntax, whose form has to be guessed,
/// comes after those of the standard, and a deflated one, which can be read only from its beginning, last.
fn preferred(proposed: &[String]) -> Option<&String> {
    proposed.iter().min_by_key(|uid| {
        let syntax = TransferSyntax::of(uid);
        (syntax.is_deflated(), !syntax.is_standard())
    })
}

fn service(sop_class: &str, request: &AssociateRq, settings: &Settings) -> Option<Service> {
    let common = &request.user_information.common_extended_negotiations;
    let said_to_be =
        || common.iter().any(|c| c.sop_class_uid == sop_class && c.service_class_uid == STORAGE_SERVICE_CLASS);
    let storage =
        || is_storage(sop_class) || settings.storage_sop_classes.iter().any(|uid| uid == sop_class) || said_to_be();
    Service::of(sop_class).or_else(|| storage().then_some(Service::Storage))
}

/// Whether the standard has it as a storage SOP class.
fn is_storage(uid: &str) -> bool {
    uid.starts_with(STORAGE_ARC) && !NO_STORAGE.contains(&uid) || STORAGE_ELSEWHERE.contains(&uid)
}

#[cfg(test)]
mod tests;
