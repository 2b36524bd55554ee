//! Where the key service is: a Unix socket on the same machine, or mutual TLS (RFC 8446) to its own host.

use super::connection::Connection;
use rustls::pki_types::ServerName;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpStream, UnixStream};

/// The address of a key service.
#[derive(Clone)]
pub enum Endpoint {
    /// The embedded default: its node socket, which only this user may open.
    Unix(PathBuf),
    /// Its own host. The configuration carries this node's certificate and the one authority that may sign the service's.
    Tls {
        /// Host and port.
        address: String,
        /// The name in the service's certificate.
        name: ServerName<'static>,
        /// Roots and this node's certificate.
        config: Arc<rustls::ClientConfig>,
    },
}

impl Endpoint {
    pub(super) async fn connect(&self) -> io::Result<Connection> {
        match self {
            Self::Unix(path) => Ok(Connection::start(UnixStream::connect(path).await?)),
            Self::Tls { address, name, config } => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                Ok(Connection::start(connector.connect(name.clone(), stream).await?))
            }
        }
    }
}
