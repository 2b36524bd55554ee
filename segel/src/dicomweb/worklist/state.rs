//! The states of a workitem, and which change leads from which to which: PS3.4 Table CC.1.1-2 as data.

use super::answer;
use axum::http::StatusCode;

/// ProcedureStepState (0074,1000).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be done by whoever claims it.
    Scheduled,
    /// Claimed: changed only by who knows the Transaction UID.
    InProgress,
    /// Done.
    Completed,
    /// Given up.
    Canceled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::InProgress, Self::Completed, Self::Canceled];

    /// The enumerated value.
    pub fn text(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Canceled => "CANCELED",
        }
    }

    /// Reads an enumerated value.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.text() == text.trim())
    }
}

/// The Transaction UID of a request, held against that of the workitem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The right one; before a claim, any.
    Correct,
    /// Another.
    Incorrect,
    /// None.
    Missing,
}

/// What a request to change the state leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The state is changed; into a final one only if its requirements are met (C304 otherwise).
    Change,
    /// B304, B306: it is in that state already.
    Already,
    /// C300: it is final and may not be changed any more.
    Final,
    /// C301: the correct Transaction UID was not given.
    Locked,
    /// C302: somebody has claimed it.
    Claimed,
    /// C303: only a new one is scheduled.
    OnlyCreated,
    /// C310: nobody has claimed it.
    Unclaimed,
}

use Outcome::{Already, Change, Claimed, Final, Locked, OnlyCreated, Unclaimed};
use State::{Canceled, Completed, InProgress, Scheduled};

/// (asked for, with the correct Transaction UID) and what becomes of it from each state in the order of [`State::ALL`].
const TABLE: [(State, bool, [Outcome; 4]); 8] = [
    (InProgress, true, [Change, Claimed, Final, Final]),
    (InProgress, false, [Locked, Locked, Locked, Locked]),
    (Scheduled, true, [OnlyCreated, OnlyCreated, OnlyCreated, OnlyCreated]),
    (Scheduled, false, [OnlyCreated, OnlyCreated, OnlyCreated, OnlyCreated]),
    (Completed, true, [Unclaimed, Change, Already, Final]),
    (Completed, false, [Locked, Locked, Locked, Locked]),
    (Canceled, true, [Unclaimed, Change, Final, Already]),
    (Canceled, false, [Locked, Locked, Locked, Locked]),
];

/// What a request leads to.
pub fn outcome(current: State, asked: State, lock: Lock) -> Outcome {
    let row = TABLE.iter().find(|(to, correct, _)| *to == asked && *correct == (lock == Lock::Correct));
    let column = State::ALL.iter().position(|state| *state == current);
    row.zip(column).and_then(|((_, _, row), column)| row.get(column)).copied().unwrap_or(Locked)
}

/// Status, warning and sentence of a refusal.
pub fn refusal(outcome: Outcome, lock: Lock) -> (StatusCode, &'static str, &'static str) {
    match (outcome, lock) {
        (Locked, Lock::Missing) => (
            StatusCode::BAD_REQUEST,
            answer::TRANSACTION_UID_MISSING,
            "TransactionUID is missing; it is chosen by who claims the workitem, and known to nobody else.",
        ),
        (Locked, _) => (
            StatusCode::BAD_REQUEST,
            answer::TRANSACTION_UID_INCORRECT,
            "TransactionUID is not the one with which the workitem was claimed.",
        ),
        (OnlyCreated, _) => (
            StatusCode::BAD_REQUEST,
            answer::CHANGE_INCONSISTENT,
            "ProcedureStepState becomes IN PROGRESS, COMPLETED or CANCELED; only a new workitem is SCHEDULED.",
        ),
        (Claimed, _) => (StatusCode::CONFLICT, answer::CHANGE_INCONSISTENT, "The workitem is IN PROGRESS already."),
        (Unclaimed, _) => (StatusCode::CONFLICT, answer::CHANGE_INCONSISTENT, "The workitem is not yet IN PROGRESS."),
        (Final | Already | Change, _) => {
            (StatusCode::CONFLICT, answer::CHANGE_INCONSISTENT, "The workitem is COMPLETED or CANCELED.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status codes of PS3.4 Table CC.1.1-2, column by column; `-` is a change.
    const STANDARD: [(&str, Lock, [&str; 4]); 8] = [
        ("IN PROGRESS", Lock::Correct, ["-", "C302", "C300", "C300"]),
        ("IN PROGRESS", Lock::Incorrect, ["C301", "C301", "C301", "C301"]),
        ("SCHEDULED", Lock::Correct, ["C303", "C303", "C303", "C303"]),
        ("COMPLETED", Lock::Correct, ["C310", "-", "B306", "C300"]),
        ("COMPLETED", Lock::Missing, ["C301", "C301", "C301", "C301"]),
        ("CANCELED", Lock::Correct, ["C310", "-", "C300", "B304"]),
        ("CANCELED", Lock::Incorrect, ["C301", "C301", "C301", "C301"]),
        ("SCHEDULED", Lock::Missing, ["C303", "C303", "C303", "C303"]),
    ];

    #[test]
    fn every_request_in_every_state_has_the_standards_answer() {
        for (asked, lock, row) in STANDARD {
            let asked = State::of(asked).unwrap();
            for (current, code) in State::ALL.into_iter().zip(row) {
                let is = match outcome(current, asked, lock) {
                    Change => "-",
                    Final => "C300",
                    Locked => "C301",
                    Claimed => "C302",
                    OnlyCreated => "C303",
                    Unclaimed => "C310",
                    Already if asked == Canceled => "B304",
                    Already => "B306",
                };
                assert_eq!(is, code, "{current:?} to {asked:?} with {lock:?}");
            }
        }
    }

    #[test]
    fn only_the_standards_values_are_states() {
        for state in State::ALL {
            assert_eq!(State::of(state.text()), Some(state));
        }
        for wrong in ["CANCELLED", "INPROGRESS", "completed", ""] {
            assert_eq!(State::of(wrong), None);
        }
    }
}
