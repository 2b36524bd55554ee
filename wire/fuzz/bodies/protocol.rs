//! PDUs, commands, multipart bodies and FHIR JSON.

use std::collections::BTreeMap;
use wire::command::{Command, DATA_SET_FOLLOWS, field};
use wire::fhir::{Document, Identity, set_members, splice, with_identity};
use wire::multipart::{Event, MediaType, Reader, Writer};
use wire::pdu::{
    Abort, AbortSource, AssociateAc, AssociateRj, AssociateRq, Fragments, Header, PduType, Pdvs, PresentationContextAc,
    PresentationContextRq, PresentationResult, RejectReason, RoleSelection, UserIdentity, UserInformation, release_rp,
    release_rq, write_message,
};

/// A stream of PDUs, as a connection brings it.
pub fn pdu(data: &[u8]) {
    let mut rest = data;
    while let Some((first, after)) = rest.split_first_chunk::<6>() {
        let Ok(header) = Header::parse(first) else { return };
        let Some((body, next)) = after.split_at_checked(usize::try_from(header.length_bytes).unwrap()) else { return };
        rest = next;
        assert_eq!(PduType::from_code(first[0]).map(PduType::code), Some(first[0]));
        match header.pdu_type {
            PduType::AssociateRq => {
                let Ok(read) = AssociateRq::parse(body) else { continue };
                // Unknown items are not kept, and absent text is written as an item without content.
                let Ok(written) = read.write() else { continue };
                if let Ok(again) = AssociateRq::parse(&written[6..]) {
                    assert_eq!(read, again);
                }
            }
            PduType::AssociateAc => {
                let Ok(read) = AssociateAc::parse(body) else { continue };
                assert!(read.presentation_contexts.iter().all(|context| context.result.code() <= 4));
                let Ok(written) = read.write() else { continue };
                let _ = AssociateAc::parse(&written[6..]);
            }
            PduType::AssociateRj => {
                let read = AssociateRj::parse(body).unwrap();
                assert_eq!(read.write()[7..], body[1..]);
                assert!(read.named().is_none_or(|reason| AssociateRj::from(reason) == read));
            }
            PduType::Abort => assert_eq!(Abort::parse(body).unwrap().write()[8..], body[2..]),
            PduType::DataTf => {
                let taken: usize = Pdvs::new(body).filter_map(Result::ok).map(|pdv| pdv.fragment.len() + 6).sum();
                assert!(taken <= body.len(), "values longer than their PDU");
            }
            PduType::ReleaseRq | PduType::ReleaseRp => {}
        }
    }
}

/// One of each kind.
pub fn pdu_seeds() -> Vec<Vec<u8>> {
    let user_information = UserInformation {
        pdu_bytes_max: 16_384,
        implementation_class_uid: "1.2.3".into(),
        implementation_version_name: "V1".into(),
        asynchronous_operations: Some((1, 1)),
        role_selections: vec![RoleSelection { sop_class_uid: "1.2".into(), scu: true, scp: true }],
        user_identity: Some(UserIdentity {
            kind: 1,
            response_requested: false,
            primary: b"a".to_vec(),
            secondary: vec![],
        }),
        ..UserInformation::default()
    };
    let context = PresentationContextRq {
        id: 1,
        abstract_syntax: "1.2".into(),
        transfer_syntaxes: vec!["1.2.840.10008.1.2".into()],
    };
    let request = AssociateRq {
        protocol_version: 1,
        called_ae_title: "SEGEL".into(),
        calling_ae_title: "CT1".into(),
        application_context: "1.2.840.10008.3.1.1.1".into(),
        presentation_contexts: vec![context],
        user_information: user_information.clone(),
    };
    let context = PresentationContextAc {
        id: 1,
        result: PresentationResult::Acceptance,
        transfer_syntax: "1.2.840.10008.1.2".into(),
    };
    let answer = AssociateAc {
        called_ae_title: "SEGEL".into(),
        calling_ae_title: "CT1".into(),
        application_context: "1.2.840.10008.3.1.1.1".into(),
        presentation_contexts: vec![context],
        user_information,
    };
    let mut data = Vec::new();
    write_message(&mut data, 1, true, &[0; 40], 64).unwrap();
    write_message(&mut data, 1, false, &[7; 200], 64).unwrap();
    let reject = AssociateRj::from(RejectReason::LocalLimitExceeded).write();
    let abort = Abort::from(AbortSource::UnexpectedPdu).write();
    let release = [release_rq(), release_rp()].concat();
    vec![request.write().unwrap(), answer.write().unwrap(), [data, reject, abort, release].concat()]
}

/// The first three bytes choose what the peer takes and how the message comes; the rest is the message. It comes out as it
/// went in, in PDUs that the peer takes.
pub fn fragments(data: &[u8]) {
    let Some((&[low, high, size], message)) = data.split_first_chunk::<3>() else { return };
    let peer_max = u32::from(u16::from_le_bytes([low, high]));
    let mut whole = Vec::new();
    let written = write_message(&mut whole, 1, false, message, peer_max);
    let mut pieces = Vec::new();
    let Ok(mut fragments) = Fragments::new(1, false, peer_max) else {
        assert!(written.is_err());
        return;
    };
    for chunk in message.chunks(usize::from(size).max(1)) {
        fragments.write(&mut pieces, chunk).unwrap();
    }
    fragments.finish(&mut pieces).unwrap();
    assert_eq!(whole, pieces, "chunks change the PDUs");
    let (mut rest, mut again, mut ended) = (whole.as_slice(), Vec::new(), false);
    while let Some((first, after)) = rest.split_first_chunk::<6>() {
        let length = Header::parse(first).unwrap().length_bytes;
        assert!(peer_max == 0 || length <= peer_max, "{length} bytes for a peer that takes {peer_max}");
        let (body, next) = after.split_at(usize::try_from(length).unwrap());
        for pdv in Pdvs::new(body).map(Result::unwrap) {
            assert!(!ended, "a fragment after the last");
            again.extend_from_slice(pdv.fragment);
            ended = pdv.last;
        }
        rest = next;
    }
    assert!(ended && again == message, "another message came out");
}

/// Small and large limits.
pub fn fragments_seeds() -> Vec<Vec<u8>> {
    [[16, 0, 3], [0, 1, 0], [0, 0, 255], [1, 0, 1]].map(|head| [head.as_slice(), &[7; 300]].concat()).to_vec()
}

/// A command set: what is read can be written and read again.
pub fn command(data: &[u8]) {
    let Ok(read) = Command::parse(data) else { return };
    let again = Command::parse(&read.write()).expect("own command sets are valid");
    assert_eq!(
        (read.command_field, read.message_id, read.status),
        (again.command_field, again.message_id, again.status)
    );
    assert_eq!(again, Command::parse(&again.write()).unwrap());
    assert_eq!(read.has_data_set(), again.has_data_set());
    let response = Command::parse(&read.response(0xC000).write()).expect("own responses are valid");
    assert_eq!((response.status, response.message_id_being_responded_to), (Some(0xC000), read.message_id));
}

/// Requests and responses.
pub fn command_seeds() -> Vec<Vec<u8>> {
    let store = Command {
        affected_sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.2".into()),
        command_field: field::C_STORE_RQ,
        message_id: Some(1),
        priority: Some(0),
        command_data_set_type: DATA_SET_FOLLOWS,
        affected_sop_instance_uid: Some("1.2.3".into()),
        move_originator_ae_title: Some("MOVER".into()),
        ..Command::default()
    };
    let response = Command {
        error_comment: Some("not understood".into()),
        offending_elements: vec![(8, 0x18), (0x10, 0x20)],
        ..store.response(0xC000)
    };
    vec![store.write(), response.write()]
}

/// A media type up to the first NUL, then a body: pieces give what the whole gives.
pub fn multipart(data: &[u8]) {
    let cut = data.iter().position(|b| *b == 0).unwrap_or(0);
    let (media, body) = data.split_at(cut);
    let Ok(media) = std::str::from_utf8(media) else { return };
    let Ok(media) = MediaType::parse(media) else { return };
    let body = body.get(1..).unwrap_or_default();
    let read = |size: usize| {
        let mut reader = Reader::new(&media).ok()?;
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for mut piece in body.chunks(size) {
            while let Some(event) = reader.next(&mut piece).ok()? {
                match event {
                    Event::Begin(headers) => {
                        assert!(headers.get("content-type").is_none_or(|value| !value.contains(['\r', '\n'])));
                        parts.push(Vec::new());
                    }
                    Event::Content(bytes) => parts.last_mut().expect("content comes in a part").extend(bytes),
                    Event::End | Event::Close => {}
                }
            }
        }
        reader.finish().ok().map(|()| parts)
    };
    let whole = read(body.len().max(1));
    for size in [1, 2, 7] {
        assert_eq!(whole, read(size), "pieces change the parts");
    }
    let content: usize = whole.iter().flatten().map(Vec::len).sum();
    assert!(content <= body.len(), "content out of nothing");
}

/// Bodies with parts that look like delimiters.
pub fn multipart_seeds() -> Vec<Vec<u8>> {
    let mut writer = Writer::new("b0").unwrap();
    let mut body = b"multipart/related; type=\"application/dicom\"; boundary=b0\0preamble\r\n".to_vec();
    for content in [&b"one"[..], b"", b"\r\n--b", b"\r\n\r\n--b\r\n--"] {
        body.extend(writer.begin(&[("Content-Type", "application/dicom"), ("Content-ID", "<1>")]).unwrap());
        body.extend_from_slice(content);
    }
    body.extend(writer.close());
    vec![body, b"multipart/x; boundary=\"b 1\"\0--b 1 \t\r\nA: b\r\n c\r\n\r\n\r\n--b 1--".to_vec()]
}

/// A resource: its places are JSON of their own, and it stays a resource when it is given back.
pub fn fhir(data: &[u8]) {
    let Ok(read) = Document::parse(data) else { return };
    for span in read.entry_resources().iter().flatten().chain(read.references().iter().map(|r| &r.span)) {
        serde_json::from_slice::<serde_json::Value>(&data[span.clone()]).expect("a place is a whole value");
    }
    for key in read.value().as_object().unwrap().keys() {
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&data[read.member(key).unwrap()]).unwrap(),
            read.value()[key]
        );
    }
    assert!(read.resource_type().is_none_or(|name| read.value()["resourceType"] == name));
    if let Ok(set) = set_members(data, &[("id", b"\"b\"".to_vec())]) {
        assert_eq!(Document::parse(&set).expect("still a resource").into_value()["id"], "b");
    }
    let twice: Vec<_> = read.references().iter().map(|r| (r.span.clone(), data[r.span.clone()].to_vec())).collect();
    assert_eq!(splice(data, twice).as_deref(), Ok(data), "places that overlap");
    let identity = Identity { id: "a", version_id: "1", last_updated: "2026-01-01T00:00:00Z" };
    let references: BTreeMap<String, String> = [("urn:uuid:1".to_owned(), "Patient/p".to_owned())].into();
    // Two members more may pass the limit of values.
    if let Ok(served) = with_identity(data, &identity, &references) {
        let again = Document::parse(&served).expect("what is given back is a resource");
        assert_eq!((&again.value()["id"], &again.value()["meta"]["versionId"]), (&"a".into(), &"1".into()));
    }
}

/// A transaction and a resource with odd spelling.
pub fn fhir_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"value":"1"}]}},{"resource":{"resourceType":"Observation","subject":{"reference":"urn:uuid:1"},"valueQuantity":{"value":1.50}}}]}"#.to_vec(),
        "{ \"id\":\"\\u0061\\ud83d\\ude00\", \"meta\" : {\"tag\":[],\"versionId\":\"7\"}, \"x\":[null,true,-0.1e+2,{\"reference\":\"urn\\u003auuid:1\"}] }".as_bytes().to_vec(),
    ]
}
