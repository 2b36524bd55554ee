//! C-STORE (PS3.7 9.1.1, PS3.4 Annex B): fragments go straight into the archive's receiver.

use crate::dimse::acceptor::door::Door;
use crate::dimse::acceptor::negotiate::Context;
use crate::outcome;
use archive::ingest::{Declared, InstanceReceiver, StoreOutcome};
use seal::message::Asker;
use wire::command::Command;

/// An instance that is arriving.
pub(in crate::dimse) struct Storing {
    request: Command,
    /// Dropped at the first failure: nothing of the instance is kept, and the rest of it is only counted off.
    receiver: Option<InstanceReceiver>,
    failure: Option<Failure>,
}

/// Why it will not be kept: a status and a comment that names no patient.
pub(in crate::dimse) struct Failure {
    pub(in crate::dimse) status: u16,
    pub(in crate::dimse) comment: String,
}

impl Storing {
    /// Begins with the command.
    pub(in crate::dimse) fn begin(door: &Door, asker: &Asker, context: &Context, request: Command) -> Self {
        let (mut receiver, mut failure) = (None, None);
        match check(context, &request) {
            Err(refused) => failure = Some(refused),
            Ok(()) => {
                let declared = Declared {
                    transfer_syntax: Some(context.transfer_syntax.clone()),
                    sop_instance_uid: request.affected_sop_instance_uid.clone(),
                    sop_class_uid: request.affected_sop_class_uid.clone(),
                    ..Declared::default()
                };
                receiver = Some(door.archive.receive(asker, declared));
            }
        }
        Self { request, receiver, failure }
    }

    /// Takes a fragment of the data set.
    pub(in crate::dimse) async fn write(&mut self, fragment: &[u8]) {
        let Some(receiver) = &mut self.receiver else { return };
        if let Err(error) = receiver.write(fragment).await {
            self.receiver = None;
            self.failure = Some(Failure::of(&error));
        }
    }

    /// The last fragment was there: the instance is kept durably, or not at all. Answers the response.
    pub(in crate::dimse) async fn finish(self) -> Command {
        let stored = match (self.receiver, self.failure) {
            (Some(receiver), None) => receiver.finish().await.map_err(|error| Failure::of(&error)),
            (_, failure) => Err(failure.unwrap_or_else(Failure::unknown)),
        };
        match stored {
            Ok(stored) => {
                let instance = &stored.facts.sop_instance_uid;
                for warning in &stored.warnings {
                    tracing::warn!(warning, instance, "an instance was kept with a warning");
                }
                match stored.outcome {
                    StoreOutcome::NewVersion(version) => Command {
                        error_comment: Some(format!("other bytes are known under this UID; kept as version {version}")),
                        ..self.request.response(outcome::KEPT_BESIDE_OTHERS)
                    },
                    StoreOutcome::New | StoreOutcome::Duplicate => self.request.response(outcome::SUCCESS),
                }
            }
            Err(Failure { status, comment }) => {
                tracing::warn!(status = format!("{status:04X}"), comment, "an instance was refused");
                Command { error_comment: Some(comment), ..self.request.response(status) }
            }
        }
    }
}

impl Failure {
    fn of(error: &archive::Error) -> Self {
        let status = match error {
            archive::Error::Mismatch(_) => outcome::MISMATCH,
            _ => outcome::words(error.outcome()).c_store,
        };
        Self { status, comment: comment(error) }
    }

    /// What an error of the archive is to a C-FIND.
    pub(in crate::dimse) fn of_find(error: &archive::Error) -> Self {
        Self { status: outcome::words(error.outcome()).c_find, comment: comment(error) }
    }

    fn unknown() -> Self {
        Self {
            status: outcome::words(record::Outcome::Damaged).c_store,
            comment: "the instance was not kept".to_owned(),
        }
    }
}

/// Which file and place are damaged is for the operator, not for a peer.
fn comment(error: &archive::Error) -> String {
    if error.outcome() == record::Outcome::Damaged {
        tracing::error!(%error, "what is kept is damaged");
        return outcome::words(error.outcome()).title.to_owned();
    }
    error.to_string()
}

fn check(context: &Context, request: &Command) -> Result<(), Failure> {
    if request.affected_sop_class_uid.as_ref() != Some(&context.abstract_syntax) {
        let comment = "SOP class differs from the presentation context's".to_owned();
        return Err(Failure { status: outcome::SOP_CLASS_NOT_SUPPORTED, comment });
    }
    if request.affected_sop_instance_uid.as_ref().is_none_or(String::is_empty) {
        let comment = "the command names no SOP instance".to_owned();
        return Err(Failure { status: outcome::words(record::Outcome::Invalid).c_store, comment });
    }
    Ok(())
}
