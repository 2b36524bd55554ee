//! Alarms by webhook: JSON by POST, signed with a shared secret.

use super::secret;
use crate::alarm::outbox::Message;
use crate::alarm::settings::Webhook;
use crate::error::{Error, Result};
use crate::outbound::{self, Bounds, Outbound};
use aws_lc_rs::hmac;
use record::Outcome;
use std::time::Duration;

/// What a receiver may say; nothing of it is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// One receiver.
#[derive(Debug)]
pub struct Hook {
    url: String,
    key: hmac::Key,
    way: Outbound,
}

impl Hook {
    pub fn new(settings: &Webhook) -> Result<Self> {
        outbound::check(&settings.url)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret(&settings.secret_file)?);
        let way = Outbound::new(&outbound::Settings { ca: settings.ca_file.clone() })?;
        Ok(Self { url: settings.url.clone(), key, way })
    }

    /// Posts a message. The signature is over every byte of the body, in which its number and time stand.
    pub async fn post(&self, id: i64, message: &Message, deadline: Duration) -> Result<()> {
        let body = body(id, message)?;
        let signature = format!("sha256={}", hex::encode(hmac::sign(&self.key, &body)));
        let number = id.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("segel-delivery", number.as_str()),
            ("segel-signature", signature.as_str()),
        ];
        let bounds = Bounds { deadline, body_bytes_max: ANSWER_BYTES_MAX };
        let reply = self.way.post(&self.url, &headers, body, bounds).await?;
        if reply.is_success() {
            return Ok(());
        }
        Err(Error::new(Outcome::Busy, format!("the webhook answered {}", reply.status)))
    }
}

fn body(id: i64, message: &Message) -> Result<Vec<u8>> {
    let damaged = |_| Error::damaged("a message of the outbox is not JSON");
    let mut body: serde_json::Value = serde_json::from_str(&message.body).map_err(damaged)?;
    if let Some(fields) = body.as_object_mut() {
        fields.insert("delivery".to_owned(), id.into());
        fields.insert("written".to_owned(), message.at.into());
    }
    serde_json::to_vec(&body).map_err(damaged)
}
