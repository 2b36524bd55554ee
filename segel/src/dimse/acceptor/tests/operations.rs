//! Messages and operations of an established association.

use super::*;
use wire::pdu::{AbortSource, ExtendedNegotiation};

#[tokio::test]
async fn a_command_in_many_pdus_and_several_values_in_one_pdu() {
    let mut peer = Peer::associated().await;
    let command = echo().write();
    let mut in_pieces = Vec::new();
    write_message(&mut in_pieces, 1, true, &command, wire::pdu::PDU_BYTES_MIN).unwrap();
    // Byte by byte: a PDU's beginning is not a read's beginning.
    for byte in in_pieces {
        peer.send(&[byte]).await;
    }
    assert_eq!(peer.response().await.1.status, Some(0));

    let (head, tail) = command.split_at(20);
    let value = |control: u8, bytes: &[u8]| {
        let length = u32::try_from(bytes.len() + 2).unwrap().to_be_bytes();
        [&length[..], &[1, control], bytes].concat()
    };
    let body = [value(1, head), value(3, tail), value(3, &command)].concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    peer.send(&[&[4, 0][..], &length, &body].concat()).await;
    assert_eq!(peer.response().await.1.status, Some(0));
    assert_eq!(peer.response().await.1.status, Some(0));
    peer.send(&release_rq()).await;
    assert_eq!(peer.receive().await, Some((PduType::ReleaseRp, vec![0; 4])));
    drop(peer.io);
    peer.association.await.unwrap();
}

#[tokio::test]
async fn what_breaks_the_message_exchange_aborts() {
    let long = vec![0; record::limits::COMMAND_BYTES_MAX + 2];
    let mut too_long = Vec::new();
    write_message(&mut too_long, 1, true, &long, 0).unwrap();
    let mut data_first = Vec::new();
    write_message(&mut data_first, 3, false, &instance(), 0).unwrap();
    let mut command_inside = message(3, &store(), None);
    command_inside.extend(message(3, &store(), None));
    let mut other_context = message(3, &store(), None);
    write_message(&mut other_context, 5, false, &instance(), 0).unwrap();
    for (what, bytes) in [
        ("an unknown presentation context", message(9, &echo(), None)),
        ("a command that is too long", too_long),
        ("a data set first", data_first),
        ("a command inside a data set", command_inside),
        ("a data set of another context", other_context),
        ("a response", message(1, &echo().response(0), None)),
        ("no message id", message(1, &Command { message_id: None, ..echo() }, None)),
        ("a value beyond its PDU", vec![4, 0, 0, 0, 0, 6, 0, 0, 0, 9, 1, 3]),
    ] {
        let mut peer = Peer::associated().await;
        peer.send(&bytes).await;
        assert_eq!(peer.receive().await, Some((PduType::Abort, vec![0, 0, 2, 6])), "{what}");
        peer.expect_end().await;
    }
}

#[tokio::test]
async fn an_identifier_longer_than_the_limit_is_refused_and_one_at_the_limit_is_read() {
    let find = Command {
        affected_sop_class_uid: Some(STUDY_ROOT_FIND.into()),
        command_field: field::C_FIND_RQ,
        message_id: Some(4),
        command_data_set_type: DATA_SET_FOLLOWS,
        ..Command::default()
    };
    let padding = |length: usize| {
        let level = Draft::new().text(Tag(0x0008, 0x0052), VR::CS, "STUDY");
        let bare = level.clone().bytes(Tag(0x0009, 0x1001), VR::OB, vec![]).encode(Encoding::ExplicitLittle).unwrap();
        level.bytes(Tag(0x0009, 0x1001), VR::OB, vec![0; length - bare.len()]).encode(Encoding::ExplicitLittle).unwrap()
    };
    let limit = record::limits::QUERY_BYTES_MAX;
    let mut peer = Peer::associated().await;
    peer.send(&message(5, &find, Some(&padding(limit)))).await;
    let (_, at_the_limit) = peer.response().await;
    assert_ne!(at_the_limit.status, Some(0xC000), "{at_the_limit:?}");
    peer.send(&message(5, &find, Some(&padding(limit + 2)))).await;
    let (_, beyond) = peer.response().await;
    assert_eq!(beyond.status, Some(0xC000));
    assert!(beyond.error_comment.is_some_and(|comment| comment.contains("longer")));
}

fn find(message_id: u16) -> Command {
    Command {
        affected_sop_class_uid: Some(STUDY_ROOT_FIND.into()),
        command_field: field::C_FIND_RQ,
        message_id: Some(message_id),
        command_data_set_type: DATA_SET_FOLLOWS,
        ..Command::default()
    }
}

fn every_study() -> Vec<u8> {
    let level = Draft::new().text(Tag(0x0008, 0x0052), VR::CS, "STUDY");
    level.text(Tag(0x0020, 0x000D), VR::UI, "").encode(Encoding::ExplicitLittle).unwrap()
}

#[tokio::test]
async fn requests_that_come_too_early_wait_for_their_turn() {
    let mut peer = Peer::associated().await;
    // All in one write, and the last three in one PDU: two queries, then echoes.
    let value = |command: &Command| {
        let bytes = command.write();
        [&u32::try_from(bytes.len() + 2).unwrap().to_be_bytes()[..], &[1, 3], &bytes].concat()
    };
    let echoes: Vec<u8> = (10..13).flat_map(|id| value(&Command { message_id: Some(id), ..echo() })).collect();
    let length = u32::try_from(echoes.len()).unwrap().to_be_bytes();
    let all = [
        message(5, &find(1), Some(&every_study())),
        message(5, &find(2), Some(&every_study())),
        [&[4, 0][..], &length, &echoes].concat(),
    ]
    .concat();
    peer.send(&all).await;
    for id in [1, 2, 10, 11, 12] {
        assert_eq!(peer.response().await.1.message_id_being_responded_to, Some(id));
    }
    peer.send(&release_rq()).await;
    assert_eq!(peer.receive().await.unwrap().0, PduType::ReleaseRp);
}

#[tokio::test]
async fn a_cancel_for_nothing_is_ignored_and_an_answer_to_nothing_aborts() {
    let cancel = Command {
        command_field: field::C_CANCEL_RQ,
        message_id_being_responded_to: Some(9),
        command_data_set_type: NO_DATA_SET,
        ..Command::default()
    };
    let mut peer = Peer::associated().await;
    peer.send(&message(5, &cancel, None)).await;
    peer.send(&message(1, &echo(), None)).await;
    assert_eq!(peer.response().await.1.status, Some(0));
    let answer = Command { command_data_set_type: DATA_SET_FOLLOWS, ..store().response(0) };
    peer.send(&message(3, &answer, Some(&instance()))).await;
    peer.expect_abort(2, 6).await;
    peer.expect_end().await;
}

#[tokio::test]
async fn extended_negotiation_is_answered_on_the_wire() {
    let mut peer = Peer::connect().await;
    let mut asks = request("SEGEL", "CT1");
    asks.user_information.asynchronous_operations = Some((4, 4));
    asks.user_information.extended_negotiations =
        vec![ExtendedNegotiation { sop_class_uid: STUDY_ROOT_FIND.into(), application_information: vec![1, 0, 1, 1] }];
    peer.send(&asks.write().unwrap()).await;
    let answer = AssociateAc::parse(&peer.receive().await.unwrap().1).unwrap().user_information;
    assert_eq!(answer.asynchronous_operations, Some((1, 1)));
    assert_eq!(answer.extended_negotiations[0].application_information, [1, 0, 1, 0]);
    let abort = wire::pdu::Abort::from(AbortSource::ServiceUser).write();
    peer.send(&abort).await;
    peer.expect_end().await;
}

#[tokio::test]
async fn a_peer_that_reads_no_answers_is_cut_off() {
    // The pipe is full, and the write has its own deadline.
    let limited = Settings { pdu_progress: Duration::from_millis(300), idle: Duration::from_secs(60), ..settings() };
    let mut peer = Peer::connect_to(limited, false).await;
    peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
    peer.receive().await.unwrap();
    let began = Instant::now();
    let many: Vec<u8> = std::iter::repeat_with(|| message(1, &echo(), None)).take(100_000).flatten().collect();
    let Peer { io, association, .. } = peer;
    let (_unread, mut write) = tokio::io::split(io);
    let flood = tokio::spawn(async move { write.write_all(&many).await });
    association.await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(flood.await.unwrap().is_err(), "the connection is closed under the flood");
}

#[tokio::test]
async fn an_operation_without_progress_is_cut_off_at_its_limit_and_not_before() {
    let limited =
        Settings { operation_progress: Duration::from_millis(400), idle: Duration::from_millis(50), ..settings() };
    let mut peer = Peer::connect_to(limited, false).await;
    peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
    peer.receive().await.unwrap();
    let began = Instant::now();
    // A query by a number has to be told to the key service, which never answers.
    let level = Draft::new().text(Tag(0x0008, 0x0052), VR::CS, "STUDY").text(Tag(0x0010, 0x0020), VR::LO, "P1");
    peer.send(&message(5, &find(1), Some(&level.encode(Encoding::ExplicitLittle).unwrap()))).await;
    peer.expect_abort(0, 0).await;
    assert!(began.elapsed() >= Duration::from_millis(400) && began.elapsed() < Duration::from_secs(10));
}
