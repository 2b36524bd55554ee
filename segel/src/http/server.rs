//! Accepting connections: how many, how long, in plain text or TLS, and how they end.

use super::stall::StallGuard;
use crate::crowd::{Crowd, Place};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// A peer has this long to finish a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer has this long from a connection's opening, or from its last answer, to the end of the next request's headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);
/// A peer that takes not one byte of an answer for this long is disconnected.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// Headers and the piece of a body that is looked at together.
const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;
/// Requests that are under way when the archive is told to stop may take this long.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two attempts to accept when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A year, as lists of such hosts ask for. Other hosts of the domain are not spoken for.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// How the doors are served.
#[derive(Clone)]
pub struct Settings {
    /// Certificate and key; plain text without, which only a loopback address or a proxy on the same host should use.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether browsers are told to come by HTTPS alone (RFC 6797): the doors, or the proxy before them, speak it.
    pub strict_transport: bool,
    /// Connections at one time. A further one takes the place of one that is idle; if none is, it waits in the system's
    /// queue.
    pub connections_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        // Each idle connection costs some 80 KiB; a reading room's browsers keep six each.
        Self { tls: None, strict_transport: false, connections_max: 512 }
    }
}

/// What a handler may know of the connection that a request came over.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The peer's address.
    pub peer: SocketAddr,
    /// The address it came to.
    pub local: SocketAddr,
    /// Whether it came over TLS.
    pub tls: bool,
}

impl Connection {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Whether a host and port, as a `Host` header has them, are the address that this connection came to.
    pub fn is_called(&self, authority: &str) -> bool {
        let own_port = if self.tls { 443 } else { 80 };
        // The colons of an IPv6 address stand inside brackets.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (authority, Some(own_port)),
        };
        let is_here = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address == self.local.ip().to_canonical(),
            Err(_) => host == "localhost" && self.local.ip().to_canonical().is_loopback(),
        };
        is_here && port == Some(self.local.port())
    }
}

/// Serves `router` on `listener` until `shutdown` completes, then lets running requests end.
pub async fn serve(
    router: Router,
    settings: Settings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let acceptor = settings.tls.clone().map(TlsAcceptor::from);
    let crowd = Crowd::new(settings.connections_max);
    let router = if settings.strict_transport || acceptor.is_some() {
        router.layer(axum::middleware::map_response(strict))
    } else {
        router
    };
    let service = TowerToHyperService::new(router);
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            () = crowd.room() => {}
        }
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, peer)) => {
                // All that were idle may have asked for something meanwhile: then there is no place for this one.
                let Some(place) = crowd.enter(peer.ip()) else { continue };
                // A socket that knows no address is gone already.
                let Ok(local) = socket.local_addr() else { continue };
                let connection = Connection { peer, local, tls: acceptor.is_some() };
                let task = converse(socket, connection, acceptor.clone(), service.clone(), stopping.clone(), place);
                connections.spawn(task);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    let drained = timeout(DRAIN_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut at the end of the drain");
    }
    Ok(())
}

async fn strict(mut response: Response) -> Response {
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    response
}

async fn converse(
    socket: TcpStream,
    connection: Connection,
    acceptor: Option<TlsAcceptor>,
    service: TowerToHyperService<Router>,
    stopping: watch::Receiver<bool>,
    place: Place,
) {
    // Answers are written in whole pieces; waiting to fill a packet would only delay them.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "the socket is gone");
        return;
    }
    let socket = StallGuard::new(socket, WRITE_PATIENCE);
    let place = Arc::new(place);
    let Some(acceptor) = acceptor else { return requests(socket, connection, service, stopping, place).await };
    let shaken = tokio::select! {
        shaken = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(socket)) => shaken,
        () = place.gave_way() => return,
    };
    match shaken {
        Ok(Ok(socket)) => requests(socket, connection, service, stopping, place).await,
        Ok(Err(error)) => tracing::info!(peer = %connection.peer, %error, "TLS handshake failed"),
        Err(_) => tracing::info!(peer = %connection.peer, "TLS handshake timed out"),
    }
}

/// A request under way: as long as it lives, to the last byte of its answer, its connection is being served.
struct Served(Arc<Place>);

impl Served {
    fn new(place: &Arc<Place>) -> Self {
        place.is_served();
        Self(Arc::clone(place))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.only_waits();
    }
}

/// An answer's body that keeps its request under way.
struct Answer {
    body: Body,
    _served: Served,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

async fn requests<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    socket: S,
    connection: Connection,
    service: TowerToHyperService<Router>,
    mut stopping: watch::Receiver<bool>,
    place: Arc<Place>,
) {
    let asked_in = Arc::clone(&place);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(connection);
        let served = Served::new(&asked_in);
        let answered = service.call(request);
        async move { answered.await.map(|response| response.map(|body| Answer { body, _served: served })) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = place.gave_way() => return,
        () = told(&mut stopping) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %connection.peer, %error, "the connection broke");
    }
}

async fn told(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone means that the server is.
    let _told_or_gone = stopping.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    async fn ask(address: SocketAddr) -> std::io::Result<TcpStream> {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await?;
        Ok(socket)
    }

    async fn answered(socket: &mut TcpStream, patience: Duration) -> bool {
        let mut status = [0; 15];
        let read = timeout(patience, socket.read_exact(&mut status)).await;
        matches!(read, Ok(Ok(_))) && status.starts_with(b"HTTP/1.1 200 OK")
    }

    #[tokio::test]
    async fn connections_may_reach_their_limit_and_one_more_takes_the_place_of_the_longest_idle() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "ok"));
        let settings = Settings { connections_max: 2, ..Settings::default() };
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(router, settings, listener, async { drop(stopped.await) }));

        let (mut one, mut two) = (ask(address).await.unwrap(), ask(address).await.unwrap());
        assert!(answered(&mut one, Duration::from_secs(5)).await);
        assert!(answered(&mut two, Duration::from_secs(5)).await);
        let mut three = ask(address).await.unwrap();
        assert!(answered(&mut three, Duration::from_secs(5)).await);
        let mut rest = Vec::new();
        timeout(Duration::from_secs(5), one.read_to_end(&mut rest)).await.unwrap().unwrap();
        two.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut more = [0; 1];
        timeout(Duration::from_secs(5), two.read_exact(&mut more)).await.unwrap().unwrap();

        // Idle connections end at once when the server is told to stop, long before the drain's timeout.
        stop.send(()).unwrap();
        timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn browsers_are_told_to_come_by_https_where_there_is_https() {
        for (strict_transport, said) in [(true, true), (false, false)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = Router::new().route("/", get(async || "ok"));
            let (stop, stopped) = oneshot::channel::<()>();
            let settings = Settings { strict_transport, ..Settings::default() };
            let server = tokio::spawn(serve(router, settings, listener, async { drop(stopped.await) }));
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            timeout(Duration::from_secs(5), socket.read_to_string(&mut answer)).await.unwrap().unwrap();
            assert_eq!(answer.contains("strict-transport-security: max-age=31536000"), said, "{answer}");
            stop.send(()).unwrap();
            server.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_after_the_server_was_told_to_stop() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let slow = async || {
            sleep(Duration::from_millis(300)).await;
            "ok"
        };
        let router = Router::new().route("/", get(slow));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(router, Settings::default(), listener, async { drop(stopped.await) }));
        let mut socket = ask(address).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        stop.send(()).unwrap();
        assert!(answered(&mut socket, Duration::from_secs(5)).await);
        timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }
}
