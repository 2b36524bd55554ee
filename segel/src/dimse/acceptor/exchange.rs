//! What an established association exchanges (Sta6): requests to services, responses from them.

use super::association::{Association, Flow, Held};
use super::conversation::{Operation, Said};
use super::message::{Asked, Effect};
use super::negotiate::Negotiated;
use crate::dimse::services::Call;
use crate::dimse::upper::pdus::Connection;
use crate::dimse::upper::state::{Event, State};
use bytes::Bytes;
use seal::message::Asker;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::time::Instant;
use wire::pdu::{AbortSource, PDV_HEADER_BYTES, Pdvs, write_message};

impl<S: Connection> Association<S> {
    pub(super) async fn data_tf(&mut self, body: Bytes) -> Flow {
        if self.established.is_none() || self.machine.state() != State::Sta6 {
            return self.happen(Event::DataTfPdu, AbortSource::UnexpectedPdu).await;
        }
        self.machine.apply(Event::DataTfPdu);
        self.take(body, Vec::new()).await
    }

    /// Takes presentation data values and sends what was answered at once.
    async fn take(&mut self, body: Bytes, mut out: Vec<u8>) -> Flow {
        let taken = self.take_values(&body, &mut out).await;
        if let Err(error) = taken {
            tracing::info!(%error, "a peer broke the protocol, and its association is aborted");
            return self.happen(Event::InvalidPdu, AbortSource::InvalidPduParameterValue).await;
        }
        // What took the archive long was not the peer's silence.
        self.since = Instant::now();
        self.data_request(&out).await
    }

    async fn take_values(&mut self, body: &Bytes, out: &mut Vec<u8>) -> Result<(), wire::Error> {
        let Some(established) = &self.established else { return Ok(()) };
        let (asker, negotiated) = (established.asker.clone(), Arc::clone(&established.negotiated));
        let header = usize::try_from(PDV_HEADER_BYTES).unwrap_or(usize::MAX);
        let mut taken: usize = 0;
        for pdv in Pdvs::new(body) {
            let pdv = pdv?;
            taken = taken.saturating_add(header).saturating_add(pdv.fragment.len());
            let effect = match self.messages.take(&negotiated, pdv).await? {
                Effect::Request(context, command) if self.operation.is_some() => {
                    let rest = body.slice(taken.min(body.len())..);
                    self.held = Some(Held { context, command, rest });
                    return Ok(());
                }
                Effect::Request(context, command) => self.messages.begin(&self.door, &asker, context, *command),
                effect => effect,
            };
            self.effect(effect, &asker, &negotiated, out)?;
        }
        Ok(())
    }

    fn effect(
        &mut self,
        effect: Effect,
        asker: &Asker,
        negotiated: &Arc<Negotiated>,
        out: &mut Vec<u8>,
    ) -> Result<(), wire::Error> {
        match effect {
            Effect::Nothing | Effect::Request(..) => Ok(()),
            Effect::Respond(context_id, response) => {
                write_message(out, context_id, true, &response.write(), negotiated.peer_pdu_bytes_max)
            }
            Effect::Call(asked) => {
                let Asked { context, request, identifier } = *asked;
                let (door, asker, negotiated) = (Arc::clone(&self.door), asker.clone(), Arc::clone(negotiated));
                self.operation = Some(Operation::begin(Call { door, asker, negotiated, context, request, identifier }));
                Ok(())
            }
            Effect::Cancel(message_id) => {
                // Without an operation, the one that it names is over: its last response is on the way.
                if let Some(operation) = &self.operation {
                    operation.cancel(message_id);
                }
                Ok(())
            }
            Effect::Answer(answer) => match &self.operation {
                Some(operation) if operation.answer(*answer) => Ok(()),
                _ => Err(wire::Error::invalid("a response to nothing")),
            },
        }
    }

    /// Sends what a service said.
    pub(super) async fn said(&mut self, said: Said) -> Flow {
        self.since = Instant::now();
        let flow = match said {
            Said::Pdus(pdus) => self.data_request(&pdus).await,
            Said::Last(pdus) => {
                self.operation = None;
                self.data_request(&pdus).await
            }
            Said::Broken => self.happen(Event::AbortRequest, AbortSource::Provider).await,
        };
        self.since = Instant::now();
        flow
    }

    /// Goes on with the request that waited.
    pub(super) async fn resume(&mut self) -> Flow {
        let (Some(Held { context, command, rest }), Some(established)) = (self.held.take(), &self.established) else {
            return ControlFlow::Continue(());
        };
        let (asker, negotiated) = (established.asker.clone(), Arc::clone(&established.negotiated));
        self.pdus.renew();
        let mut out = Vec::new();
        let effect = self.messages.begin(&self.door, &asker, context, *command);
        if self.effect(effect, &asker, &negotiated, &mut out).is_err() {
            return self.happen(Event::AbortRequest, AbortSource::Provider).await;
        }
        self.take(rest, out).await
    }

    async fn data_request(&mut self, out: &[u8]) -> Flow {
        if out.is_empty() {
            return ControlFlow::Continue(());
        }
        self.machine.apply(Event::DataRequest);
        self.send(out).await
    }
}
