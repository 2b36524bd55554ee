//! The sockets: who may connect, and what each connection may cost.

mod connection;
mod desk;
mod tls;

pub use desk::{Desk, Family};
pub use tls::Acceptor;

use crate::error::{Error, Result};
use crate::request::Node;
use record::limits::{CONNECTIONS_MAX, MESSAGE_SECONDS_MAX};
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

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

/// How often a Unix socket looks whether its name still leads to it.
const NAME_INTERVAL: Duration = Duration::from_secs(1);

/// A socket that is bound and not served yet.
pub enum Listener {
    /// Unix.
    Unix(UnixSocket),
    /// TCP.
    Tls(TcpListener, Acceptor),
}

/// A Unix socket and its name in the service's folder.
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file that was made for it.
    file: (u64, u64),
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
        UnixSocket::bind(folder.join(name)).map(Self::Unix)
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// Invalid if the system does not tell.
    pub fn address(&self) -> Result<Address> {
        Ok(match self {
            Self::Unix(socket) => Address::Unix(socket.path.clone()),
            Self::Tls(listener, _) => Address::Tls(listener.local_addr().map_err(|e| Error::io("the address", &e))?),
        })
    }

    async fn accept(&self) -> std::io::Result<Arrived> {
        match self {
            Self::Unix(socket) => socket.listener.accept().await.map(|(stream, _)| Arrived::Unix(stream)),
            Self::Tls(listener, _) => listener.accept().await.map(|(stream, _)| Arrived::Tcp(stream)),
        }
    }

    /// Gives a Unix socket whose name was taken away another one: nobody could reach it any more, and it would not end either.
    fn keep_name(&mut self) {
        let Self::Unix(socket) = self else { return };
        if socket.is_named() {
            return;
        }
        match UnixSocket::bind(socket.path.clone()) {
            Ok(again) => {
                tracing::warn!("{} was taken away and is there again", socket.path.display());
                *socket = again;
            }
            Err(error) => tracing::warn!("{} was taken away: {error}", socket.path.display()),
        }
    }

    /// Serves until told to stop; returns when every connection has ended.
    pub async fn serve(mut self, desk: Arc<Desk>, family: Family, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        let mut look = tokio::time::interval(NAME_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let arrived = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = look.tick() => {
                    self.keep_name();
                    continue;
                }
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
                Self::Unix(_) => None,
            };
            connections.spawn(async move {
                let _place = place;
                match (arrived, acceptor) {
                    (Arrived::Unix(stream), _) => connection::serve(stream, desk, (family, Node::Here), stop).await,
                    (Arrived::Tcp(stream), Some(acceptor)) => {
                        let limit = Duration::from_secs(MESSAGE_SECONDS_MAX);
                        match tokio::time::timeout(limit, acceptor.accept(stream)).await {
                            Ok(Ok((stream, node))) => connection::serve(stream, desk, (family, node), stop).await,
                            Ok(Err(error)) => tracing::warn!("a TLS client was refused: {error}"),
                            Err(_) => tracing::warn!("a TLS client was too slow"),
                        }
                    }
                    (Arrived::Tcp(_), None) => {}
                }
            });
        }
        if let Self::Unix(socket) = &self {
            // Left behind it would only be replaced at the next start.
            let _gone = fs::remove_file(&socket.path);
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }
}

impl UnixSocket {
    /// Binds; what lies under the name is a dead one's.
    fn bind(path: PathBuf) -> Result<Self> {
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(path.display(), &e)),
            _ => {}
        }
        // The folder is closed to others, so nobody can come in before the socket's own mode is set.
        let listener = UnixListener::bind(&path).map_err(|e| Error::io(path.display(), &e))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(|e| Error::io(path.display(), &e))?;
        let file = identity(&path).map_err(|e| Error::io(path.display(), &e))?;
        Ok(Self { listener, path, file })
    }

    fn is_named(&self) -> bool {
        identity(&self.path).is_ok_and(|file| file == self.file)
    }
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}
