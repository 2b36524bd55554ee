//! Accepting connections, plain or over TLS, up to the limit, until the stop.

use super::association::{Association, gave_way};
use super::door::{Door, Settings};
use crate::crowd::{Crowd, Place};
use crate::dimse::upper::tls::{PeerCertificates, server_config, sha256};
use crate::tls::Identity;
use anyhow::Result;
use archive::Archive;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections beyond the limit that are told so; the rest are closed at once.
const REFUSALS_MAX: usize = 32;
/// After a failed accept, which is a lack of descriptors or memory and passes.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves a plain-text port until the stop; then lets associations finish for as long as the settings say.
pub async fn serve_plain(
    archive: Archive,
    settings: Settings,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let (stopping, stopped) = watch::channel(false);
    tokio::join!(accept(Door::new(archive, settings), listener, None, stopped), tell(stop, stopping));
    Ok(())
}

/// The same over TLS, for peers whose certificates are registered.
pub async fn serve_tls(
    archive: Archive,
    settings: Settings,
    identity: Identity,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let peers = PeerCertificates::default();
    let tls = TlsAcceptor::from(server_config(identity, peers.clone())?);
    let (stopping, stopped) = watch::channel(false);
    let refreshing = peers.follow(archive.keys().clone(), stopped.clone());
    tokio::join!(refreshing, accept(Door::new(archive, settings), listener, Some(tls), stopped), tell(stop, stopping));
    Ok(())
}

async fn tell(stop: impl Future<Output = ()>, stopping: watch::Sender<bool>) {
    stop.await;
    stopping.send_replace(true);
}

/// What a listener waits for.
enum Next {
    Accepted(io::Result<(TcpStream, SocketAddr)>),
    /// An association ended.
    Ended,
    Stop,
}

async fn accept(door: Arc<Door>, tcp: TcpListener, tls: Option<TlsAcceptor>, mut stop: watch::Receiver<bool>) {
    let crowd = Crowd::new(door.settings.associations_max);
    let mut associations = JoinSet::new();
    let associations_stop = stop.clone();
    loop {
        let next = tokio::select! {
            accepted = tcp.accept() => Next::Accepted(accepted),
            Some(_) = associations.join_next() => Next::Ended,
            _ = stop.wait_for(|stop| *stop) => Next::Stop,
        };
        match next {
            Next::Accepted(Ok((connection, peer))) => {
                // Without a place it is told that every one is taken by an association.
                let place = crowd.enter(peer.ip());
                if place.is_some() || associations.len() < door.settings.associations_max.saturating_add(REFUSALS_MAX) {
                    associations.spawn(serve(
                        Arc::clone(&door),
                        connection,
                        tls.clone(),
                        place,
                        associations_stop.clone(),
                    ));
                }
            }
            Next::Accepted(Err(error)) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
            Next::Ended => {}
            Next::Stop => break,
        }
    }
    drop(tcp);
    let drained =
        tokio::time::timeout(door.settings.drain, async { while associations.join_next().await.is_some() {} });
    if drained.await.is_err() {
        // What was arriving is dropped with nothing kept; the peer has no answer and will send it again.
        tracing::warn!(count = associations.len(), "associations were cut off at the end of the drain");
    }
}

async fn serve(
    door: Arc<Door>,
    connection: TcpStream,
    tls: Option<TlsAcceptor>,
    place: Option<Place>,
    stop: watch::Receiver<bool>,
) {
    // Without this a small response waits 40 ms for the peer's delayed acknowledgement.
    if connection.set_nodelay(true).is_err() {
        return;
    }
    let full = place.is_none();
    let Some(tls) = tls else {
        return Association::new(door, connection, None, full, stop).in_place(place).run().await;
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(door.settings.artim, tls.accept(connection)) => shaken,
        () = gave_way(place.as_ref()) => return,
    };
    match shaken {
        Ok(Ok(connection)) => {
            let certificate = connection.get_ref().1.peer_certificates().and_then(<[_]>::first).map(sha256);
            Association::new(door, connection, certificate, full, stop).in_place(place).run().await;
        }
        Ok(Err(error)) => tracing::info!(%error, "a TLS handshake failed"),
        Err(_) => tracing::info!("a TLS handshake took too long"),
    }
}
