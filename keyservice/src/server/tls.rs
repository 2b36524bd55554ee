//! Mutual TLS (RFC 8446, RFC 5246): a client shows a certificate of the configured authority that is also listed.

use crate::config::Tls;
use crate::error::{Error, Result};
use crate::request::Node;
use aws_lc_rs::digest::{SHA256, digest};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Accepts listed clients.
#[derive(Clone)]
pub struct Acceptor {
    listen: SocketAddr,
    acceptor: TlsAcceptor,
    clients: Arc<[[u8; 32]]>,
}

impl Acceptor {
    /// From its settings.
    ///
    /// # Errors
    /// Invalid for files that cannot be used and for an empty list of clients.
    pub fn new(tls: &Tls) -> Result<Self> {
        let clients: Arc<[[u8; 32]]> = tls.clients.iter().map(|text| fingerprint(text)).collect::<Result<_>>()?;
        if clients.is_empty() {
            return Err(Error::invalid(format!("no client is listed for {}", tls.listen)));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let invalid = |error: &dyn std::fmt::Display| Error::invalid(format!("TLS for {}: {error}", tls.listen));
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(&tls.clients_ca)? {
            authorities.add(certificate).map_err(|e| invalid(&e))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider))
            .build()
            .map_err(|e| invalid(&e))?;
        let key = PrivateKeyDer::from_pem_file(&tls.key)
            .map_err(|e| Error::invalid(format!("{}: {e}", tls.key.display())))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| invalid(&e))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates(&tls.certificate)?, key)
            .map_err(|e| invalid(&e))?;
        config.ignore_client_order = true;
        Ok(Self { listen: tls.listen, acceptor: TlsAcceptor::from(Arc::new(config)), clients })
    }

    /// Where it is meant to listen.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Shakes hands and looks the client's certificate up.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<(TlsStream<TcpStream>, Node)> {
        stream.set_nodelay(true)?;
        let stream = self.acceptor.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let listed = shown.and_then(|certificate| {
            let sha256 = digest(&SHA256, certificate);
            self.clients.iter().find(|listed| sha256.as_ref() == *listed).copied()
        });
        match listed {
            Some(sha256) => Ok((stream, Node::Certificate(sha256))),
            None => Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "its certificate is not listed")),
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let invalid = |error: &dyn std::fmt::Display| Error::invalid(format!("{}: {error}", path.display()));
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|e| invalid(&e))?
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| invalid(&e))?;
    if chain.is_empty() { Err(invalid(&"it has no certificate")) } else { Ok(chain) }
}

/// 64 hexadecimal digits; colons between bytes, as tools print them, do not count.
fn fingerprint(text: &str) -> Result<[u8; 32]> {
    let mut sha256 = [0; 32];
    hex::decode_to_slice(text.replace(':', ""), &mut sha256)
        .map_err(|_| Error::invalid("a client is listed by the SHA-256 of its certificate, 64 hexadecimal digits"))?;
    Ok(sha256)
}
