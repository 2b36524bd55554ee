//! Messages out of fragments (PS3.7 6.3, PS3.8 Annex E): a command, then its data set if it has one.

use super::door::Door;
use super::negotiate::{Context, Negotiated, Service};
use crate::dimse::services::store::Storing;
use crate::outcome;
use record::limits::{COMMAND_BYTES_MAX, QUERY_BYTES_MAX};
use seal::message::Asker;
use wire::Error;
use wire::command::{Command, field};
use wire::pdu::Pdv;

/// What a fragment led to.
pub(in crate::dimse) enum Effect {
    /// More fragments are needed.
    Nothing,
    /// The operation is done.
    Respond(u8, Box<Command>),
    /// A query is complete.
    Find(Box<Finding>),
}

/// A C-FIND request with its identifier.
pub(in crate::dimse) struct Finding {
    pub(in crate::dimse) context: Context,
    pub(in crate::dimse) request: Command,
    pub(in crate::dimse) identifier: Vec<u8>,
}

/// What the next fragment must be.
enum Expected {
    /// One of a command; of this context, if its first fragment was there.
    Command { context_id: Option<u8>, bytes: Vec<u8> },
    /// One of a data set, of this context.
    DataSet { context_id: u8, operation: Operation },
}

enum Operation {
    Store(Box<Storing>),
    Find(Box<Finding>),
    /// The data set is counted off, then this is the answer.
    Skip(Box<Command>),
}

/// The message that is arriving.
pub(in crate::dimse) struct Messages {
    expected: Expected,
}

impl Default for Messages {
    fn default() -> Self {
        Self { expected: Expected::Command { context_id: None, bytes: Vec::new() } }
    }
}

impl Messages {
    /// Whether a message has begun and not ended.
    pub(in crate::dimse) fn under_way(&self) -> bool {
        !matches!(&self.expected, Expected::Command { context_id: None, .. })
    }

    /// Takes one presentation data value.
    ///
    /// An error means that the peer broke the protocol: the association is aborted, and an instance that was arriving is
    /// dropped with nothing kept.
    pub(in crate::dimse) async fn take(
        &mut self,
        door: &Door,
        asker: &Asker,
        negotiated: &Negotiated,
        pdv: Pdv<'_>,
    ) -> Result<Effect, Error> {
        let Some(context) = negotiated.context(pdv.context_id) else {
            return Err(Error::invalid("a fragment for a presentation context that was not accepted"));
        };
        match &mut self.expected {
            Expected::Command { context_id, bytes } if pdv.command => {
                if *context_id.get_or_insert(pdv.context_id) != pdv.context_id {
                    return Err(Error::invalid("a command's fragments are of two presentation contexts"));
                }
                if bytes.len().saturating_add(pdv.fragment.len()) > COMMAND_BYTES_MAX {
                    return Err(Error::invalid("a command set is too long"));
                }
                bytes.extend_from_slice(pdv.fragment);
                if !pdv.last {
                    return Ok(Effect::Nothing);
                }
                let command = Command::parse(bytes)?;
                *self = Self::default();
                self.begin(door, asker, context, command)
            }
            Expected::DataSet { context_id, operation } if !pdv.command && *context_id == pdv.context_id => {
                operation.write(pdv.fragment).await;
                if !pdv.last {
                    return Ok(Effect::Nothing);
                }
                match std::mem::take(self).expected {
                    Expected::DataSet { operation, .. } => Ok(operation.finish(pdv.context_id).await),
                    Expected::Command { .. } => Ok(Effect::Nothing),
                }
            }
            Expected::Command { .. } => Err(Error::invalid("a data set without a command")),
            Expected::DataSet { .. } => {
                Err(Error::invalid("a command inside a data set, or a data set of another context"))
            }
        }
    }

    fn begin(&mut self, door: &Door, asker: &Asker, context: &Context, command: Command) -> Result<Effect, Error> {
        if command.command_field & field::RESPONSE_BIT != 0 {
            return Err(Error::invalid("a response to nothing"));
        }
        if command.command_field == field::C_CANCEL_RQ {
            // The operation that it names is over: its last response is on the way.
            return Ok(Effect::Nothing);
        }
        if command.message_id.is_none() {
            return Err(Error::invalid("a request without MessageID"));
        }
        let has_data_set = command.has_data_set();
        let operation = match (command.command_field, context.service) {
            (field::C_ECHO_RQ, Service::Verification) => Operation::skip(command.response(outcome::SUCCESS)),
            (field::C_STORE_RQ, Service::Storage) if has_data_set => {
                Operation::Store(Box::new(Storing::begin(door, asker, context, command)))
            }
            (field::C_FIND_RQ, Service::Find { .. }) if has_data_set => Operation::Find(Box::new(Finding {
                context: context.clone(),
                request: command,
                identifier: Vec::new(),
            })),
            (field::C_STORE_RQ, Service::Storage) | (field::C_FIND_RQ, Service::Find { .. }) => {
                let status = outcome::words(record::Outcome::Invalid).c_store;
                let comment = Some("the request has no data set".to_owned());
                Operation::skip(Command { error_comment: comment, ..command.response(status) })
            }
            _ => Operation::skip(command.response(outcome::UNRECOGNIZED_OPERATION)),
        };
        match operation {
            Operation::Skip(response) if !has_data_set => Ok(Effect::Respond(context.id, response)),
            operation => {
                self.expected = Expected::DataSet { context_id: context.id, operation };
                Ok(Effect::Nothing)
            }
        }
    }
}

impl Operation {
    fn skip(response: Command) -> Self {
        Self::Skip(Box::new(response))
    }

    async fn write(&mut self, fragment: &[u8]) {
        match self {
            Self::Store(storing) => storing.write(fragment).await,
            // One byte more than the limit is remembered, so that the end knows that it was passed.
            Self::Find(finding) => {
                let room = QUERY_BYTES_MAX.saturating_add(1).saturating_sub(finding.identifier.len());
                finding.identifier.extend(fragment.iter().take(room));
            }
            Self::Skip(_) => {}
        }
    }

    async fn finish(self, context_id: u8) -> Effect {
        match self {
            Self::Store(storing) => Effect::Respond(context_id, Box::new(storing.finish().await)),
            Self::Find(finding) if finding.identifier.len() > QUERY_BYTES_MAX => {
                let status = outcome::words(record::Outcome::Invalid).c_find;
                let comment = Some(format!("the identifier is longer than {QUERY_BYTES_MAX} bytes"));
                Effect::Respond(
                    context_id,
                    Box::new(Command { error_comment: comment, ..finding.request.response(status) }),
                )
            }
            Self::Find(finding) => Effect::Find(finding),
            Self::Skip(response) => Effect::Respond(context_id, response),
        }
    }
}
