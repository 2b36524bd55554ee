//! What the handlers share.

use super::body::HELD_BODIES_KIB_MAX;
use super::problem::Problem;
use super::proofs::{Stale, UsedProofs};
use super::server::Connection;
use crate::pixels::Pixels;
use archive::Archive;
use axum::http::{HeaderMap, Uri, header};
use record::Outcome;
use seal::message::{Asker, Proof, Who};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
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
    /// Proofs that requests have shown.
    pub used: Arc<UsedProofs>,
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
            used: Arc::default(),
        }
    }

    /// Who this is, as the key service knows it. Each request asks once: a proof that an earlier request has shown is refused.
    pub async fn authenticate(&self, asker: &Asker) -> Result<Who, Problem> {
        let who = self.archive.authenticate(asker).await.map_err(|error| match error.outcome() {
            Outcome::Refused | Outcome::Invalid => {
                Problem::unauthorized("The token is not valid, or no longer; or its proof is not for this request.")
            }
            _ => Problem::of_read(error),
        })?;
        // Only what was accepted is remembered, so that no stranger can fill the table.
        if let Proof::Bound { proof, .. } = &asker.proof {
            self.once(proof)?;
        }
        Ok(who)
    }

    /// Takes a proof that the key service has accepted, for this one request.
    pub fn once(&self, proof: &str) -> Result<(), Problem> {
        self.used.take(proof, Instant::now()).map_err(|stale| match stale {
            Stale::Used => Problem::unauthorized("Another request has shown this proof; each needs one of its own."),
            Stale::Crowded => Problem::busy("So many requests came that a proof's first use cannot be told."),
        })
    }

    /// The address of a request as its sender must have signed it (RFC 9449 4.2: without query and fragment).
    ///
    /// It is the configured origin, or an address of this machine that the connection came to. What else a `Host` header, or a
    /// proxy's, may say is not believed: a proof made for somebody else's server would hold here.
    pub fn signed_uri(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        connection: Option<&Connection>,
    ) -> Result<String, Problem> {
        let path = uri.path();
        if let Some(origin) = &self.public_origin {
            return Ok(format!("{origin}{path}"));
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        match connection.filter(|connection| connection.is_called(host)) {
            Some(connection) => Ok(format!("{}://{host}{path}", connection.scheme())),
            None => Err(Problem::unauthorized("Proofs hold for [http] public_origin, which is not set here.")),
        }
    }

    /// Scheme and authority for links.
    pub fn origin(&self, headers: &HeaderMap, connection: Option<&Connection>) -> String {
        if let Some(origin) = &self.public_origin {
            return origin.to_string();
        }
        let scheme = connection.map_or("http", Connection::scheme);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_authority(host));
        let host = host.unwrap_or("localhost");
        // Some clients leave the port out of the header. A bare address can only mean the port that they came to.
        let bare = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        match connection {
            Some(connection) if bare => format!("{scheme}://{host}:{}", connection.local.port()),
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
    fn without_a_configured_origin_only_an_address_of_this_machine_is_signed_for() {
        let came_to = |local: &str, tls| Connection {
            peer: "127.0.0.1:50000".parse().unwrap(),
            local: local.parse().unwrap(),
            tls,
        };
        let (plain, tls, beyond) =
            (came_to("127.0.0.1:8080", false), came_to("[::1]:443", true), came_to("10.0.0.5:8443", true));
        for (connection, host, is_ours) in [
            (&plain, "127.0.0.1:8080", true),
            (&plain, "localhost:8080", true),
            (&plain, "127.0.0.1:8081", false),
            (&plain, "127.0.0.1", false),
            (&plain, "localhost", false),
            (&plain, "archive.example:8080", false),
            (&plain, "localhost.example:8080", false),
            (&plain, "", false),
            (&tls, "localhost", true),
            (&tls, "[::1]", true),
            (&tls, "[::1]:443", true),
            (&tls, "[::2]", false),
            (&beyond, "10.0.0.5:8443", true),
            (&beyond, "10.0.0.6:8443", false),
            (&beyond, "localhost:8443", false),
            (&beyond, "127.0.0.1:8443", false),
        ] {
            assert_eq!(connection.is_called(host), is_ours, "{host} at {}", connection.local);
        }
    }

    #[test]
    fn a_host_header_that_is_no_host_goes_into_no_link() {
        assert!(is_authority("archive.example:8080") && is_authority("[::1]:80"));
        for wrong in ["", "a b", "a/b", "a\"b", "a?b", "a@b"] {
            assert!(!is_authority(wrong), "{wrong}");
        }
    }
}
