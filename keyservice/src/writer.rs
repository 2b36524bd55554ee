//! The one writer. It takes every request that waits, runs each in its own savepoint of one transaction, commits once,
//! and only then answers all: nothing leaves before it is durable, and the price of the disk is shared.

mod apply;
mod proofs;

use crate::alarm::{self, Alarm, Watch};
use crate::audit::{self, Action, Decision, Event};
use crate::authenticate::Presented;
use crate::custody::{Retention, VaultFile};
use crate::error::{Error, Result};
use crate::issuer::Attempt;
use crate::keys::Keys;
use crate::metering::Metering;
use crate::names::Names;
use crate::quorum::Quorum;
use crate::register::Register;
use crate::request::{Node, Stop, Turn};
use crate::shared::Shared;
use crate::store::{self, events};
use apply::apply;
use proofs::FailedProofs;
use record::limits::{REQUEST_GROUP_MAX, REQUEST_QUEUE_MAX};
use record::{Micros, Outcome, Purpose};
use rusqlite::Connection;
use seal::message::isolation::IsolationReport;
use seal::message::quorum::QuorumCall;
use seal::message::relate::RelationChange;
use seal::message::{AdminAnswer, AdminRequest, Answer, Request};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use tokio::sync::{mpsc, oneshot};

/// Orders, or their entries where those are more, after which the log is moved into the state's file: some 20 MB, which a start
/// reads in a moment.
const ORDERS_IN_LOG_MAX: usize = 1_000;

/// What the writer is asked to do.
#[derive(Debug)]
pub enum Order {
    /// A request of an archive node.
    Node(Box<NodeOrder>),
    /// A request of an administrator.
    Admin(AdminRequest),
    /// Signing in, or out; by which archive node it was passed on.
    SignIn(Box<Attempt>, Node),
    /// Time has passed: what it alone brings about.
    Tick,
    /// An approver's word, or a look at what waits.
    Quorum(Box<QuorumCall>),
    /// Something that must not pass unseen happened outside of a request.
    Ring(Alarm),
    /// Is a canary due to be planted?
    Planting,
    /// How far an archive node is with isolations.
    Isolations(Vec<IsolationReport>),
    /// A piece of what isolations have to go through.
    Settle,
    /// A message about an alarm was delivered, or was not.
    Delivered {
        /// Its number.
        id: i64,
        /// What came of it.
        attempt: alarm::Attempt,
    },
}

/// A request of an archive node.
#[derive(Debug)]
pub struct NodeOrder {
    /// Its asker's proof, already looked at.
    pub presented: Presented,
    /// What for.
    pub purpose: Purpose,
    /// Through which door.
    pub channel: String,
    /// The request itself.
    pub request: Request,
    /// Which archive node passed it on.
    pub node: Node,
}

impl Order {
    /// Whether it closes what a node may have at hand.
    fn closes(&self) -> bool {
        match self.node_request() {
            Some(Request::Erase { .. }) => true,
            Some(Request::Label(request)) => !request.add.is_empty(),
            Some(Request::Relate(request)) => matches!(request.change, RelationChange::End { .. }),
            _ => false,
        }
    }

    fn node_request(&self) -> Option<&Request> {
        match self {
            Self::Node(order) => Some(&order.request),
            Self::Admin(_)
            | Self::SignIn(..)
            | Self::Tick
            | Self::Quorum(_)
            | Self::Ring(_)
            | Self::Delivered { .. }
            | Self::Isolations(_)
            | Self::Settle
            | Self::Planting => None,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// For an archive node.
    Node(Answer),
    /// For an administrator.
    Admin(AdminAnswer),
    /// For nobody.
    Quiet,
    /// For nobody; there is more to be done.
    Again,
}

/// An order that waits for its group.
struct Waiting {
    order: Order,
    reply: oneshot::Sender<Result<Done>>,
}

/// The way to the writer.
#[derive(Clone)]
pub struct Orders(mpsc::Sender<Waiting>);

impl Orders {
    /// Has an order carried out; returns when its group is durable.
    ///
    /// # Errors
    /// Busy if too much waits already; Closed if the writer has ended, and then nobody knows whether it was done.
    pub async fn carry_out(&self, order: Order) -> Result<Done> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Waiting { order, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::new(Outcome::Busy, "the key service has too much to do"),
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        answer.await.map_err(|_| closed())?
    }
}

fn closed() -> Error {
    Error::new(Outcome::Closed, "the key service is ending")
}

/// The writer's own state. Everything in memory is what was committed, and can be read again from the file.
pub struct Writer {
    db: Connection,
    shared: Arc<Shared>,
    register: Register,
    metering: Metering,
    watch: Watch,
    quorum: Quorum,
    vault: VaultFile,
    retention: Retention,
    failed_proofs: FailedProofs,
    must_truncate: bool,
    /// Orders in the log since it was last moved into the state's file.
    orders_in_log: usize,
    queue: mpsc::Receiver<Waiting>,
    grown: SyncSender<()>,
}

impl Writer {
    /// A writer over an open state, and the way to it. `grown` is told after each commit.
    ///
    /// # Errors
    /// Damaged for a state that cannot be read.
    pub fn new(
        db: Connection,
        shared: Arc<Shared>,
        metering: Metering,
        watch: Watch,
        quorum: Quorum,
        (vault, retention): (VaultFile, Retention),
        grown: SyncSender<()>,
    ) -> Result<(Self, Orders)> {
        let (sender, queue) = mpsc::channel(REQUEST_QUEUE_MAX);
        let register = (*shared.register()).clone();
        let writer = Self {
            db,
            shared,
            register,
            metering,
            watch,
            quorum,
            vault,
            retention,
            failed_proofs: FailedProofs::default(),
            must_truncate: false,
            orders_in_log: 0,
            queue,
            grown,
        };
        Ok((writer, Orders(sender)))
    }

    /// Works until every way to it is gone.
    ///
    /// # Errors
    /// Damaged if the disk failed: what it holds is then unknown, and only a new start tells.
    pub fn run(mut self) -> Result<()> {
        while let Some(first) = self.queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < REQUEST_GROUP_MAX {
                let Ok(next) = self.queue.try_recv() else { break };
                group.push(next);
            }
            self.finish(group)?;
        }
        self.log_suppressed()?;
        // After a clean end the one file is all of the state.
        store::delayed_by_a_full_disk(store::truncate_log(&self.db), false).map(|_| ())
    }

    fn finish(&mut self, group: Vec<Waiting>) -> Result<()> {
        let now = record::time::now();
        let (orders, replies): (Vec<Order>, Vec<_>) = group.into_iter().map(|w| (w.order, w.reply)).unzip();
        match self.commit(&orders, now) {
            Ok(done) => {
                self.after_commit(&orders)?;
                if orders.iter().zip(&done).any(|(order, done)| done.is_ok() && order.closes()) {
                    self.shared.close();
                }
                for (reply, done) in replies.into_iter().zip(done) {
                    // Whoever no longer waits has lost its connection; the entry stands.
                    let _gone = reply.send(done);
                }
                Ok(())
            }
            Err(error) => {
                let (outcome, text) = (error.outcome(), error.to_string());
                tracing::error!("{} requests were not carried out: {text}", orders.len());
                for reply in replies {
                    let _gone = reply.send(Err(Error::new(outcome, "the key service's disk does not take anything")));
                }
                // A full disk leaves the state as it was. Anything else leaves it unknown: the process ends.
                if outcome == Outcome::Busy { self.reload() } else { Err(error) }
            }
        }
    }

    /// Runs and commits one group. After an error nothing of it remains.
    fn commit(&mut self, orders: &[Order], now: Micros) -> Result<Vec<Result<Done>>> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let run = store::inventory::check_alone(&self.db).and_then(|()| self.run_all(orders, now));
        let run = run.and_then(|done| self.vault.prepare(&self.db, &self.shared.keys).map(|()| done));
        // A crash before this line forgets the whole group and nobody was answered; after it the whole group stands.
        run.and_then(|done| self.db.execute_batch("COMMIT").map(|()| done).map_err(Error::from))
    }

    fn run_all(&mut self, orders: &[Order], now: Micros) -> Result<Vec<Result<Done>>> {
        self.metering.begin(&self.db)?;
        self.quorum.keep(&self.db, &self.shared.keys)?;
        orders.iter().map(|order| self.run_one(order, now)).collect()
    }

    /// Runs one order in its savepoint, so that a bad one cannot spoil the others.
    fn run_one(&mut self, order: &Order, now: Micros) -> Result<Result<Done>> {
        self.db.prepare_cached("SAVEPOINT request")?.execute([])?;
        let register_before = matches!(order, Order::Admin(_)).then(|| self.register.clone());
        let mut failed_proofs = std::mem::take(&mut self.failed_proofs);
        self.shared.names().begin();
        let ended = apply(&mut self.turn(now), order, &mut failed_proofs);
        self.failed_proofs = failed_proofs;
        let done = match ended {
            Ok(done) => Ok(done),
            Err(stop) => {
                if self.db.is_autocommit() {
                    // SQLite has given the whole transaction up; so must the group.
                    return Err(Error::new(Outcome::Busy, "the state gave the transaction up"));
                }
                self.db.prepare_cached("ROLLBACK TO request")?.execute([])?;
                if let Some(before) = register_before {
                    self.register = before;
                    self.watch.reload(&self.db, &self.shared.keys)?;
                }
                self.shared.sign_in.state.undo(&self.db, &self.shared.keys)?;
                self.watch.unhear();
                self.shared.names().undo();
                if self.metering.is_ahead() {
                    self.metering.reload(&self.db, &self.shared.keys)?;
                }
                self.settle(stop, now)?
            }
        };
        // A request that was refused has left nothing but its refusals, and still what it made ring.
        alarm::attend(&mut self.turn(now))?;
        self.db.prepare_cached("RELEASE request")?.execute([])?;
        self.metering.keep();
        self.shared.sign_in.state.keep();
        Ok(done)
    }

    fn turn(&mut self, now: Micros) -> Turn<'_> {
        Turn {
            db: &self.db,
            keys: &self.shared.keys,
            register: &mut self.register,
            metering: &mut self.metering,
            watch: &mut self.watch,
            quorum: &self.quorum,
            engine: self.shared.engine(),
            issuer: &self.shared.origin,
            sign_in: &self.shared.sign_in,
            names: &self.shared.names,
            retention: self.retention,
            now,
        }
    }

    /// What remains of a request that stopped: its refusals.
    fn settle(&mut self, stop: Stop, now: Micros) -> Result<Result<Done>> {
        match stop {
            Stop::Refused(events) => {
                for event in &events {
                    self.turn(now).append(event)?;
                }
                Ok(Err(Error::refused()))
            }
            Stop::Exhausted(event, error) | Stop::Explained(event, error) => {
                self.turn(now).append(&event)?;
                Ok(Err(error))
            }
            Stop::Failed(error) => {
                if error.outcome() == Outcome::Damaged {
                    tracing::error!("a request failed: {error}");
                }
                Ok(Err(error))
            }
        }
    }

    fn after_commit(&mut self, orders: &[Order]) -> Result<()> {
        self.vault.complete(&self.shared.keys)?;
        if orders.iter().any(|order| matches!(order, Order::Admin(_))) {
            // Before anybody is answered: whoever was removed is gone for every later request.
            self.shared.publish(self.register.clone());
        }
        if let Some(frozen) = self.watch.refrozen() {
            self.shared.freeze(frozen);
        }
        let size = events::size(&self.db)?;
        let entries = usize::try_from(size.saturating_sub(self.shared.size())).unwrap_or(usize::MAX);
        self.shared.set_size(size);
        self.must_truncate |= orders.iter().any(|order| matches!(order.node_request(), Some(Request::Erase { .. })));
        if self.must_truncate {
            // The erased secret's old page leaves the log. A reader in the way only delays it to the next group, and so
            // does a full disk: what was committed stands in the log and is answered for.
            self.must_truncate = !store::delayed_by_a_full_disk(store::truncate_log(&self.db), false)?;
        }
        self.orders_in_log = self.orders_in_log.saturating_add(orders.len().max(entries));
        if self.orders_in_log >= ORDERS_IN_LOG_MAX {
            store::delayed_by_a_full_disk(store::move_log(&self.db), ())?;
            self.orders_in_log = 0;
        }
        // A full channel means that the projection has been told and not yet looked.
        let _told = self.grown.try_send(());
        Ok(())
    }

    fn reload(&mut self) -> Result<()> {
        if !self.db.is_autocommit() {
            self.db.execute_batch("ROLLBACK")?;
        }
        self.register = store::register::load(&self.db, &self.shared.keys)?;
        self.shared.sign_in.state.reload(&self.db, &self.shared.keys)?;
        *self.shared.names() = Names::load(&self.db, &self.shared.keys)?;
        self.metering.reload(&self.db, &self.shared.keys)?;
        self.watch.reload(&self.db, &self.shared.keys)
    }

    /// The failed proofs that no later entry will count.
    fn log_suppressed(&mut self) -> Result<()> {
        if let Some(detail) = self.failed_proofs.rest() {
            let event = Event::new(record::time::now(), Action::Authenticate, Decision::RefusedProof).detailed(detail);
            audit::append(&self.db, &self.shared.keys, &event)?;
        }
        Ok(())
    }
}

/// Appends the event of a start, before anything is served.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn log_start(db: &Connection, keys: &Keys, engine: &policy::Engine) -> Result<()> {
    // Whoever reads the log knows by which rules everything after this entry was decided.
    let detail = format!("policies {}", engine.digest_hex());
    audit::append(db, keys, &Event::new(record::time::now(), Action::Start, Decision::Permitted).detailed(detail))
        .map(|_| ())
}
