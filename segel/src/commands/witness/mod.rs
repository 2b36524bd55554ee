//! `segel witness`: watches that logs only ever grow, and cosigns what it has seen (C2SP tlog-witness).
//!
//! It holds one checkpoint for each log and a key of its own, and nothing of what the logs are about.

mod book;
mod door;

use super::{Done, StopSignals};
use crate::http::server;
use crate::tls::{self, Identity};
use anyhow::{Context as _, Result};
use book::Book;
use clap::Args;
use ledger::VerifierKey;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Connections at one time: a log holds one for a moment every few seconds.
const CONNECTIONS_MAX: usize = 64;

/// `segel witness`
#[derive(Args)]
#[command(
    after_long_help = "A log whose witnesses agree cannot show different people different histories, nor take back what it has \
signed. A witness refuses every checkpoint that does not follow the one that it cosigned last.\n\n\
The first start makes a key in DIR and prints its public part (vkey): whoever runs the log adds it to the key service's \
[witnesses], whoever verifies proofs gives it to `segel verify --witness`. DIR must never be set back to an older copy: \
a witness that forgets can be led to cosign two histories. When DIR is lost, begin a new witness under a new name.\n\n\
Over the network use --certificate and --key, or a proxy that speaks HTTPS: the key service calls other hosts by HTTPS only."
)]
pub struct Options {
    /// The witness's own folder: its key, and the last checkpoint of each log.
    #[arg(long, value_name = "DIR", env = "SEGEL_WITNESS_DATA")]
    data: PathBuf,
    /// A log's public key (C2SP vkey), as `segel admin` and the file `ledger/vkey` show it. May be given often.
    #[arg(long = "log", value_name = "VKEY", required = true)]
    logs: Vec<VerifierKey>,
    /// Where it listens, IP:PORT; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
    /// The name that it cosigns under, such as an address without `https://`; kept from the first start on [default: a
    /// random one].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Certificate chain for HTTPS (PEM).
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

/// Watches until it is told to stop.
pub fn run(options: Options) -> Result<Done> {
    crate::observe::start();
    let identity = options.certificate.as_deref().zip(options.key.as_deref());
    let tls = identity.map(|(certificate, key)| tls::http_server(Identity::read(certificate, key)?)).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let settings = server::Settings { tls, connections_max: CONNECTIONS_MAX, ..server::Settings::default() };
    let book = Arc::new(Book::open(&options.data, options.name.as_deref(), &options.logs)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut stop = StopSignals::listen()?;
        let listener =
            TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
        println!("ready {scheme}://{} vkey={}", listener.local_addr()?, book.vkey());
        let failed = Arc::clone(&book);
        let until = async move {
            tokio::select! {
                () = stop.asked() => {}
                () = failed.failed() => {}
            }
        };
        server::serve(door::router(Arc::clone(&book)), settings, listener, until).await?;
        book.check()
    })?;
    Ok(Done::Wholly)
}

#[cfg(test)]
mod tests;
