//! The requestor against a peer that plays what the test wrote.

use super::*;
use bytes::Bytes;
use record::Outcome;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wire::command::{Command, DATA_SET_FOLLOWS, NO_DATA_SET, field};
use wire::pdu::*;
use wire::syntax::IMPLICIT_LITTLE;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
const VERIFICATION: &str = "1.2.840.10008.1.1";

/// The peer's side of one connection.
struct Parrot(TcpStream);

impl Parrot {
    async fn pdu(&mut self) -> (PduType, Vec<u8>) {
        let mut first = [0; 6];
        self.0.read_exact(&mut first).await.unwrap();
        let header = Header::parse(&first).unwrap();
        let mut body = vec![0; header.length_bytes as usize];
        self.0.read_exact(&mut body).await.unwrap();
        (header.pdu_type, body)
    }

    async fn say(&mut self, pdus: &[u8]) {
        self.0.write_all(pdus).await.unwrap();
    }

    /// Accepts everything that is proposed, in its first transfer syntax.
    async fn accept(&mut self, pdu_bytes_max: u32) {
        let (pdu_type, body) = self.pdu().await;
        assert_eq!(pdu_type, PduType::AssociateRq);
        let request = AssociateRq::parse(&body).unwrap();
        let contexts = request.presentation_contexts.iter().map(|context| PresentationContextAc {
            id: context.id,
            result: PresentationResult::Acceptance,
            transfer_syntax: context.transfer_syntaxes[0].clone(),
        });
        let answer = AssociateAc {
            called_ae_title: request.called_ae_title.clone(),
            calling_ae_title: request.calling_ae_title.clone(),
            application_context: DICOM_APPLICATION_CONTEXT.into(),
            presentation_contexts: contexts.collect(),
            user_information: UserInformation { pdu_bytes_max, ..UserInformation::default() },
        };
        self.say(&answer.write().unwrap()).await;
    }

    /// One message: the command and its data set.
    async fn message(&mut self, pdu_bytes_max: usize) -> (Command, Vec<u8>) {
        let (mut command, mut data_set) = (Vec::new(), Vec::new());
        loop {
            let (pdu_type, body) = self.pdu().await;
            assert_eq!(pdu_type, PduType::DataTf);
            assert!(body.len() <= pdu_bytes_max, "a PDU of {} bytes", body.len());
            for pdv in Pdvs::new(&body) {
                let pdv = pdv.unwrap();
                if pdv.command { &mut command } else { &mut data_set }.extend_from_slice(pdv.fragment);
                let whole = || Command::parse(&command).unwrap();
                if pdv.last && (!pdv.command || !whole().has_data_set()) {
                    return (whole(), data_set);
                }
            }
        }
    }

    async fn send(&mut self, context_id: u8, command: &Command, data_set: Option<&[u8]>) {
        let mut out = Vec::new();
        write_message(&mut out, context_id, true, &command.write(), 64).unwrap();
        if let Some(data_set) = data_set {
            write_message(&mut out, context_id, false, data_set, 64).unwrap();
        }
        self.say(&out).await;
    }

    /// Reads what comes until the connection ends; its first PDU's type, if one comes.
    async fn last(&mut self) -> Option<PduType> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.unwrap();
        Some(Header::parse(rest.first_chunk()?).unwrap().pdu_type)
    }
}

/// A place for a peer, and how to call it.
async fn place() -> (TcpListener, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Peer::plain("SEGEL", "PACS", "127.0.0.1", port))
}

/// The peer's side of the first connection.
async fn parrot(listener: TcpListener) -> Parrot {
    Parrot(listener.accept().await.unwrap().0)
}

fn proposal(sop_classes: &[(&str, Role)]) -> Proposal {
    let mut proposal = Proposal::new();
    for (sop_class, role) in sop_classes {
        proposal.add(sop_class, &[IMPLICIT_LITTLE], *role).unwrap();
    }
    proposal
}

#[tokio::test]
async fn an_echo_and_a_release() {
    let (listener, peer) = place().await;
    let playing = tokio::spawn(async {
        let mut parrot = parrot(listener).await;
        parrot.accept(16_384).await;
        let (echo, _) = parrot.message(16_384).await;
        assert_eq!(echo.command_field, field::C_ECHO_RQ);
        parrot.send(1, &echo.response(0), None).await;
        assert_eq!(parrot.pdu().await.0, PduType::ReleaseRq);
        parrot.say(&release_rp()).await;
        assert_eq!(parrot.last().await, None);
    });
    let mut association = Association::request(&peer, &proposal(&[(VERIFICATION, Role::Scu)])).await.unwrap();
    assert_eq!(association.echo().await.unwrap(), Status(0));
    association.release().await.unwrap();
    playing.await.unwrap();
}

#[tokio::test]
async fn a_release_that_collides_with_the_peers() {
    let (listener, peer) = place().await;
    let playing = tokio::spawn(async {
        let mut parrot = parrot(listener).await;
        parrot.accept(0).await;
        assert_eq!(parrot.pdu().await.0, PduType::ReleaseRq);
        parrot.say(&release_rq()).await;
        assert_eq!(parrot.pdu().await.0, PduType::ReleaseRp);
        parrot.say(&release_rp()).await;
    });
    let association = Association::request(&peer, &proposal(&[(VERIFICATION, Role::Scu)])).await.unwrap();
    association.release().await.unwrap();
    playing.await.unwrap();
}

#[tokio::test]
async fn a_rejection_says_whether_to_come_back() {
    for (reason, outcome) in [
        (RejectReason::CallingAeTitleNotRecognized, Outcome::Refused),
        (RejectReason::CalledAeTitleNotRecognized, Outcome::Refused),
        (RejectReason::NoReasonGiven, Outcome::Refused),
        (RejectReason::TemporaryCongestion, Outcome::Busy),
        (RejectReason::LocalLimitExceeded, Outcome::Busy),
    ] {
        let (listener, peer) = place().await;
        tokio::spawn(async move {
            let mut parrot = parrot(listener).await;
            parrot.pdu().await;
            parrot.say(&AssociateRj::from(reason).write()).await;
            parrot.last().await;
        });
        let error = Association::request(&peer, &proposal(&[(CT, Role::Scu)])).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{reason:?}: {error}");
        assert!(error.to_string().contains(&format!("{reason:?}")));
    }
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_busy() {
    let (listener, peer) = place().await;
    drop(listener);
    let error = Association::request(&peer, &proposal(&[(CT, Role::Scu)])).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

/// What a peer does instead of answering an echo: what it says, how the requestor takes it, and what it then sends.
#[tokio::test]
async fn whatever_a_peer_does_instead_of_answering_ends_in_time() {
    let rubbish = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let stray =
        Command { command_field: field::C_ECHO_RSP, message_id_being_responded_to: Some(77), ..Command::default() };
    let mut stray_response = Vec::new();
    write_message(&mut stray_response, 1, true, &Command { command_data_set_type: NO_DATA_SET, ..stray }.write(), 0)
        .unwrap();
    let mut data_alone = Vec::new();
    write_message(&mut data_alone, 1, false, &[0; 8], 0).unwrap();
    for (name, bytes, outcome, answer) in [
        ("abort", Abort::from(AbortSource::ServiceUser).write(), Outcome::Busy, None),
        ("release", release_rq(), Outcome::Closed, Some(PduType::ReleaseRp)),
        ("another protocol", rubbish, Outcome::Invalid, Some(PduType::Abort)),
        ("a PDU out of turn", release_rp(), Outcome::Invalid, Some(PduType::Abort)),
        ("a response to nothing", stray_response, Outcome::Invalid, Some(PduType::Abort)),
        ("a data set without a command", data_alone, Outcome::Invalid, Some(PduType::Abort)),
        ("silence", Vec::new(), Outcome::Busy, Some(PduType::Abort)),
        ("half a PDU", vec![4, 0, 0, 0, 1, 0, 0], Outcome::Busy, Some(PduType::Abort)),
    ] {
        let (listener, mut peer) = place().await;
        peer.deadlines.response = Duration::from_millis(300);
        peer.deadlines.pdu_progress = Duration::from_millis(600);
        let playing = tokio::spawn(async move {
            let mut parrot = parrot(listener).await;
            parrot.accept(0).await;
            parrot.message(1 << 20).await;
            parrot.say(&bytes).await;
            parrot.last().await
        });
        let mut association = Association::request(&peer, &proposal(&[(VERIFICATION, Role::Scu)])).await.unwrap();
        let error = association.echo().await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{name}: {error}");
        drop(association);
        assert_eq!(playing.await.unwrap(), answer, "{name}");
    }
}

#[tokio::test]
async fn an_instance_goes_out_in_the_peers_pdus_whatever_the_pieces() {
    for (pieces, limit) in [(vec![1000, 1, 1, 3000], 64), (vec![2], 128), (vec![], 64), (vec![300_000, 2], 0)] {
        let (listener, peer) = place().await;
        let playing = tokio::spawn(async move {
            let mut parrot = parrot(listener).await;
            parrot.accept(limit).await;
            let most = if limit == 0 { 1 << 20 } else { limit as usize };
            let (command, data_set) = parrot.message(most).await;
            parrot.send(1, &command.response(0xB000), None).await;
            (command, data_set)
        });
        let mut association = Association::request(&peer, &proposal(&[(CT, Role::Scu)])).await.unwrap();
        let context = association.context_for(CT, IMPLICIT_LITTLE).unwrap();
        assert_eq!(association.context_for(CT, "1.2.3").unwrap_err().outcome(), Outcome::Refused);
        let instance = Instance {
            sop_class: CT.into(),
            sop_instance: "1.2.3.4".into(),
            move_originator: Some(("MOVER".into(), 9)),
        };
        let bytes: Vec<Bytes> = (1_u8..).zip(&pieces).map(|(fill, length)| Bytes::from(vec![fill; *length])).collect();
        let source = futures_util::stream::iter(bytes.clone().into_iter().map(Ok));
        let (status, _) = association.store(&context, &instance, source).await.unwrap();
        assert_eq!((status, status.kind()), (Status(0xB000), Kind::Warning));
        let (command, data_set) = playing.await.unwrap();
        assert_eq!(data_set, bytes.concat());
        assert_eq!(command.affected_sop_instance_uid.as_deref(), Some("1.2.3.4"));
        assert_eq!(command.move_originator_ae_title.as_deref(), Some("MOVER"));
        assert_eq!(command.move_originator_message_id, Some(9));
    }
}

#[tokio::test]
async fn a_source_that_fails_leaves_no_half_instance_behind() {
    let (listener, peer) = place().await;
    let playing = tokio::spawn(async {
        let mut parrot = parrot(listener).await;
        parrot.accept(0).await;
        let mut last = None;
        let mut rest = Vec::new();
        parrot.0.read_to_end(&mut rest).await.unwrap();
        let mut rest = rest.as_slice();
        while let Some(first) = rest.first_chunk() {
            let header = Header::parse(first).unwrap();
            last = Some(header.pdu_type);
            rest = &rest[6 + header.length_bytes as usize..];
        }
        last
    });
    let mut association = Association::request(&peer, &proposal(&[(CT, Role::Scu)])).await.unwrap();
    let context = association.context(CT).unwrap();
    let source = futures_util::stream::iter([Ok(Bytes::from(vec![1; 600_000])), Err(std::io::Error::other("gone"))]);
    assert!(association.store(&context, &Instance::default(), source).await.is_err());
    drop(association);
    assert_eq!(playing.await.unwrap(), Some(PduType::Abort));
}

#[tokio::test]
async fn instances_of_a_get_arrive_between_its_responses() {
    let (listener, peer) = place().await;
    let content: Vec<u8> = (0..200).collect();
    let sent = content.clone();
    let playing = tokio::spawn(async move {
        let mut parrot = parrot(listener).await;
        parrot.accept(0).await;
        let (get, _) = parrot.message(1 << 20).await;
        assert_eq!(get.command_field, field::C_GET_RQ);
        for (number, data_set) in [sent.as_slice(), &[]].into_iter().enumerate() {
            let store = Command {
                affected_sop_class_uid: Some(CT.into()),
                affected_sop_instance_uid: Some(format!("1.2.{number}")),
                command_field: field::C_STORE_RQ,
                message_id: Some(40),
                command_data_set_type: DATA_SET_FOLLOWS,
                ..Command::default()
            };
            parrot.send(3, &store, Some(data_set)).await;
            let (answer, _) = parrot.message(1 << 20).await;
            assert_eq!((answer.command_field, answer.status), (field::C_STORE_RSP, Some(0)));
            let pending = Command { remaining_suboperations: Some(1), ..get.response(0xFF00) };
            parrot.send(1, &pending, None).await;
        }
        let done = Command { completed_suboperations: Some(2), failed_suboperations: Some(1), ..get.response(0xB000) };
        parrot.send(1, &Command { command_data_set_type: DATA_SET_FOLLOWS, ..done }, Some(&[0; 8])).await;
        parrot.last().await;
    });
    let wanted = proposal(&[(GET, Role::Scu), (CT, Role::Scp)]);
    let mut association = Association::request(&peer, &wanted).await.unwrap();
    let mut get = association.get(GET, &wire::dataset::Draft::new()).await.unwrap();
    let mut arrived = Vec::new();
    let ending = loop {
        match get.next().await.unwrap() {
            Step::Instance(incoming) => {
                let mut bytes = Vec::new();
                while let Some(piece) = get.data_set(&incoming).await.unwrap() {
                    bytes.extend_from_slice(&piece);
                }
                get.answer(&incoming, 0).await.unwrap();
                assert_eq!(incoming.transfer_syntax, IMPLICIT_LITTLE);
                arrived.push((incoming.sop_instance.clone(), bytes));
            }
            Step::Pending(counts) => assert_eq!(counts.remaining, 1),
            Step::Done(ending) => break ending,
        }
    };
    assert_eq!(arrived, [("1.2.0".to_owned(), content), ("1.2.1".to_owned(), Vec::new())]);
    assert_eq!((ending.suboperations.completed, ending.suboperations.failed), (2, 1));
    ending.check().unwrap();
    drop(association);
    playing.await.unwrap();
}
