//! Certificates of this host: read from PEM files, or made once and kept where nothing is configured.

use crate::durable;
use anyhow::{Context as _, Result, bail};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A certificate chain and its private key.
pub struct Identity {
    /// The chain, the host's own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

/// The one cryptographic provider; named wherever a configuration is made, so that no default can differ.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({} certificates, #)", self.chain.len())
    }
}

impl Identity {
    /// The same once more, for another configuration.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }

    /// Reads PEM files.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .with_context(|| format!("no certificate in {}", certificate.display()))?;
        if chain.is_empty() {
            bail!("no certificate in {}", certificate.display());
        }
        let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("no private key in {}", key.display()))?;
        Ok(Self { chain, key })
    }

    /// Reads what an earlier start made in a folder, or makes it: a self-signed certificate for this host, to be handed to
    /// the peers that should trust it.
    pub fn own(folder: &Path, name: &str) -> Result<Self> {
        let (certificate, key) = own_files(folder, name);
        if !certificate.is_file() || !key.is_file() {
            make(&certificate, &key, name)?;
        }
        Self::read(&certificate, &key)
    }
}

/// Where [`Identity::own`] keeps its certificate and key.
pub fn own_files(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")))
}

fn make(certificate: &Path, key: &Path, name: &str) -> Result<()> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    names.extend(
        std::fs::read_to_string("/etc/hostname").ok().map(|text| text.trim().to_owned()).filter(|n| !n.is_empty()),
    );
    let (certificate_pem, key_pem) = self_signed(name, names).context("cannot make a certificate")?;
    let folder = certificate.parent().context("a certificate has a folder")?;
    durable::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // The key first: a crash between the two leaves a key without a certificate, and both are made again.
    durable::write(key, key_pem.as_bytes(), 0o600).with_context(|| format!("cannot write {}", key.display()))?;
    durable::write(certificate, certificate_pem.as_bytes(), 0o644)
        .with_context(|| format!("cannot write {}", certificate.display()))?;
    tracing::info!("made a certificate for {name}: {}", certificate.display());
    Ok(())
}

/// Certificate and key in PEM: ten years, which is how long modalities stay in use.
fn self_signed(name: &str, hosts: Vec<String>) -> Result<(String, Zeroizing<String>)> {
    let mut parameters = rcgen::CertificateParams::new(hosts)?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, format!("Segel {name}"));
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    // The DICOM door's is shown to peers that the archive calls as well.
    parameters.extended_key_usages =
        vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let today = jiff::Timestamp::from_microsecond(record::time::now())?.to_zoned(jiff::tz::TimeZone::UTC).date();
    let date = |date: jiff::civil::Date| {
        let (month, day) = (u8::try_from(date.month()).unwrap_or(1), u8::try_from(date.day()).unwrap_or(1));
        rcgen::date_time_ymd(i32::from(date.year()), month, day)
    };
    parameters.not_before = date(today);
    parameters.not_after = date(today.saturating_add(jiff::Span::new().years(10)));
    let key = rcgen::KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), Zeroizing::new(key.serialize_pem())))
}

/// TLS for the HTTP doors: no client certificate, tokens tell who asks.
pub fn http_server(identity: Identity) -> Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(identity.chain, identity.key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ignore_client_order = true;
    Ok(Arc::new(config))
}

/// TLS towards a key service on its own host: its certificate must come from the one authority that is configured, and
/// this node shows its own.
pub fn keyservice_client(authority: &Path, identity: Identity) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority)
        .with_context(|| format!("no certificate in {}", authority.display()))?
    {
        roots.add(certificate?)?;
    }
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let config = builder.with_root_certificates(roots).with_client_auth_cert(identity.chain, identity.key)?;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_only_its_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let first = Identity::own(folder.path(), "dicom").unwrap();
        let second = Identity::own(folder.path(), "dicom").unwrap();
        assert_eq!(first.chain, second.chain);
        let mode = std::fs::metadata(folder.path().join("dicom.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
