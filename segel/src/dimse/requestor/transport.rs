//! The connection to a peer: TCP, or TLS with the peer's one certificate.

use super::error::{Error, Result};
use super::peer::Peer;
use crate::dimse::upper::pdus::Connection;
use record::Outcome;
use rustls::pki_types::ServerName;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An open connection.
pub(super) enum Transport {
    /// Plain text.
    Plain(TcpStream),
    /// TLS 1.2 or 1.3.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    /// Connects within the deadline.
    pub(super) async fn connect(peer: &Peer) -> Result<Self> {
        let late = |_| Error::busy(format!("{peer:?} does not answer"));
        tokio::time::timeout(peer.deadlines.connect, dial(peer)).await.map_err(late)?
    }
}

async fn dial(peer: &Peer) -> Result<Transport> {
    let failed = |error: io::Error| Error::busy(format!("cannot connect to {peer:?}: {error}"));
    let stream = TcpStream::connect((peer.host.as_str(), peer.port)).await.map_err(failed)?;
    // A small request must not wait for the acknowledgement of the one before.
    stream.set_nodelay(true).map_err(failed)?;
    let Some(config) = &peer.tls else { return Ok(Transport::Plain(stream)) };
    // The certificate is pinned, so the name says nothing; it only has to be one.
    let placeholder = || ServerName::try_from("peer.invalid").ok();
    let name = ServerName::try_from(peer.host.clone()).ok().or_else(placeholder);
    let name = name.ok_or_else(|| Error::invalid(format!("{peer:?} has no host name")))?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(|error| {
        // What rustls refuses is a certificate; everything else may be better next time.
        let refused = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        let outcome = if refused { Outcome::Refused } else { Outcome::Busy };
        Error::new(outcome, format!("no TLS with {peer:?}: {error}"))
    })?;
    Ok(Transport::Tls(Box::new(stream)))
}

impl Connection for Transport {
    fn acknowledge(&self) {
        match self {
            Self::Plain(stream) => stream.acknowledge(),
            Self::Tls(stream) => stream.get_ref().0.acknowledge(),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
