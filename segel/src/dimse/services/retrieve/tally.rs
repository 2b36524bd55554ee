//! Counting sub-operations, and what the counts mean in the end (PS3.4 C.4.2.1.5 to C.4.2.1.8, C.4.3.1.4).

use crate::dimse::services::store::Failure;
use crate::outcome;
use wire::command::{Command, DATA_SET_FOLLOWS};
use wire::dataset::{Draft, Tag, VR};
use wire::syntax::{Encoding, TransferSyntax};

const FAILED_SOP_INSTANCE_UID_LIST: Tag = Tag(0x0008, 0x0058);
/// Bytes of a value with a length of 16 bits, as UI has in Explicit VR (PS3.5 7.1.2); even.
const LIST_BYTES_MAX: usize = 65_534;

/// How a sub-operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dimse::services) enum Ended {
    Completed,
    Warning,
    Failed,
}

impl Ended {
    /// By the status of the C-STORE response (PS3.7 Annex C).
    pub(in crate::dimse::services) fn of(status: Option<u16>) -> Self {
        match status {
            Some(0x0000) => Self::Completed,
            Some(0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF) => Self::Warning,
            _ => Self::Failed,
        }
    }
}

/// The counts of one C-GET or C-MOVE.
#[derive(Debug, Default)]
pub(in crate::dimse::services) struct Tally {
    remaining: usize,
    completed: usize,
    warning: usize,
    failed: Vec<String>,
    /// What would have helped the first that failed for a reason of ours.
    comment: Option<String>,
}

impl Tally {
    /// Before the first of so many sub-operations.
    pub(in crate::dimse::services) fn new(sub_operations: usize) -> Self {
        Self { remaining: sub_operations, ..Self::default() }
    }

    /// Counts one off.
    pub(in crate::dimse::services) fn count(&mut self, ended: Ended, sop_instance_uid: &str) {
        self.remaining = self.remaining.saturating_sub(1);
        match ended {
            Ended::Completed => self.completed = self.completed.saturating_add(1),
            Ended::Warning => self.warning = self.warning.saturating_add(1),
            Ended::Failed => self.failed.push(sop_instance_uid.to_owned()),
        }
    }

    /// Counts off one that could not be sent, and why: the last response says it.
    pub(in crate::dimse::services) fn fail(&mut self, sop_instance_uid: &str, comment: String) {
        self.count(Ended::Failed, sop_instance_uid);
        self.comment.get_or_insert(comment);
    }

    /// What a pending response says.
    pub(in crate::dimse::services) fn pending(&self, request: &Command) -> Command {
        Command { remaining_suboperations: Some(number(self.remaining)), ..self.counted(request, outcome::PENDING) }
    }

    /// The response after the last sub-operation, and its data set if there are instances to name.
    pub(in crate::dimse::services) fn last(&self, request: &Command, syntax: &str) -> (Command, Option<Vec<u8>>) {
        let status = match (self.failed.is_empty(), self.completed.saturating_add(self.warning)) {
            (false, 0) => outcome::UNABLE_TO_PERFORM_SUB_OPERATIONS,
            (true, _) if self.warning == 0 => outcome::SUCCESS,
            _ => outcome::SUB_OPERATIONS_WITH_FAILURES,
        };
        self.with_list(self.counted(request, status), syntax)
    }

    /// The response to a C-CANCEL.
    pub(in crate::dimse::services) fn cancelled(&self, request: &Command, syntax: &str) -> (Command, Option<Vec<u8>>) {
        let counted = self.counted(request, outcome::CANCEL);
        self.with_list(Command { remaining_suboperations: Some(number(self.remaining)), ..counted }, syntax)
    }

    fn counted(&self, request: &Command, status: u16) -> Command {
        Command {
            completed_suboperations: Some(number(self.completed)),
            failed_suboperations: Some(number(self.failed.len())),
            warning_suboperations: Some(number(self.warning)),
            ..request.response(status)
        }
    }

    fn with_list(&self, response: Command, syntax: &str) -> (Command, Option<Vec<u8>>) {
        let response = Command { error_comment: self.comment.clone(), ..response };
        if self.failed.is_empty() {
            return (response, None);
        }
        let encoding = TransferSyntax::of(syntax).encoding();
        let mut list = String::new();
        for uid in &self.failed {
            let longer = list.len().saturating_add(uid.len()).saturating_add(1);
            // The count is whole in any case.
            if encoding != Encoding::ImplicitLittle && longer > LIST_BYTES_MAX {
                break;
            }
            if !list.is_empty() {
                list.push('\\');
            }
            list.push_str(uid);
        }
        match Draft::new().text(FAILED_SOP_INSTANCE_UID_LIST, VR::UI, &list).encode(encoding) {
            Ok(identifier) => (Command { command_data_set_type: DATA_SET_FOLLOWS, ..response }, Some(identifier)),
            Err(error) => {
                tracing::warn!(%error, "the list of failed instances cannot be written, and is left out");
                (response, None)
            }
        }
    }
}

/// The response to a request that no sub-operation was begun for.
pub(in crate::dimse::services) fn refused(request: &Command, failure: Failure) -> Command {
    tracing::warn!(status = format!("{:04X}", failure.status), failure.comment, "a retrieve was refused");
    Command { error_comment: Some(failure.comment), ..request.response(failure.status) }
}

/// `limits::LOCATED_MAX` fits the 16 bits of the counters.
fn number(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::command::field;
    use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

    fn request() -> Command {
        Command { command_field: field::C_GET_RQ, message_id: Some(5), ..Command::default() }
    }

    /// The UIDs of the one element behind its header, which has eight bytes in either syntax.
    fn named(list: Option<Vec<u8>>) -> Vec<String> {
        let Some(bytes) = list else { return Vec::new() };
        assert_eq!(bytes[..4], [8, 0, 0x58, 0]);
        let text = String::from_utf8(bytes[8..].to_vec()).unwrap();
        text.trim_end_matches('\0').split('\\').map(str::to_owned).collect()
    }

    #[test]
    fn the_last_status_follows_from_the_counts() {
        use Ended::*;
        for (ends, status) in [
            (&[][..], 0x0000),
            (&[Completed, Completed], 0x0000),
            (&[Completed, Warning], 0xB000),
            (&[Completed, Failed], 0xB000),
            (&[Warning, Failed], 0xB000),
            (&[Failed, Failed], 0xA702),
        ] {
            let mut tally = Tally::new(ends.len());
            for (number, ended) in ends.iter().enumerate() {
                tally.count(*ended, &format!("1.2.{number}"));
            }
            let (last, list) = tally.last(&request(), EXPLICIT_LITTLE);
            assert_eq!(last.status, Some(status), "{ends:?}");
            assert_eq!((last.command_field, last.message_id_being_responded_to), (0x8010, Some(5)));
            let failed = ends.iter().filter(|e| **e == Failed).count();
            assert_eq!((last.failed_suboperations, last.remaining_suboperations), (Some(failed as u16), None));
            assert_eq!((last.has_data_set(), named(list).len()), (failed > 0, failed), "{ends:?}");
        }
    }

    #[test]
    fn the_last_response_says_why_the_first_was_not_sent() {
        let mut tally = Tally::new(3);
        tally.count(Ended::Completed, "1.1");
        tally.fail("1.2", "not sent: accept 1.2.3".to_owned());
        tally.fail("1.3", "not sent: accept 1.2.4".to_owned());
        assert_eq!(tally.pending(&request()).error_comment, None);
        for (response, list) in [tally.last(&request(), EXPLICIT_LITTLE), tally.cancelled(&request(), EXPLICIT_LITTLE)]
        {
            assert_eq!(response.error_comment.as_deref(), Some("not sent: accept 1.2.3"));
            assert_eq!(named(list), ["1.2", "1.3"]);
        }
    }

    #[test]
    fn a_cancelled_operation_says_what_is_left() {
        let mut tally = Tally::new(5);
        tally.count(Ended::Completed, "1.1");
        tally.count(Ended::Failed, "1.2");
        let pending = tally.pending(&request());
        assert_eq!(
            (pending.status, pending.remaining_suboperations, pending.completed_suboperations),
            (Some(0xFF00), Some(3), Some(1))
        );
        let (cancelled, list) = tally.cancelled(&request(), IMPLICIT_LITTLE);
        assert_eq!((cancelled.status, cancelled.remaining_suboperations), (Some(0xFE00), Some(3)));
        assert_eq!(named(list), ["1.2"]);
    }

    #[test]
    fn a_list_longer_than_its_length_field_is_cut_at_a_uid() {
        let uid = |n: usize| format!("1.2.826.0.1.3680043.10.1561.{n:08}");
        let mut tally = Tally::new(4000);
        for n in 0..4000 {
            tally.count(Ended::Failed, &uid(n));
        }
        let (last, list) = tally.last(&request(), EXPLICIT_LITTLE);
        assert_eq!(last.failed_suboperations, Some(4000));
        let short = named(list);
        assert!((1700..4000).contains(&short.len()) && short.iter().enumerate().all(|(n, named)| *named == uid(n)));
        assert_eq!(named(tally.last(&request(), IMPLICIT_LITTLE).1).len(), 4000);
    }

    #[test]
    fn responses_of_a_store_are_told_apart() {
        for (status, ended) in [
            (Some(0x0000), Ended::Completed),
            (Some(0xB007), Ended::Warning),
            (Some(0xA700), Ended::Failed),
            (Some(0x0122), Ended::Failed),
            (None, Ended::Failed),
        ] {
            assert_eq!(Ended::of(status), ended);
        }
    }
}
