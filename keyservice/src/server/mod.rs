//! The sockets: who may connect, and what each connection may cost.

mod connection;
mod desk;
mod tls;

pub use desk::{Desk, Family};
pub use tls::Acceptor;

use crate::error::{Error, Result};
use record::limits::{CONNECTIONS_MAX, MESSAGE_SECONDS_MAX};
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket that only its owner may open.
    Unix(PathBuf),
    /// A TCP address under mutual TLS.
    Tls(SocketAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tls(address) => write!(f, "tls:{address}"),
        }
    }
}

/// A socket that is bound and not served yet.
pub enum Listener {
    /// Unix.
    Unix(UnixListener, PathBuf),
    /// TCP.
    Tls(TcpListener, Acceptor),
}

enum Arrived {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Listener {
    /// Binds to TCP if configured, else to a Unix socket in the service's folder, which this process holds alone: a
    /// socket file that lies there is a dead one's.
    ///
    /// # Errors
    /// Invalid for an address that cannot be had or a folder with a long name.
    pub async fn bind(folder: &Path, name: &str, acceptor: Option<Acceptor>) -> Result<Self> {
        if let Some(acceptor) = acceptor {
            let address = acceptor.listen();
            let listener = TcpListener::bind(address).await.map_err(|e| Error::io(address, &e))?;
            return Ok(Self::Tls(listener, acceptor));
        }
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(path.display(), &e)),
            _ => {}
        }
        // The folder is closed to others, so nobody can come in before the socket's own mode is set.
        let listener = UnixListener::bind(&path).map_err(|e| Error::io(path.display(), &e))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(|e| Error::io(path.display(), &e))?;
        Ok(Self::Unix(listener, path))
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// Invalid if the system does not tell.
    pub fn address(&self) -> Result<Address> {
        Ok(match self {
            Self::Unix(_, path) => Address::Unix(path.clone()),
            Self::Tls(listener, _) => Address::Tls(listener.local_addr().map_err(|e| Error::io("the address", &e))?),
        })
    }

    async fn accept(&self) -> std::io::Result<Arrived> {
        match self {
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Arrived::Unix(stream)),
            Self::Tls(listener, _) => listener.accept().await.map(|(stream, _)| Arrived::Tcp(stream)),
        }
    }

    /// Serves until told to stop; returns when every connection has ended.
    pub async fn serve(self, desk: Arc<Desk>, family: Family, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let arrived = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = connections.join_next(), if !connections.is_empty() => continue,
                arrived = self.accept() => arrived,
            };
            let arrived = match arrived {
                Ok(arrived) => arrived,
                Err(error) => {
                    // Mostly: no file descriptor left. Connections that end free some.
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!("a connection was closed: there are {CONNECTIONS_MAX} already");
                continue;
            };
            let (desk, stop) = (Arc::clone(&desk), stop.clone());
            let acceptor = match &self {
                Self::Tls(_, acceptor) => Some(acceptor.clone()),
                Self::Unix(..) => None,
            };
            connections.spawn(async move {
                let _place = place;
                match (arrived, acceptor) {
                    (Arrived::Unix(stream), _) => connection::serve(stream, desk, family, stop).await,
                    (Arrived::Tcp(stream), Some(acceptor)) => {
                        let limit = Duration::from_secs(MESSAGE_SECONDS_MAX);
                        match tokio::time::timeout(limit, acceptor.accept(stream)).await {
                            Ok(Ok(stream)) => connection::serve(stream, desk, family, stop).await,
                            Ok(Err(error)) => tracing::warn!("a TLS client was refused: {error}"),
                            Err(_) => tracing::warn!("a TLS client was too slow"),
                        }
                    }
                    (Arrived::Tcp(_), None) => {}
                }
            });
        }
        if let Self::Unix(_, path) = &self {
            // Left behind it would only be replaced at the next start.
            let _gone = fs::remove_file(path);
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }
}
