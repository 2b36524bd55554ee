//! What each fuzz target does with its bytes, and the seeds it starts from. The fuzz targets and the smoke test share it.

pub mod packed;
pub mod sample;

/// A reader under test.
pub struct Body {
    /// The name of the fuzz target.
    pub name: &'static str,
    /// What it does with bytes.
    pub run: fn(&[u8]),
    /// Well-formed input to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every body: one for each form of a sample, and one for single values.
pub const ALL: &[Body] = &[
    Body { name: "delimited", run: sample::read, seeds: sample::delimited },
    Body { name: "sql", run: sample::read, seeds: sample::sql },
    Body { name: "json", run: sample::read, seeds: sample::json },
    Body { name: "columns", run: sample::columns, seeds: sample::values },
    Body { name: "gzip", run: sample::read, seeds: packed::gzip },
    Body { name: "zip", run: sample::read, seeds: packed::zip },
    Body { name: "tar", run: sample::read, seeds: packed::tar },
    Body { name: "workbook", run: sample::read, seeds: packed::workbook },
    Body { name: "database", run: sample::read, seeds: packed::database },
];
