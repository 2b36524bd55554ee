//! The key service on a host of its own: the client speaks mutual TLS.

use super::world::{self, Image, World};
use archive::Archive;
use archive::ingest::Declared;
use archive::keys::{Endpoint, KeyClient};
use archive::settings::Settings;
use aws_lc_rs::digest::{SHA256, digest};
use keyservice::{Address, Config, Tls};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use record::Outcome;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use wire::syntax::EXPLICIT_LITTLE;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn identity(authority: &Authority, name: &str) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate, key)
}

fn client(
    address: &Address,
    trusted: &Authority,
    name: &str,
    (certificate, key): &(Certificate, KeyPair),
) -> KeyClient {
    let Address::Tls(address) = address else { panic!("not TLS: {address}") };
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    KeyClient::new(Endpoint::Tls { address: address.to_string(), name, config: Arc::new(config) })
}

#[tokio::test]
async fn an_archive_stores_and_reads_over_mutual_tls() {
    let mut world = World::new().await;
    world.stop_keys().await;
    let (ours, foreign) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let server = identity(&ours, "keyservice.test");
    let node = identity(&ours, "node");
    std::fs::write(folder.path().join("ca.pem"), ours.pem()).unwrap();
    std::fs::write(folder.path().join("server.pem"), server.0.pem()).unwrap();
    std::fs::write(folder.path().join("server.key"), server.1.serialize_pem()).unwrap();
    let tls = Tls {
        listen: "127.0.0.1:0".parse().unwrap(),
        certificate: folder.path().join("server.pem"),
        key: folder.path().join("server.key"),
        clients_ca: folder.path().join("ca.pem"),
        clients: vec![hex::encode(digest(&SHA256, node.0.der()))],
    };
    let service = world::start_with(world.folder.path(), Config { node: Some(tls), ..Config::default() }).await;

    let keys = client(service.node(), &ours, "keyservice.test", &node);
    let archive = Archive::start(&Settings::new(folder.path()), keys, &mut |_| {}).unwrap();
    let image = Image::new("7", "A^B", "1.2.3", 1);
    let declared = Declared { transfer_syntax: Some(EXPLICIT_LITTLE.to_owned()), ..Declared::default() };
    let mut receiver = archive.receive(&world.a, declared);
    receiver.write(&image.bytes()).await.unwrap();
    receiver.finish().await.unwrap();
    assert_eq!(archive.locate(&world.a, &image.target()).await.unwrap().len(), 1);

    // Who is not listed, not signed, or not who it should be, is no key service and gets none: the caller comes back later.
    for (trusted, name, shown) in [
        (&ours, "keyservice.test", identity(&ours, "node")),
        (&foreign, "keyservice.test", identity(&ours, "node")),
        (&ours, "other.test", node),
    ] {
        let error = client(service.node(), trusted, name, &shown).authenticate(&world.a).await.unwrap_err();
        assert_eq!(error.outcome, Outcome::Busy);
    }
    service.stop().await.unwrap();
}
