//! What each fuzz target does with its bytes, and the seeds it starts from. The fuzz targets and the smoke test share it.

pub mod dataset;
pub mod protocol;
pub mod samples;

/// A public entry point under test: its name, what it does with bytes, and well-formed input to start from.
pub type Body = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>);

/// Every body. A public reader of `wire` without an entry here is not fuzzed.
pub const ALL: &[Body] = &[
    ("scanner", dataset::scanner, dataset::scanner_seeds),
    ("part10", dataset::part10, dataset::part10_seeds),
    ("charset", dataset::charset, dataset::charset_seeds),
    ("draft", dataset::draft, dataset::draft_seeds),
    ("pdu", protocol::pdu, protocol::pdu_seeds),
    ("command", protocol::command, protocol::command_seeds),
    ("multipart", protocol::multipart, protocol::multipart_seeds),
    ("fhir", protocol::fhir, protocol::fhir_seeds),
];
