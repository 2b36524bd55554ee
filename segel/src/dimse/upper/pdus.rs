//! PDUs off and onto a connection.

use bytes::{Bytes, BytesMut};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use wire::pdu::{Header, PduType};

/// Bytes made room for at once: a declared length costs nothing before its bytes are there.
const READ_BYTES: usize = 64 * 1024;

/// A connection whose kernel can be told to acknowledge at once what has come.
///
/// Many peers send a PDU's header and body in two writes with Nagle's algorithm on: the second waits for the
/// acknowledgement of the first, which Linux delays by 40 ms. Only the receiver can end that wait, and the setting does
/// not last, so it is renewed with every read.
pub(in crate::dimse) trait Connection: AsyncRead + AsyncWrite + Unpin {
    /// Acknowledges at once. A failure costs time only.
    fn acknowledge(&self);
}

impl Connection for TcpStream {
    fn acknowledge(&self) {
        #[cfg(target_os = "linux")]
        if let Err(error) = self.set_quickack(true) {
            tracing::debug!(%error, "acknowledgements are delayed");
        }
    }
}

impl Connection for TlsStream<TcpStream> {
    fn acknowledge(&self) {
        self.get_ref().0.acknowledge();
    }
}

/// What a connection brought.
#[derive(Debug)]
pub(in crate::dimse) enum Received {
    /// A whole PDU: its type and the bytes after the header.
    Pdu(PduType, Bytes),
    /// The first bytes of a PDU: from here on its deadline counts.
    Begun,
    /// What no peer may send; nothing after it has a beginning.
    Invalid(wire::Error),
    /// The connection is closed or broken.
    Closed,
}

/// A connection as PDUs.
pub(in crate::dimse) struct Pdus<S> {
    io: S,
    buffer: BytesMut,
    /// When the first byte of the PDU that is arriving came.
    begun: Option<Instant>,
    /// The peer broke the format: what still comes is read and thrown away, so that it can read our abort before the close.
    deaf: bool,
}

impl<S: Connection> Pdus<S> {
    pub(in crate::dimse) fn new(io: S) -> Self {
        Self { io, buffer: BytesMut::new(), begun: None, deaf: false }
    }

    /// When the PDU that is arriving began, if one is.
    pub(in crate::dimse) fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// Lets the PDU that is arriving begin now: until now nobody read it.
    pub(in crate::dimse) fn renew(&mut self) {
        self.begun = self.begun.map(|_| Instant::now());
    }

    /// Waits for the next PDU. Dropping the future loses nothing: bytes stay in the buffer.
    pub(in crate::dimse) async fn receive(&mut self) -> Received {
        loop {
            if let Some(received) = self.take() {
                return received;
            }
            self.buffer.reserve(self.missing_bytes().clamp(Header::BYTES, READ_BYTES));
            let read = self.io.read_buf(&mut self.buffer).await;
            self.io.acknowledge();
            match read {
                Ok(0) | Err(_) => return Received::Closed,
                Ok(_) if self.deaf => self.buffer.clear(),
                Ok(_) => {
                    let first = self.begun.is_none();
                    self.begun.get_or_insert_with(Instant::now);
                    if let Some(received) = self.take() {
                        return received;
                    }
                    if first {
                        return Received::Begun;
                    }
                }
            }
        }
    }

    /// A PDU that is whole in the buffer, or the reason why none will be.
    fn take(&mut self) -> Option<Received> {
        let header = match Header::parse(self.buffer.first_chunk()?) {
            Ok(header) => header,
            Err(error) => {
                self.deaf = true;
                self.buffer.clear();
                return Some(Received::Invalid(error));
            }
        };
        let end = Header::BYTES.saturating_add(usize::try_from(header.length_bytes).unwrap_or(usize::MAX));
        if self.buffer.len() < end {
            return None;
        }
        let pdu = self.buffer.split_to(end).freeze();
        // What is there of the next one begins now, and its deadline with it.
        self.begun = (!self.buffer.is_empty()).then(Instant::now);
        Some(Received::Pdu(header.pdu_type, pdu.slice(Header::BYTES..)))
    }

    fn missing_bytes(&self) -> usize {
        let header = self.buffer.first_chunk().and_then(|first| Header::parse(first).ok());
        let length = header.and_then(|h| usize::try_from(h.length_bytes).ok());
        length.map_or(READ_BYTES, |l| l.saturating_add(Header::BYTES).saturating_sub(self.buffer.len()))
    }

    /// Writes whole PDUs in one write: peers with Nagle's algorithm against delayed acknowledgements stall on two.
    pub(in crate::dimse) async fn send(&mut self, pdus: &[u8], within: Duration) -> io::Result<()> {
        let sent = async {
            self.io.write_all(pdus).await?;
            self.io.flush().await
        };
        tokio::time::timeout(within, sent).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Says that nothing more will be sent.
    pub(in crate::dimse) async fn close(&mut self, within: Duration) {
        // Whatever comes of it, the socket is dropped next.
        let _closed = tokio::time::timeout(within, self.io.shutdown()).await;
    }
}
