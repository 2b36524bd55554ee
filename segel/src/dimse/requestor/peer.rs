//! Whom to call.

use record::limits;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// How long each wait may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// To the transport connection, TLS included.
    pub connect: Duration,
    /// To the answer to a request for an association, and to the end after a release or abort.
    pub artim: Duration,
    /// To the next response of an operation.
    pub response: Duration,
    /// From the first byte of a PDU to its last, in either direction.
    pub pdu_progress: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(limits::PEER_CONNECT_MS_MAX),
            artim: Duration::from_millis(limits::ARTIM_MS_MAX),
            response: Duration::from_millis(limits::ASSOCIATION_IDLE_MS_MAX),
            pdu_progress: Duration::from_millis(limits::PDU_PROGRESS_MS_MAX),
        }
    }
}

/// A peer, and who calls it.
#[derive(Clone)]
pub struct Peer {
    /// Its AE title: called.
    pub ae_title: String,
    /// Ours: calling.
    pub calling: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS with its one certificate (`dimse::pinned`); `None` for plain text.
    pub tls: Option<Arc<ClientConfig>>,
    /// How long each wait may take.
    pub deadlines: Deadlines,
}

impl Peer {
    /// A peer in plain text.
    #[must_use]
    pub fn plain(calling: &str, ae_title: &str, host: &str, port: u16) -> Self {
        Self {
            ae_title: ae_title.to_owned(),
            calling: calling.to_owned(),
            host: host.to_owned(),
            port,
            tls: None,
            deadlines: Deadlines::default(),
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let transport = if self.tls.is_some() { "TLS" } else { "plain text" };
        write!(f, "Peer({}@{}:{}, {transport})", self.ae_title, self.host, self.port)
    }
}
