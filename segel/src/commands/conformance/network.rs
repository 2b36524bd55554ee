//! Services, presentation contexts and statuses of the DIMSE door.

use super::classes::STORAGE;
use super::syntaxes;
use super::table::Table;
use crate::commands::pull;
use crate::commitment::{CLASS_INSTANCE_CONFLICT, NO_SUCH_OBJECT_INSTANCE};
use crate::dimse::described::{Answered, COMMITMENT_STATUSES, answered};
use crate::outcome::{self, Words};
use dicom_core::dictionary::UidDictionary as _;
use dicom_dictionary_std::{StandardSopClassDictionary, uids};
use record::Outcome;

/// SOP classes beside those of storage that the door may know.
const SERVICES: [&str; 9] = [
    uids::VERIFICATION,
    uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND,
    uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE,
    uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET,
    uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND,
    uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE,
    uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET,
    uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND,
    uids::STORAGE_COMMITMENT_PUSH_MODEL,
];

/// What the archive asks of peers.
fn asked() -> [&'static str; 5] {
    [uids::VERIFICATION, pull::FIND, pull::GET, pull::MOVE, crate::dimse::commitment::SOP_CLASS]
}

fn name(uid: &str) -> &str {
    StandardSopClassDictionary.by_uid(uid).map_or(uid, |entry| entry.name)
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "-" }
}

fn all_answered() -> impl Iterator<Item = Answered> {
    SERVICES.into_iter().filter_map(answered)
}

/// The overview.
pub fn services() -> String {
    let mut table = Table::new(&["SOP class", "User of the service (SCU)", "Provider of the service (SCP)"]);
    let stored = STORAGE.into_iter().filter(|uid| answered(uid).is_some_and(|answer| answer.is_storage)).count();
    table.row([&format!("Storage: {stored} SOP classes of the standard (annex A), and private ones"), "yes", "yes"]);
    for uid in SERVICES {
        table.row([name(uid), yes(asked().contains(&uid)), yes(answered(uid).is_some())]);
    }
    table.end()
}

/// What is accepted, as the door answers it.
pub fn accepted() -> String {
    let mut table = Table::new(&["Abstract syntax", "UID", "Transfer syntaxes", "Role of the archive"]);
    for answer in all_answered() {
        let role = if answer.peer_may_be_scp { "SCP; SCU by role selection" } else { "SCP" };
        let syntaxes = syntaxes::list(answer.transfer_syntaxes.iter().copied());
        table.row([name(&answer.sop_class), &answer.sop_class, &syntaxes, role]);
    }
    table.row(["each of annex A", "annex A", "each of annex B", "SCP; SCU by role selection, for C-GET"]);
    table.end()
}

/// The SOP classes of storage.
pub fn storage() -> String {
    let mut table = Table::new(&["SOP class", "UID"]);
    for uid in STORAGE.into_iter().filter(|uid| answered(uid).is_some_and(|answer| answer.is_storage)) {
        table.row([name(uid), uid]);
    }
    table.end()
}

/// In how many transfer syntaxes every storage SOP class is accepted.
pub fn storage_syntaxes() -> usize {
    let counts = STORAGE.into_iter().filter_map(answered).map(|answer| answer.transfer_syntaxes.len());
    counts.min().unwrap_or_default()
}

/// What the archive proposes to peers.
pub fn proposed() -> String {
    let mut table = Table::new(&["When", "Abstract syntax", "Transfer syntaxes", "Role"]);
    let plain = "Explicit VR Little Endian, Implicit VR Little Endian";
    table.row([
        "C-MOVE sub-operations",
        "the SOP class of each instance that is sent",
        "one for each context: that in which it is kept, and Explicit and Implicit VR Little Endian where nothing is lost",
        "SCU",
    ]);
    table.row(["`segel send`", "the SOP class of each instance that is sent", "that in which it is kept", "SCU"]);
    for uid in [uids::VERIFICATION, pull::FIND, pull::GET, pull::MOVE] {
        table.row(["`segel pull`", name(uid), plain, "SCU"]);
    }
    let pairs = "one for each context: that which the PACS names, then those of `segel pull` below";
    table.row([
        "`segel pull` by C-GET",
        "the SOP classes that the PACS names, else those of `segel pull` below",
        pairs,
        "SCP",
    ]);
    let commitment = name(crate::dimse::commitment::SOP_CLASS);
    table.row(["`segel send --commit`", commitment, plain, "SCU"]);
    table.row(["a report of storage commitment", commitment, plain, "SCP"]);
    table.end()
}

/// What a pull proposes where the old PACS does not say what it has.
pub fn pulled() -> String {
    pull::CLASSES.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What is granted of extended negotiation.
pub fn extended() -> String {
    let mut table = Table::new(&["SOP class", "Granted where it is asked for"]);
    for answer in all_answered().filter(|answer| !answer.extended.is_empty()) {
        table.row([name(&answer.sop_class), &answer.extended.join("; ")]);
    }
    table.end()
}

/// Statuses: of the outcomes, and those that say more.
fn statuses(of: impl Fn(&Words) -> u16, further: &[(u16, &str)]) -> String {
    let mut rows: Vec<(u16, String)> = further.iter().map(|(status, words)| (*status, (*words).to_owned())).collect();
    for words in outcome::all() {
        let when = format!("{}: {}", words.title, what_to_do(words.outcome));
        match rows.iter_mut().find(|(status, _)| *status == of(words)) {
            Some((_, text)) => *text = format!("{text}; {when}"),
            None => rows.push((of(words), when)),
        }
    }
    rows.sort_by_key(|(status, _)| *status);
    let mut table = Table::new(&["Status", "Meaning"]);
    for (status, words) in rows {
        table.row([&format!("{status:04X}"), &words]);
    }
    table.end()
}

fn what_to_do(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Invalid => "sending it again unchanged gives the same answer",
        Outcome::Refused => "the peer's facility may not, or there is no such thing; the two look alike",
        Outcome::Busy => "no room, no disk space or no key service at the moment",
        Outcome::Damaged => "an operator has to look at it",
        Outcome::Closed => "it will be back",
        Outcome::Exhausted => "the peer's budget of different patients is spent: it has room again later",
    }
}

/// C-STORE.
pub fn store_statuses() -> String {
    statuses(
        |words| words.c_store,
        &[
            (outcome::SUCCESS, "Success: it is durably kept, now or already before with the same bytes"),
            (
                outcome::KEPT_BESIDE_OTHERS,
                "Warning: other bytes are known under this SOP Instance UID; kept as a new version beside them",
            ),
            (outcome::MISMATCH, "Error: data set and command, or data set and SOP class, disagree"),
            (outcome::SOP_CLASS_NOT_SUPPORTED, "Error: the SOP class is not that of the presentation context"),
        ],
    )
}

/// C-FIND.
pub fn find_statuses() -> String {
    statuses(
        |words| words.c_find,
        &[
            (outcome::SUCCESS, "Success: no more matches"),
            (outcome::PENDING, "Pending: a match; every key with a value was matched"),
            (outcome::PENDING_KEYS_UNSUPPORTED, "Pending: a match; keys that are not in the tables narrowed nothing"),
            (outcome::CANCEL, "Cancel: ended by C-CANCEL"),
            (outcome::MISMATCH, "Failed: the identifier does not fit the information model"),
        ],
    )
}

/// C-GET and C-MOVE.
pub fn retrieve_statuses() -> String {
    statuses(
        |words| words.c_move,
        &[
            (outcome::SUCCESS, "Success: every sub-operation completed, or there was nothing to send"),
            (outcome::PENDING, "Pending: sub-operations go on"),
            (outcome::SUB_OPERATIONS_WITH_FAILURES, "Warning: one or more sub-operations failed or warned"),
            (outcome::CANCEL, "Cancel: ended by C-CANCEL"),
            (outcome::UNABLE_TO_PERFORM_SUB_OPERATIONS, "Failed: every sub-operation failed"),
            (
                outcome::MOVE_DESTINATION_UNKNOWN,
                "Failed (C-MOVE): the destination is not registered with an address, or is another facility's",
            ),
            (outcome::MISMATCH, "Failed: the identifier does not fit the information model, or names too much"),
        ],
    )
}

/// N-ACTION and N-EVENT-REPORT, and the reasons in a report.
pub fn commitment_statuses() -> String {
    let mut table = Table::new(&["Code", "Where", "Meaning"]);
    table.row([
        "0000",
        "status",
        "Success: the request is taken, and its report is durably kept; or the report is taken",
    ]);
    for (status, name, when) in COMMITMENT_STATUSES {
        table.row([format!("{status:04X}").as_str(), "status", &format!("{name}: {when}")]);
    }
    let reasons = [
        (NO_SUCH_OBJECT_INSTANCE, "No such object instance: the sender's own facility has sent none of this UID"),
        (CLASS_INSTANCE_CONFLICT, "Class / instance conflict: it is kept under another SOP class"),
    ];
    for (reason, words) in reasons {
        table.row([format!("{reason:04X}").as_str(), "Failure Reason (0008,1197)", words]);
    }
    table.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_takes_each_class_that_is_listed_in_every_syntax() {
        for uid in STORAGE {
            let answer = answered(uid).unwrap();
            assert!(answer.is_storage && answer.peer_may_be_scp && name(uid) != uid, "{uid}");
            assert_eq!(answer.transfer_syntaxes.len(), wire::syntax::TransferSyntax::standard().count(), "{uid}");
        }
        assert!(all_answered().all(|answer| !answer.is_storage));
        assert_eq!(all_answered().count(), SERVICES.len());
    }

    /// The dictionary knows no order, so its storage classes are looked for where PS3.6 puts them.
    #[test]
    fn every_storage_class_that_the_dictionary_has_is_listed() {
        let arc = "1.2.840.10008.5.1.4.1.1";
        let mut looked = vec![arc.to_owned()];
        for depth in 0..3 {
            let last = if depth == 0 { 700 } else { 60 };
            let known = |uid: &String| depth == 0 || uid != arc;
            let below: Vec<String> = looked
                .iter()
                .filter(|uid| known(uid))
                .flat_map(|uid| (1..=last).map(move |number| format!("{uid}.{number}")))
                .collect();
            for uid in &below {
                let is_there = StandardSopClassDictionary.by_uid(uid).is_some();
                let is_taken = answered_storage(uid);
                assert!(!is_there || !is_taken || STORAGE.contains(&uid.as_str()), "{uid}");
            }
            looked = if depth == 0 { below } else { below.into_iter().filter(|uid| uid.contains(".77.")).collect() };
        }
    }

    fn answered_storage(uid: &str) -> bool {
        StandardSopClassDictionary.by_uid(uid).is_some() && answered(uid).is_some_and(|answer| answer.is_storage)
    }
}
