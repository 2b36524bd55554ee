//! Which associations and presentation contexts are accepted (PS3.8 7.1.1, PS3.7 D.3).

use super::door::Settings;
pub(in crate::dimse) use crate::dimse::services::Service;
use record::limits::PDU_BYTES_MAX;
use wire::pdu::{
    AssociateAc, AssociateRq, DICOM_APPLICATION_CONTEXT, PDU_BYTES_MIN, PresentationContextAc, PresentationContextRq,
    PresentationResult, RejectReason, RoleSelection, UserInformation,
};
use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE, TransferSyntax};

/// Segel's ImplementationClassUID (PS3.7 D.3.3.2): a UUID under 2.25.
pub(in crate::dimse) const IMPLEMENTATION_CLASS_UID: &str = "2.25.138428531871653213962547102836610382741";
/// Segel's ImplementationVersionName.
const IMPLEMENTATION_VERSION_NAME: &str = concat!("SEGEL_", env!("CARGO_PKG_VERSION"));
/// The arc of the standard that holds composite storage SOP classes, new ones included (PS3.6 Annex A).
const STORAGE_ARC: &str = "1.2.840.10008.5.1.4.1.1.";
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
}

impl Negotiated {
    pub(in crate::dimse) fn context(&self, id: u8) -> Option<&Context> {
        self.contexts.iter().find(|c| c.id == id)
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
        let (result, transfer_syntax) = match decide(proposed, settings) {
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
    Ok(Negotiated { contexts, peer_pdu_bytes_max, answer })
}

fn user_information(request: &AssociateRq, contexts: &[Context]) -> UserInformation {
    let ours = request.user_information.role_selections.iter();
    let ours = ours.filter(|role| contexts.iter().any(|c| c.abstract_syntax == role.sop_class_uid));
    UserInformation {
        pdu_bytes_max: PDU_BYTES_MAX,
        implementation_class_uid: IMPLEMENTATION_CLASS_UID.to_owned(),
        implementation_version_name: IMPLEMENTATION_VERSION_NAME.to_owned(),
        // The requestor may be SCU, as without the item; the archive asks nothing back over the same association.
        role_selections: ours
            .map(|role| RoleSelection { sop_class_uid: role.sop_class_uid.clone(), scu: role.scu, scp: false })
            .collect(),
        ..UserInformation::default()
    }
}

fn decide(proposed: &PresentationContextRq, settings: &Settings) -> Result<Context, PresentationResult> {
    let service = service(&proposed.abstract_syntax, settings).ok_or(PresentationResult::AbstractSyntaxNotSupported)?;
    let transfer_syntax = match service {
        Service::Storage => preferred(&proposed.transfer_syntaxes),
        _ => {
            let plain = |syntax: &&String| *syntax == IMPLICIT_LITTLE || *syntax == EXPLICIT_LITTLE;
            proposed.transfer_syntaxes.iter().find(plain)
        }
    };
    let transfer_syntax = transfer_syntax.ok_or(PresentationResult::TransferSyntaxesNotSupported)?.clone();
    Ok(Context { id: proposed.id, abstract_syntax: proposed.abstract_syntax.clone(), transfer_syntax, service })
}

/// Everything is kept as it comes, so the proposer's order decides; but a private syntax, whose form has to be guessed,
/// comes after those of the standard, and a deflated one, which can be read only from its beginning, last.
fn preferred(proposed: &[String]) -> Option<&String> {
    proposed.iter().min_by_key(|uid| {
        let syntax = TransferSyntax::of(uid);
        (syntax.is_deflated(), !syntax.is_standard())
    })
}

fn service(abstract_syntax: &str, settings: &Settings) -> Option<Service> {
    let storage =
        || is_storage(abstract_syntax) || settings.storage_sop_classes.iter().any(|uid| uid == abstract_syntax);
    Service::of(abstract_syntax).or_else(|| storage().then_some(Service::Storage))
}

/// Whether the standard has it as a storage SOP class.
fn is_storage(uid: &str) -> bool {
    uid.starts_with(STORAGE_ARC) || STORAGE_ELSEWHERE.contains(&uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_dictionary_std::uids;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

    fn request(contexts: &[(&str, &[&str])]) -> AssociateRq {
        AssociateRq {
            protocol_version: 1,
            called_ae_title: "SEGEL".into(),
            calling_ae_title: "CT1".into(),
            application_context: DICOM_APPLICATION_CONTEXT.into(),
            presentation_contexts: contexts
                .iter()
                .zip((1..).step_by(2))
                .map(|((uid, syntaxes), id)| PresentationContextRq {
                    id,
                    abstract_syntax: (*uid).to_owned(),
                    transfer_syntaxes: syntaxes.iter().map(|s| (*s).to_owned()).collect(),
                })
                .collect(),
            user_information: UserInformation { pdu_bytes_max: 16_384, ..UserInformation::default() },
        }
    }

    fn result(uid: &str, syntaxes: &[&str]) -> (PresentationResult, String) {
        let negotiated = negotiate(&request(&[(uid, syntaxes)]), &Settings::new("SEGEL")).unwrap();
        let answer = negotiated.answer.presentation_contexts[0].clone();
        assert_eq!(negotiated.context(1).is_some(), answer.result == PresentationResult::Acceptance);
        (answer.result, answer.transfer_syntax)
    }

    #[test]
    fn the_proposers_order_decides_but_private_and_deflated_syntaxes_come_last() {
        for (proposed, taken) in [
            (&["1.2.840.10008.1.2.4.90", IMPLICIT_LITTLE][..], "1.2.840.10008.1.2.4.90"),
            (&[EXPLICIT_LITTLE, IMPLICIT_LITTLE], EXPLICIT_LITTLE),
            (&[IMPLICIT_LITTLE, EXPLICIT_LITTLE], IMPLICIT_LITTLE),
            (&["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"], "1.2.840.10008.1.2.2"),
            (&["1.2.840.10008.1.2.1.99"], "1.2.840.10008.1.2.1.99"),
            (&["1.2.840.113619.5.2", IMPLICIT_LITTLE], IMPLICIT_LITTLE),
            (&["1.2.840.10008.1.2.1.99", "1.2.840.113619.5.2"], "1.2.840.113619.5.2"),
        ] {
            assert_eq!(result(CT, proposed), (PresentationResult::Acceptance, taken.to_owned()));
        }
        assert_eq!(result(CT, &[]).0, PresentationResult::TransferSyntaxesNotSupported);
    }

    #[test]
    fn every_storage_sop_class_is_taken_and_nothing_else() {
        for uid in [
            CT,
            "1.2.840.10008.5.1.4.1.1.104.1",
            "1.2.840.10008.5.1.4.1.1.9.1.1",
            "1.2.840.10008.5.1.4.1.1.9999.1",
            "1.2.840.10008.5.1.4.38.1",
            "1.2.840.10008.5.1.4.34.7",
        ] {
            assert_eq!(result(uid, &[IMPLICIT_LITTLE]).0, PresentationResult::Acceptance, "{uid}");
        }
        for uid in [
            uids::MEDIA_STORAGE_DIRECTORY_STORAGE,
            uids::STORAGE_COMMITMENT_PUSH_MODEL,
            uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE,
            "1.2.840.10008.5.1.4.31",
            "1.2.840.10008.5.1.4.1.1",
            "1.2.3.4",
        ] {
            assert_eq!(result(uid, &[IMPLICIT_LITTLE]).0, PresentationResult::AbstractSyntaxNotSupported, "{uid}");
        }
        let mut settings = Settings::new("SEGEL");
        settings.storage_sop_classes.push("1.2.3.4".into());
        assert_eq!(negotiate(&request(&[("1.2.3.4", &[IMPLICIT_LITTLE])]), &settings).unwrap().contexts.len(), 1);
    }

    #[test]
    fn queries_and_echoes_speak_plain_little_endian_only() {
        for uid in [uids::VERIFICATION, uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND] {
            assert_eq!(result(uid, &["1.2.840.10008.1.2.2", EXPLICIT_LITTLE]).1, EXPLICIT_LITTLE);
            assert_eq!(result(uid, &["1.2.840.10008.1.2.2"]).0, PresentationResult::TransferSyntaxesNotSupported);
        }
    }

    #[test]
    fn requests_for_somebody_else_are_rejected_with_the_reason() {
        let settings = Settings::new("SEGEL");
        type Change = fn(&mut AssociateRq);
        let change: [(Change, RejectReason); 4] = [
            (|r| r.protocol_version = 2, RejectReason::ProtocolVersionNotSupported),
            (|r| r.application_context = "1.2".into(), RejectReason::ApplicationContextNotSupported),
            (|r| r.called_ae_title = "OTHER".into(), RejectReason::CalledAeTitleNotRecognized),
            (|r| r.user_information.pdu_bytes_max = PDU_BYTES_MIN - 1, RejectReason::NoReasonGiven),
        ];
        for (change, reason) in change {
            let mut bad = request(&[(CT, &[IMPLICIT_LITTLE])]);
            change(&mut bad);
            assert_eq!(negotiate(&bad, &settings).unwrap_err(), reason);
        }
        let mut unlimited = request(&[(CT, &[IMPLICIT_LITTLE])]);
        unlimited.user_information.pdu_bytes_max = 0;
        assert!(negotiate(&unlimited, &settings).is_ok());
    }

    #[test]
    fn a_role_of_scp_is_not_granted() {
        let mut asks = request(&[(CT, &[IMPLICIT_LITTLE])]);
        asks.user_information.role_selections = vec![
            RoleSelection { sop_class_uid: CT.into(), scu: true, scp: true },
            RoleSelection { sop_class_uid: "1.2.3".into(), scu: true, scp: true },
        ];
        let answer = negotiate(&asks, &Settings::new("SEGEL")).unwrap().answer;
        assert_eq!(
            answer.user_information.role_selections,
            [RoleSelection { sop_class_uid: CT.into(), scu: true, scp: false }]
        );
    }

    #[test]
    fn the_implementation_is_named_within_its_fields() {
        assert!(wire::uid::is_uid(IMPLEMENTATION_CLASS_UID));
        assert!((1..=16).contains(&IMPLEMENTATION_VERSION_NAME.len()));
    }
}
