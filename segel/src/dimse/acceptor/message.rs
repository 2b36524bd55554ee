//! Messages out of fragments (PS3.7 6.3, PS3.8 Annex E): a command, then its data set if it has one.

use super::door::Door;
use super::negotiate::{Context, Negotiated, Service};
use crate::dimse::services::store::Storing;
use crate::outcome;
use record::limits::COMMAND_BYTES_MAX;
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
    /// A request: [`Messages::begin`] takes it once no other operation is under way.
    Request(Context, Box<Command>),
    /// A request is there as a whole, and a service answers it.
    Call(Box<Asked>),
    /// A C-CANCEL for the message of this id.
    Cancel(Option<u16>),
    /// A response to a request of ours.
    Answer(Box<Command>),
}

/// A request with its data set.
pub(in crate::dimse) struct Asked {
    pub(in crate::dimse) context: Context,
    pub(in crate::dimse) request: Command,
    pub(in crate::dimse) identifier: Vec<u8>,
}

/// What the next fragment must be.
enum Expected {
    /// One of a command; of this context, if its first fragment was there.
    Command { context_id: Option<u8>, bytes: Vec<u8> },
    /// One of a data set, of this context.
    DataSet { context_id: u8, arriving: Arriving },
}

/// What becomes of a data set.
enum Arriving {
    Store(Box<Storing>),
    Call(Box<Asked>),
    /// It is counted off, then this is the answer.
    Skip(Box<Command>),
    /// It is counted off; this is the response that it belongs to.
    Answer(Box<Command>),
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
    pub(in crate::dimse) async fn take(&mut self, negotiated: &Negotiated, pdv: Pdv<'_>) -> Result<Effect, Error> {
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
                self.sort(context, command)
            }
            Expected::DataSet { context_id, arriving } if !pdv.command && *context_id == pdv.context_id => {
                arriving.write(pdv.fragment).await;
                if !pdv.last {
                    return Ok(Effect::Nothing);
                }
                match std::mem::take(self).expected {
                    Expected::DataSet { arriving, .. } => Ok(arriving.finish(pdv.context_id).await),
                    Expected::Command { .. } => Ok(Effect::Nothing),
                }
            }
            Expected::Command { .. } => Err(Error::invalid("a data set without a command")),
            Expected::DataSet { .. } => {
                Err(Error::invalid("a command inside a data set, or a data set of another context"))
            }
        }
    }

    fn sort(&mut self, context: &Context, command: Command) -> Result<Effect, Error> {
        if command.command_field & field::RESPONSE_BIT != 0 {
            if command.has_data_set() {
                let arriving = Arriving::Answer(Box::new(command));
                self.expected = Expected::DataSet { context_id: context.id, arriving };
                return Ok(Effect::Nothing);
            }
            return Ok(Effect::Answer(Box::new(command)));
        }
        if command.command_field == field::C_CANCEL_RQ {
            return Ok(Effect::Cancel(command.message_id_being_responded_to));
        }
        if command.message_id.is_none() {
            return Err(Error::invalid("a request without MessageID"));
        }
        Ok(Effect::Request(context.clone(), Box::new(command)))
    }

    /// Begins with a request.
    pub(in crate::dimse) fn begin(&mut self, door: &Door, asker: &Asker, context: Context, command: Command) -> Effect {
        let has_data_set = command.has_data_set();
        let served = context.service.takes().contains(&command.command_field);
        let arriving = match (command.command_field, context.service) {
            (field::C_ECHO_RQ, Service::Verification) => Arriving::skip(command.response(outcome::SUCCESS)),
            (field::C_STORE_RQ, Service::Storage) if has_data_set => {
                Arriving::Store(Box::new(Storing::begin(door, asker, &context, command)))
            }
            _ if served && has_data_set => {
                let identifier = Vec::new();
                Arriving::Call(Box::new(Asked { context: context.clone(), request: command, identifier }))
            }
            (field, service) if served || (field, service) == (field::C_STORE_RQ, Service::Storage) => {
                let status = outcome::words(record::Outcome::Invalid).c_store;
                let comment = Some("the request has no data set".to_owned());
                Arriving::skip(Command { error_comment: comment, ..command.response(status) })
            }
            _ => Arriving::skip(command.response(outcome::UNRECOGNIZED_OPERATION)),
        };
        match arriving {
            Arriving::Skip(response) if !has_data_set => Effect::Respond(context.id, response),
            arriving => {
                self.expected = Expected::DataSet { context_id: context.id, arriving };
                Effect::Nothing
            }
        }
    }
}

impl Arriving {
    fn skip(response: Command) -> Self {
        Self::Skip(Box::new(response))
    }

    async fn write(&mut self, fragment: &[u8]) {
        match self {
            Self::Store(storing) => storing.write(fragment).await,
            // One byte more than the limit is remembered, so that the end knows that it was passed.
            Self::Call(asked) => {
                let most = asked.context.service.data_set_bytes_max();
                let room = most.saturating_add(1).saturating_sub(asked.identifier.len());
                asked.identifier.extend(fragment.iter().take(room));
            }
            Self::Skip(_) | Self::Answer(_) => {}
        }
    }

    async fn finish(self, context_id: u8) -> Effect {
        match self {
            Self::Store(storing) => Effect::Respond(context_id, Box::new(storing.finish().await)),
            Self::Call(asked) if asked.identifier.len() > asked.context.service.data_set_bytes_max() => {
                let status = outcome::words(record::Outcome::Invalid).c_find;
                let comment =
                    Some(format!("the data set is longer than {} bytes", asked.context.service.data_set_bytes_max()));
                Effect::Respond(
                    context_id,
                    Box::new(Command { error_comment: comment, ..asked.request.response(status) }),
                )
            }
            Self::Call(asked) => Effect::Call(asked),
            Self::Skip(response) => Effect::Respond(context_id, response),
            Self::Answer(answer) => Effect::Answer(answer),
        }
    }
}
