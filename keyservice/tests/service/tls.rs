//! The service on its own host: both addresses under mutual TLS.

use crate::support::{Client, World, peer};
use aws_lc_rs::digest::{SHA256, digest};
use keyservice::{Address, Config, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use record::{FacilityCode, Outcome};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use seal::message::{AdminAnswer, AdminRequest, Answer, Request};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    fn new(authority: &CertifiedIssuer<'_, KeyPair>, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
        Self { certificate, key }
    }

    fn fingerprint(&self) -> String {
        hex::encode(digest(&SHA256, self.certificate.der()))
    }

    fn write(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(format!("{name}.pem")), self.certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), self.key.serialize_pem()).unwrap();
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

fn connect(address: &Address, trusted: &CertificateDer<'static>, identity: Option<&Identity>) -> TlsClient {
    let Address::Tls(address) = address else { panic!("not TLS: {address}") };
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some(identity) => {
            let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
            builder.with_client_auth_cert(vec![identity.certificate.der().clone()], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let name = ServerName::try_from("keyservice.test").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    Client::over(StreamOwned::new(connection, stream))
}

#[test]
fn only_listed_certificates_open_their_own_address() {
    let (ours, foreign) = (authority(), authority());
    let trusted = ours.der().clone();
    let server = Identity::new(&ours, "keyservice.test");
    let (node, admin, unlisted) =
        (Identity::new(&ours, "node"), Identity::new(&ours, "admin"), Identity::new(&ours, "other"));
    let stranger = Identity::new(&foreign, "node");

    let mut world = World::empty(Config::default());
    let folder = world.folder.path().to_owned();
    std::fs::write(folder.join("ca.pem"), ours.pem()).unwrap();
    server.write(&folder, "server");
    let tls = |clients: Vec<String>| Tls {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        clients_ca: folder.join("ca.pem"),
        clients,
    };
    world.config.node = Some(tls(vec![]));
    assert_eq!(world.start().unwrap_err().outcome(), Outcome::Invalid, "an empty list is no list");
    world.config.node = Some(tls(vec!["12".into()]));
    assert_eq!(world.start().unwrap_err().outcome(), Outcome::Invalid);
    world.config.node = Some(tls(vec![node.fingerprint(), stranger.fingerprint()]));
    world.config.admin = Some(tls(vec![admin.fingerprint()]));
    world.config.origin = Some("ledger.example.go.id/segel".into());
    world.start().unwrap();
    let (nodes, admins) = (world.service().node().clone(), world.service().admin().clone());

    let add = AdminRequest::AddFacility { code: FacilityCode::new("A").unwrap(), name: "RSUP A".into() };
    assert_eq!(connect(&admins, &trusted, Some(&admin)).admin(add.clone()), AdminAnswer::Done);
    let Answer::Checkpoint(note) = connect(&nodes, &trusted, Some(&node)).call(Request::Checkpoint) else {
        panic!("no checkpoint")
    };
    assert!(note.starts_with("ledger.example.go.id/segel\n"));
    assert_eq!(connect(&nodes, &trusted, Some(&node)).failure(Request::Authenticate(peer("X"))), Outcome::Refused);

    for (name, identity) in
        [("none", None), ("unlisted", Some(&unlisted)), ("foreign", Some(&stranger)), ("admin", Some(&admin))]
    {
        assert!(connect(&nodes, &trusted, identity).try_call(Request::Checkpoint).is_err(), "{name}");
    }
    for (name, identity) in [("none", None), ("unlisted", Some(&unlisted)), ("node", Some(&node))] {
        assert!(connect(&admins, &trusted, identity).try_admin(add.clone()).is_err(), "{name}");
    }
    world.verified();
    world.config.origin = Some("ledger.example.go.id/other".into());
    assert_eq!(world.start().unwrap_err().outcome(), Outcome::Invalid, "an origin never changes");
}
