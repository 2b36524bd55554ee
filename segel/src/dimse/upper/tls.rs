//! TLS with client certificates that are registered one by one.
//!
//! No authority is trusted: a certificate is a peer's if its SHA-256 is in the key service's register. The handshake
//! proves that the peer has the key to it; the key service then holds the AE title against the certificate.

use crate::tls::Identity;
use anyhow::{Context as _, Result};
use archive::keys::KeyClient;
use aws_lc_rs::digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// How often the register is asked for.
const REFRESH: Duration = Duration::from_millis(500);

/// SHA-256 of the certificates that peers may present, as the key service last said.
#[derive(Clone, Debug, Default)]
pub(in crate::dimse) struct PeerCertificates(Arc<RwLock<BTreeSet<[u8; 32]>>>);

impl PeerCertificates {
    /// Asks the key service once.
    pub(in crate::dimse) async fn refresh(&self, keys: &KeyClient) -> Result<()> {
        let registered = keys.certificates().await.context("the registered certificates cannot be read")?;
        let set = registered.into_iter().map(|certificate| certificate.sha256).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = set;
        Ok(())
    }

    /// Asks the key service again and again until the stop. While it is away the last answer holds; what a peer may do
    /// is asked anew for each association anyway.
    pub(in crate::dimse) async fn follow(self, keys: KeyClient, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.refresh(&keys).await {
                tracing::debug!(%error, "the registered certificates were not refreshed");
            }
            tokio::select! {
                () = tokio::time::sleep(REFRESH) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&sha256(certificate))
    }
}

/// What a certificate is registered under.
pub fn sha256(certificate: &CertificateDer<'_>) -> [u8; 32] {
    let mut sha256 = [0; 32];
    for (to, from) in sha256.iter_mut().zip(digest::digest(&digest::SHA256, certificate).as_ref()) {
        *to = *from;
    }
    sha256
}

/// The TLS side of a listener: TLS 1.2 and 1.3, a client certificate required, no resumption, so that a certificate that
/// was taken off the register opens nothing any more.
pub(in crate::dimse) fn server_config(identity: Identity, peers: PeerCertificates) -> Result<Arc<ServerConfig>> {
    let provider = crate::tls::provider();
    let verifier = Arc::new(Registered { peers, provider: Arc::clone(&provider) });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)
        .context("the certificate of the DICOM door does not fit its key")?;
    config.ignore_client_order = true;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Accepts registered certificates and no other.
#[derive(Debug)]
struct Registered {
    peers: PeerCertificates,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Registered {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if self.peers.contains(end_entity) {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS towards a peer: the archive shows its own certificate, and the peer must show the one whose SHA-256 is registered.
/// No authority is trusted, so a name or a date in the certificate says nothing.
pub fn pinned(identity: Identity, sha256: [u8; 32]) -> Result<Arc<ClientConfig>> {
    let provider = crate::tls::provider();
    let verifier = Arc::new(Pinned { sha256, provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(identity.chain, identity.key)
        .context("the certificate of the DICOM door does not fit its key")?;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// Accepts one certificate.
#[derive(Debug)]
struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if sha256(end_entity) == self.sha256 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
