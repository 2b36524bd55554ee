//! What an outcome is called in each protocol: one table, held by a golden test.

use record::Outcome;

/// One outcome in the words of every door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// The kind.
    pub outcome: Outcome,
    /// C-STORE status (PS3.4 Table B.2-1, PS3.7 Annex C).
    pub c_store: u16,
    /// C-FIND status (PS3.4 Table C.4-1, PS3.7 Annex C).
    pub c_find: u16,
    /// C-GET and C-MOVE status before any sub-operation (PS3.4 Tables C.4-2 and C.4-3, PS3.7 Annex C).
    pub c_move: u16,
    /// HTTP status of a read. What is refused and what is not there look alike.
    pub http_read: u16,
    /// HTTP status of a write, which tells nothing of what is kept.
    pub http_write: u16,
    /// Title of the problem (RFC 9457).
    pub title: &'static str,
    /// OperationOutcome issue code (FHIR `IssueType`) of a read.
    pub fhir_read: &'static str,
    /// OperationOutcome issue code of a write.
    pub fhir_write: &'static str,
}

/// C-STORE: Success.
pub const SUCCESS: u16 = 0x0000;
/// C-STORE: a warning (PS3.4 Table B.2-1 leaves B0xxH to them; the comment beside it says what): kept, but beside other
/// bytes under the same SOP Instance UID.
pub const KEPT_BESIDE_OTHERS: u16 = 0xB000;
/// C-FIND: matches continue, all optional keys supported. C-GET, C-MOVE: sub-operations continue.
pub const PENDING: u16 = 0xFF00;
/// C-FIND: matches continue, some optional keys were not supported.
pub const PENDING_KEYS_UNSUPPORTED: u16 = 0xFF01;
/// C-FIND, C-GET, C-MOVE: ended by C-CANCEL.
pub const CANCEL: u16 = 0xFE00;
/// C-GET, C-MOVE: every sub-operation failed (PS3.4 Tables C.4-2 and C.4-3: unable to perform sub-operations).
pub const UNABLE_TO_PERFORM_SUB_OPERATIONS: u16 = 0xA702;
/// C-MOVE: the destination is not known.
pub const MOVE_DESTINATION_UNKNOWN: u16 = 0xA801;
/// C-GET, C-MOVE: one or more sub-operations failed or gave a warning.
pub const SUB_OPERATIONS_WITH_FAILURES: u16 = 0xB000;
/// The data set does not match the SOP class; the identifier does not match the SOP class.
pub const MISMATCH: u16 = 0xA900;
/// PS3.7 Annex C.5.24: SOP class not supported.
pub const SOP_CLASS_NOT_SUPPORTED: u16 = 0x0122;
/// PS3.7 Annex C.5.27: unrecognized operation.
pub const UNRECOGNIZED_OPERATION: u16 = 0x0211;

const TABLE: [Words; 6] = [
    Words {
        outcome: Outcome::Invalid,
        c_store: 0xC000, // Error: cannot understand
        c_find: 0xC000,  // Failed: unable to process
        c_move: 0xC000,
        http_read: 400,
        http_write: 400,
        title: "The request cannot be understood",
        fhir_read: "invalid",
        fhir_write: "invalid",
    },
    Words {
        outcome: Outcome::Refused,
        c_store: 0x0124, // Refused: not authorized
        c_find: 0x0124,
        c_move: 0x0124,
        http_read: 404,
        http_write: 403,
        title: "Not there, or not allowed",
        fhir_read: "not-found",
        fhir_write: "forbidden",
    },
    Words {
        outcome: Outcome::Busy,
        c_store: 0xA700, // Refused: out of resources
        c_find: 0xA700,
        c_move: 0xA701, // Refused: out of resources, unable to calculate number of matches
        http_read: 503,
        http_write: 503,
        title: "Try again later",
        fhir_read: "transient",
        fhir_write: "transient",
    },
    Words {
        outcome: Outcome::Damaged,
        c_store: 0x0110, // Processing failure
        c_find: 0x0110,
        c_move: 0x0110,
        http_read: 500,
        http_write: 500,
        title: "The archive is damaged",
        fhir_read: "exception",
        fhir_write: "exception",
    },
    Words {
        outcome: Outcome::Closed,
        c_store: 0xA700,
        c_find: 0xA700,
        c_move: 0xA701, // Refused: out of resources, unable to calculate number of matches
        http_read: 503,
        http_write: 503,
        title: "The archive is shutting down",
        fhir_read: "transient",
        fhir_write: "transient",
    },
    Words {
        outcome: Outcome::Exhausted,
        c_store: 0xA700, // Refused: out of resources
        c_find: 0xA700,
        c_move: 0xA702, // Refused: out of resources, unable to perform sub-operations
        http_read: 429, // RFC 6585 section 4
        http_write: 429,
        title: "Your budget of patients is spent",
        fhir_read: "throttled",
        fhir_write: "throttled",
    },
];

/// Every outcome.
pub fn all() -> &'static [Words] {
    &TABLE
}

/// The words of an outcome.
pub fn words(outcome: Outcome) -> &'static Words {
    const LAST: &Words = {
        let [.., closed, _] = &TABLE;
        closed
    };
    TABLE.iter().find(|words| words.outcome == outcome).unwrap_or(LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What peers rely on. A change here is a change of the interface: say so in the changelog.
    const GOLDEN: &str = "\
Invalid C000 C000 C000 400 400 invalid invalid
Refused 0124 0124 0124 404 403 not-found forbidden
Busy A700 A700 A701 503 503 transient transient
Damaged 0110 0110 0110 500 500 exception exception
Closed A700 A700 A701 503 503 transient transient
Exhausted A700 A700 A702 429 429 throttled throttled
";

    #[test]
    fn the_table_is_what_peers_were_told() {
        let kinds =
            [Outcome::Invalid, Outcome::Refused, Outcome::Busy, Outcome::Damaged, Outcome::Closed, Outcome::Exhausted];
        let written: String = kinds
            .into_iter()
            .map(words)
            .map(|w| {
                format!(
                    "{:?} {:04X} {:04X} {:04X} {} {} {} {}\n",
                    w.outcome, w.c_store, w.c_find, w.c_move, w.http_read, w.http_write, w.fhir_read, w.fhir_write
                )
            })
            .collect();
        assert_eq!(written, GOLDEN);
    }
}
