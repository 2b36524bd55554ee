//! What the handlers share.

use super::body::HELD_BODIES_KIB_MAX;
use super::problem::Problem;
use super::server::Connection;
use crate::pixels::Pixels;
use archive::Archive;
use axum::http::{HeaderMap, header};
use record::Outcome;
use seal::message::{Asker, Who};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The state of the HTTP doors. Clones share it.
#[derive(Clone)]
pub struct Doors {
    /// The archive.
    pub archive: Archive,
    /// The origin that links name, behind a reverse proxy: `https://archive.example`.
    pub public_origin: Option<Arc<str>>,
    /// Memory for bodies that are held whole, in KiB.
    pub held: Arc<Semaphore>,
    /// Frames decoded and drawn.
    pub pixels: Pixels,
}

impl Doors {
    /// Doors of this archive. Links name `public_origin`, or else what the client called the server.
    #[must_use]
    pub fn new(archive: Archive, public_origin: Option<&str>) -> Self {
        Self {
            archive,
            public_origin: public_origin.map(|origin| Arc::from(origin.trim_end_matches('/'))),
            held: Arc::new(Semaphore::new(HELD_BODIES_KIB_MAX)),
            pixels: Pixels::default(),
        }
    }

    /// Who this is, as the key service knows it.
    pub async fn authenticate(&self, asker: &Asker) -> Result<Who, Problem> {
        self.archive.authenticate(asker).await.map_err(|error| match error.outcome() {
            Outcome::Refused | Outcome::Invalid => Problem::unauthorized("The token is not valid, or no longer."),
            _ => Problem::of_read(error),
        })
    }

    /// Scheme and authority for links.
    pub fn origin(&self, headers: &HeaderMap, connection: Option<&Connection>) -> String {
        if let Some(origin) = &self.public_origin {
            return origin.to_string();
        }
        let scheme = if connection.is_some_and(|c| c.tls) { "https" } else { "http" };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_authority(host));
        let host = host.unwrap_or("localhost");
        // Some clients leave the port out of the header. A bare address can only mean the port that they came to.
        let bare = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        match connection {
            Some(connection) if bare => format!("{scheme}://{host}:{}", connection.port),
            _ => format!("{scheme}://{host}"),
        }
    }
}

/// The characters of a host and port. A header that holds others goes into no link.
fn is_authority(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_that_is_no_host_goes_into_no_link() {
        assert!(is_authority("archive.example:8080") && is_authority("[::1]:80"));
        for wrong in ["", "a b", "a/b", "a\"b", "a?b", "a@b"] {
            assert!(!is_authority(wrong), "{wrong}");
        }
    }
}
