//! What peers may ask for, one service a file (PS3.4, PS3.7): from a request to its responses.
//!
//! # Adding a service
//!
//! 1. A variant of [`Service`], and in [`Service::of`] the SOP classes that mean it.
//! 2. In [`Service::takes`] the commands that it answers.
//! 3. In [`serve`] the function that answers them: `async fn serve(call: Call, peer: &mut Conversation) -> Result<(), Broken>`.
//!
//! The association hands over a [`Call`] when the request and its data set are there as a whole, and runs the function as
//! a task of its own. The function answers through the [`Conversation`]:
//!
//! - `peer.respond(&response, data_set).await?` sends a response. Responses are gathered into writes of 32 KB, and a peer
//!   that does not read stops the function there. The last response (any but a pending one) is simply the last call.
//! - `peer.is_cancelled()`, or `peer.unless_cancelled(work).await` around what takes long: a C-CANCEL came for this message.
//! - `peer.request(context_id, &command)?`, then `peer.data_set(piece).await?` (or `peer.pdus(written).await?`) as often as
//!   needed if the command announces a data set, then `peer.answer().await?`: an operation of our own over the same association (a C-STORE of a
//!   C-GET, an N-EVENT-REPORT). The message id is filled in; one at a time.
//! - `peer.flush().await?` sends now what was gathered.
//!
//! `?` on [`Broken`] is the right way out: the association has ended or ends now. When it ends in the middle (abort,
//! release, close, deadline) the function is dropped at its next `await`. C-STORE does not go this way: its data set streams into
//! the archive as it comes ([`store`]).

pub mod commitment;
pub mod described;
pub(in crate::dimse) mod find;
mod get;
mod move_to;
mod query;
mod retrieve;
pub(in crate::dimse) mod store;
mod worklist;

use super::acceptor::conversation::{Broken, Conversation};
use super::acceptor::door::Door;
use super::acceptor::negotiate::{Context, Negotiated};
use crate::outcome;
use dicom_dictionary_std::uids;
use record::limits::{COMMITMENT_BYTES_MAX, QUERY_BYTES_MAX};
use seal::message::Asker;
use std::sync::Arc;
use wire::command::{Command, field};

/// What an accepted context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dimse) enum Service {
    Verification,
    Storage,
    /// Patient root (true) or study root.
    Find {
        patient_root: bool,
    },
    /// The modality worklist.
    Worklist,
    /// Storage commitment, push model.
    Commitment,
    /// As for a query.
    Get {
        patient_root: bool,
    },
    /// As for a query.
    Move {
        patient_root: bool,
    },
}

impl Service {
    /// The service of a SOP class that is not one of storage.
    pub(in crate::dimse) fn of(sop_class: &str) -> Option<Self> {
        match sop_class {
            uids::VERIFICATION => Some(Self::Verification),
            uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND => Some(Self::Find { patient_root: true }),
            uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND => Some(Self::Find { patient_root: false }),
            commitment::SOP_CLASS => Some(Self::Commitment),
            uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND => Some(Self::Worklist),
            uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET => Some(Self::Get { patient_root: true }),
            uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET => Some(Self::Get { patient_root: false }),
            uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE => Some(Self::Move { patient_root: true }),
            uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE => Some(Self::Move { patient_root: false }),
            _ => None,
        }
    }

    /// The commands that it answers by [`serve`], each with a data set.
    pub(in crate::dimse) fn takes(self) -> &'static [u16] {
        match self {
            Self::Verification | Self::Storage => &[],
            Self::Find { .. } | Self::Worklist => &[field::C_FIND_RQ],
            Self::Get { .. } => &[field::C_GET_RQ],
            Self::Move { .. } => &[field::C_MOVE_RQ],
            Self::Commitment => &[field::N_ACTION_RQ, field::N_EVENT_REPORT_RQ],
        }
    }

    /// Whether the archive makes requests of its own over a context of the service: the peer may then be SCP.
    pub(in crate::dimse) fn asks_back(self) -> bool {
        matches!(self, Self::Storage | Self::Commitment)
    }

    /// The longest data set of a request.
    pub(in crate::dimse) fn data_set_bytes_max(self) -> usize {
        if self == Self::Commitment { COMMITMENT_BYTES_MAX } else { QUERY_BYTES_MAX }
    }
}

/// A request that is there as a whole.
pub(in crate::dimse) struct Call {
    /// The archive and its settings.
    pub(in crate::dimse) door: Arc<Door>,
    /// Who asks.
    pub(in crate::dimse) asker: Asker,
    /// What was agreed for the association.
    pub(in crate::dimse) negotiated: Arc<Negotiated>,
    /// The context over which the request came.
    pub(in crate::dimse) context: Context,
    /// The command.
    pub(in crate::dimse) request: Command,
    /// Its data set, in the context's transfer syntax.
    pub(in crate::dimse) identifier: Vec<u8>,
}

/// Answers a call.
pub(in crate::dimse) async fn serve(call: Call, peer: &mut Conversation) -> Result<(), Broken> {
    match call.context.service {
        Service::Find { .. } => query::serve(call, peer).await,
        Service::Worklist => worklist::serve(call, peer).await,
        Service::Commitment => commitment::serve(call, peer).await,
        Service::Get { .. } => get::serve(call, peer).await,
        Service::Move { .. } => move_to::serve(call, peer).await,
        Service::Verification | Service::Storage => {
            peer.respond(&call.request.response(outcome::UNRECOGNIZED_OPERATION), None).await
        }
    }
}
