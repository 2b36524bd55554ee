//! What is to be delivered: written in the transaction of the alarm, delivered by a task of its own, at least once.

use super::Settings;
use super::rows::{self, Table};
use super::watch::Record;
use crate::error::Result;
use crate::keys::Keys;
use minicbor::{Decode, Encode};
use record::Micros;
use rusqlite::Connection;

/// One message to one receiver. It names no patient.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Message {
    /// Its alarm.
    #[n(0)]
    pub alarm: i64,
    /// Through what, and to whom.
    #[n(1)]
    pub to: To,
    /// When it was written.
    #[n(2)]
    pub at: Micros,
    /// The message, as JSON without anything that changes between attempts.
    #[n(3)]
    pub body: String,
    /// Attempts so far.
    #[n(4)]
    pub attempts: u32,
    /// When it is tried next.
    #[n(5)]
    pub next: Micros,
    /// Why the last attempt failed.
    #[n(6)]
    pub error: Option<String>,
    /// Whether no further attempt is made.
    #[n(7)]
    pub is_dead: bool,
}

/// Through what a message goes, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum To {
    /// A webhook, by its address.
    #[n(0)]
    Webhook(#[n(0)] String),
    /// A mail address.
    #[n(1)]
    Mail(#[n(0)] String),
}

/// Writes the messages of an alarm that rang or went on to the next person.
pub(super) fn enqueue(
    db: &Connection,
    keys: &Keys,
    settings: &Settings,
    now: Micros,
    alarm: i64,
    record: &Record,
) -> Result<()> {
    let contact = settings.contact(record.kind, record.stage);
    let mut receivers: Vec<To> = settings.webhooks.iter().map(|hook| To::Webhook(hook.url.clone())).collect();
    if let (Some(_), Some(address)) = (&settings.mail, contact.and_then(|contact| contact.mail.clone())) {
        receivers.push(To::Mail(address));
    }
    // The patient stays behind: what leaves the house is the sentence that was made without one.
    let stage = ["owner", "deputy", "data protection officer"].get(usize::from(record.stage));
    let body = serde_json::json!({
        "alarm": alarm,
        "kind": record.kind.name(),
        "severity": record.severity.name(),
        "at": record.at,
        "actor": record.actor,
        "facility": record.facility.as_ref().map(record::FacilityCode::as_str),
        "text": record.text,
        "stage": stage,
        "for": contact.map(|contact| contact.name.as_str()),
        "due": record.due,
        "ledger_entry": record.position,
    });
    for to in receivers {
        let message =
            Message { alarm, to, at: now, body: body.to_string(), attempts: 0, next: now, error: None, is_dead: false };
        rows::insert(db, keys, Table::Outbox, &message)?;
    }
    Ok(())
}
