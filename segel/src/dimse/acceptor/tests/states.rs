//! PS3.8 Table 9-10 as a peer sees it: in every state that an acceptor waits in, every PDU that a peer can send.

use super::*;
use wire::pdu::{Abort, AbortSource, release_rp};

/// What the peer sees of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A-ABORT with this source (AA-1, AA-7: the user; AA-8: the provider).
    Abort(u8),
    /// The connection is closed (AA-2, AA-3).
    Close,
    /// A-RELEASE-RP (AR-2, then AR-4).
    Release,
    /// A response (DT-2).
    Response,
    /// A-ASSOCIATE-AC (AE-6, then AE-7).
    Accept,
    /// Nothing, and the connection stays (AA-6) until ARTIM ends it.
    Nothing,
}

use Seen::*;

/// A row per PDU: what is seen in Sta2, Sta3, Sta6 and Sta13.
const TABLE: [(&str, [Seen; 4]); 9] = [
    ("A-ASSOCIATE-AC", [Abort(0), Abort(2), Abort(2), Nothing]),
    ("A-ASSOCIATE-RJ", [Abort(0), Abort(2), Abort(2), Nothing]),
    ("A-ASSOCIATE-RQ", [Accept, Abort(2), Abort(2), Abort(2)]),
    ("P-DATA-TF", [Abort(0), Abort(2), Response, Nothing]),
    ("A-RELEASE-RQ", [Abort(0), Abort(2), Release, Nothing]),
    ("A-RELEASE-RP", [Abort(0), Abort(2), Abort(2), Nothing]),
    ("A-ABORT", [Close, Close, Close, Close]),
    ("an unknown PDU", [Abort(0), Abort(2), Abort(2), Abort(2)]),
    ("silence", [Close, Abort(2), Abort(0), Close]),
];

fn bytes(pdu: &str) -> Vec<u8> {
    match pdu {
        "A-ASSOCIATE-AC" => AssociateAc {
            called_ae_title: "SEGEL".into(),
            calling_ae_title: "CT1".into(),
            application_context: DICOM_APPLICATION_CONTEXT.into(),
            ..AssociateAc::default()
        }
        .write()
        .unwrap(),
        "A-ASSOCIATE-RJ" => AssociateRj::from(RejectReason::NoReasonGiven).write(),
        "A-ASSOCIATE-RQ" => request("SEGEL", "CT1").write().unwrap(),
        "P-DATA-TF" => message(1, &echo(), None),
        "A-RELEASE-RQ" => release_rq(),
        "A-RELEASE-RP" => release_rp(),
        "A-ABORT" => Abort::from(AbortSource::ServiceUser).write(),
        "an unknown PDU" => vec![99, 0, 0, 0, 0, 4, 1, 2, 3, 4],
        _ => Vec::new(),
    }
}

/// A peer that has brought the association into the state of a column.
async fn brought(column: usize) -> Peer {
    let mut peer = Peer::connect().await;
    match column {
        0 => {}
        1 => peer.send(&request("SEGEL", "SLOW").write().unwrap()).await,
        _ => {
            peer.send(&request("SEGEL", "CT1").write().unwrap()).await;
            assert_eq!(peer.receive().await.unwrap().0, PduType::AssociateAc);
        }
    }
    if column == 3 {
        peer.send(&release_rq()).await;
        assert_eq!(peer.receive().await.unwrap().0, PduType::ReleaseRp);
    }
    peer
}

fn seen(received: Option<(PduType, Vec<u8>)>) -> Seen {
    match received {
        None => Close,
        Some((PduType::Abort, body)) => Abort(body[2]),
        Some((PduType::ReleaseRp, _)) => Release,
        Some((PduType::DataTf, _)) => Response,
        Some((PduType::AssociateAc, _)) => Accept,
        Some(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_pdu_in_every_state_of_an_acceptor_is_answered_as_printed() {
    for (pdu, expected) in TABLE {
        for (column, expected) in expected.into_iter().enumerate() {
            let state = ["Sta2", "Sta3", "Sta6", "Sta13"][column];
            let mut peer = brought(column).await;
            peer.send(&bytes(pdu)).await;
            if expected == Nothing {
                let quiet = tokio::time::timeout(settings().artim / 3, peer.receive()).await;
                assert!(quiet.is_err(), "{pdu} in {state}: {quiet:?}");
                peer.expect_end().await;
                continue;
            }
            let got = tokio::time::timeout(Duration::from_secs(30), peer.receive()).await.unwrap();
            assert_eq!(seen(got), expected, "{pdu} in {state}");
        }
    }
}

#[tokio::test]
async fn a_peer_that_closes_ends_the_association_in_every_state() {
    for column in 0..4 {
        let Peer { io, association, .. } = brought(column).await;
        drop(io);
        tokio::time::timeout(Duration::from_secs(30), association).await.unwrap().unwrap();
    }
}
