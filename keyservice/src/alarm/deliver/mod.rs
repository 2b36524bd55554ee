//! Delivery: a task of its own takes what the writer put into the outbox, posts or mails it, and has the writer mark it. The
//! writer never waits for a stranger's server.
//!
//! A message is delivered at least once: a crash after its delivery and before its mark delivers it again, under the same
//! number, by which a receiver knows it.

mod smtp;
#[cfg(test)]
mod tests;
mod webhook;

use super::outbox::{Message, To};
use super::rows::{self, Table};
use super::{Settings, settings};
use crate::error::{Error, Result};
use crate::request::Turn;
use crate::shared::Shared;
use crate::store;
use crate::writer::{Order, Orders};
use record::Micros;
use record::limits::{DELIVERIES_AT_ONCE_MAX, DELIVERY_ATTEMPTS_MAX, DELIVERY_MS_MAX, OUTBOX_DEAD_MAX};
use smtp::Submission;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use webhook::Hook;

/// How often the outbox is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The pause after a first failure; it doubles with each further one.
const PAUSE_MICROS: Micros = 2_000_000;
/// The longest pause: a server that was away for a night hears within a quarter of an hour.
const PAUSE_MICROS_MAX: Micros = 900_000_000;

/// What came of an attempt: nothing more to say, or why it failed.
pub type Attempt = std::result::Result<(), String>;

/// Where alarms go to, with what that takes.
#[derive(Debug)]
pub struct Deliverer {
    hooks: HashMap<String, Hook>,
    mail: Option<Submission>,
}

impl Deliverer {
    /// From the settings; `None` if nothing is to be delivered anywhere.
    ///
    /// # Errors
    /// Invalid for an address, secret or authority that cannot be used.
    pub fn new(settings: &Settings) -> Result<Option<Self>> {
        let hooks: Result<_> = settings.webhooks.iter().map(|hook| Ok((hook.url.clone(), Hook::new(hook)?))).collect();
        let mail = settings.mail.as_ref().map(Submission::new).transpose()?;
        let deliverer = Self { hooks: hooks?, mail };
        Ok((!deliverer.hooks.is_empty() || deliverer.mail.is_some()).then_some(deliverer))
    }

    /// Delivers until the service ends.
    pub async fn run(self, shared: Arc<Shared>, orders: Orders, mut stop: watch::Receiver<bool>) {
        let (this, mut under_way, mut tasks) = (Arc::new(self), BTreeSet::new(), JoinSet::new());
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK) => {}
                Some(ended) = tasks.join_next() => {
                    if let Ok(id) = ended {
                        under_way.remove(&id);
                    }
                    continue;
                }
            }
            let room = DELIVERIES_AT_ONCE_MAX.saturating_sub(under_way.len());
            let due = match due(&shared, record::time::now(), &under_way, room).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!("the outbox cannot be read: {error}");
                    continue;
                }
            };
            for (id, message) in due {
                under_way.insert(id);
                let (this, orders) = (Arc::clone(&this), orders.clone());
                tasks.spawn(async move {
                    let attempt = this.attempt(id, &message).await;
                    // A crash before this line delivers the message again; after it nobody will.
                    if let Err(error) = orders.carry_out(Order::Delivered { id, attempt }).await {
                        tracing::warn!(delivery = id, "a delivery could not be marked and will be repeated: {error}");
                    }
                    id
                });
            }
        }
    }

    async fn attempt(&self, id: i64, message: &Message) -> Attempt {
        let deadline = Duration::from_millis(DELIVERY_MS_MAX);
        let attempt = async {
            match &message.to {
                To::Webhook(url) => self.hooks.get(url).ok_or_else(unknown)?.post(id, message, deadline).await,
                To::Mail(address) => self.mail.as_ref().ok_or_else(unknown)?.send(id, address, message).await,
            }
        };
        match tokio::time::timeout(deadline, attempt).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
    }
}

fn unknown() -> Error {
    Error::invalid("the settings name this receiver no longer")
}

/// What is due and not under way.
async fn due(shared: &Arc<Shared>, now: Micros, under_way: &BTreeSet<i64>, room: usize) -> Result<Vec<(i64, Message)>> {
    let shared = Arc::clone(shared);
    let read = tokio::task::spawn_blocking(move || {
        let db = store::open_for_reading(&shared.folder)?;
        rows::all::<Message>(&db, &shared.keys, Table::Outbox)
    });
    let all = read.await.map_err(|_| Error::damaged("reading the outbox failed"))??;
    let is_due = |(id, message): &(i64, Message)| !message.is_dead && message.next <= now && !under_way.contains(id);
    Ok(all.into_iter().filter(is_due).take(room).collect())
}

/// Marks a message: delivered ones go, others wait or are given up.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn delivered(turn: &mut Turn<'_>, id: i64, attempt: &Attempt) -> Result<()> {
    let Some(mut message) = rows::get::<Message>(turn.db, turn.keys, Table::Outbox, id)? else { return Ok(()) };
    let Err(why) = attempt else { return rows::remove(turn.db, Table::Outbox, id) };
    message.attempts += 1;
    message.error = Some(why.chars().take(200).collect());
    message.next = turn.now.saturating_add(pause(message.attempts));
    message.is_dead = message.attempts >= DELIVERY_ATTEMPTS_MAX;
    rows::put(turn.db, turn.keys, Table::Outbox, id, &message)?;
    if message.is_dead {
        tracing::error!(delivery = id, alarm = message.alarm, "an alarm's message is given up: {why}");
        let dead = rows::all::<Message>(turn.db, turn.keys, Table::Outbox)?;
        let dead: Vec<i64> = dead.into_iter().filter(|(_, message)| message.is_dead).map(|(id, _)| id).collect();
        // The alarm itself stays; of messages that nobody took the newest are enough to see what is wrong.
        for id in dead.iter().take(dead.len().saturating_sub(OUTBOX_DEAD_MAX)) {
            rows::remove(turn.db, Table::Outbox, *id)?;
        }
    }
    Ok(())
}

fn pause(attempts: u32) -> Micros {
    let doubled = 1_i64.checked_shl(attempts.saturating_sub(1)).filter(|times| *times > 0).unwrap_or(i64::MAX);
    PAUSE_MICROS.saturating_mul(doubled).min(PAUSE_MICROS_MAX)
}

/// A secret from its file, without the line feed that editors leave.
fn secret(path: &std::path::Path) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let bytes = zeroize::Zeroizing::new(std::fs::read(path).map_err(|e| Error::io(path.display(), &e))?);
    let trimmed = bytes.trim_ascii();
    if trimmed.is_empty() {
        return Err(Error::invalid(format!("{} is empty", path.display())));
    }
    Ok(zeroize::Zeroizing::new(trimmed.to_vec()))
}

/// An address that can stand in a mail's envelope (RFC 5321 4.1.2, without quoted forms).
///
/// # Errors
/// Invalid for anything else.
pub(super) fn check_address(address: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>()[]\\,;:\"".contains(c);
    let fits = address.len() <= 254
        && address.chars().all(is_plain)
        && address.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !host.is_empty() && !host.contains('@') && user.len() <= 64
        });
    fits.then_some(()).ok_or_else(|| Error::invalid("alarms: a mail address is name@host"))
}

pub(super) use settings::Mail;
