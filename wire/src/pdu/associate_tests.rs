//! Requests and answers, whole, cut at every byte, and at their limits.

use super::*;
use crate::pdu::{CommonExtendedNegotiation, ExtendedNegotiation, Header, RoleSelection, UserIdentity};
use proptest::prelude::*;

fn request() -> AssociateRq {
    let ct = "1.2.840.10008.5.1.4.1.1.2".to_owned();
    AssociateRq {
        protocol_version: 1,
        called_ae_title: "SEGEL".into(),
        calling_ae_title: "CT 1".into(),
        application_context: DICOM_APPLICATION_CONTEXT.into(),
        presentation_contexts: vec![
            PresentationContextRq {
                id: 1,
                abstract_syntax: ct.clone(),
                transfer_syntaxes: vec!["1.2.840.10008.1.2.1".into(), "1.2.840.10008.1.2".into()],
            },
            PresentationContextRq { id: 255, abstract_syntax: "1.2.840.10008.1.1".into(), transfer_syntaxes: vec![] },
        ],
        user_information: UserInformation {
            pdu_bytes_max: 16_384,
            implementation_class_uid: "1.2.3".into(),
            implementation_version_name: "V1".into(),
            asynchronous_operations: Some((1, 5)),
            role_selections: vec![RoleSelection { sop_class_uid: ct.clone(), scu: true, scp: false }],
            extended_negotiations: vec![ExtendedNegotiation {
                sop_class_uid: ct.clone(),
                application_information: vec![1, 0, 1],
            }],
            common_extended_negotiations: vec![CommonExtendedNegotiation {
                sop_class_uid: ct.clone(),
                service_class_uid: "1.2.840.10008.4.2".into(),
                related_general_sop_class_uids: vec![ct, "1.2.9".into()],
            }],
            user_identity: Some(UserIdentity {
                kind: 2,
                response_requested: true,
                primary: b"siti".to_vec(),
                secondary: b"rahasia".to_vec(),
            }),
        },
    }
}

#[test]
fn every_item_of_a_request_is_read_back() {
    let pdu = request().write().unwrap();
    let header = Header::parse(pdu[..6].try_into().unwrap()).unwrap();
    assert_eq!(header.length_bytes as usize, pdu.len() - 6);
    assert_eq!(AssociateRq::parse(&pdu[6..]).unwrap(), request());
}

#[test]
fn a_user_identity_is_never_printed() {
    let printed = format!("{:?}", request());
    assert!(!printed.contains("siti") && !printed.contains("115, 105"), "{printed}");
}

#[test]
fn an_answer_is_read_back_and_a_refused_context_has_no_syntax() {
    let answer = AssociateAc {
        called_ae_title: "SEGEL".into(),
        calling_ae_title: "CT 1".into(),
        application_context: DICOM_APPLICATION_CONTEXT.into(),
        presentation_contexts: vec![
            PresentationContextAc {
                id: 1,
                result: PresentationResult::Acceptance,
                transfer_syntax: "1.2.840.10008.1.2.1".into(),
            },
            PresentationContextAc {
                id: 3,
                result: PresentationResult::AbstractSyntaxNotSupported,
                transfer_syntax: String::new(),
            },
        ],
        user_information: UserInformation {
            pdu_bytes_max: 1,
            implementation_class_uid: "1.2".into(),
            ..Default::default()
        },
    };
    let pdu = answer.write().unwrap();
    assert_eq!(AssociateAc::parse(&pdu[6..]).unwrap(), answer);
}

#[test]
fn a_request_cut_at_any_byte_is_an_error_or_ends_between_items() {
    let pdu = request().write().unwrap();
    let mut ends_between_items = 0;
    for end in 6..pdu.len() {
        ends_between_items += usize::from(AssociateRq::parse(&pdu[6..end]).is_ok());
    }
    // After the fixed fields, the application context and each presentation context.
    assert_eq!(ends_between_items, 4);
}

#[test]
fn unknown_items_are_skipped() {
    let mut body = request().write().unwrap()[6..].to_vec();
    put_item(&mut body, 0x77, b"something newer").unwrap();
    assert_eq!(AssociateRq::parse(&body).unwrap(), request());
}

#[test]
fn a_version_name_is_cut_to_its_field_and_read_back_the_same() {
    for (sent, kept) in
        [("\0\0  CT1  \0\0", "CT1"), ("A              \0 B", "A"), ("ABCDEFGHIJKLMNOPQR", "ABCDEFGHIJKLMNOP")]
    {
        let mut odd = request();
        odd.user_information.implementation_version_name = sent.into();
        let read = AssociateRq::parse(&odd.write().unwrap()[6..]).unwrap();
        assert_eq!(read.user_information.implementation_version_name, kept);
        assert_eq!(AssociateRq::parse(&read.write().unwrap()[6..]).unwrap(), read);
    }
}

#[test]
fn context_ids_must_be_odd_and_differ() {
    for ids in [[1, 2], [3, 3], [0, 1]] {
        let mut bad = request();
        bad.presentation_contexts[0].id = ids[0];
        bad.presentation_contexts[1].id = ids[1];
        assert!(AssociateRq::parse(&bad.write().unwrap()[6..]).is_err(), "{ids:?}");
    }
}

#[test]
fn the_limit_of_transfer_syntaxes_is_reached_and_passed_by_one() {
    let mut wide = request();
    wide.presentation_contexts[0].transfer_syntaxes = vec!["1.2".into(); TRANSFER_SYNTAXES_MAX];
    assert!(AssociateRq::parse(&wide.write().unwrap()[6..]).is_ok());
    wide.presentation_contexts[0].transfer_syntaxes.push("1.2".into());
    assert!(AssociateRq::parse(&wide.write().unwrap()[6..]).is_err());
}

#[test]
fn all_128_presentation_contexts_fit() {
    let mut full = request();
    full.presentation_contexts = (0..=127u8)
        .map(|n| PresentationContextRq {
            id: n * 2 + 1,
            abstract_syntax: "1.2".into(),
            transfer_syntaxes: vec!["1.2".into()],
        })
        .collect();
    assert_eq!(full.presentation_contexts.len(), PRESENTATION_CONTEXTS_MAX);
    assert_eq!(AssociateRq::parse(&full.write().unwrap()[6..]).unwrap(), full);
    // One more can only repeat an id.
    let mut body = full.write().unwrap()[6..].to_vec();
    put_item(&mut body, 0x20, &[1, 0, 0, 0, 0x30, 0, 0, 1, b'1']).unwrap();
    assert!(AssociateRq::parse(&body).is_err());
}

#[test]
fn titles_and_uids_are_held_to_the_standard() {
    for (text, fits) in [
        ("A", true),
        ("ABCDEFGHIJKLMNOP", true),
        ("", false),
        ("ABCDEFGHIJKLMNOPQ", false),
        ("A\\B", false),
        ("A\nB", false),
    ] {
        assert_eq!(ae_title(text.as_bytes(), "t").is_ok(), fits, "{text:?}");
    }
    let longest = "1".repeat(64);
    for (text, fits) in [
        ("1.2", true),
        ("1.2\0", true),
        ("1.2 ", true),
        (&longest, true),
        ("", false),
        ("1.2/../etc", false),
        (&"1".repeat(65), false),
    ] {
        assert_eq!(uid(text.as_bytes(), "u").is_ok(), fits, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = AssociateRq::parse(&body);
        let _ = AssociateAc::parse(&body);
    }

    #[test]
    fn one_changed_byte_is_read_without_harm(at in 0usize..400, to in any::<u8>()) {
        let mut pdu = request().write().unwrap();
        let at = 6 + at % (pdu.len() - 6);
        pdu[at] = to;
        let _ = AssociateRq::parse(&pdu[6..]);
    }
}
