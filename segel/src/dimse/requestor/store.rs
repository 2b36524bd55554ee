//! C-STORE (PS3.7 9.1.1) as SCU: the data set goes out as it comes from its source, one PDU's bytes held at a time.

use super::association::Association;
use super::error::{Error, Result};
use super::proposal::Context;
use super::status::Status;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::io;
use std::pin::pin;
use wire::command::{Command, DATA_SET_FOLLOWS, field};
use wire::pdu::{Fragments, write_message};

/// Fragments gathered into one write.
const WRITE_BYTES: usize = 256 * 1024;

/// What is sent.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// SOPClassUID.
    pub sop_class: String,
    /// SOPInstanceUID.
    pub sop_instance: String,
    /// The AE title and message id of the C-MOVE that this is part of (PS3.7 9.1.1.1).
    pub move_originator: Option<(String, u16)>,
}

impl Association {
    /// The accepted context for a pair of SOP class and transfer syntax.
    ///
    /// # Errors
    /// Refused if the peer takes no such instances, or not in this transfer syntax.
    pub fn context_for(&self, sop_class: &str, transfer_syntax: &str) -> Result<Context> {
        let fits = |c: &&Context| c.sop_class == sop_class && c.transfer_syntax == transfer_syntax;
        if let Some(context) = self.contexts().iter().find(fits) {
            return Ok(context.clone());
        }
        self.context(sop_class)?;
        Err(Error::refused(format!("the peer takes no {sop_class} in transfer syntax {transfer_syntax}")))
    }

    /// Sends one instance; the data set is in the context's transfer syntax.
    ///
    /// # Errors
    /// Invalid if the source fails, after which the association is gone: an instance cannot be taken back half-sent.
    pub async fn store(
        &mut self,
        context: &Context,
        instance: &Instance,
        data_set: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<(Status, Option<String>)> {
        let request = self.store_request(instance);
        let mut out = Vec::new();
        write_message(&mut out, context.id, true, &request.write(), self.peer_pdu_bytes_max)?;
        let mut fragments = Fragments::new(context.id, false, self.peer_pdu_bytes_max)?;
        let mut data_set = pin!(data_set);
        while let Some(piece) = data_set.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    return Err(self.broken(&format!("an instance cannot be read to its end: {error}")).await);
                }
            };
            for part in piece.chunks(WRITE_BYTES) {
                fragments.write(&mut out, part)?;
                if out.len() >= WRITE_BYTES {
                    self.send(&out).await?;
                    out.clear();
                }
            }
        }
        fragments.finish(&mut out)?;
        self.send(&out).await?;
        let response = self.response(&request).await?;
        Ok((Status(response.status.unwrap_or(0x0110)), response.error_comment))
    }
    /// The same, where the data set has been written into PDUs already, for this context and what the peer takes in one.
    ///
    /// # Errors
    /// As [`Association::store`].
    pub async fn store_pdus(
        &mut self,
        context: &Context,
        instance: &Instance,
        pdus: impl Stream<Item = io::Result<Vec<u8>>>,
    ) -> Result<(Status, Option<String>)> {
        let request = self.store_request(instance);
        let mut command = Vec::new();
        write_message(&mut command, context.id, true, &request.write(), self.peer_pdu_bytes_max)?;
        self.send(&command).await?;
        let mut pdus = pin!(pdus);
        while let Some(next) = pdus.next().await {
            match next {
                Ok(next) => self.send(&next).await?,
                Err(error) => {
                    return Err(self.broken(&format!("an instance cannot be read to its end: {error}")).await);
                }
            }
        }
        let response = self.response(&request).await?;
        Ok((Status(response.status.unwrap_or(0x0110)), response.error_comment))
    }

    fn store_request(&mut self, instance: &Instance) -> Command {
        let (originator, originator_message) = instance.move_originator.clone().unzip();
        Command {
            affected_sop_class_uid: Some(instance.sop_class.clone()),
            affected_sop_instance_uid: Some(instance.sop_instance.clone()),
            command_field: field::C_STORE_RQ,
            message_id: Some(self.next_message_id()),
            priority: Some(0),
            command_data_set_type: DATA_SET_FOLLOWS,
            move_originator_ae_title: originator,
            move_originator_message_id: originator_message,
            ..Command::default()
        }
    }
}
