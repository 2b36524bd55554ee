//! `segel serve`: the archive, until SIGTERM or Ctrl-C.

use super::{Data, Done};
use crate::config::Config;
use crate::node::{Node, Passphrase};
use anyhow::{Context as _, Result};
use clap::Args;
use rustix::process::{Resource, Rlimit};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// `segel serve`
#[derive(Args)]
#[command(
    after_long_help = "Without --config everything is embedded and on loopback. The commented configuration file \
                             is printed by `segel serve --print-config`."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the HTTP doors listen, IP:PORT; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Where the plain-text DICOM door listens [default without --config: 127.0.0.1:11112].
    #[arg(long, value_name = "ADDR")]
    dimse: Option<SocketAddr>,
    /// Where the DICOM door over TLS listens [default without --config: 127.0.0.1:2762].
    #[arg(long, value_name = "ADDR")]
    dimse_tls: Option<SocketAddr>,
    /// File with the passphrase of the root key; else SEGEL_PASSPHRASE, systemd's credential segel-passphrase, or one that
    /// is made on the first start.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Prints the configuration file with every setting and its default, and ends.
    #[arg(long)]
    print_config: bool,
}

/// Serves until it is told to stop; then finishes what has begun.
pub fn run(options: Options) -> Result<Done> {
    if options.print_config {
        print!("{}", crate::config::COMMENTED);
        return Ok(Done::Wholly);
    }
    crate::observe::start();
    // What is being read must not reach a disk by a core dump; the processes that are started from here inherit it.
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, nothing).context("core dumps cannot be switched off")?;
    let (config, tls_is_optional) = configuration(&options)?;
    let data = match (&options.data, &config.data) {
        (Data { data: None }, Some(data)) => data.clone(),
        (given, _) => given.folder()?,
    };
    let passphrase = Passphrase::Found(options.passphrase_file.or_else(|| config.keyservice.passphrase_file.clone()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before `ready`: whoever reads that line may send the signal at once.
        let mut stop = StopSignals::listen()?;
        let node = Node::start(&data, &config, passphrase, tls_is_optional).await?;
        crate::observe::tell(format_args!("{}", node.whereabouts()));
        println!("ready {}", node.addresses());
        stop.asked().await;
        crate::observe::tell(format_args!("stopping: finishing what has begun\n"));
        node.stop().await
    })?;
    Ok(Done::Wholly)
}

/// The configuration, and whether a TLS port that is taken may be done without: only where nobody asked for it.
fn configuration(options: &Options) -> Result<(Config, bool)> {
    let mut config = options.config.as_deref().map_or_else(|| Ok(Config::embedded()), Config::read)?;
    let tls_is_optional = options.config.is_none() && options.dimse_tls.is_none();
    config.http.address = options.http.or(config.http.address).or(Config::embedded().http.address);
    config.dimse.plain = options.dimse.or(config.dimse.plain);
    config.dimse.tls = options.dimse_tls.or(config.dimse.tls);
    config.check()?;
    Ok((config, tls_is_optional))
}

/// SIGTERM and Ctrl-C, from the moment this is made.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Begins to listen; from here on the signals no longer end the process by themselves.
    pub fn listen() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
