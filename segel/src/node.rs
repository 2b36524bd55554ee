//! One archive node: the key service beside it or elsewhere, the archive, and its doors, started and stopped together.

use crate::commitment;
use crate::config::{Config, KeyServiceConfig};
use crate::dimse;
use crate::embedded::Embedded;
use crate::http::{self, Doors};
use crate::pixels::Pixels;
use crate::tls::{self, Identity};
use crate::whereabouts::Whereabouts;
use crate::{dicomweb, durable, emergency, export, fhir, identity, openapi, pages};
use anyhow::{Context as _, Result, bail};
use archive::Archive;
use archive::keys::{Endpoint, KeyClient};
use archive::settings::Settings;
use rustls_pki_types::ServerName;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// Where the passphrase of an embedded key service comes from.
pub enum Passphrase {
    /// Looked for in the usual places, first in this file.
    Found(Option<PathBuf>),
    /// At hand; on no disk.
    Given(Zeroizing<Vec<u8>>),
}

/// A running node.
pub struct Node {
    data: PathBuf,
    whereabouts: Whereabouts,
    embedded: Option<Embedded>,
    archive: Archive,
    sessions: pages::Sessions,
    /// One pool of workers for every door.
    pixels: Pixels,
    stop: watch::Sender<bool>,
    doors: JoinSet<Result<()>>,
}

impl Node {
    /// Starts everything; when it returns, every door is open.
    pub async fn start(data: &Path, config: &Config, passphrase: Passphrase, tls_is_optional: bool) -> Result<Self> {
        durable::make_folder(data).with_context(|| format!("cannot make the data folder {}", data.display()))?;
        let (keys, embedded) = keyservice(data, &config.keyservice, passphrase)?;
        let archive = open_archive(data, keys).await?;
        let (stop, _) = watch::channel(false);
        let mut node = Self {
            data: data.to_path_buf(),
            whereabouts: Whereabouts { process_id: std::process::id(), ..Whereabouts::default() },
            embedded,
            archive,
            sessions: pages::Sessions::default(),
            pixels: Pixels::default(),
            stop,
            doors: JoinSet::new(),
        };
        node.open_http(config).await?;
        node.open_dimse(config, tls_is_optional).await?;
        node.tend();
        node.isolate();
        node.whereabouts.write(data)?;
        Ok(node)
    }

    async fn open_http(&mut self, config: &Config) -> Result<()> {
        let Some(address) = config.http.address else { return Ok(()) };
        let listener = listen(address, "http").await?;
        let mut settings = http::Settings::default();
        if let (Some(certificate), Some(key)) = (&config.http.certificate, &config.http.key) {
            settings.tls = Some(tls::http_server(Identity::read(certificate, key)?)?);
        }
        settings.strict_transport = config.http.public_origin.as_deref().is_some_and(|at| at.starts_with("https://"));
        self.whereabouts.http = Some(listener.local_addr()?);
        self.whereabouts.https = settings.tls.is_some();
        let doors = Doors {
            pixels: self.pixels.clone(),
            ..Doors::new(self.archive.clone(), config.http.public_origin.as_deref())
        };
        let providers = identity::Providers::new(&config.provider)?;
        let entrance = identity::Entrance::new(doors.clone(), providers, &config.http.forwarded_by);
        let router = http::layers(
            dicomweb::router(doors.clone())
                .merge(fhir::router(doors.clone()))
                .merge(openapi::router())
                .merge(http::quorum::router(doors.clone()))
                .merge(export::router(doors.clone()))
                .merge(identity::router(entrance))
                .merge(emergency::router(doors.clone()))
                .merge(pages::router(doors, self.sessions.clone())),
            http::Cors::new(&config.http.cors_origins)?,
        );
        let stopping = stopping(self.stop.subscribe());
        self.doors.spawn(async move { Ok(http::serve(router, settings, listener, stopping).await?) });
        Ok(())
    }

    async fn open_dimse(&mut self, config: &Config, tls_is_optional: bool) -> Result<()> {
        let mut settings = dimse::Settings::new(config.ae_title());
        settings.storage_sop_classes.clone_from(&config.dimse.storage_sop_classes);
        let identity = match (&config.dimse.certificate, &config.dimse.key) {
            (Some(certificate), Some(key)) => Identity::read(certificate, key)?,
            _ => Identity::own(&self.data.join("archive/tls"), "dicom")?,
        };
        settings.identity = Some(Arc::new(identity.copy()));
        let reports = commitment::pending::Reports::open(&self.data)?;
        settings.reports = Some(Arc::clone(&reports));
        settings.pixels = self.pixels.clone();
        self.deliver(reports, &settings);
        if let Some(address) = config.dimse.plain {
            let listener = listen(address, "dimse").await?;
            self.whereabouts.dimse = Some(listener.local_addr()?);
            if !address.ip().is_loopback() {
                tracing::warn!(
                    "DICOM without encryption beyond this host, on {address}: an AE title there is a name, not a proof"
                );
            }
            let door =
                dimse::serve_plain(self.archive.clone(), settings.clone(), listener, stopping(self.stop.subscribe()));
            self.doors.spawn(door);
        }
        let Some(address) = config.dimse.tls else { return Ok(()) };
        let listener = match listen(address, "dimse over TLS").await {
            Ok(listener) => listener,
            Err(error) if tls_is_optional => {
                tracing::warn!("no DICOM over TLS: {error:#}");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.whereabouts.dimse_tls = Some(listener.local_addr()?);
        let door =
            dimse::serve_tls(self.archive.clone(), settings, identity, listener, stopping(self.stop.subscribe()));
        self.doors.spawn(door);
        Ok(())
    }

    /// Canaries that are due are planted for as long as the archive runs.
    fn tend(&mut self) {
        let tending = crate::canary::tend(self.archive.clone(), stopping(self.stop.subscribe()));
        self.doors.spawn(async move {
            tending.await;
            Ok(())
        });
    }

    /// What is isolated is carried out for as long as the archive runs.
    fn isolate(&mut self) {
        let isolating = crate::isolation::tend(self.archive.clone(), stopping(self.stop.subscribe()));
        self.doors.spawn(async move {
            isolating.await;
            Ok(())
        });
    }

    /// Reports of storage commitment go out for as long as the archive runs.
    fn deliver(&mut self, reports: Arc<commitment::pending::Reports>, settings: &dimse::Settings) {
        let caller = dimse::commitment::deliver::Caller {
            keys: self.archive.keys().clone(),
            ae_title: settings.ae_title.clone(),
            identity: settings.identity.clone(),
        };
        let delivering = dimse::commitment::deliver::deliver(reports, caller, self.stop.subscribe());
        self.doors.spawn(async move {
            delivering.await;
            Ok(())
        });
    }

    /// The pages' sessions, for one-time links.
    pub fn sessions(&self) -> &pages::Sessions {
        &self.sessions
    }

    /// Where it is.
    pub fn whereabouts_of(&self) -> &Whereabouts {
        &self.whereabouts
    }

    /// The HTTP doors' address.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.whereabouts.http
    }

    /// The key service's process, if it is embedded.
    pub fn keyservice_process_id(&self) -> Option<u32> {
        self.embedded.as_ref().and_then(Embedded::process_id)
    }

    /// The addresses, as scripts read them.
    pub fn addresses(&self) -> String {
        self.whereabouts.line()
    }

    /// Where everything is, for the person who started it.
    pub fn whereabouts(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, value: String| {
            let _infallible = writeln!(text, "  {what:<22} {value}");
        };
        line("data folder", self.data.display().to_string());
        if let Some(embedded) = &self.embedded {
            line("key service", format!("second process, {}", self.data.join("keyservice").display()));
            line("passphrase", embedded.passphrase_source.clone());
            line("", "keep a copy of it apart from the data folder: without it nothing opens,".into());
            line("", "and whoever has both can read everything".into());
        }
        let scheme = if self.whereabouts.https { "https" } else { "http" };
        if let Some(http) = self.whereabouts.http {
            line("pages", format!("{scheme}://{http}/"));
            line("DICOMweb", format!("{scheme}://{http}/dicom-web"));
            line("FHIR R4", format!("{scheme}://{http}/fhir"));
        }
        if let Some(dimse) = self.whereabouts.dimse {
            line("DICOM, plain text", dimse.to_string());
        }
        if let Some(dimse) = self.whereabouts.dimse_tls {
            line("DICOM over TLS", dimse.to_string());
            line("", format!("our certificate: {}", self.data.join("archive/tls/dicom.crt").display()));
        }
        line("next", "segel admin facility add CODE NAME; segel admin peer add ...; segel admin person add ...".into());
        text
    }

    /// Stops taking in, finishes what has begun, and ends the key service last.
    pub async fn stop(mut self) -> Result<()> {
        Whereabouts::remove(&self.data);
        self.stop.send_replace(true);
        let mut result = Ok(());
        while let Some(ended) = self.doors.join_next().await {
            result = result.and(ended.context("a door ended badly").and_then(|ended| ended));
        }
        let archive = self.archive;
        let embedded = self.embedded;
        tokio::task::spawn_blocking(move || {
            drop(archive);
            drop(embedded);
        })
        .await?;
        result
    }
}

async fn stopping(mut stop: watch::Receiver<bool>) {
    // A sender that is gone means that the node is.
    let _told_or_gone = stop.wait_for(|stop| *stop).await;
}

async fn listen(address: SocketAddr, what: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} for {what}"))
}

/// The client of the key service, and the key service itself where it is embedded.
fn keyservice(data: &Path, config: &KeyServiceConfig, passphrase: Passphrase) -> Result<(KeyClient, Option<Embedded>)> {
    let Some(address) = &config.address else {
        let embedded = match passphrase {
            Passphrase::Found(file) => Embedded::start(data, file.as_deref())?,
            Passphrase::Given(secret) => Embedded::start_with(data, secret, "in memory only".into())?,
        };
        let endpoint = Endpoint::Unix(data.join("keyservice/node.sock"));
        return Ok((KeyClient::new(endpoint), Some(embedded)));
    };
    let (Some(authority), Some(certificate), Some(key)) = (&config.authority, &config.certificate, &config.key) else {
        bail!("[keyservice] address needs authority, certificate and key");
    };
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).with_context(|| format!("{host} is no host name"))?;
    let config = tls::keyservice_client(authority, Identity::read(certificate, key)?)?;
    Ok((KeyClient::new(Endpoint::Tls { address: address.clone(), name, config }), None))
}

/// Opens the archive on a thread of its own, because rebuilding an index takes as long as reading every segment's records.
async fn open_archive(data: &Path, keys: KeyClient) -> Result<Archive> {
    let settings = Settings::new(data);
    let opened = tokio::task::spawn_blocking(move || {
        let mut told = 0;
        Archive::start(&settings, keys, &mut |progress| {
            let percent = progress.bytes_done.saturating_mul(100).checked_div(progress.bytes_total).unwrap_or(100);
            if percent >= told + 10 {
                told = percent;
                tracing::info!("bringing the index up to date: {percent} % of {} bytes", progress.bytes_total);
            }
        })
    });
    opened.await?.context("cannot open the archive")
}
