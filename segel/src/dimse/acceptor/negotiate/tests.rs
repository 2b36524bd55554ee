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
        uids::INSTANCE_AVAILABILITY_NOTIFICATION,
        uids::PROTOCOL_APPROVAL_INFORMATION_MODEL_FIND,
        uids::INVENTORY_FIND,
        "1.2.840.10008.5.1.4.37.1",
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
fn a_peer_may_be_scp_of_storage_and_of_nothing_else() {
    let mut asks = request(&[(CT, &[IMPLICIT_LITTLE, EXPLICIT_LITTLE]), (uids::VERIFICATION, &[IMPLICIT_LITTLE])]);
    let role = |uid: &str, scu, scp| RoleSelection { sop_class_uid: uid.into(), scu, scp };
    asks.user_information.role_selections =
        vec![role(CT, false, true), role(uids::VERIFICATION, true, true), role("1.2.3", true, true)];
    let negotiated = negotiate(&asks, &Settings::new("SEGEL")).unwrap();
    let roles = &negotiated.answer.user_information.role_selections;
    assert_eq!(*roles, [role(CT, false, true), role(uids::VERIFICATION, true, false)]);
    let sends: Vec<_> = negotiated.storage_at_peer().map(|c| (c.id, c.transfer_syntax.as_str())).collect();
    assert_eq!(sends, [(1, EXPLICIT_LITTLE)]);
    let without = negotiate(&request(&[(CT, &[IMPLICIT_LITTLE])]), &Settings::new("SEGEL")).unwrap();
    assert_eq!(without.storage_at_peer().count(), 0);
}

#[test]
fn of_extended_negotiation_what_is_supported_is_granted_byte_by_byte() {
    const FIND: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
    const GET: &str = uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET;
    let mut asks = request(&[(FIND, &[IMPLICIT_LITTLE]), (GET, &[IMPLICIT_LITTLE]), (CT, &[IMPLICIT_LITTLE])]);
    let item = |uid: &str, bytes: &[u8]| wire::pdu::ExtendedNegotiation {
        sop_class_uid: uid.into(),
        application_information: bytes.to_vec(),
    };
    asks.user_information.extended_negotiations =
        vec![item(FIND, &[1, 1, 1, 1, 1, 1, 0]), item(GET, &[1, 1]), item(CT, &[2, 0, 0, 0]), item("1.2.3", &[1])];
    asks.user_information.asynchronous_operations = Some((0, 8));
    let negotiated = negotiate(&asks, &Settings::new("SEGEL")).unwrap();
    let answered = &negotiated.answer.user_information;
    assert_eq!(
        answered.extended_negotiations,
        [item(FIND, &[1, 1, 1, 0, 0, 1, 0]), item(GET, &[1, 0]), item(CT, &[0, 0, 0, 0])]
    );
    let agreed =
        Extended { relational: true, date_time: true, fuzzy: true, empty_values: true, multiple_values: false };
    assert_eq!(negotiated.extended(FIND), agreed);
    assert!(negotiated.extended(GET).relational && !negotiated.extended("1.2.3").relational);
    assert_eq!(answered.asynchronous_operations, Some((1, 1)));
    let plain = negotiate(&request(&[(FIND, &[IMPLICIT_LITTLE])]), &Settings::new("SEGEL")).unwrap();
    assert_eq!(plain.extended(FIND), Extended::default());
    assert_eq!(plain.answer.user_information.asynchronous_operations, None);
}

#[test]
fn a_new_storage_class_is_known_by_the_service_class_that_it_is_said_to_be_of() {
    for (service_class, result) in [
        (STORAGE_SERVICE_CLASS, PresentationResult::Acceptance),
        ("1.2.840.10008.4.1", PresentationResult::AbstractSyntaxNotSupported),
    ] {
        let mut asks = request(&[("1.3.6.1.4.1.99.1", &[IMPLICIT_LITTLE])]);
        asks.user_information.common_extended_negotiations = vec![wire::pdu::CommonExtendedNegotiation {
            sop_class_uid: "1.3.6.1.4.1.99.1".into(),
            service_class_uid: service_class.into(),
            related_general_sop_class_uids: vec![CT.into()],
        }];
        let answer = negotiate(&asks, &Settings::new("SEGEL")).unwrap().answer;
        assert_eq!(answer.presentation_contexts[0].result, result);
    }
}

#[test]
fn a_user_identity_is_neither_used_nor_answered() {
    let mut asks = request(&[(CT, &[IMPLICIT_LITTLE])]);
    asks.user_information.user_identity = Some(wire::pdu::UserIdentity {
        kind: 2,
        response_requested: true,
        primary: b"doctor".to_vec(),
        secondary: b"secret".to_vec(),
    });
    let answer = negotiate(&asks, &Settings::new("SEGEL")).unwrap().answer;
    assert_eq!(answer.user_information.user_identity, None);
}

#[test]
fn the_implementation_is_named_within_its_fields() {
    assert!(wire::uid::is_uid(IMPLEMENTATION_CLASS_UID));
    assert!((1..=16).contains(&IMPLEMENTATION_VERSION_NAME.len()));
}
