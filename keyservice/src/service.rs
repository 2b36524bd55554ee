//! A running key service: started, served, ended.

use crate::alarm::{Deliverer, Watch};
use crate::audit::{self, Event};
use crate::config::Config;
use crate::custody::{self, Folder, Passphrase, VaultFile};
use crate::error::{Error, Result};
use crate::issuer::{Issuer, keep_keys};
use crate::keys::Keys;
use crate::metering::{self, Metering};
use crate::names::Names;
use crate::outbound::Outbound;
use crate::projection::{self, Projection};
use crate::quorum::{self, Quorum};
use crate::server::{Acceptor, Address, Desk, Family, Listener};
use crate::shared::Shared;
use crate::store::{self, events};
use crate::witness::{self, Follower, Witness};
use crate::writer::{Done, Order, Orders, Writer, log_start};
use aws_lc_rs::rand;
use ledger::{SigningKey, VerifierKey};
use record::Outcome;
use seal::vault::Vault;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// How long an end waits for requests that are being answered.
const END_WAIT: Duration = Duration::from_secs(10);
/// How often the writer looks at what time alone brings about.
const TICK: Duration = Duration::from_secs(1);
/// Between two pieces of what an isolation has to go through: as long as a piece, so that others have half of the writer.
const SETTLE_PAUSE: Duration = Duration::from_millis(10);
/// How often the counters are logged, if anything was counted.
const COUNTERS_INTERVAL: Duration = Duration::from_secs(60);

/// What a service is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its folder: `state.sqlite`, `root.key`, `ledger/`, the sockets.
    pub folder: PathBuf,
    /// The passphrase of the root; at the first start, the one it gets.
    pub passphrase: Passphrase,
    /// Everything else.
    pub config: Config,
}

/// A thread of the service: it tells when it has ended, and how.
type Worker = oneshot::Receiver<Result<()>>;

/// A service that serves.
#[derive(Debug)]
pub struct Service {
    node: Address,
    admin: Address,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    writer: Worker,
    projection: Worker,
    witnesses: Worker,
    /// Let go of last: until then no other process touches the folder.
    _folder: Folder,
}

impl Service {
    /// Opens everything, catches up with whatever a crash left behind, and serves. There is no other recovery.
    ///
    /// # Errors
    /// Refused for a wrong passphrase, Busy for a folder that another process serves, Damaged for a state that is not
    /// what was written, Invalid for settings that cannot be.
    pub async fn start(settings: Settings) -> Result<Self> {
        let Settings { folder, passphrase, config } = settings;
        // Settings that cannot be must not begin a state.
        let deliverer = Deliverer::new(&config.alarms)?;
        let node = config.node.as_ref().map(Acceptor::new).transpose()?;
        let admin = config.admin.as_ref().map(Acceptor::new).transpose()?;
        config.witnesses.witnesses()?;
        let outbound = Outbound::new(&config.outbound)?;
        let opening = tokio::task::spawn_blocking({
            let config = config.clone();
            move || Opened::open(&folder, &passphrase, config)
        });
        let Opened { folder, shared, db, vault, projection } =
            opening.await.map_err(|_| Error::damaged("opening the state failed"))??;
        let config = quorum::settings::in_force(&db, &shared.keys, config)?;
        let witnesses = config.witnesses.witnesses()?;
        let (db, projection) = begin(db, projection, &shared, &witnesses, &outbound).await?;
        let two_people = Quorum::load(&db, &shared.keys, &config)?;
        let node = Listener::bind(folder.path(), "node.sock", node).await?;
        let admin = Listener::bind(folder.path(), "admin.sock", admin).await?;
        let (node_address, admin_address) = (node.address()?, admin.address()?);

        let (grown, told) = sync_channel(1);
        let mut alarms = config.alarms.clone();
        if config.budgets.mode == metering::Mode::Observe {
            alarms.observe();
        }
        let watch = Watch::load(&db, &shared.keys, Arc::new(alarms), config.canaries.clone())?;
        shared.freeze(watch.frozen());
        let metering = Metering::load(&db, &shared.keys, Arc::new(config.budgets.clone()))?;
        metering.log_start(&db, &shared.keys)?;
        let (writer, orders) =
            Writer::new(db, Arc::clone(&shared), metering, watch, two_people, (vault, config.retention), grown)?;
        let writer = spawn("writer", move || writer.run())?;
        let projection = spawn("ledger", move || projection.run(&told))?;

        let (stop, stopped) = watch::channel(false);
        if let Some(deliverer) = deliverer {
            // It holds nothing that an end would have to wait for: what was not marked is delivered again.
            tokio::spawn(deliverer.run(Arc::clone(&shared), orders.clone(), stopped.clone()));
        }
        tokio::spawn(keep_keys(Arc::clone(&shared), outbound.clone(), stopped.clone()));
        let settings = (config.witnesses, witnesses);
        let witnesses = follow(&shared, settings, outbound, orders.clone(), stopped.clone())?;
        let desk = Arc::new(Desk::new(Arc::clone(&shared), orders.clone(), config.report));
        let servers = vec![
            tokio::spawn(node.serve(Arc::clone(&desk), Family::Node, stopped.clone())),
            tokio::spawn(admin.serve(desk, Family::Admin, stopped.clone())),
            tokio::spawn(tick(orders.clone(), stopped.clone())),
            tokio::spawn(settle(orders.clone(), stopped.clone())),
            tokio::spawn(log_counters(Arc::clone(&shared), stopped)),
        ];
        Ok(Self {
            node: node_address,
            admin: admin_address,
            shared,
            stop,
            servers,
            writer,
            projection,
            witnesses,
            _folder: folder,
        })
    }

    /// Where archive nodes connect.
    #[must_use]
    pub fn node(&self) -> &Address {
        &self.node
    }

    /// Where administrators connect.
    #[must_use]
    pub fn admin(&self) -> &Address {
        &self.admin
    }

    /// The ledger's public key (C2SP vkey).
    #[must_use]
    pub fn vkey(&self) -> &str {
        &self.shared.vkey
    }

    /// Waits until the service cannot go on. Answers why.
    pub async fn failed(&mut self) -> Error {
        let ended = tokio::select! {
            ended = &mut self.writer => return why(ended),
            ended = &mut self.projection => ended,
            ended = &mut self.witnesses => ended,
        };
        // The others end with the writer, which knows why.
        if matches!(ended, Ok(Ok(())))
            && let Ok(of_writer) = tokio::time::timeout(END_WAIT, &mut self.writer).await
        {
            return why(of_writer);
        }
        why(ended)
    }

    /// Ends: takes nothing new, answers what was asked, signs a last checkpoint.
    ///
    /// # Errors
    /// Damaged if the disk failed on the way.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.send_replace(true);
        for server in &mut self.servers {
            if tokio::time::timeout(END_WAIT, &mut *server).await.is_err() {
                tracing::warn!("some connections did not end in time");
                server.abort();
            }
        }
        for (name, worker) in [("writer", self.writer), ("ledger", self.projection)] {
            match tokio::time::timeout(END_WAIT, worker).await {
                Ok(Ok(result)) => result?,
                _ => return Err(Error::damaged(format!("the {name} did not end"))),
            }
        }
        Ok(())
    }
}

/// Why a thread of the service has ended.
fn why(ended: std::result::Result<Result<()>, oneshot::error::RecvError>) -> Error {
    match ended {
        Ok(Err(error)) => error,
        Ok(Ok(())) => Error::new(Outcome::Closed, "the key service ended"),
        Err(_) => Error::damaged("a thread of the key service ended without a word"),
    }
}

/// Everything that is opened before anything is served.
struct Opened {
    folder: Folder,
    shared: Arc<Shared>,
    db: rusqlite::Connection,
    vault: VaultFile,
    projection: Projection,
}

impl Opened {
    fn open(path: &Path, passphrase: &Passphrase, config: Config) -> Result<Self> {
        let folder = Folder::take(path)?;
        let custody::Opened { keys, vault, db } = custody::open(&folder, passphrase, &config.root)?;
        quorum::check_history(&db, &keys)?;
        let origin = fix_origin(&db, config.origin.as_deref())?;
        let key = SigningKey::from_seed(&origin, &keys.ledger_seed)?;
        let register = store::register::load(&db, &keys)?;
        let vkey = key.verifier().to_string();
        let mut identity = quorum::settings::in_force(&db, &keys, config)?;
        // Rules that do not validate end the start: whoever starts the service is there to read which one is wrong.
        let engine = identity.engine()?;
        identity.identity.settle(identity.node.is_none());
        let sign_in = Issuer::load(&db, &keys, identity.identity, record::time::now())?;
        let names = Names::load(&db, &keys)?;
        let shared = Arc::new(Shared::new(path.to_owned(), keys, origin, vkey, register, sign_in, engine));
        *shared.names() = names;
        let projection = Projection::open(path, &key, Arc::clone(&shared))?;
        folder.publish_vkey(&shared.vkey)?;
        Ok(Self { folder, shared, db, vault, projection })
    }
}

/// Holds the state against what the witnesses have seen, and only then writes and signs: a state that was set back must not
/// go on.
async fn begin(
    db: rusqlite::Connection,
    mut projection: Projection,
    shared: &Arc<Shared>,
    witnesses: &[Witness],
    outbound: &Outbound,
) -> Result<(rusqlite::Connection, Projection)> {
    let notes = witness::shown(witnesses, outbound, &shared.origin).await;
    let shared = Arc::clone(shared);
    let beginning = tokio::task::spawn_blocking(move || {
        let own: VerifierKey = shared.vkey.parse()?;
        witness::compare_at_start(&notes, &own, projection.size(), |size| projection.root_at(size))?;
        log_start(&db, &shared.keys, &shared.engine())?;
        projection.begin()?;
        Ok((db, projection))
    });
    beginning.await.map_err(|_| Error::damaged("beginning the ledger failed"))?
}

/// Has the checkpoints witnessed, and an alarm rung when they are not.
fn follow(
    shared: &Arc<Shared>,
    settings: (witness::Settings, Vec<Witness>),
    outbound: Outbound,
    orders: Orders,
    stop: watch::Receiver<bool>,
) -> Result<Worker> {
    let (own, folder): (VerifierKey, _) = (shared.vkey.parse()?, shared.folder.join(projection::FOLDER_NAME));
    let cosigned = witness::read_cosigned(&folder, &own, &settings.1, settings.0.needed);
    shared.witnessed.send_modify(|standing| {
        (standing.needed, standing.cosigned) = (settings.0.needed, cosigned.map(Arc::new));
    });
    tokio::spawn(witness::ring_when_late(shared.witnessed.subscribe(), orders, stop.clone()));
    let follower = Follower::new(settings, outbound, own, &folder, shared.checkpoints(), shared.witnessed.clone());
    let (ended, worker) = oneshot::channel();
    tokio::spawn(async move {
        let _nobody_waits = ended.send(follower.run(stop).await);
    });
    Ok(worker)
}

/// The ledger's origin is part of every checkpoint that outsiders hold, so it never changes.
fn fix_origin(db: &rusqlite::Connection, wanted: Option<&str>) -> Result<String> {
    let stored = store::meta(db, "origin", || match wanted {
        Some(origin) => Ok(origin.as_bytes().to_vec()),
        None => {
            let mut id = [0; 8];
            rand::fill(&mut id).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
            Ok(format!("segel.local/{}", hex::encode(id)).into_bytes())
        }
    })?;
    let stored = String::from_utf8(stored).map_err(|_| Error::damaged("the ledger's origin is not text"))?;
    match wanted {
        Some(wanted) if wanted != stored => {
            Err(Error::invalid(format!("this ledger's origin is {stored} and cannot become {wanted}")))
        }
        _ => Ok(stored),
    }
}

fn spawn(name: &str, run: impl FnOnce() -> Result<()> + Send + 'static) -> Result<Worker> {
    let (ended, worker) = oneshot::channel();
    let body = move || {
        // Everything the thread owns is closed when `run` returns, and only then is anybody told.
        let _nobody_waits = ended.send(run());
    };
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|e| Error::io("a thread", &e))?;
    Ok(worker)
}

/// Tells the writer that time has passed. Nothing is written where nothing is due.
async fn tick(orders: Orders, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(TICK, stop.wait_for(|stop| *stop)).await.is_err() {
        if orders.carry_out(Order::Tick).await.is_err_and(|error| error.outcome() == Outcome::Closed) {
            return;
        }
    }
}

/// Has the writer go through what isolations are about, a piece at a time: whoever opens a record goes in between.
async fn settle(orders: Orders, mut stop: watch::Receiver<bool>) {
    let mut pause = TICK;
    while tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await.is_err() {
        pause = match orders.carry_out(Order::Settle).await {
            Ok(Done::Again) => SETTLE_PAUSE,
            Err(error) if error.outcome() == Outcome::Closed => return,
            Ok(_) | Err(_) => TICK,
        };
    }
}

async fn log_counters(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut before = shared.counters.values();
    let mut is_open = true;
    while is_open {
        is_open = tokio::time::timeout(COUNTERS_INTERVAL, stop.wait_for(|stop| *stop)).await.is_err();
        let now = shared.counters.values();
        if now != before {
            let [requests, terms, busy] = now;
            tracing::info!(requests, terms, busy, entries = shared.size(), "since the start");
            before = now;
        }
    }
}

/// Reads every audit event of a folder in order, whether a service runs there or not.
///
/// # Errors
/// Refused for a wrong passphrase, Damaged for an event that is not what was written, and whatever `each` answers.
pub fn read_events(
    folder: &Path,
    passphrase: &Passphrase,
    each: &mut dyn FnMut(u64, Event) -> Result<()>,
) -> Result<()> {
    read_events_under(folder, passphrase, &custody::Settings::default(), each)
}

/// As [`read_events`], where the root or the vault are kept elsewhere.
///
/// # Errors
/// As there.
pub fn read_events_under(
    folder: &Path,
    passphrase: &Passphrase,
    root: &custody::Settings,
    each: &mut dyn FnMut(u64, Event) -> Result<()>,
) -> Result<()> {
    const BATCH: usize = 1_024;
    let keys = Keys::derive(custody::read_base(folder, passphrase, root)?, Vault::none())?;
    let db = store::open_for_reading(folder)?;
    let mut position = 0;
    loop {
        let batch = events::read(&db, position, BATCH)?;
        if batch.is_empty() {
            return Ok(());
        }
        for sealed in batch {
            each(position, audit::open(&keys, position, &sealed)?)?;
            position += 1;
        }
    }
}
