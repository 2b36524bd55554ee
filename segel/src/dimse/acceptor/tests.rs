//! A peer that plays scripted bytes against an association, over a pipe in memory. The key service behind the archive
//! is played too: it knows `CT1`, never answers for `SLOW` or for tokens, and is too busy for anything else.

mod operations;
mod states;

use super::association::Association;
use super::door::{Door, Settings};
use crate::dimse::upper::pdus::Connection;
use archive::Archive;
use archive::keys::{Endpoint, KeyClient};
use record::{FacilityCode, Outcome, Purpose, Role};
use seal::frame;
use seal::message::{Answer, Call, Failure, Proof, Reply, Request, Who};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use wire::command::{Command, DATA_SET_FOLLOWS, NO_DATA_SET, field};
use wire::dataset::{Draft, Tag, VR};
use wire::pdu::{
    AssociateAc, AssociateRj, AssociateRq, DICOM_APPLICATION_CONTEXT, Header, PduType, Pdvs, PresentationContextRq,
    RejectReason, UserInformation, release_rq, write_message,
};
use wire::syntax::{EXPLICIT_LITTLE, Encoding};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const VERIFICATION: &str = "1.2.840.10008.1.1";

/// Memory needs no acknowledgements.
impl Connection for DuplexStream {
    fn acknowledge(&self) {}
}

async fn key_service(mut stream: UnixStream) {
    loop {
        let mut prefix = [0; frame::PREFIX_BYTES];
        if stream.read_exact(&mut prefix).await.is_err() {
            return;
        }
        let mut item = vec![0; frame::item_len(prefix).unwrap()];
        stream.read_exact(&mut item).await.unwrap();
        let call: Call = frame::decode(&item).unwrap();
        let answer = match call.request {
            Request::Authenticate(asker) => match asker.proof {
                Proof::Peer { ae_title, .. } if ae_title == "SLOW" => return std::future::pending().await,
                Proof::Peer { ae_title, .. } if ae_title == "CT1" => Answer::Who(Who {
                    actor: "1".into(),
                    facility: FacilityCode::new("RS1").unwrap(),
                    role: Role::System,
                    purpose: Purpose::Treat,
                    expires: None,
                }),
                _ => Answer::Failed(Failure {
                    outcome: Outcome::Refused,
                    text: "not known".into(),
                    retry_after_seconds: None,
                }),
            },
            Request::Tokens { .. } => return std::future::pending().await,
            _ => Answer::Failed(Failure { outcome: Outcome::Busy, text: "busy".into(), retry_after_seconds: None }),
        };
        stream.write_all(&frame::encode(&Reply { id: call.id, answer }).unwrap()).await.unwrap();
    }
}

/// The peer's end of a connection, and what must live as long.
struct Peer {
    io: DuplexStream,
    stop: watch::Sender<bool>,
    door: Arc<Door>,
    association: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

fn settings() -> Settings {
    Settings { artim: Duration::from_millis(300), idle: Duration::from_millis(600), ..Settings::new("SEGEL") }
}

impl Peer {
    async fn connect() -> Self {
        Self::connect_to(settings(), false).await
    }

    async fn connect_to(settings: Settings, full: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("node.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(key_service(stream));
            }
        });
        let archive_settings = archive::settings::Settings::new(folder.path());
        let archive = Archive::start(&archive_settings, KeyClient::new(Endpoint::Unix(socket)), &mut |_| {}).unwrap();
        let door = Door::new(archive, settings);
        let (stop, stopped) = watch::channel(false);
        let (io, theirs) = tokio::io::duplex(1024 * 1024);
        let association = tokio::spawn(Association::new(Arc::clone(&door), theirs, None, full, stopped).run());
        Self { io, stop, door, association, _folder: folder }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
    }

    async fn receive(&mut self) -> Option<(PduType, Vec<u8>)> {
        let mut first = [0; 6];
        self.io.read_exact(&mut first).await.ok()?;
        let header = Header::parse(&first).unwrap();
        let mut body = vec![0; header.length_bytes as usize];
        self.io.read_exact(&mut body).await.unwrap();
        Some((header.pdu_type, body))
    }

    async fn associated() -> Self {
        let mut peer = Self::connect().await;
        peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
        let (kind, body) = peer.receive().await.unwrap();
        assert_eq!(kind, PduType::AssociateAc);
        assert_eq!(AssociateAc::parse(&body).unwrap().presentation_contexts.len(), 3);
        peer
    }

    async fn response(&mut self) -> (u8, Command) {
        let (kind, body) = self.receive().await.unwrap();
        assert_eq!(kind, PduType::DataTf);
        let pdv = Pdvs::new(&body).next().unwrap().unwrap();
        assert!(pdv.command && pdv.last);
        (pdv.context_id, Command::parse(pdv.fragment).unwrap())
    }

    async fn expect_abort(&mut self, source: u8, reason: u8) {
        assert_eq!(self.receive().await, Some((PduType::Abort, vec![0, 0, source, reason])));
    }

    /// The connection ends by itself, at the latest when ARTIM does.
    async fn expect_end(mut self) {
        assert_eq!(self.receive().await, None);
        self.association.await.unwrap();
    }
}

fn request(called: &str, calling: &str) -> AssociateRq {
    let context = |id, uid: &str| PresentationContextRq {
        id,
        abstract_syntax: uid.to_owned(),
        transfer_syntaxes: vec![EXPLICIT_LITTLE.to_owned()],
    };
    AssociateRq {
        protocol_version: 1,
        called_ae_title: called.into(),
        calling_ae_title: calling.into(),
        application_context: DICOM_APPLICATION_CONTEXT.into(),
        presentation_contexts: vec![context(1, VERIFICATION), context(3, CT), context(5, STUDY_ROOT_FIND)],
        user_information: UserInformation { pdu_bytes_max: 16_384, ..UserInformation::default() },
    }
}

fn echo() -> Command {
    Command {
        affected_sop_class_uid: Some(VERIFICATION.into()),
        command_field: field::C_ECHO_RQ,
        message_id: Some(1),
        command_data_set_type: NO_DATA_SET,
        ..Command::default()
    }
}

fn store() -> Command {
    Command {
        affected_sop_class_uid: Some(CT.into()),
        command_field: field::C_STORE_RQ,
        message_id: Some(2),
        command_data_set_type: DATA_SET_FOLLOWS,
        affected_sop_instance_uid: Some("1.2.3".into()),
        ..Command::default()
    }
}

fn message(context_id: u8, command: &Command, data_set: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    write_message(&mut out, context_id, true, &command.write(), 0).unwrap();
    if let Some(data_set) = data_set {
        write_message(&mut out, context_id, false, data_set, 0).unwrap();
    }
    out
}

fn instance() -> Vec<u8> {
    let draft = Draft::new()
        .text(Tag(0x0008, 0x0016), VR::UI, CT)
        .text(Tag(0x0008, 0x0018), VR::UI, "1.2.3")
        .text(Tag(0x0010, 0x0010), VR::PN, "SITI")
        .text(Tag(0x0010, 0x0020), VR::LO, "P1")
        .text(Tag(0x0020, 0x000D), VR::UI, "1.2")
        .text(Tag(0x0020, 0x000E), VR::UI, "1.2.1");
    draft.encode(Encoding::ExplicitLittle).unwrap()
}

#[tokio::test]
async fn http_bytes_are_answered_with_an_abort_at_once() {
    for text in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\0\x01\0"] {
        let mut peer = Peer::connect().await;
        let began = Instant::now();
        peer.send(text.as_bytes()).await;
        peer.expect_abort(0, 0).await;
        assert!(began.elapsed() < Duration::from_millis(100));
        peer.send(text.as_bytes()).await;
        peer.expect_end().await;
    }
}

#[tokio::test]
async fn a_declared_length_of_four_gigabytes_is_refused_on_six_bytes() {
    for kind in [1, 4] {
        let mut peer = Peer::connect().await;
        peer.send(&[kind, 0, 0xff, 0xff, 0xff, 0xff]).await;
        peer.expect_abort(0, 0).await;
        peer.expect_end().await;
    }
}

#[tokio::test]
async fn a_silent_peer_is_cut_off_by_artim_and_later_by_idleness() {
    let began = Instant::now();
    Peer::connect().await.expect_end().await;
    assert!(began.elapsed() >= settings().artim);
    let mut peer = Peer::associated().await;
    peer.expect_abort(0, 0).await;
    peer.expect_end().await;
}

#[tokio::test]
async fn a_pdu_that_never_ends_is_cut_off() {
    let quick = Settings { pdu_progress: Duration::from_millis(200), idle: Duration::from_secs(60), ..settings() };
    let mut peer = Peer::connect_to(quick, false).await;
    peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
    peer.receive().await.unwrap();
    let began = Instant::now();
    peer.send(&[4, 0, 0, 0, 1, 0, 0, 0]).await;
    peer.expect_abort(0, 0).await;
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn strangers_and_wrong_numbers_are_rejected_with_the_reason() {
    for (called, calling, reason) in [
        ("OTHER", "CT1", RejectReason::CalledAeTitleNotRecognized),
        ("SEGEL", "STRANGER", RejectReason::CallingAeTitleNotRecognized),
    ] {
        let mut peer = Peer::connect().await;
        peer.send(&request(called, calling).write().unwrap()).await;
        let (kind, body) = peer.receive().await.unwrap();
        assert_eq!((kind, AssociateRj::parse(&body).unwrap().named()), (PduType::AssociateRj, Some(reason)));
        peer.expect_end().await;
    }
}

#[tokio::test]
async fn beyond_the_limits_a_peer_is_told_to_come_back() {
    let rejected = |body: &[u8]| AssociateRj::parse(body).unwrap().named();
    let mut peer = Peer::connect_to(settings(), true).await;
    peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
    assert_eq!(rejected(&peer.receive().await.unwrap().1), Some(RejectReason::LocalLimitExceeded));

    let one = Settings { associations_per_peer_max: 1, ..settings() };
    let mut peer = Peer::connect_to(one, false).await;
    let entered = peer.door.enter("CT1").unwrap();
    peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
    assert_eq!(rejected(&peer.receive().await.unwrap().1), Some(RejectReason::LocalLimitExceeded));
    drop(entered);
    assert!(peer.door.enter("CT1").is_some());
}

#[tokio::test]
async fn data_before_the_association_and_a_second_request_abort() {
    let mut peer = Peer::connect().await;
    peer.send(&message(1, &echo(), None)).await;
    peer.expect_abort(0, 0).await;
    peer.expect_end().await;

    let mut peer = Peer::associated().await;
    peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
    peer.expect_abort(2, 2).await;
    peer.expect_end().await;
}

#[tokio::test]
async fn after_a_refused_instance_the_association_goes_on() {
    let mut peer = Peer::associated().await;
    peer.send(&message(3, &store(), Some(&instance()))).await;
    let (context_id, response) = peer.response().await;
    // The key service is busy, so nothing can be kept.
    assert_eq!((context_id, response.status, response.message_id_being_responded_to), (3, Some(0xA700), Some(2)));
    peer.send(&message(3, &store(), Some(b"this is not a data set at all"))).await;
    let (_, response) = peer.response().await;
    assert_eq!(response.status, Some(0xC000));
    assert!(response.error_comment.is_some_and(|comment| !comment.is_empty()));
    let other_instance = Command { affected_sop_instance_uid: Some("1.2.4".into()), ..store() };
    peer.send(&message(3, &other_instance, Some(&instance()))).await;
    assert_eq!(peer.response().await.1.status, Some(0xA900));
    let other_class = Command { affected_sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.4".into()), ..store() };
    peer.send(&message(3, &other_class, Some(&instance()))).await;
    assert_eq!(peer.response().await.1.status, Some(0x0122));
    peer.send(&message(3, &Command { command_data_set_type: NO_DATA_SET, ..store() }, None)).await;
    assert_eq!(peer.response().await.1.status, Some(0xC000));
    peer.send(&message(1, &Command { command_field: 0x0021, ..echo() }, None)).await;
    assert_eq!(peer.response().await.1.status, Some(0x0211));
    peer.send(&message(1, &echo(), None)).await;
    assert_eq!(peer.response().await.1.status, Some(0));
}

#[tokio::test]
async fn a_stop_ends_silent_associations_soon_and_refuses_new_ones() {
    let patient = Settings { idle: Duration::from_secs(60), ..settings() };
    let mut peer = Peer::connect_to(patient, false).await;
    peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
    peer.receive().await.unwrap();
    peer.stop.send_replace(true);
    peer.send(&message(1, &echo(), None)).await;
    assert_eq!(peer.response().await.1.status, Some(0));
    peer.expect_abort(0, 0).await;
    peer.expect_end().await;
}
